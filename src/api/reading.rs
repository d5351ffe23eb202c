//! What a SCIM request says beside its body: path and prefix, media types, preconditions, the attributes it asks for;
//! and the body itself, read within its limits and parsed once.

use serde_json::Value;

use super::{Exchange, Face};
use crate::http::host;
use crate::http::{BodyError, Query, Request};
use crate::scim::resource::Projection;
use crate::scim::{Kind, Leniency, Mode, Registry, ScimError, json};
use crate::service::Precondition;
use crate::service::provider;
use crate::service::redact;
use crate::service::wanted::name_in;
use crate::service::{Caller, Error};

/// The media type of SCIM (RFC 7644 §3.1).
pub const SCIM_JSON: &str = "application/scim+json";
const JSON: &str = "application/json";
/// Characters of a name that are kept of a refused request.
const LONGEST_NAME: usize = 200;

/// The path behind the prefix.
pub struct Path {
    segments: Vec<String>,
    /// Whether there were slashes to leave out.
    pub doubled: bool,
    /// Whether the endpoint was named in other letters, or as SCIM 1.1 names it.
    pub renamed: bool,
    /// Whether the path stands behind `/scim`, where SCIM is served.
    pub inside: bool,
}

impl Path {
    /// The segments, for matching.
    pub fn segments(&self) -> Vec<&str> {
        self.segments.iter().map(String::as_str).collect()
    }
}

/// Parts the path; a slash at its end does not count.
pub fn path(request: &Request) -> Result<Path, Error> {
    let mut segments = request
        .segments()
        .map_err(|problem| Error::Scim(ScimError::plain(400, format!("the path {problem}"))))?;
    if segments.last().is_some_and(String::is_empty) {
        segments.pop();
    }
    let all = segments.len();
    segments.retain(|segment| !segment.is_empty());
    let doubled = segments.len() < all;
    let behind = match segments.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        ["scim", "v2", ..] => 2,
        ["scim", ..] => 1,
        _ => 0,
    };
    let mut segments = segments.split_off(behind);
    let renamed = behind > 0 && segments.first_mut().is_some_and(rename);
    Ok(Path { segments, doubled, renamed, inside: behind > 0 })
}

/// Gives an endpoint its own name; says whether it had another.
fn rename(segment: &mut String) -> bool {
    const ENDPOINTS: [&str; 7] =
        ["Users", "Groups", "ServiceProviderConfig", "ResourceTypes", "Schemas", "Bulk", "Me"];
    let sent = if segment.eq_ignore_ascii_case("ServiceProviderConfigs") { ENDPOINTS[2] } else { &**segment };
    match ENDPOINTS.into_iter().find(|name| name.eq_ignore_ascii_case(sent)) {
        Some(name) if name != &**segment => {
            *segment = name.to_owned();
            true
        }
        _ => false,
    }
}

/// The address before `/Users`, with the prefix of the request.
pub fn base(request: &Request, public_url: Option<&str>) -> String {
    let mut parts = request.path.split('/').filter(|part| !part.is_empty());
    let prefix = match (parts.next(), parts.next()) {
        (Some("scim"), Some("v2")) => "/scim/v2",
        _ => "/scim",
    };
    format!("{}{prefix}", host::origin(request, public_url))
}

/// The parameters of RFC 7644 §3.4.2 and RFC 9865 §2.
const PARAMETERS: [&str; 8] =
    ["filter", "sortBy", "sortOrder", "startIndex", "count", "cursor", "attributes", "excludedAttributes"];

/// Refuses a query that cannot be read, or that gives one of SCIM's parameters two values where it is not ignored.
pub fn query(query: &Query, ignored: bool) -> Result<(), Error> {
    let refused = |name: &str, detail: String| {
        Error::Scim(match name.eq_ignore_ascii_case("filter") {
            true => ScimError::invalid_filter(detail),
            false => ScimError::invalid_value(detail),
        })
    };
    if let Some(fault) = query.fault() {
        return Err(refused(&fault.name, fault.to_string()));
    }
    let names = if ignored { &[][..] } else { &PARAMETERS };
    match names.iter().find_map(|name| Some((*name, query.contradiction(name)?))) {
        None => Ok(()),
        Some((name, (one, other))) => {
            let (one, other) = (clip(one, 40), clip(other, 40));
            let detail = format!("{name} is given twice, as \"{one}\" and as \"{other}\"; send it once");
            Err(refused(name, detail))
        }
    }
}

/// The value of the Authorization header; one that is no text counts as there.
pub fn authorization(request: &Request) -> Option<&str> {
    if !request.headers.has("authorization") {
        return None;
    }
    request.headers.get("authorization").or(Some("(unreadable)"))
}

/// The first characters of a text.
pub fn clip(text: &str, longest: usize) -> String {
    // There are no more characters than bytes.
    let end = if text.len() > longest { text.char_indices().nth(longest) } else { None };
    end.map_or(text, |(end, _)| &text[..end]).to_owned()
}

/// The media type of answers: the one of the two that the client likes better.
pub fn answer_type(request: &Request) -> &'static str {
    request.headers.get("accept").and_then(preferred).unwrap_or(SCIM_JSON)
}

/// Which of the two media types an Accept header prefers, SCIM's where it makes no difference; `None` where it takes
/// neither (RFC 9110 §12.5.1).
fn preferred(accept: &str) -> Option<&'static str> {
    if [SCIM_JSON, "*/*"].contains(&accept) {
        return Some(SCIM_JSON);
    }
    let accept = accept.to_ascii_lowercase();
    if accept.trim().is_empty() {
        return Some(SCIM_JSON);
    }
    let ranges: Vec<(&str, f32)> = accept.split(',').map(weighed).collect();
    // How much a type is wanted, and how closely the range that says so names it.
    let wanted = |media| {
        let closest = [media, "application/*", "*/*"].into_iter().zip([3, 2, 1]);
        let mut said = closest.filter_map(|(range, closeness)| {
            ranges.iter().find(|(known, _)| *known == range).map(|(_, weight)| (*weight, closeness))
        });
        said.next().unwrap_or((0.0, 0))
    };
    let (scim, json) = (wanted(SCIM_JSON), wanted(JSON));
    match (scim.0 > 0.0, json.0 > 0.0) {
        (false, false) => None,
        _ if json > scim => Some(JSON),
        _ => Some(SCIM_JSON),
    }
}

/// A range of an Accept header and its weight; one that is no number is passed over.
fn weighed(range: &str) -> (&str, f32) {
    let mut parts = range.split(';').map(str::trim);
    let media = parts.next().unwrap_or("");
    let weight = parts.find_map(|part| part.strip_prefix('q')?.trim_start().strip_prefix('='));
    (media, weight.and_then(|weight| weight.trim().parse().ok()).unwrap_or(1.0))
}

/// Refuses a client that accepts no JSON: strict only (RFC 9110 §15.5.7).
pub fn acceptable(exchange: &mut Exchange, mode: Mode) -> Result<(), Error> {
    let Some(accept) = exchange.request.headers.get("accept") else { return Ok(()) };
    match mode {
        _ if preferred(accept).is_some() => Ok(()),
        Mode::Compat => {
            exchange.asked.notes.used(Leniency::MediaType);
            Ok(())
        }
        Mode::Strict => {
            let detail = format!("answers are {SCIM_JSON} or {JSON}; the Accept header takes neither");
            Err(Error::Scim(ScimError::plain(406, detail)))
        }
    }
}

/// The body as JSON; remembers it, without its secrets, for the activity.
pub async fn body(face: &Face, exchange: &mut Exchange, caller: &Caller) -> Result<Value, Error> {
    let mode = caller.mode;
    exchange.asked.untold = face.service.schemas_of(caller.team)?.untold;
    encoding(exchange)?;
    let foreign = foreign_media(exchange);
    if let Some(media) = &foreign
        && (mode == Mode::Strict || !may_hold_json(media))
    {
        return Err(unsupported(media));
    }
    let limit = face.service.options().body_limit;
    let bytes = exchange.request.body(limit, face.options.body_timeout).await.map_err(|error| {
        Error::Scim(match error {
            BodyError::TooLarge(_) => {
                ScimError::plain(413, format!("{error}; send fewer members or operations at a time"))
            }
            BodyError::TimedOut | BodyError::Broken => ScimError::plain(error.status(), error.to_string()),
        })
    })?;
    let value = match json::parse(&bytes) {
        Ok(value) => value,
        Err(error) => {
            exchange.asked.not_json = true;
            exchange.asked.body = Some(unreadable(bytes.len(), &error.detail));
            return Err(match &foreign {
                Some(media) => unsupported(media),
                None => Error::Scim(error),
            });
        }
    };
    if foreign.is_some() {
        exchange.asked.notes.used(Leniency::MediaType);
    }
    exchange.sign = provider::of_body(&value);
    exchange.asked.about = name_in(&value).map(|name| clip(&name, LONGEST_NAME));
    let redacted = redact::body(&value, &exchange.asked.untold);
    exchange.asked.body = Some(redacted.kept);
    exchange.asked.secrets.extend(redacted.secrets);
    Ok(value)
}

/// Refuses a body in another coding than its own (RFC 9110 §8.4, §15.5.16).
fn encoding(exchange: &Exchange) -> Result<(), Error> {
    let sent = exchange.request.headers.get("content-encoding").unwrap_or("").trim();
    if sent.is_empty() || sent.eq_ignore_ascii_case("identity") {
        return Ok(());
    }
    let detail =
        format!("the body is encoded with {}; send it as it is, without Content-Encoding", clip(sent, 80));
    Err(Error::Scim(ScimError::plain(415, detail)))
}

/// What is kept of a body that is not JSON: its length and the place of the fault. The rest could be anything.
fn unreadable(length: usize, detail: &str) -> Vec<u8> {
    let place = detail.rfind("line ").map_or("", |at| detail[at..].trim_end_matches(')'));
    let place = place.split(';').next().unwrap_or("");
    let at = if place.is_empty() { String::new() } else { format!("; the fault is at {place}") };
    format!("({length} bytes that are not JSON{at})").into_bytes()
}

/// The media type of the body where it is neither SCIM's nor JSON's, or in other characters than UTF-8 (RFC 7644 §3.8).
fn foreign_media(exchange: &Exchange) -> Option<String> {
    foreign(exchange.request.headers.get("content-type")?)
}

fn foreign(content_type: &str) -> Option<String> {
    let sent = content_type.trim().to_ascii_lowercase();
    let mut parts = sent.split(';').map(str::trim);
    let media = parts.next().unwrap_or("");
    let charset = parts.find_map(|part| part.strip_prefix("charset")?.trim_start().strip_prefix('='));
    let readable =
        charset.is_none_or(|name| ["utf-8", "utf8", "us-ascii"].contains(&name.trim().trim_matches('"')));
    let known = media.is_empty() || media == SCIM_JSON || media == JSON;
    (!known || !readable).then(|| clip(&sent, 80))
}

/// Media types under which clients are known to send JSON.
fn may_hold_json(media: &str) -> bool {
    media.starts_with("text/")
        || media.contains("json")
        || ["application/octet-stream", "application/x-www-form-urlencoded"].contains(&media)
}

fn unsupported(media: &str) -> Error {
    let detail = format!("the body is {media}; send {SCIM_JSON} or {JSON}, in UTF-8");
    Error::Scim(ScimError::plain(415, detail))
}

/// The attributes that the query asks for, and whether it asks for any (RFC 7644 §3.9).
pub fn projection(
    exchange: &Exchange,
    registry: &Registry,
    kinds: &[Kind],
) -> Result<(Projection, bool), Error> {
    let query = &exchange.request.query;
    let attributes = query.get_any_case("attributes").filter(|text| !text.trim().is_empty());
    let excluded = query.get_any_case("excludedAttributes").filter(|text| !text.trim().is_empty());
    let projection = Projection::parse(registry, kinds, attributes, excluded)?;
    Ok((projection, attributes.is_some()))
}

/// What `If-Match`, or else `If-None-Match`, asks for (RFC 7644 §3.14). Weak tags count: versions here are exact.
pub fn precondition(exchange: &Exchange) -> Precondition {
    let tags = |name| exchange.request.headers.get(name).map(str::trim).filter(|tags| !tags.is_empty());
    match (tags("if-match"), tags("if-none-match")) {
        (Some("*"), _) => Precondition::Any,
        (Some(tags), _) => Precondition::Versions(versions(tags)),
        (None, Some("*")) => Precondition::NotAny,
        (None, Some(tags)) => Precondition::NotVersions(versions(tags)),
        (None, None) => Precondition::None,
    }
}

/// Whether `If-None-Match` names the version (RFC 9110 §13.1.2).
pub fn none_match(exchange: &Exchange, version: u64) -> bool {
    match exchange.request.headers.get("if-none-match").map(str::trim) {
        None => false,
        Some("*") => true,
        Some(tags) => versions(tags).contains(&version),
    }
}

/// The versions of a list of entity tags; a tag that is none of ours matches nothing.
fn versions(tags: &str) -> Vec<u64> {
    tags.split(',')
        .filter_map(|tag| {
            let tag = tag.trim();
            let tag = tag.strip_prefix("W/").unwrap_or(tag);
            tag.strip_prefix('"')?.strip_suffix('"')?.parse().ok()
        })
        .collect()
}

/// A version as an entity tag; `meta.version` is the same text.
pub fn etag(version: u64) -> String {
    format!("W/\"{version}\"")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::http::{Headers, Method};

    fn parts(target: &str) -> (Vec<String>, bool) {
        let path = path(&Request::new(Method::Get, target, Headers::new(), "")).expect("decodable");
        (path.segments, path.doubled)
    }

    #[test]
    fn prefixes_and_slashes() {
        assert_eq!(parts("/scim/Users"), (vec!["Users".into()], false));
        assert_eq!(parts("/scim/v2/Users/"), (vec!["Users".into()], false));
        assert_eq!(parts("/scim//Users"), (vec!["Users".into()], true));
        assert_eq!(parts("/scim/v2"), (vec![], false));
        assert_eq!(parts("/scim/v2/scim/Users").0, ["scim", "Users"]);
    }

    #[test]
    fn of_an_unreadable_body_length_and_place_are_kept() {
        let kept = |detail| String::from_utf8(unreadable(9, detail)).expect("UTF-8");
        assert_eq!(
            kept("the body is not JSON: expected value (line 1, column 3)"),
            "(9 bytes that are not JSON; the fault is at line 1, column 3)"
        );
        assert_eq!(
            kept("the body is not UTF-8: wrong byte at line 2, column 1; send JSON in UTF-8"),
            "(9 bytes that are not JSON; the fault is at line 2, column 1)"
        );
        assert_eq!(kept("the body is empty; send JSON"), "(9 bytes that are not JSON)");
    }

    #[test]
    fn the_answer_is_of_the_type_that_is_wanted_most() {
        for (accept, wanted) in [
            ("", Some(SCIM_JSON)),
            ("*/*", Some(SCIM_JSON)),
            ("application/*", Some(SCIM_JSON)),
            ("application/scim+json", Some(SCIM_JSON)),
            ("Application/JSON", Some(JSON)),
            ("application/json, application/scim+json", Some(SCIM_JSON)),
            ("application/json, application/scim+json;q=0.5", Some(JSON)),
            ("application/json, */*", Some(JSON)),
            ("application/json;q=0.5, */*", Some(SCIM_JSON)),
            ("application/scim+json; q=0, application/json", Some(JSON)),
            ("application/json;q=0, */*", Some(SCIM_JSON)),
            ("text/html, application/json;q=0.1", Some(JSON)),
            ("application/scim+json;charset=utf-8", Some(SCIM_JSON)),
            ("application/json;q=0", None),
            ("text/html", None),
            ("*/*;q=0", None),
            ("application/*;q=0.0, text/*", None),
        ] {
            assert_eq!(preferred(accept), wanted, "{accept}");
        }
    }

    #[test]
    fn bodies_are_json_in_utf_8() {
        for known in [
            "",
            "application/json",
            "application/scim+json; charset=utf-8",
            "Application/JSON;Charset=\"UTF-8\"",
            "application/json; charset=us-ascii",
            "application/scim+json; odata.metadata=none",
        ] {
            assert_eq!(foreign(known), None, "{known}");
        }
        for other in
            ["text/plain", "application/xml", "application/json; charset=iso-8859-1", "x; charset=utf-8"]
        {
            assert_eq!(foreign(other).as_deref(), Some(other));
        }
    }

    #[test]
    fn entity_tags_weak_or_strong() {
        assert_eq!(versions("W/\"3\", \"4\",W/\"x\", 5"), [3, 4]);
    }
}
