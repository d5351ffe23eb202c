//! The one place where an error becomes SCIM JSON (RFC 7644 §3.12).

use crate::http::Response;
use crate::scim::{ScimError, message};
use crate::service::{Cause, Error};

/// The status and the body of an error.
pub fn render(error: &Error) -> (u16, Vec<u8>) {
    let scim = as_scim(error);
    (scim.status, message::error_body(&scim))
}

fn as_scim(error: &Error) -> ScimError {
    match error {
        Error::Scim(error) => error.clone(),
        Error::Unauthenticated { detail, .. } => ScimError::plain(401, detail.clone()),
        Error::Forbidden { detail, .. } => ScimError::plain(403, detail.clone()),
        Error::NotFound(detail) => ScimError::plain(404, detail.clone()),
        Error::Refused(detail) => ScimError::invalid_value(detail.clone()),
        Error::Stale { current } => ScimError::plain(
            412,
            format!("the resource is at version W/\"{current}\" now; read it again and repeat the change"),
        ),
        Error::Busy => ScimError::plain(503, error.to_string()),
        Error::Full => ScimError::plain(507, error.to_string()),
        Error::Internal { .. } => ScimError::plain(500, error.to_string()),
    }
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
        Error::Busy => response.header("retry-after", "1"),
        _ => response,
    }
}
