//! RFC 7643 and RFC 7644 as plain values and functions. No I/O, no clock, no random numbers:
//! the same input gives the same output.

pub mod draft;
pub mod error;
pub mod extension;
pub mod filter;
pub mod fold;
pub mod json;
pub mod lenient;
pub mod message;
pub mod patch;
pub mod path;
pub mod registry;
pub mod resource;
pub mod schema;

pub use error::{ScimError, ScimType};
pub use lenient::{Leniency, Mode, Notes};
pub use registry::{Kind, Registry};

/// A resource as JSON members with canonical names: what is stored, filtered and patched.
/// It holds `schemas`, `externalId`, the core attributes and the extension objects under their URNs; never `id`,
/// `meta`, `members`, `groups` or anything else that is derived when a resource is rendered.
pub type Document = serde_json::Map<String, serde_json::Value>;
