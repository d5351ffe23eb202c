//! Lists and searches, by query (RFC 7644 §3.4.2) and by a posted SearchRequest (§3.4.3).

use super::reading::{self, SCIM_JSON};
use super::{Exchange, Face};
use crate::http::Response;
use crate::scim::resource::Projection;
use crate::scim::{Kind, ScimError, ScimType, message};
use crate::service::record::Ending;
use crate::service::redact;
use crate::service::sentence::Deed;
use crate::service::{Caller, Error, Search};

pub async fn list(
    face: &Face,
    exchange: &Exchange,
    caller: &Caller,
    kinds: Vec<Kind>,
) -> Result<Response, Error> {
    let registry = face.service.schemas_of(caller.team)?.registry;
    let (projection, _) = reading::projection(exchange, &registry, &kinds)?;
    let query = &exchange.request.query;
    let cursor = query.get_any_case("cursor");
    let search = Search {
        kinds,
        filter: query.get_any_case("filter").map(str::to_owned),
        sort_by: query.get_any_case("sortBy").filter(|path| !path.is_empty()).map(str::to_owned),
        descending: message::descending(query.get_any_case("sortOrder"))?,
        start_index: integer("startIndex", query.get_any_case("startIndex"))?,
        count: integer("count", query.get_any_case("count")).map_err(|error| of_cursor(error, cursor))?,
        cursor: cursor.map(str::to_owned),
        projection,
        base: exchange.base.clone(),
    };
    run(face, exchange, caller, search).await
}

pub async fn posted(
    face: &Face,
    exchange: &mut Exchange,
    caller: &Caller,
    kinds: Vec<Kind>,
) -> Result<Response, Error> {
    let body = reading::body(face, exchange, caller).await?;
    let request = message::SearchRequest::parse(&body, caller.mode)?;
    exchange.asked.notes.extend(request.notes);
    let registry = face.service.schemas_of(caller.team)?.registry;
    let joined = |list: &Option<Vec<String>>| list.as_ref().map(|names| names.join(","));
    let (attributes, excluded) = (joined(&request.attributes), joined(&request.excluded_attributes));
    let search = Search {
        projection: Projection::parse(&registry, &kinds, attributes.as_deref(), excluded.as_deref())?,
        kinds,
        filter: request.filter,
        sort_by: request.sort_by,
        descending: request.descending,
        start_index: request.start_index,
        count: request.count,
        cursor: request.cursor,
        base: exchange.base.clone(),
    };
    run(face, exchange, caller, search).await.map_err(|error| match error {
        // What stands in a body does not stand in an address.
        Error::Scim(ScimError { scim_type: Some(ScimType::Sensitive), detail, .. }) => {
            Error::Scim(ScimError::invalid_filter(detail))
        }
        other => other,
    })
}

async fn run(face: &Face, exchange: &Exchange, caller: &Caller, search: Search) -> Result<Response, Error> {
    if search.cursor.is_some() && search.start_index.is_some() {
        let detail = "startIndex and cursor are two ways of paging; send one of them";
        return Err(Error::Scim(ScimError::invalid_value(detail)));
    }
    let (wanted, what) = (search.filter.clone(), what(&search.kinds));
    let listing = face.service.search(caller, search).await?;
    let body = message::list_response(
        listing.total,
        listing.start_index,
        &listing.resources,
        listing.cursors.as_ref(),
    );
    // A value too short to be looked for elsewhere must not stand in the sentence either.
    let shown = |filter: String| {
        redact::expression(&filter, &exchange.asked.untold, &mut Vec::new()).unwrap_or(filter)
    };
    let wanted = wanted.map(|filter| reading::clip(looked_up(&shown(filter)), 200));
    let ending = Ending {
        status: 200,
        deed: Deed::Listed { what, wanted: wanted.as_deref(), found: listing.total },
        subject: None,
        cause: None,
        changes: &[],
        events: &[],
        also: &[],
        notes: &listing.notes,
        response: Some(&body),
    };
    face.service.record_read(caller, &exchange.asked, &ending);
    Ok(Response::json(200, SCIM_JSON, body).only_read())
}

/// The value that a simple look-up asks for, else the filter as it is.
fn looked_up(filter: &str) -> &str {
    let mut quotes = filter.match_indices('"').map(|(at, _)| at);
    match (quotes.next(), quotes.next(), quotes.next()) {
        (Some(open), Some(close), None) if close > open + 1 => &filter[open + 1..close],
        _ => filter,
    }
}

fn what(kinds: &[Kind]) -> &'static str {
    match kinds {
        [Kind::User] => "users",
        [Kind::Group] => "groups",
        _ => "users and groups",
    }
}

/// Reads an integer of the query; one out of range counts as the end of the range.
fn integer(name: &str, text: Option<&str>) -> Result<Option<i64>, Error> {
    let Some(text) = text.map(str::trim).filter(|text| !text.is_empty()) else { return Ok(None) };
    let digits = text.strip_prefix(['-', '+']).unwrap_or(text);
    if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        let detail = format!("{name} is a whole number, not \"{}\"", reading::clip(text, 40));
        return Err(Error::Scim(ScimError::invalid_value(detail)));
    }
    let end = if text.starts_with('-') { i64::MIN } else { i64::MAX };
    Ok(Some(text.parse().unwrap_or(end)))
}

/// A wrong count is `invalidCount` where the request pages by cursor (RFC 9865 §2.1).
fn of_cursor(error: Error, cursor: Option<&str>) -> Error {
    match (error, cursor) {
        (Error::Scim(error), Some(_)) => Error::Scim(ScimError::bad(ScimType::InvalidCount, error.detail)),
        (error, _) => error,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn integers_and_orders_of_the_query() {
        assert_eq!(integer("count", Some("-3")).ok(), Some(Some(-3)));
        assert_eq!(integer("count", Some("99999999999999999999")).ok(), Some(Some(i64::MAX)));
        assert!(integer("count", Some("ten")).is_err());
        assert!(integer("count", Some("-")).is_err());
    }

    #[test]
    fn a_simple_look_up_is_named_by_its_value() {
        assert_eq!(looked_up("userName eq \"mei@example.com\""), "mei@example.com");
        assert_eq!(looked_up("a eq \"x\" and b eq \"y\""), "a eq \"x\" and b eq \"y\"");
        assert_eq!(looked_up("active eq true"), "active eq true");
    }
}
