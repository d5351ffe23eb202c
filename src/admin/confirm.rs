//! The page that asks before something that cannot be taken back: what will happen, the safe way out first.

use askama::Template;

use super::page::Shell;
use super::parts::{Errors, Field, Link};

/// A question with a safe and a dangerous answer.
#[derive(Template)]
#[template(path = "confirm.html")]
pub struct Confirm {
    pub shell: Shell,
    pub crumbs: Vec<Link>,
    pub last: &'static str,
    pub heading: String,
    pub errors: Errors,
    pub paragraphs: Vec<String>,
    /// A word that must be typed first, and what it is called.
    pub typed: Option<(Field, String)>,
    pub action: String,
    pub safe: String,
    pub safe_text: &'static str,
    /// Empty where there is no way but the safe one.
    pub danger_text: &'static str,
}
