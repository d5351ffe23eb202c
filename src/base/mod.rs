//! The ground under everything: time, public ids and secrets. Values and small functions, no sockets and no database.

pub mod clock;
pub mod host;
pub mod id;
pub mod memory;
pub mod otp;
mod seal;
pub mod secret;
pub mod wire;

pub use clock::{Clock, Timestamp};
pub use id::{Ids, TeamId};
pub use wire::Wire;
