//! The faces as `serve` builds them, and what it asks of the service on their behalf.

use std::sync::Arc;

use super::dispatch::Faces;
use crate::admin;
use crate::config::{Settings, TlsMode};
use crate::http::{Handler, PlainHttp, Response};
use crate::service::{Error, Service};

/// The faces over the service.
pub fn build(service: &Service, settings: &Settings, origin: &str) -> Faces {
    let options = admin::Options {
        secure: settings.tls != TlsMode::Off,
        local_url: origin.to_owned(),
        self_signed: settings.tls == TlsMode::SelfSigned,
    };
    Faces { scim: nothing(), admin: admin::handler(service.clone(), options), service: service.clone() }
}

fn nothing() -> Handler {
    Arc::new(|_| Box::pin(std::future::ready(Response::text(404, "There is nothing here.\n"))))
}

/// The set-up code to print, until there is an administrator.
pub async fn begin_setup(service: &Service) -> Result<Option<String>, Error> {
    service.begin_setup().await
}

/// Keeps a request that came without encryption in the activity, where its cause and cure are explained.
pub fn plain_http(_service: &Service, seen: PlainHttp) {
    tracing::warn!(peer = %seen.peer, path = seen.path, "a request came as http:// to a port that speaks https://");
}
