//! The form of Team settings: what a team has chosen as fields, and fields as choices. What a choice means and its bounds
//! are the service's.

use askama::Template;
use askama::filters::HtmlSafe;

use super::error::sentence;
use super::parts::{Fact, Field, FieldFault, clipped};
use crate::http::Query;
use crate::service::team_settings::{MIB, lines, unfit};
use crate::service::teams::team_name;
use crate::store::TeamSettings;

/// What stands in the form, as it was entered.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Entered {
    pub name: String,
    keep_requests: String,
    request_size: String,
    keep_history: String,
    keep_inactive: String,
    warn_people: String,
    warn_percent: String,
    same_group_names: bool,
    restore_returning: bool,
}

/// The form.
#[derive(Template)]
#[template(path = "parts/team_form.html")]
pub struct Form {
    base: String,
    csrf: String,
    name: Field,
    keep_requests: Field,
    request_size: Field,
    keep_history: Field,
    keep_inactive: Field,
    warn_people: Field,
    warn_percent: Field,
    same_group_names: bool,
    restore_returning: bool,
    /// How much the requests take now.
    taken: String,
}

impl HtmlSafe for Form {}

impl Entered {
    /// The form of what holds.
    pub fn of(name: &str, chosen: &TeamSettings) -> Entered {
        let text = |number: Option<u32>| number.map(|number| number.to_string()).unwrap_or_default();
        Entered {
            name: name.to_owned(),
            keep_requests: chosen.keep_requests.to_string(),
            request_size: (chosen.request_bytes / MIB).to_string(),
            keep_history: text(chosen.keep_history),
            keep_inactive: text(chosen.keep_inactive),
            warn_people: text(chosen.warn_people),
            warn_percent: text(chosen.warn_percent),
            same_group_names: chosen.same_group_names,
            restore_returning: chosen.restore_returning,
        }
    }

    /// The form as it was sent.
    pub fn sent(form: &Query) -> Entered {
        let text = |name: &str| form.get(name).unwrap_or_default().trim().to_owned();
        Entered {
            name: text("name"),
            keep_requests: text("keep-requests"),
            request_size: text("request-size"),
            keep_history: text("keep-history"),
            keep_inactive: text("keep-inactive"),
            warn_people: text("warn-people"),
            warn_percent: text("warn-percent"),
            same_group_names: form.get("same-group-names").is_some(),
            restore_returning: form.get("restore-returning").is_some(),
        }
    }

    /// The choices, or all that is wrong with the form.
    pub fn read(&self) -> Result<TeamSettings, Vec<FieldFault>> {
        let mut faults = Vec::new();
        if let Err(error) = team_name(&self.name) {
            faults.push(FieldFault::new("name", words(&error.to_string())));
        }
        let mut number = |id: &'static str, text: &str, what: &str| {
            let digits = text.bytes().all(|byte| byte.is_ascii_digit());
            match text.parse::<u32>() {
                Ok(number) if digits => Some(number),
                _ if text.is_empty() => None,
                _ => {
                    faults.push(named(id, &format!("enter {what} in digits")));
                    None
                }
            }
        };
        let days = "the number of days";
        let keep_requests = number("keep-requests", &self.keep_requests, days);
        let size = number("request-size", &self.request_size, "the size in MB");
        let chosen = TeamSettings {
            keep_requests: keep_requests.unwrap_or(1),
            request_bytes: u64::from(size.unwrap_or(1)) * MIB,
            keep_history: number("keep-history", &self.keep_history, days),
            keep_inactive: number("keep-inactive", &self.keep_inactive, days),
            warn_people: number("warn-people", &self.warn_people, "the number of people"),
            warn_percent: number("warn-percent", &self.warn_percent, "the percentage"),
            same_group_names: self.same_group_names,
            restore_returning: self.restore_returning,
        };
        for (id, text) in [("keep-requests", &self.keep_requests), ("request-size", &self.request_size)] {
            if text.is_empty() {
                faults.push(named(id, "enter a number; requests are not kept for ever"));
            }
        }
        let outside = unfit(&chosen).into_iter();
        faults.extend(outside.map(|unfit| named(unfit.name, &unfit.why)));
        if faults.is_empty() { Ok(chosen) } else { Err(faults) }
    }

    /// The form to show.
    pub fn form(&self, base: String, csrf: String, taken: String, faults: &[FieldFault]) -> Form {
        let field = |id, text: &str, hint| Field::new(id, clipped(text, 200), hint, faults);
        Form {
            base,
            csrf,
            taken,
            name: field("name", &self.name, false),
            keep_requests: field("keep-requests", &self.keep_requests, true),
            request_size: field("request-size", &self.request_size, true),
            keep_history: field("keep-history", &self.keep_history, true),
            keep_inactive: field("keep-inactive", &self.keep_inactive, true),
            warn_people: field("warn-people", &self.warn_people, false),
            warn_percent: field("warn-percent", &self.warn_percent, true),
            same_group_names: self.same_group_names,
            restore_returning: self.restore_returning,
        }
    }
}

/// The same for an administrator who changes nothing.
pub fn facts(chosen: &TeamSettings) -> Vec<Fact> {
    const NAMES: [&str; 8] = [
        "Requests are kept for",
        "Requests may take",
        "History is kept for",
        "Inactive users are kept for",
        "Group names may repeat",
        "Who comes back gets the id of before",
        "Warn when more people are deactivated than",
        "Warn when a larger share is deactivated than",
    ];
    let shown = |value: String| match value.as_str() {
        "true" => "Yes".to_owned(),
        "false" => "No".to_owned(),
        "always" => "Always".to_owned(),
        "off" => "Off".to_owned(),
        text if text.ends_with('d') => format!("{} days", text.trim_end_matches('d')),
        text if text.ends_with('M') => format!("{} MB", text.trim_end_matches('M')),
        _ => value,
    };
    NAMES.iter().zip(lines(chosen)).map(|(name, (_, value))| Fact::new(*name, shown(value))).collect()
}

/// A fault under the label of its field: the summary shows several that would read alike.
fn named(id: &'static str, why: &str) -> FieldFault {
    let label = match id {
        "keep-requests" => "Keep requests for",
        "request-size" => "Requests may take",
        "keep-history" => "Keep history for",
        "keep-inactive" => "Keep inactive users for",
        "warn-people" => "More people",
        _ => "A larger share",
    };
    FieldFault::new(id, format!("{label}: {why}"))
}

fn words(text: &str) -> String {
    sentence(text).trim_end_matches('.').to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sent(pairs: &[(&str, &str)]) -> Entered {
        let mut form = vec![("name", "Acme"), ("keep-requests", "400"), ("request-size", "1024")];
        form.retain(|(name, _)| !pairs.iter().any(|(other, _)| other == name));
        form.extend(pairs);
        let text: Vec<String> = form.iter().map(|(name, value)| format!("{name}={value}")).collect();
        Entered::sent(&Query::parse(&text.join("&")))
    }

    fn faults(pairs: &[(&str, &str)]) -> Vec<(&'static str, String)> {
        let faults = sent(pairs).read().expect_err("faults");
        faults.into_iter().map(|fault| (fault.field, fault.text)).collect()
    }

    #[test]
    fn what_holds_comes_back_from_its_own_form() {
        for chosen in [
            TeamSettings::default(),
            TeamSettings {
                keep_requests: 7,
                request_bytes: 12 * MIB,
                keep_history: Some(90),
                keep_inactive: Some(60),
                same_group_names: true,
                restore_returning: false,
                warn_people: None,
                warn_percent: Some(3),
            },
        ] {
            assert_eq!(Entered::of("Acme", &chosen).read(), Ok(chosen));
        }
        assert_eq!(facts(&TeamSettings::default())[0].text, "400 days");
    }

    #[test]
    fn every_fault_is_named_at_its_field_and_what_was_entered_is_kept() {
        assert_eq!(
            faults(&[("name", ""), ("keep-history", "soon"), ("keep-requests", "0"), ("request-size", "")]),
            [
                ("name", "A team's name has 1 to 100 characters and no control characters".to_owned()),
                ("keep-history", "Keep history for: enter the number of days in digits".to_owned()),
                (
                    "request-size",
                    "Requests may take: enter a number; requests are not kept for ever".to_owned()
                ),
                (
                    "keep-requests",
                    "Keep requests for: the number of days lies between 1 and 36500".to_owned()
                ),
            ]
        );
        assert_eq!(faults(&[("warn-percent", "101"), ("warn-people", "-1")]).len(), 2);
        let entered = sent(&[("keep-history", "soon")]);
        let form =
            entered.form(String::new(), String::new(), String::new(), &entered.read().expect_err("one"));
        assert_eq!(form.keep_history.value, "soon");
        assert!(form.keep_history.attributes.invalid && !form.keep_requests.attributes.invalid);
    }
}
