//! Forms with files as browsers send them: `multipart/form-data` bodies (RFC 7578), read whole within a limit that the
//! page gives. What a file means is the page's business; nothing of it is kept.

use std::time::Duration;

use hyper::body::Bytes;

use crate::http::Request;
use crate::http::forms::FormError;

const TIMEOUT: Duration = Duration::from_secs(120);
/// More parts than any page's form has.
const MOST_PARTS: usize = 32;
/// The longest header of a part.
const LONGEST_HEAD: usize = 4096;
/// The longest field that is no file.
const LONGEST_NAME: usize = 200;

/// A form with its files.
#[derive(Debug, Default)]
pub struct Upload {
    parts: Vec<Part>,
}

/// A field: a text, or a file with its name.
#[derive(Debug)]
struct Part {
    name: String,
    file: Option<String>,
    content: Bytes,
}

impl Upload {
    /// The text of the first field of that name; none where it is not UTF-8.
    pub fn text(&self, name: &str) -> Option<&str> {
        let part = self.parts.iter().find(|part| part.name == name && part.file.is_none())?;
        std::str::from_utf8(&part.content).ok()
    }

    /// The name and content of a file that was chosen. A field that was left empty comes as a file without a name.
    pub fn file(&self, name: &str) -> Option<(&str, &Bytes)> {
        let part = self.parts.iter().find(|part| part.name == name)?;
        let file = part.file.as_deref()?;
        (!file.is_empty() || !part.content.is_empty()).then_some((file, &part.content))
    }
}

/// Reads a request's body as a form with files.
pub async fn read(request: &mut Request, limit: usize) -> Result<Upload, FormError> {
    let kind = request.headers.get("content-type").unwrap_or_default();
    let boundary = boundary(kind).ok_or(FormError::NotAnUpload)?;
    let body = request.body(limit, TIMEOUT).await.map_err(FormError::Body)?;
    parse(&body, &boundary)
}

/// The boundary that a content type names (RFC 2046 §5.1.1: at most 70 characters).
fn boundary(kind: &str) -> Option<String> {
    let (media, parameters) = kind.split_once(';')?;
    if !media.trim().eq_ignore_ascii_case("multipart/form-data") {
        return None;
    }
    let value = parameter(parameters, "boundary")?;
    (!value.is_empty() && value.len() <= 70).then_some(value)
}

/// A parameter of a header (`; name="x"; filename="a \"b\".csv"`), its quotes taken away.
fn parameter(mut rest: &str, wanted: &str) -> Option<String> {
    loop {
        rest = rest.trim_start_matches([';', ' ', '\t']);
        let (name, after) = rest.split_once('=')?;
        let (value, behind) = value(after);
        if name.trim().eq_ignore_ascii_case(wanted) {
            return Some(value);
        }
        rest = behind;
    }
}

/// The value at the beginning of a text, and what stands behind it.
fn value(text: &str) -> (String, &str) {
    let Some(quoted) = text.strip_prefix('"') else {
        let end = text.find(';').unwrap_or(text.len());
        return (text[..end].trim().to_owned(), &text[end..]);
    };
    let mut value = String::new();
    let mut signs = quoted.char_indices();
    while let Some((at, sign)) = signs.next() {
        match sign {
            '"' => return (value, &quoted[at + 1..]),
            // Old browsers write \" for a quote; new ones write %22, and a name such as C:\x is left as it is.
            '\\' if quoted[at + 1..].starts_with('"') => {
                value.push('"');
                signs.next();
            }
            sign => value.push(sign),
        }
    }
    (value, "")
}

/// Takes a body apart (RFC 2046 §5.1.1).
fn parse(body: &Bytes, boundary: &str) -> Result<Upload, FormError> {
    let broken = FormError::Parts;
    let delimiter = format!("\r\n--{boundary}");
    let mut upload = Upload::default();
    // The first delimiter stands at the beginning, without the line break before it.
    let mut at = match body.starts_with(&delimiter.as_bytes()[2..]) {
        true => delimiter.len() - 2,
        false => find(body, delimiter.as_bytes(), 0).ok_or(broken("no part begins in it"))? + delimiter.len(),
    };
    loop {
        match body[at..] {
            [b'-', b'-', ..] => return Ok(upload),
            [b'\r', b'\n', ..] => at += 2,
            _ => return Err(broken("a part's beginning is cut")),
        }
        if upload.parts.len() == MOST_PARTS {
            return Err(broken("it has too many parts"));
        }
        let head_end = find(&body[..body.len().min(at + LONGEST_HEAD)], b"\r\n\r\n", at);
        let head_end = head_end.ok_or(broken("a part's header has no end"))?;
        let end = find(body, delimiter.as_bytes(), head_end + 2).ok_or(broken("its last part has no end"))?;
        let start = (head_end + 4).min(end);
        let (name, file) = disposition(&body[at..head_end]).ok_or(broken("a part has no name"))?;
        upload.parts.push(Part { name, file, content: body.slice(start..end) });
        at = end + delimiter.len();
    }
}

/// The name of a part, and of its file (RFC 7578 §4.2).
fn disposition(head: &[u8]) -> Option<(String, Option<String>)> {
    let head = String::from_utf8_lossy(head);
    let (_, parameters) = head
        .split("\r\n")
        .filter_map(|line| line.split_once(':'))
        .find(|(name, _)| name.trim().eq_ignore_ascii_case("content-disposition"))
        .and_then(|(_, value)| value.trim().split_once(';'))?;
    let name = parameter(parameters, "name").filter(|name| name.len() <= LONGEST_NAME)?;
    Some((name, parameter(parameters, "filename").map(|name| name.chars().take(LONGEST_NAME).collect())))
}

/// Where `wanted` first stands in `bytes`, from `from` on.
fn find(bytes: &[u8], wanted: &[u8], from: usize) -> Option<usize> {
    let mut at = from;
    while let Some(step) = bytes.get(at..)?.iter().position(|byte| *byte == wanted[0]) {
        at += step;
        if bytes[at..].starts_with(wanted) {
            return Some(at);
        }
        at += 1;
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::http::{Headers, Method};

    const BODY: &str = "--x1\r\nContent-Disposition: form-data; name=\"csrf\"\r\n\r\nproof\r\n--x1\r\n\
        content-disposition: form-data; name=\"file\"; filename=\"people; \\\"all\\\".csv\"\r\nContent-Type: text/csv\r\n\r\n\
        email\r\na@example.com\r\n--x\r\n\r\n--x1\r\nContent-Disposition: form-data; name=\"none\"; filename=\"\"\r\n\r\n\r\n--x1--\r\n";

    async fn sent(kind: &str, body: impl Into<Bytes>, limit: usize) -> Result<Upload, FormError> {
        let mut headers = Headers::new();
        headers.set("content-type", kind);
        read(&mut Request::new(Method::Post, "/admin/t/a/compare", headers, body), limit).await
    }

    #[tokio::test]
    async fn fields_and_files_are_told_apart() {
        let upload = sent("multipart/form-data; boundary=x1", BODY, 10_000).await.expect("a form");
        assert_eq!(upload.text("csrf"), Some("proof"));
        let (name, content) = upload.file("file").expect("a file");
        assert_eq!(name, "people; \"all\".csv");
        assert_eq!(content, "email\r\na@example.com\r\n--x\r\n", "what only looks like a boundary stays");
        assert!(
            upload.file("none").is_none() && upload.file("csrf").is_none() && upload.text("file").is_none()
        );
        let quoted = sent("Multipart/Form-Data; charset=utf-8; boundary=\"x1\"", BODY, 10_000).await;
        assert!(quoted.is_ok());
    }

    #[tokio::test]
    async fn a_body_that_is_too_long_or_of_another_kind_is_refused() {
        let kind = "multipart/form-data; boundary=x1";
        assert_eq!(sent(kind, BODY, BODY.len()).await.map(|_| ()).map_err(|error| error.status()), Ok(()));
        assert_eq!(sent(kind, BODY, BODY.len() - 1).await.expect_err("too long").status(), 413);
        for kind in
            ["application/x-www-form-urlencoded", "multipart/form-data", "multipart/mixed; boundary=x1", ""]
        {
            assert_eq!(sent(kind, BODY, 10_000).await.expect_err("another kind").status(), 415, "{kind}");
        }
    }

    #[test]
    fn a_broken_body_never_panics_and_says_what_is_wrong() {
        let parse = |text: &str| {
            parse(&Bytes::from(text.to_owned()), "x1").map(|_| ()).map_err(|error| error.to_string())
        };
        for end in 0..BODY.len() - 2 {
            assert!(parse(&BODY[..end]).is_err() || end >= BODY.len() - 4, "cut at {end}");
        }
        assert!(parse("").is_err_and(|words| words.contains("no part begins in it")));
        assert!(parse("--x1\r\n\r\n\r\n--x1--").is_err_and(|words| words.contains("a part has no name")));
        let part = "--x1\r\nContent-Disposition: form-data; name=\"a\"\r\n\r\n\r\n";
        assert!(parse(&format!("{}--x1--", part.repeat(MOST_PARTS))).is_ok());
        assert!(
            parse(&format!("{}--x1--", part.repeat(MOST_PARTS + 1)))
                .is_err_and(|words| words.contains("too many"))
        );
        let long = format!("--x1\r\nX: {}\r\n\r\n\r\n--x1--", "y".repeat(LONGEST_HEAD));
        assert!(parse(&long).is_err_and(|words| words.contains("header has no end")));
    }
}
