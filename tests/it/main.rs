//! The integration tests: the real binary on a loopback port, spoken to over HTTP as a provider would.
//! What one function promises is tested beside it; here stands what only the whole can show.

mod client;
mod server;
mod steady;

mod activity;
mod causes;
mod compare;
mod dialogues;
mod discovery;
mod durability;
mod identity;
mod install;
mod jumpcloud_run;
mod membership_soak;
mod process;
mod resources;
mod selftest;
mod teams;
mod tidy;
mod tokens;
mod transport;
