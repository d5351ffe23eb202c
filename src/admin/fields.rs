//! Fields of forms and what is wrong with them: the summary above a form that was sent back, and the words beside a field.

use askama::Template;
use askama::filters::HtmlSafe;

use super::error::sentence;
use super::parts::Mark;
use crate::service::{Error, admins};

impl HtmlSafe for Errors {}
impl HtmlSafe for FieldError {}
impl HtmlSafe for FieldAttributes {}

/// A fault in a form and the field it belongs to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FieldFault {
    pub field: &'static str,
    pub text: String,
}

impl FieldFault {
    /// A fault of a field.
    pub fn new(field: &'static str, text: impl Into<String>) -> FieldFault {
        FieldFault { field, text: text.into() }
    }
}

/// What the service refused, as the words beside a field.
pub fn refusal(field: &'static str, words: &str) -> FieldFault {
    FieldFault::new(field, sentence(words).trim_end_matches('.'))
}

/// The faults of fields that the service checked.
pub fn refusals(checks: impl IntoIterator<Item = (&'static str, Option<Error>)>) -> Vec<FieldFault> {
    let refused = checks.into_iter().filter_map(|(field, error)| Some((field, error?)));
    refused.map(|(field, error)| refusal(field, &error.to_string())).collect()
}

/// What is wrong with a password that was chosen and entered twice.
pub fn password_faults(password: &str, again: &str) -> Vec<FieldFault> {
    let mut faults = refusals([("password", admins::check_password(password).err())]);
    if faults.is_empty() && password != again {
        faults.push(FieldFault::new("again", "Enter the same password twice"));
    }
    faults
}

/// The summary above a form that was sent back.
#[derive(Template, Clone, Debug, Default)]
#[template(path = "parts/errors.html")]
pub struct Errors {
    pub faults: Vec<FieldFault>,
}

/// A field of a form: what was entered, and what is wrong with it.
#[derive(Clone, Debug, Default)]
pub struct Field {
    pub value: String,
    pub error: FieldError,
    pub attributes: FieldAttributes,
}

/// The words beside a field.
#[derive(Template, Clone, Debug, Default)]
#[template(path = "parts/field_error.html")]
pub struct FieldError {
    pub id: &'static str,
    pub text: String,
}

/// What a field's element says of its hint and its fault.
#[derive(Template, Clone, Debug, Default)]
#[template(path = "parts/field_attributes.html")]
pub struct FieldAttributes {
    pub invalid: bool,
    pub described: String,
}

impl Field {
    /// A field with its value; its fault is looked up by id, and `hint` says whether `{id}-h` describes it.
    pub fn new(id: &'static str, value: impl Into<String>, hint: bool, faults: &[FieldFault]) -> Field {
        let fault = faults.iter().find(|fault| fault.field == id);
        let mut described = Vec::new();
        if fault.is_some() {
            described.push(format!("{id}-e"));
        }
        if hint {
            described.push(format!("{id}-h"));
        }
        Field {
            value: value.into(),
            error: FieldError { id, text: fault.map(|fault| fault.text.clone()).unwrap_or_default() },
            attributes: FieldAttributes { invalid: fault.is_some(), described: described.join(" ") },
        }
    }
}

impl Errors {
    fn mark(&self) -> Mark {
        Mark { kind: "bad" }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_field_names_its_fault_and_its_hint() {
        let faults = [FieldFault::new("name", "Enter a name")];
        let field = Field::new("name", "x", true, &faults);
        assert_eq!(
            field.attributes.render().expect("renders"),
            " aria-invalid=\"true\" aria-describedby=\"name-e name-h\""
        );
        assert!(field.error.render().expect("renders").contains("id=\"name-e\""));
        assert_eq!(Field::new("name", "x", false, &[]).attributes.render().expect("renders"), "");
    }
}
