//! Discovery (RFC 7644 §4): what this server offers. Read only, and not to be filtered.

use serde_json::Value;

use super::reading::SCIM_JSON;
use super::{Exchange, Face, Method, Route, method_not_allowed};
use crate::http::Response;
use crate::scim::{Mode, ScimError, message};
use crate::service::record::Ending;
use crate::service::sentence::Deed;
use crate::service::{Caller, Error};

/// Answers a discovery request; without a caller with what holds for everybody.
pub fn answer(
    face: &Face,
    exchange: &Exchange,
    caller: Option<&Caller>,
    route: &Route,
) -> Result<Response, Error> {
    if exchange.request.method != Method::Get {
        return Err(method_not_allowed(&exchange.request.method, route));
    }
    if exchange.request.query.get_any_case("filter").is_some() {
        let detail = "what this server offers cannot be filtered; leave the filter out (RFC 7644 §4)";
        return Err(Error::Scim(ScimError::plain(403, detail)));
    }
    let (team, mode) = caller.map_or((None, Mode::Compat), |caller| (Some(caller.team), caller.mode));
    let (service, base) = (&face.service, exchange.base.as_str());
    let (what, response) = match route {
        Route::ServiceProviderConfig => {
            ("the service provider configuration", single(&service.service_provider_config(base)))
        }
        Route::ResourceTypes(id) => {
            ("the resource types", chosen(service.resource_types(team, base)?, id.as_deref())?)
        }
        Route::Schemas(id) => ("the schemas", chosen(service.schemas(team, mode, base)?, id.as_deref())?),
        _ => return Err(super::not_served(exchange)),
    };
    let ending = Ending {
        status: 200,
        deed: Deed::Discovery { what },
        subject: None,
        cause: None,
        changes: &[],
        events: &[],
        also: &[],
        notes: &Default::default(),
        response: None,
    };
    match caller {
        Some(caller) => service.record_read(caller, &exchange.asked, &ending),
        None => service.record_open_read(&exchange.asked, &ending),
    }
    Ok(response)
}

/// The document of that id, or all as a list.
fn chosen(documents: Vec<Value>, id: Option<&str>) -> Result<Response, Error> {
    let Some(id) = id else {
        let total = documents.len() as u64;
        let rendered: Vec<Vec<u8>> =
            documents.iter().map(|document| document.to_string().into_bytes()).collect();
        return Ok(Response::json(200, SCIM_JSON, message::list_response(total, Some(1), &rendered, None)));
    };
    documents
        .iter()
        .find(|document| {
            document.get("id").and_then(Value::as_str).is_some_and(|known| known.eq_ignore_ascii_case(id))
        })
        .map(single)
        .ok_or_else(|| {
            let shown: String = id.chars().take(120).collect();
            Error::Scim(ScimError::not_found(format!("there is no \"{shown}\" here")))
        })
}

/// One document, "returned in the same way that a single User or Group is" (RFC 7644 §4): with its address.
fn single(document: &Value) -> Response {
    let location = document["meta"]["location"].as_str().unwrap_or_default();
    Response::json(200, SCIM_JSON, document.to_string().into_bytes())
        .header("content-location", location)
        .header("location", location)
}
