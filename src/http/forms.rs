//! Forms as browsers send them: `application/x-www-form-urlencoded` bodies. Files come another way, in `upload`.

use std::fmt;
use std::time::Duration;

use crate::http::query::QueryFault;
use crate::http::{BodyError, Query, Request};

/// More than any page's form needs.
const LIMIT: usize = 256 * 1024;
const TIMEOUT: Duration = Duration::from_secs(15);

/// Why a form could not be read.
#[derive(Debug)]
pub enum FormError {
    /// The body is of another kind.
    NotAForm,
    /// The body is no form with files.
    NotAnUpload,
    /// A form with files is broken.
    Parts(&'static str),
    /// The body did not arrive whole.
    Body(BodyError),
    /// A field could not be decoded.
    Field(QueryFault),
}

impl FormError {
    /// The status that fits.
    pub fn status(&self) -> u16 {
        match self {
            FormError::NotAForm | FormError::NotAnUpload => 415,
            FormError::Body(error) => error.status(),
            FormError::Field(_) | FormError::Parts(_) => 400,
        }
    }
}

impl fmt::Display for FormError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            FormError::NotAForm => f.write_str("a form must come as application/x-www-form-urlencoded"),
            FormError::NotAnUpload => f.write_str("a form with a file must come as multipart/form-data"),
            FormError::Parts(what) => write!(f, "the form cannot be taken apart: {what}"),
            FormError::Body(error) => error.fmt(f),
            FormError::Field(fault) => fault.fmt(f),
        }
    }
}

impl std::error::Error for FormError {}

/// Reads a request's body as a form.
pub async fn read(request: &mut Request) -> Result<Query, FormError> {
    let kind = request.headers.get("content-type").unwrap_or("").split(';').next().unwrap_or("").trim();
    if !kind.eq_ignore_ascii_case("application/x-www-form-urlencoded") {
        return Err(FormError::NotAForm);
    }
    let body = request.body(LIMIT, TIMEOUT).await.map_err(FormError::Body)?;
    parse(&body)
}

/// Decodes a form's bytes.
pub fn parse(body: &[u8]) -> Result<Query, FormError> {
    let problem = "is not UTF-8";
    let text = std::str::from_utf8(body)
        .map_err(|_| FormError::Field(QueryFault { name: "form".to_string(), problem }))?;
    let form = Query::form(text);
    match form.fault() {
        Some(fault) => Err(FormError::Field(fault.clone())),
        None => Ok(form),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::http::{Headers, Method};

    #[tokio::test]
    async fn reads_fields_and_refuses_other_bodies() {
        let mut headers = Headers::new();
        headers.set("content-type", "application/x-www-form-urlencoded; charset=utf-8");
        let mut request =
            Request::new(Method::Post, "/admin/sign-in", headers, "email=a%40example.com&p=x+y");
        let form = read(&mut request).await.expect("a form");
        assert_eq!((form.get("email"), form.get("p")), (Some("a@example.com"), Some("x y")));

        let mut json = Request::new(Method::Post, "/admin/sign-in", Headers::new(), "{}");
        assert_eq!(read(&mut json).await.expect_err("not a form").status(), 415);
        assert_eq!(parse(b"a=%zz").expect_err("a bad escape").status(), 400);
        assert_eq!(parse(b"a=\xff").expect_err("bad bytes").status(), 400);
    }
}
