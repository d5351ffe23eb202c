//! A request as a command to try again: its token masked, its body as it is kept, nothing in it that a shell would take for more
//! than text.

use askama::Template;
use askama::filters::HtmlSafe;

use crate::base::secret::masked;
use crate::store::{ActivityBody, ActivityRow, Token};

/// The command, with a button that copies it.
#[derive(Template, Clone, Debug, Default)]
#[template(path = "parts/curl.html")]
pub struct Curl {
    pub text: String,
}

impl HtmlSafe for Curl {}

impl Curl {
    /// The command of a request; empty where the row stands for several.
    pub fn of(origin: &str, row: &ActivityRow, body: &ActivityBody, tokens: &[Token]) -> Curl {
        let activity = &row.activity;
        if activity.method.is_empty() {
            return Curl::default();
        }
        let target = match activity.query.as_str() {
            "" => activity.path.clone(),
            query => format!("{}?{query}", activity.path),
        };
        let mut parts =
            vec![format!("curl -X {} {}", quoted(&activity.method), quoted(&format!("{origin}{target}")))];
        if let Some(token) = activity.token.and_then(|n| tokens.iter().find(|token| token.n == n)) {
            let token = masked(&token.last4, token.region.as_deref());
            parts.push(format!("-H {}", quoted(&format!("Authorization: Bearer {token}"))));
        }
        if let Some(body) = &body.request {
            parts.push("-H 'Content-Type: application/scim+json'".to_owned());
            parts.push(format!("--data {}", quoted(&String::from_utf8_lossy(body))));
        }
        Curl { text: parts.join(" \\\n  ") }
    }
}

/// A text as one word of a shell.
fn quoted(text: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_./:".contains(c);
    if !text.is_empty() && text.chars().all(plain) {
        return text.to_owned();
    }
    format!("'{}'", text.replace('\'', "'\\''"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::Activity;

    #[test]
    fn nothing_leaves_its_quotes() {
        let activity = Activity {
            method: "POST".into(),
            path: "/scim/Users".into(),
            query: "a='; rm -rf /".into(),
            ..Activity::default()
        };
        let body = ActivityBody { request: Some(b"{\"x\":\"it's $(id)\"}".to_vec()), answer: None };
        let curl = Curl::of("https://scim.example.com", &ActivityRow { n: 1, activity }, &body, &[]).text;
        assert_eq!(
            curl,
            "curl -X POST 'https://scim.example.com/scim/Users?a='\\''; rm -rf /' \\\n  \
             -H 'Content-Type: application/scim+json' \\\n  --data '{\"x\":\"it'\\''s $(id)\"}'"
        );
        assert!(
            Curl::of("x", &ActivityRow { n: 1, activity: Activity::default() }, &body, &[]).text.is_empty()
        );
    }
}
