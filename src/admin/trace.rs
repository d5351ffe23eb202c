//! What became of a request from its arrival to its answer, as far as this server knows.

use askama::Template;
use askama::filters::HtmlSafe;

use super::history::sender;
use super::parts::{Mark, clipped};
use super::when::duration;
use crate::service::Cause;
use crate::store::{ActivityRow, Token};

/// What became of a request, step by step.
#[derive(Template)]
#[template(path = "parts/trace.html")]
pub struct Trace {
    steps: Vec<Step>,
}

impl HtmlSafe for Trace {}

struct Step {
    kind: &'static str,
    text: String,
    at: String,
}

impl Step {
    fn mark(&self) -> Mark {
        Mark { kind: self.kind }
    }
}

/// What became of the request, step by step, as far as this server knows.
pub fn trace(row: &ActivityRow, token: Option<&Token>) -> Trace {
    let activity = &row.activity;
    let step = |kind, text: String, at: String| Step { kind, text, at };
    let mut steps = vec![step("ok", "Request received".into(), "0 ms".into())];
    let cause = activity.cause.as_deref().and_then(Cause::from_key);
    match token {
        Some(token) if !cause.is_some_and(Cause::is_token) => {
            steps.push(step("ok", format!("Token “{}” accepted", clipped(&token.name, 60)), String::new()));
        }
        _ => {}
    }
    if activity.status >= 400 {
        let why = cause.map_or("The request was refused", |cause| cause.words().name);
        let word = if activity.status >= 500 { "Failed" } else { "Refused" };
        steps.push(step("bad", format!("{word}: {why}"), String::new()));
    } else if let Some((first, last)) = activity.events {
        let events =
            if first == last { format!("event {first}") } else { format!("events {first} to {last}") };
        // Of an older row it is not known.
        let mut on_disk = String::new();
        if let Some(checked) = activity.checked_us {
            steps.push(step("ok", "Checked and made".into(), duration(checked)));
            on_disk = duration(activity.duration_us);
        }
        steps.push(step("ok", format!("Written to disk, {events}"), on_disk));
    } else if activity.change {
        steps.push(step("ok", "Checked: nothing had to change".into(), String::new()));
    }
    let who = token.map_or("The sender".to_owned(), sender);
    let answered = format!("{who} was answered with {}", activity.status);
    steps.push(step(
        if activity.status < 400 { "ok" } else { "bad" },
        answered,
        duration(activity.duration_us),
    ));
    Trace { steps }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::Activity;

    #[test]
    fn the_trace_tells_each_step_that_is_known() {
        let told = |activity: Activity| {
            let steps = trace(&ActivityRow { n: 1, activity }, None).steps;
            steps.iter().map(|step| format!("{} {}", step.text, step.at)).collect::<Vec<_>>().join(" | ")
        };
        let done = Activity {
            status: 200,
            change: true,
            events: Some((17, 18)),
            duration_us: 4_000,
            checked_us: Some(1_000),
            ..Activity::default()
        };
        let text = told(done.clone());
        assert_eq!(
            text,
            "Request received 0 ms | Checked and made 1 ms | Written to disk, events 17 to 18 4 ms | The sender was \
             answered with 200 4 ms"
        );
        let text = told(Activity { checked_us: None, ..done.clone() });
        assert!(text.contains("received 0 ms | Written to disk, events 17 to 18  | The"), "{text}");
        let text = told(Activity { events: None, ..done.clone() });
        assert!(text.contains("nothing had to change"), "{text}");
        let cause = Some(Cause::NameTaken.key().to_owned());
        let text = told(Activity { status: 409, cause, ..done });
        assert!(
            text.contains(&format!("Refused: {}", Cause::NameTaken.words().name)) && !text.contains("disk"),
            "{text}"
        );
    }
}
