//! The faces as `serve` builds them, and what it asks of the service on their behalf.

use std::sync::Arc;

use super::dispatch::{self, Faces};
use crate::admin;
use crate::api;
use crate::config::{Settings, TlsMode};
use crate::http::{Fault, PlainHttp, Response, Unserved};
use crate::service::{Asked, Cause, Error, Service};
use crate::tls::Certificate;

/// The faces over the service.
pub fn build(
    service: &Service,
    settings: &Settings,
    origin: &str,
    own_url: &str,
    certificate: Option<Arc<Certificate>>,
) -> Faces {
    let options = admin::Options {
        secure: settings.tls != TlsMode::Off,
        local_url: origin.to_owned(),
        own_url: own_url.to_owned(),
        self_signed: settings.tls == TlsMode::SelfSigned,
        certificate_ends: certificate
            .map(|certificate| Arc::new(move || certificate.ends()) as admin::CertificateEnds),
        settings: settings.told(),
    };
    Faces {
        scim: api::handler(service.clone(), api::Options::default()),
        admin: admin::handler(service.clone(), options),
        service: service.clone(),
    }
}

/// The set-up code to print, until there is an administrator.
pub async fn begin_setup(service: &Service) -> Result<Option<String>, Error> {
    service.begin_setup().await
}

/// Answers a request that no handler answered, and keeps it in the activity where a provider sent it. Whose token it had
/// nobody has looked at.
pub fn unserved(service: &Service, seen: &Unserved<'_>) -> Response {
    let response = dispatch::fault(seen.fault, seen.path);
    if dispatch::is_scim(seen.path) {
        let asked = Asked {
            id: seen.id.to_owned(),
            at: service.clock().now(),
            address: seen.peer.ip().to_canonical().to_string(),
            user_agent: clipped(seen.user_agent, 256),
            method: seen.method.to_owned(),
            path: clipped(seen.path, 512),
            wire: seen.wire,
            ..Asked::default()
        };
        let error = match seen.fault {
            Fault::NoRoom => Error::Busy,
            Fault::Panicked(incident) => Error::Internal { incident: incident.clone() },
            Fault::UriTooLong(_) | Fault::HeadersTooLarge(_) => refused(Cause::TooLarge, seen.fault),
            Fault::BadHost(_) | Fault::NoRequest => refused(Cause::Garbled, seen.fault),
        };
        service.record_refusal(None, None, &asked, &error, response.status, &[]);
    }
    response
}

fn refused(cause: Cause, fault: &Fault) -> Error {
    Error::Forbidden { cause: Some(cause), detail: fault.detail() }
}

fn clipped(text: &str, longest: usize) -> String {
    text.chars().take(longest).collect()
}

/// Keeps a request that came without encryption in the activity, where its cause and cure are explained.
pub fn plain_http(service: &Service, seen: PlainHttp) {
    let asked = Asked {
        id: seen.id,
        at: service.clock().now(),
        address: seen.peer.ip().to_canonical().to_string(),
        user_agent: seen.user_agent,
        method: seen.method,
        path: seen.path,
        ..Asked::default()
    };
    let error = Error::Forbidden {
        cause: Some(Cause::PlainHttp),
        detail: "the request came as http:// to a port that speaks https://".to_owned(),
    };
    service.record_refusal(None, None, &asked, &error, 400, &[]);
}
