//! Which identity provider a token seems to be used by: told from what it sends, shown beside the token, and never the
//! reason for anything that is decided.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use serde_json::Value;

use super::{Caller, Service};

/// A sign of a provider.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sign {
    pub provider: &'static str,
    /// It says so itself, or nobody else is known to send this. A faint sign never takes the place of another.
    pub clear: bool,
}

const JUMPCLOUD: &str = "JumpCloud";
const OKTA: &str = "Okta";
const ENTRA: &str = "Entra ID";
const ONELOGIN: &str = "OneLogin";
const GOOGLE: &str = "Google Workspace";

/// Words by which clients name themselves.
const NAMES: [(&str, &str); 25] = [
    ("jumpcloud", JUMPCLOUD),
    ("okta", OKTA),
    ("onelogin", ONELOGIN),
    ("google", GOOGLE),
    ("entra", ENTRA),
    ("azure", ENTRA),
    ("aad", ENTRA),
    ("microsoft", ENTRA),
    ("goauthentik", "authentik"),
    ("keycloak", "Keycloak"),
    ("pingfederate", "PingFederate"),
    ("pingone", "PingOne"),
    ("sailpoint", "SailPoint"),
    ("cyberark", "CyberArk"),
    ("idaptive", "CyberArk"),
    ("rippling", "Rippling"),
    ("workday", "Workday"),
    ("salesforce", "Salesforce"),
    ("miniorange", "miniOrange"),
    ("omada", "Omada"),
    ("saviynt", "Saviynt"),
    ("zitadel", "ZITADEL"),
    ("hibob", "HiBob"),
    ("personio", "Personio"),
    ("terraform", "Terraform"),
];

/// What tells of a provider outside the body.
pub fn of_request(user_agent: &str, query: &str) -> Option<Sign> {
    named(user_agent).or_else(|| query.contains("aadOptscim062020").then(|| clear(ENTRA))).or_else(|| {
        // Okta's look-up comes with its paging, always the same.
        (query.starts_with("filter=userName") && query.ends_with("&startIndex=1&count=100"))
            .then(|| faint(OKTA))
    })
}

/// The first of the names that begins somewhere in the text: "entra" does not in "central".
fn named(text: &str) -> Option<Sign> {
    let bytes = text.as_bytes();
    let is_letter = |at: usize| bytes[at].is_ascii_alphabetic();
    let begins = |at: &usize| is_letter(*at) && (*at == 0 || !is_letter(at - 1));
    let at = |at: usize, word: &str| {
        bytes.get(at..at + word.len()).is_some_and(|said| said.eq_ignore_ascii_case(word.as_bytes()))
    };
    let names = (0..bytes.len())
        .filter(begins)
        .filter_map(|place| NAMES.iter().position(|(word, _)| at(place, word)));
    names.min().map(|number| clear(NAMES[number].1))
}

/// What tells of a provider in the body.
pub fn of_body(body: &Value) -> Option<Sign> {
    let text = |value: &Value, name: &str| value.get(name).and_then(Value::as_str).map(str::to_owned);
    let mut schemas = body.get("schemas").and_then(Value::as_array).into_iter().flatten();
    if schemas.any(|urn| urn.as_str().is_some_and(|urn| urn.contains("schemas.microsoft.com/2006/11/"))) {
        return Some(clear(ENTRA));
    }
    if let Some(operations) = body.get("Operations").and_then(Value::as_array) {
        return operations.iter().find_map(|operation| of_operation(operation, &text(operation, "op")?));
    }
    let enterprise = body.get(crate::scim::registry::ENTERPRISE);
    if enterprise.and_then(|block| block.get("manager")?.get("managerId")).is_some() {
        return Some(clear(ONELOGIN));
    }
    if body.get("id").is_some_and(Value::is_null) {
        return Some(faint(ONELOGIN));
    }
    // The ids of Okta's users are 20 characters that begin with 00u.
    let external = text(body, "externalId")?;
    (external.len() == 20 && external.starts_with("00u")).then(|| clear(OKTA))
}

fn of_operation(operation: &Value, op: &str) -> Option<Sign> {
    if ["Add", "Replace", "Remove"].contains(&op) {
        return Some(clear(ENTRA));
    }
    let value = operation.get("value");
    match operation.get("path").and_then(Value::as_str) {
        None => {
            let value = value?.as_object()?;
            // Okta renames a group with its id and its name, without a path.
            (value.contains_key("id") && value.contains_key("displayName")).then(|| clear(OKTA))
        }
        Some("members") if op == "remove" && value.is_some_and(Value::is_array) => Some(faint(JUMPCLOUD)),
        Some(_) => None,
    }
}

fn clear(provider: &'static str) -> Sign {
    Sign { provider, clear: true }
}

fn faint(provider: &'static str) -> Sign {
    Sign { provider, clear: false }
}

/// The last sign of each token, so that only a new one is written.
#[derive(Debug, Default)]
pub struct Signs(Mutex<HashMap<i64, Sign>>);

impl Signs {
    /// Whether a sign says more than what is known.
    fn is_news(&self, token: i64, sign: Sign) -> bool {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let news = match known.get(&token) {
            None => true,
            Some(old) => sign.clear && *old != sign,
        };
        if news {
            known.insert(token, sign);
        }
        news
    }
}

impl Service {
    /// Notes which provider a token seems to be used by, with the next commit.
    pub fn provider_seen(&self, caller: &Caller, sign: Option<Sign>) {
        let Some(sign) = sign.filter(|sign| self.0.signs.is_news(caller.token, *sign)) else { return };
        let (team, token) = (caller.team, caller.token);
        // What finds no room now is seen again with the next request like it after a restart; nothing hangs on it.
        let _written = self.store().later(move |tx| {
            let known = tx.token(team, token)?.and_then(|token| token.provider);
            if sign.clear || known.is_none() {
                tx.set_token_provider(token, sign.provider)?;
            }
            Ok(())
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn providers_are_known_by_name_and_by_what_they_send() {
        let of = |agent: &str, query: &str| of_request(agent, query).map(|sign| sign.provider);
        assert_eq!(of("Okta SCIM Client 1.0.0", ""), Some(OKTA));
        assert_eq!(of("JumpCloud-SCIM/1", ""), Some(JUMPCLOUD));
        assert_eq!(of("Google-Auto-Provisioning", ""), Some(GOOGLE));
        assert_eq!(of("goauthentik.io/2026.1", ""), Some("authentik"));
        assert_eq!(of("Mozilla/5.0 (MicrosoftEntra)", ""), Some(ENTRA));
        assert_eq!(of("Central-Feed/2 gaad", ""), None);
        assert_eq!(of("", "aadOptscim062020"), Some(ENTRA));
        assert_eq!(of("curl/8", "filter=userName+eq+%22a%22"), None);
        let body = |value| of_body(&value).map(|sign| sign.provider);
        assert_eq!(
            body(
                json!({"schemas": ["http://schemas.microsoft.com/2006/11/ResourceManagement/ADSCIM/2.0/Group"]})
            ),
            Some(ENTRA)
        );
        let patch = |operation: Value| body(json!({ "Operations": [operation] }));
        assert_eq!(patch(json!({"op": "Replace", "path": "active", "value": "False"})), Some(ENTRA));
        assert_eq!(patch(json!({"op": "replace", "value": {"id": "1", "displayName": "x"}})), Some(OKTA));
        assert_eq!(
            patch(json!({"op": "remove", "path": "members", "value": [{"value": "1"}]})),
            Some(JUMPCLOUD)
        );
        assert_eq!(patch(json!({"op": "replace", "path": "active", "value": false})), None);
        assert_eq!(body(json!({"userName": "a", "externalId": "00ujl29u0le5T6Aj10h7"})), Some(OKTA));
        assert_eq!(body(json!({"id": null, "userName": "a"})), Some(ONELOGIN));
        assert_eq!(body(json!(["x"])), None);
    }

    #[test]
    fn a_faint_sign_takes_nobodys_place() {
        let signs = Signs::default();
        assert!(signs.is_news(1, faint(JUMPCLOUD)));
        assert!(!signs.is_news(1, faint(OKTA)));
        assert!(signs.is_news(1, clear(OKTA)));
        assert!(!signs.is_news(1, clear(OKTA)));
        assert!(!signs.is_news(1, faint(JUMPCLOUD)));
    }
}
