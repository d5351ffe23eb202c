//! Bulk (RFC 7644 §3.7): reads the request, and tells what became of each operation.

use super::reading::{self, SCIM_JSON};
use super::{Exchange, Face};
use crate::http::Response;
use crate::scim::ScimError;
use crate::scim::message::{BulkOutcome, BulkRequest, BulkResponse, error_body};
use crate::service::bulk::{Done, MAX_OPERATIONS};
use crate::service::record::Ending;
use crate::service::redact;
use crate::service::sentence::Deed;
use crate::service::{Caller, Error};

pub async fn post(face: &Face, exchange: &mut Exchange, caller: &Caller) -> Result<Response, Error> {
    let body = reading::body(face, exchange, caller).await?;
    let request = BulkRequest::parse(body, caller.mode)?;
    exchange.asked.notes.extend(request.notes.clone());
    let count = request.operations.len();
    if count > MAX_OPERATIONS {
        // RFC 7644 §3.7.4
        let detail =
            format!("the request has {count} operations; {MAX_OPERATIONS} are the most (bulk.maxOperations)");
        return Err(Error::Scim(ScimError::plain(413, detail)));
    }
    crate::service::provision::may_write(caller)?;
    let done = face.service.bulk(caller, &exchange.asked, &exchange.base, &request).await;
    let refused = done.iter().filter(|done| done.result.is_err()).count();
    let left = count - done.len();
    let secrets = &exchange.asked.secrets;
    let operations = done.into_iter().map(|done| outcome(&request, done, secrets)).collect();
    let answer = BulkResponse { operations }.render();
    let ending = Ending {
        status: 200,
        deed: Deed::Bulk { operations: count, refused, left },
        subject: None,
        cause: None,
        changes: &[],
        events: &[],
        also: &[],
        notes: &Default::default(),
        response: None,
    };
    face.service.record_read(caller, &exchange.asked, &ending);
    Ok(Response::json(200, SCIM_JSON, answer))
}

fn outcome(request: &BulkRequest, done: Done, secrets: &[String]) -> BulkOutcome {
    let operation = &request.operations[done.index];
    let created = operation.method == "POST";
    let (status, version, response) = match &done.result {
        Ok(None) => (204, None, None),
        Ok(Some(outcome)) => (if created { 201 } else { 200 }, Some(reading::etag(outcome.version)), None),
        Err(error) => {
            let error = error.as_scim();
            (error.status, None, Some(redact::answer(&error_body(&error), secrets)))
        }
    };
    BulkOutcome {
        method: operation.method.clone(),
        bulk_id: operation.bulk_id.clone(),
        version,
        // What was refused is named by the path that was sent, whatever stands in it.
        location: match done.result {
            Ok(_) => done.location,
            Err(_) => done.location.map(|location| redact::text(&location, secrets)),
        },
        status,
        response,
    }
}
