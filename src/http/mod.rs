//! HTTP plumbing: connections, requests, responses, cookies, forms and static files.
//! Knows neither SCIM nor HTML pages, and lets no type of hyper's out above this floor.

mod answer;
pub mod assets;
pub mod client;
pub mod connection;
pub mod cookies;
pub mod forms;
pub mod gzip;
pub mod headers;
pub mod host;
mod load;
mod plain;
pub mod query;
pub mod request;
pub mod response;
mod room;
mod stall;
mod unread;
pub mod upload;

use std::pin::Pin;
use std::sync::Arc;

pub use answer::{Fault, FaultAnswer, Unserved};
pub use connection::{Limits, Server};
pub use headers::Headers;
pub use host::{HostFault, origin};
pub use hyper::body::Bytes;
pub use plain::PlainHttp;
pub use query::Query;
pub use request::{BodyError, Method, Request};
pub use response::{Body, BodySender, Response};

/// A future that answers.
pub type BoxFuture<T> = Pin<Box<dyn Future<Output = T> + Send>>;

/// The one function that answers every request of a server.
pub type Handler = Arc<dyn Fn(Request) -> BoxFuture<Response> + Send + Sync>;
