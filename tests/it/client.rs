//! A small HTTP client for tests: HTTP/1.1 and HTTP/2, plain and TLS, answers as text and JSON.
//! It takes any certificate; `tls` has the test that a proper client accepts scimd's own.

use std::sync::{Arc, OnceLock};
use std::time::Duration;

use http_body_util::{BodyExt, Full};
use hyper::body::Bytes;
use hyper::{HeaderMap, Request, StatusCode, Version};
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy::Client as Legacy;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use rustls::ClientConfig;
use scimd::http::client::Anybody;
use serde_json::Value;
use tokio::runtime::Runtime;

/// The runtime that all clients share.
fn runtime() -> &'static Runtime {
    static RUNTIME: OnceLock<Runtime> = OnceLock::new();
    RUNTIME.get_or_init(|| Runtime::new().expect("a runtime"))
}

/// Which HTTP versions a client offers.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Offer {
    Both,
    Http1,
    Http2,
}

/// An HTTP client with its own connections.
#[derive(Clone)]
pub struct Client {
    legacy: Legacy<HttpsConnector<HttpConnector>, Full<Bytes>>,
}

impl Client {
    /// A client that offers HTTP/1.1 and HTTP/2 and takes any certificate.
    pub fn new() -> Client {
        Client::offering(Offer::Both, any_certificate(rustls::DEFAULT_VERSIONS))
    }

    /// A client with a TLS configuration of its own.
    pub fn offering(offer: Offer, config: ClientConfig) -> Client {
        let builder = HttpsConnectorBuilder::new().with_tls_config(config).https_or_http();
        let connector = match offer {
            Offer::Both => builder.enable_http1().enable_http2().build(),
            Offer::Http1 => builder.enable_http1().build(),
            Offer::Http2 => builder.enable_http2().build(),
        };
        Client { legacy: Legacy::builder(TokioExecutor::new()).build(connector) }
    }

    /// Sends one request; fails the test when no answer comes.
    #[track_caller]
    pub fn send(&self, method: &str, url: &str, headers: &[(&str, &str)], body: Vec<u8>) -> Answer {
        self.try_send(method, url, headers, body).unwrap_or_else(|e| panic!("{method} {url}: {e}"))
    }

    /// Sends one request; the error says why no whole answer came.
    pub fn try_send(
        &self,
        method: &str,
        url: &str,
        headers: &[(&str, &str)],
        body: Vec<u8>,
    ) -> Result<Answer, String> {
        let mut request = Request::builder().method(method).uri(url);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let request = request.body(Full::new(Bytes::from(body))).map_err(|e| e.to_string())?;
        let asked = format!("{method} {url}");
        runtime().block_on(async {
            let exchange = async {
                let answer = self.legacy.request(request).await.map_err(|e| format!("{e:?}"))?;
                let (head, body) = answer.into_parts();
                let body = body.collect().await.map_err(|e| format!("{e:?}"))?.to_bytes();
                Ok(Answer { asked, status: head.status, version: head.version, headers: head.headers, body })
            };
            tokio::time::timeout(Duration::from_secs(60), exchange)
                .await
                .map_err(|_| "no answer in 60 s".to_string())?
        })
    }
}

/// An answer, whole.
pub struct Answer {
    asked: String,
    pub status: StatusCode,
    pub version: Version,
    headers: HeaderMap,
    pub body: Bytes,
}

impl Answer {
    /// Fails the test unless the status is the expected one.
    #[track_caller]
    pub fn is(self, status: u16) -> Answer {
        assert_eq!(self.status.as_u16(), status, "{}\n{}", self.asked, self.text());
        self
    }

    /// Fails the test unless this is a SCIM error of the given status and keyword (`""` for none); returns its detail.
    #[track_caller]
    pub fn error(self, status: u16, scim_type: &str) -> String {
        let answer = self.is(status);
        let asked = &answer.asked;
        assert!(
            answer.header("content-type").starts_with("application/scim+json"),
            "{asked}: {}",
            answer.header("content-type")
        );
        let body = answer.json();
        assert_eq!(body["schemas"][0], "urn:ietf:params:scim:api:messages:2.0:Error", "{asked}: {body}");
        assert_eq!(body["status"], status.to_string(), "{asked}: the status is text: {body}");
        let found = body.get("scimType").and_then(Value::as_str).unwrap_or_default();
        assert_eq!(found, scim_type, "{asked}: {body}");
        let detail = body["detail"].as_str().unwrap_or_default().to_string();
        assert!(!detail.is_empty(), "{asked}: a detail: {body}");
        detail
    }

    /// A header's value, empty when absent.
    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
    }

    /// Every value of a header.
    pub fn headers(&self, name: &str) -> impl Iterator<Item = &str> {
        self.headers.get_all(name).iter().filter_map(|value| value.to_str().ok())
    }

    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    #[track_caller]
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body)
            .unwrap_or_else(|e| panic!("{}: not JSON ({e}): {}", self.asked, self.text()))
    }

    /// The resource's id.
    #[track_caller]
    pub fn id(&self) -> String {
        self.json()["id"]
            .as_str()
            .unwrap_or_else(|| panic!("{}: no id: {}", self.asked, self.text()))
            .to_string()
    }

    /// The ids of a list response's resources.
    #[track_caller]
    pub fn ids(&self) -> Vec<String> {
        let list = self.json();
        list["Resources"]
            .as_array()
            .unwrap_or_else(|| panic!("{}: no Resources: {list}", self.asked))
            .iter()
            .map(|resource| resource["id"].as_str().unwrap_or_default().to_string())
            .collect()
    }
}

/// A TLS configuration that takes any certificate.
pub fn any_certificate(versions: &[&'static rustls::SupportedProtocolVersion]) -> ClientConfig {
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    ClientConfig::builder_with_provider(Arc::clone(&provider))
        .with_protocol_versions(versions)
        .expect("the versions suit the provider")
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(Anybody(provider)))
        .with_no_client_auth()
}
