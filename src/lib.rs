//! scimd keeps a company's directory: identity providers push users and groups into it over SCIM 2.0,
//! an admin watches it in a browser. ARCHITECTURE.md is the map; the floors below are listed from the ground up.

pub mod admin;
pub mod api;
pub mod base;
pub mod cli;
pub mod config;
pub mod http;
pub mod scim;
pub mod selftest;
pub mod serve;
pub mod service;
pub mod store;
pub mod tls;
