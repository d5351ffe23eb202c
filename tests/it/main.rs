//! The integration tests: the real binary on a loopback port, spoken to over HTTP as a provider would.
//! What one function promises is tested beside it; here stands what only the whole can show.

mod client;
mod server;

mod dialogues;
mod tidy;
