//! What the log says where it has no rows to show: why, when the last request came, and the way out.

use super::log::Asked;
use super::parts::{Choice, Empty, Link, Notice, clipped};
use super::when::Zone;
use crate::base::Timestamp;
use crate::store::{Spot, Which};

/// A search that was given up.
pub fn too_much(detail: &str) -> Notice {
    Notice {
        kind: "warn",
        title: "The search took too long and was given up".into(),
        text: format!(
            "{}. Name a shorter time, more of the word, or a token.",
            super::error::sentence(detail)
        )
        .into(),
        ..Notice::default()
    }
}

/// Says which filters are on where nothing fits them: "Nothing fits search “mei”, status inactive."
pub fn nothing_fits(filters: &[(&str, String)]) -> String {
    let on: Vec<String> = filters
        .iter()
        .filter(|(_, value)| !value.is_empty())
        .map(|(name, value)| format!("{name} “{}”", clipped(value, 60)))
        .collect();
    match on.as_slice() {
        [] => "Nothing fits what the address asks for.".to_owned(),
        [one] => format!("Nothing fits the filter that is on: {one}."),
        _ => format!("Nothing fits all of the filters that are on: {}.", on.join(", ")),
    }
}

/// The words of the choice that was made; none where it is the first, which narrows nothing.
pub fn chosen(choices: &[Choice]) -> String {
    let chosen = choices.iter().skip(1).find(|choice| choice.selected);
    chosen.map(|choice| choice.text.to_lowercase()).unwrap_or_default()
}

/// What stands in the place of the rows.
pub fn nothing(
    zone: &Zone,
    path: &str,
    base: &str,
    asked: &Asked,
    next: Option<Spot>,
    last: Option<Timestamp>,
    filters: &[(&str, String)],
) -> Empty {
    if let Some((at, _)) = next {
        return Empty {
            title: "Nothing so far".into(),
            text: format!("No body holds the text back to {}. The search goes on with Next.", zone.time(at)),
            ..Empty::default()
        };
    }
    if let (true, false, Some(at)) = (asked.narrowed, asked.picked, last)
        && asked.query.which == Which::All
    {
        return Empty {
            title: "No requests in this time".into(),
            text: format!("The last was {}, on {}.", zone.relative(at), zone.long(at)),
            links: vec![Link::new(path, "Show all times")],
            hint: String::new(),
        };
    }
    if asked.narrowed
        || asked.query.which != Which::All
        || asked.query.before.is_some()
        || asked.query.after.is_some()
    {
        return Empty {
            title: "No requests match".into(),
            text: if asked.in_bodies {
                "No request or answer within this hour holds the text.".into()
            } else {
                nothing_fits(filters)
            },
            links: vec![Link::new(path, "Clear the filters")],
            hint: match last {
                Some(at) => {
                    format!("The last request of any kind came {}, on {}.", zone.relative(at), zone.long(at))
                }
                None => String::new(),
            },
        };
    }
    Empty {
        title: "No requests yet".into(),
        text:
            "Nothing has reached this server for this team. The first request appears here, also when it is \
               refused."
                .into(),
        links: vec![Link::new(format!("{base}connect"), "Connect JumpCloud")],
        hint: String::new(),
    }
}
