//! One user or group: create, read, replace, patch, delete.

use super::reading::{self, SCIM_JSON};
use super::{Exchange, Face};
use crate::http::Response;
use crate::scim::{Kind, Notes};
use crate::service::job::{Outcome, Precondition, Target};
use crate::service::record::Ending;
use crate::service::sentence::Deed;
use crate::service::{Caller, Error};
use crate::store::Subject;

pub async fn create(
    face: &Face,
    exchange: &mut Exchange,
    caller: &Caller,
    kind: Kind,
) -> Result<Response, Error> {
    let target = target(face, exchange, caller, kind, Precondition::None)?;
    let body = reading::body(face, exchange, caller).await?;
    let outcome = face.service.create(caller, &exchange.asked, target, &body).await?;
    Ok(answer(201, outcome))
}

pub fn get(
    face: &Face,
    exchange: &Exchange,
    caller: &Caller,
    kind: Kind,
    id: &str,
) -> Result<Response, Error> {
    let target = target(face, exchange, caller, kind, Precondition::None)?;
    let (outcome, name) = face.service.get(caller, &target, id)?;
    // RFC 9110 §13.2.2: If-Match first. What If-None-Match names is answered with 304 here, not with 412.
    let asked = reading::precondition(exchange);
    if matches!(asked, Precondition::Versions(_)) && !asked.holds(outcome.version) {
        return Err(Error::Stale { current: outcome.version });
    }
    let unchanged = reading::none_match(exchange, outcome.version);
    let notes = Notes::default();
    let ending = Ending {
        status: if unchanged { 304 } else { 200 },
        deed: Deed::Read { kind, name: &name },
        subject: Some(Subject { id: outcome.id.clone(), kind, name: name.clone() }),
        cause: None,
        changes: &[],
        events: &[],
        also: &[],
        notes: &notes,
        response: outcome.body.as_deref().filter(|_| !unchanged),
    };
    face.service.record_read(caller, &exchange.asked, &ending);
    if unchanged {
        // RFC 9110 §15.4.5: with the fields that a 200 would have had.
        let response = Response::empty(304).header("etag", &reading::etag(outcome.version));
        let address = &outcome.location;
        return Ok(response.header("content-location", address).header("location", address));
    }
    Ok(answer(200, outcome))
}

pub async fn replace(
    face: &Face,
    exchange: &mut Exchange,
    caller: &Caller,
    kind: Kind,
    id: &str,
) -> Result<Response, Error> {
    let target = target(face, exchange, caller, kind, reading::precondition(exchange))?;
    let body = reading::body(face, exchange, caller).await?;
    let outcome = face.service.replace(caller, &exchange.asked, target, id, &body).await?;
    Ok(answer(200, outcome))
}

pub async fn patch(
    face: &Face,
    exchange: &mut Exchange,
    caller: &Caller,
    kind: Kind,
    id: &str,
) -> Result<Response, Error> {
    let target = target(face, exchange, caller, kind, reading::precondition(exchange))?;
    let body = reading::body(face, exchange, caller).await?;
    let outcome = face.service.patch(caller, &exchange.asked, target, id, &body).await?;
    Ok(answer(200, outcome))
}

pub async fn delete(
    face: &Face,
    exchange: &mut Exchange,
    caller: &Caller,
    kind: Kind,
    id: &str,
) -> Result<Response, Error> {
    let target = target(face, exchange, caller, kind, reading::precondition(exchange))?;
    face.service.delete(caller, &exchange.asked, target, id).await?;
    Ok(Response::empty(204))
}

fn target(
    face: &Face,
    exchange: &Exchange,
    caller: &Caller,
    kind: Kind,
    precondition: Precondition,
) -> Result<Target, Error> {
    let registry = face.service.schemas_of(caller.team)?.registry;
    let (projection, asks_attributes) = reading::projection(exchange, &registry, &[kind])?;
    Ok(Target { kind, projection, base: exchange.base.clone(), asks_attributes, precondition })
}

/// The resource with its version; 204 where the service leaves the body out.
fn answer(status: u16, outcome: Outcome) -> Response {
    let response = match outcome.body {
        // RFC 7643 §3.1: `meta.location` is the same as Content-Location.
        Some(body) => Response::json(status, SCIM_JSON, body).header("content-location", &outcome.location),
        None => Response::empty(204),
    };
    response.header("etag", &reading::etag(outcome.version)).header("location", &outcome.location)
}
