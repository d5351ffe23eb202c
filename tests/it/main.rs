//! The integration tests: the real binary on a loopback port, spoken to over HTTP as a provider would.
//! What one function promises is tested beside it; here stands what only the whole can show.

mod browser;
mod client;
mod server;
mod steady;

mod activity;
mod bulk;
mod causes;
mod compare;
mod conformance;
mod core_schema;
mod dialogues;
mod discovery;
mod durability;
mod examples;
mod exports;
mod filters;
mod finding;
mod histories;
mod identity;
mod install;
mod jumpcloud_run;
mod leaks;
mod leniencies;
mod me;
mod membership_soak;
mod membership_told;
mod nesting;
mod pages;
mod paging;
mod patching;
mod process;
mod projections;
mod resources;
mod schemas;
mod searching;
mod selftest;
mod signin;
mod sorting;
mod teams;
mod tidy;
mod tokens;
mod transport;
mod upgrade;
mod versions;
