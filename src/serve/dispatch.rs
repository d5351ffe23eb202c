//! Which face answers which path, and the few answers that belong to no face: the root, health, and paths nobody knows.

use std::sync::Arc;

use crate::http::{Fault, Handler, Method, Request, Response};
use crate::scim::{ScimError, message};
use crate::service::Service;

const SCIM_JSON: &str = "application/scim+json";

/// First segments that only a SCIM client asks for, with the prefix forgotten or written otherwise.
const SCIM_WORDS: [&str; 12] = [
    "scim",
    "scim2",
    "v1",
    "v2",
    "users",
    "groups",
    "me",
    "bulk",
    "schemas",
    "resourcetypes",
    "serviceproviderconfig",
    ".search",
];

/// The faces, and who is asked about the server's health.
pub struct Faces {
    pub scim: Handler,
    pub admin: Handler,
    pub service: Service,
}

/// Where a path leads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Way {
    Scim,
    Admin,
    Root,
    Health,
    Ready,
    Nowhere,
}

impl Way {
    fn of(path: &str) -> Way {
        let mut segments = path.split('/').filter(|segment| !segment.is_empty());
        match (segments.next(), segments.next()) {
            (None, _) => Way::Root,
            (Some("admin"), _) => Way::Admin,
            (Some("healthz"), None) => Way::Health,
            (Some("readyz"), None) => Way::Ready,
            (Some(first), _) if SCIM_WORDS.contains(&first.to_ascii_lowercase().as_str()) => Way::Scim,
            _ => Way::Nowhere,
        }
    }
}

/// All faces as one handler.
pub fn handler(faces: Faces) -> Handler {
    let faces = Arc::new(faces);
    Arc::new(move |request: Request| {
        if request.tls {
            let host = request.headers.get("host").unwrap_or_default();
            faces.service.notice_from_outside(request.peer.ip(), host);
        }
        match Way::of(&request.path) {
            Way::Scim => (faces.scim)(request),
            Way::Admin => (faces.admin)(request),
            way => {
                let response = own(&faces.service, way, &request);
                Box::pin(std::future::ready(response))
            }
        }
    })
}

/// The answers that belong to no face.
fn own(service: &Service, way: Way, request: &Request) -> Response {
    let known = way != Way::Nowhere;
    if known && request.method != Method::Get {
        return Response::text(405, "Only GET and HEAD work here.\n").header("allow", "GET, HEAD");
    }
    match way {
        Way::Root => Response::redirect("/admin"),
        // Green while reads are served: a full disk must not make a supervisor kill what still answers look-ups.
        Way::Health => match service.teams() {
            Ok(_) => Response::text(200, "ok\n"),
            Err(_) => Response::text(503, "the database cannot be read\n"),
        },
        Way::Ready if service.store().writable() => Response::text(200, "ready\n"),
        Way::Ready => Response::text(503, "changes cannot be written\n"),
        _ => Response::text(
            404,
            "There is nothing here. The admin page is at /admin, SCIM at /scim (and /scim/v2).\n",
        ),
    }
}

/// Whether a SCIM client asks for this path, with the right prefix or not.
pub fn is_scim(path: &str) -> bool {
    Way::of(path) == Way::Scim
}

/// Words for what went wrong before or beside a handler: SCIM JSON where a SCIM client asks (RFC 7644 §3.12), or where
/// nobody can tell who asks.
pub fn fault(fault: &Fault, path: &str) -> Response {
    if path.is_empty() || is_scim(path) {
        let error = ScimError::plain(fault.status(), fault.detail());
        Response::json(fault.status(), SCIM_JSON, message::error_body(&error))
    } else {
        crate::admin::plain(fault.status(), &(fault.detail() + "\n"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_path_has_its_way() {
        for (path, way) in [
            ("/", Way::Root),
            ("", Way::Root),
            ("/scim", Way::Scim),
            ("/scim/v2/Users", Way::Scim),
            ("//scim//Users", Way::Scim),
            ("/Users", Way::Scim),
            ("/v2/Groups/1", Way::Scim),
            ("/admin", Way::Admin),
            ("/admin/static/style.css", Way::Admin),
            ("/healthz", Way::Health),
            ("/readyz/", Way::Ready),
            ("/scimmer", Way::Nowhere),
            ("/favicon.ico", Way::Nowhere),
        ] {
            assert_eq!(Way::of(path), way, "{path}");
        }
    }

    #[test]
    fn a_scim_client_gets_scim_json_even_for_a_fault() {
        let scim = fault(&Fault::UriTooLong(9), "/scim/Users");
        assert_eq!((scim.status, scim.headers.get("content-type")), (414, Some(SCIM_JSON)));
        let body: serde_json::Value = serde_json::from_slice(scim.whole().expect("whole")).expect("JSON");
        assert_eq!(body["status"], "414");
        let unknown = fault(&Fault::NoRequest, "");
        assert_eq!((unknown.status, unknown.headers.get("content-type")), (400, Some(SCIM_JSON)));
        let page = fault(&Fault::UriTooLong(9), "/admin");
        assert_eq!(page.headers.get("content-type"), Some("text/plain; charset=utf-8"));
        assert!(page.headers.has("content-security-policy"));
    }
}
