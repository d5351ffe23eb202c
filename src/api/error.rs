//! The one place where an error becomes SCIM JSON (RFC 7644 §3.12).

use crate::http::Response;
use crate::scim::message;
use crate::service::{Cause, Error};

/// The status and the body of an error.
pub fn render(error: &Error) -> (u16, Vec<u8>) {
    let scim = error.as_scim();
    (scim.status, message::error_body(&scim))
}

/// Adds the header fields that belong to an error.
pub fn headers(response: Response, error: &Error) -> Response {
    match error {
        // RFC 6750 §3: no error code when the request had no credentials at all.
        Error::Unauthenticated { cause: Cause::NoAuthorization | Cause::NotBearer, .. } => {
            response.header("www-authenticate", "Bearer realm=\"scimd\"")
        }
        Error::Unauthenticated { .. } => {
            response.header("www-authenticate", "Bearer realm=\"scimd\", error=\"invalid_token\"")
        }
        Error::Busy | Error::Outdated => response.header("retry-after", "1"),
        _ => response,
    }
}
