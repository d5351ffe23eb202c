//! Reads a dialogue file: its header lines and its steps, each a request and the expected answer.
//! The format is told in `tests/dialogues/README.md`.

use serde_json::Value;

/// A whole dialogue.
#[derive(Debug)]
pub struct Script {
    /// `/scim` unless the file says `base: /scim/v2`.
    pub base: String,
    /// Whether the token is a strict one.
    pub strict: bool,
    pub steps: Vec<Step>,
}

/// One request and what is expected of its answer.
#[derive(Debug)]
pub struct Step {
    pub title: String,
    pub line: usize,
    pub method: String,
    pub target: String,
    /// Lower-case names; the value `-` takes a usual header away.
    pub headers: Vec<(String, String)>,
    pub body: Option<String>,
    pub status: u16,
    pub answer_headers: Vec<(String, String)>,
    pub expected: Expected,
}

/// What the answer's body must be.
#[derive(Debug)]
pub enum Expected {
    Anything,
    Empty,
    Json(Value),
}

/// Reads a dialogue; the error names the line.
pub fn parse(text: &str) -> Result<Script, String> {
    let mut script = Script { base: "/scim".to_string(), strict: false, steps: Vec::new() };
    let lines: Vec<(usize, &str)> = text
        .lines()
        .enumerate()
        .map(|(n, line)| (n + 1, line.trim_end()))
        .filter(|(_, line)| !line.starts_with('#'))
        .collect();
    let first = lines.iter().position(|(_, line)| line.starts_with("== ")).unwrap_or(lines.len());
    for (n, line) in lines[..first].iter().filter(|(_, line)| !line.is_empty()) {
        match header(line).ok_or(format!("line {n}: `name: value` or `== a step`, not `{line}`"))? {
            (name, value) if name == "base" => script.base = value,
            (name, value) if name == "token" && (value == "strict" || value == "compat") => {
                script.strict = value == "strict";
            }
            (name, _) if name == "title" => {}
            (name, value) => return Err(format!("line {n}: unknown header `{name}: {value}`")),
        }
    }
    let mut rest = &lines[first..];
    while let Some((n, line)) = rest.first() {
        let length =
            rest[1..].iter().position(|(_, line)| line.starts_with("== ")).map_or(rest.len(), |at| at + 1);
        let title = line.trim_start_matches("== ").to_string();
        script.steps.push(step(title, *n, &rest[1..length])?);
        rest = &rest[length..];
    }
    if script.steps.is_empty() {
        return Err("no step".to_string());
    }
    Ok(script)
}

fn step(title: String, line: usize, lines: &[(usize, &str)]) -> Result<Step, String> {
    let at = |what: &str| format!("line {line}, {title}: {what}");
    let turn = lines
        .iter()
        .position(|(_, line)| line.starts_with("<< "))
        .ok_or_else(|| at("no expected answer (`<< 200`)"))?;
    let mut asked = lines[..turn].iter().map(|(_, line)| *line).skip_while(|line| line.is_empty());
    let request = asked.next().ok_or_else(|| at("no request line"))?;
    let (method, target) = request.split_once(' ').ok_or_else(|| at("a request line is `METHOD /path`"))?;
    let (headers, body) = head_and_body(asked);
    let status = lines[turn].1.trim_start_matches("<< ").trim();
    let status = status.parse().map_err(|_| at("`<<` is followed by a status"))?;
    let (answer_headers, answer) = head_and_body(lines[turn + 1..].iter().map(|(_, line)| *line));
    let expected = match answer.as_deref().map(str::trim) {
        None => Expected::Anything,
        Some("(empty)") => Expected::Empty,
        Some(json) => {
            Expected::Json(serde_json::from_str(json).map_err(|e| at(&format!("expected answer: {e}")))?)
        }
    };
    Ok(Step {
        line,
        method: method.to_string(),
        target: target.trim().to_string(),
        headers,
        body,
        status,
        answer_headers,
        expected,
        title,
    })
}

/// Header lines up to a blank line or the body, then the body. Lines that open with `|` are taken as they stand.
fn head_and_body<'a>(lines: impl Iterator<Item = &'a str>) -> (Vec<(String, String)>, Option<String>) {
    let mut headers = Vec::new();
    let mut body: Vec<&str> = Vec::new();
    let mut in_head = true;
    for line in lines {
        let named = if in_head && !line.starts_with(['{', '[', '(', '|']) { header(line) } else { None };
        match named {
            Some(named) => headers.push(named),
            None if line.is_empty() && body.is_empty() => in_head = headers.is_empty(),
            None => {
                in_head = false;
                body.push(line.strip_prefix('|').unwrap_or(line));
            }
        }
    }
    while body.last().is_some_and(|line| line.is_empty()) {
        body.pop();
    }
    (headers, (!body.is_empty()).then(|| body.join("\n")))
}

/// `Name: value`, the name in lower case.
fn header(line: &str) -> Option<(String, String)> {
    let (name, value) = line.split_once(':')?;
    let named = !name.is_empty() && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '-');
    named.then(|| (name.to_ascii_lowercase(), value.trim().to_string()))
}

#[test]
fn a_file_is_read_whole() {
    let text = "# note\ntitle: x\ntoken: strict\nbase: /scim/v2\n\n== first\nPOST /Users?x=1\nAccept: a/b\n\n{\"a\":\n 1}\n\n\
                << 201\nETag: W/*\n\n{\"id\": \"(any)\"}\n\n== second\nDELETE /Users/1\n<< 204\n(empty)\n== third\nPUT /x\n|{bad\n<< 400\n";
    let script = parse(text).expect("it can be read");
    assert_eq!((script.base.as_str(), script.strict, script.steps.len()), ("/scim/v2", true, 3));
    let first = &script.steps[0];
    assert_eq!((first.method.as_str(), first.target.as_str(), first.status), ("POST", "/Users?x=1", 201));
    assert_eq!(first.headers, [("accept".to_string(), "a/b".to_string())]);
    assert_eq!(first.body.as_deref(), Some("{\"a\":\n 1}"));
    assert_eq!(first.answer_headers, [("etag".to_string(), "W/*".to_string())]);
    assert!(matches!(first.expected, Expected::Json(_)));
    assert!(matches!(script.steps[1].expected, Expected::Empty));
    assert_eq!(script.steps[2].body.as_deref(), Some("{bad"));
    assert!(matches!(script.steps[2].expected, Expected::Anything));
}

#[test]
fn a_fault_in_a_file_is_named() {
    assert!(parse("").is_err());
    assert!(parse("tokn: strict\n== a\nGET /x\n<< 200\n").expect_err("unknown header").contains("tokn"));
    assert!(parse("== a\nGET /x\n").expect_err("no answer").contains("line 1"));
    assert!(parse("== a\nGET /x\n<< 200\n{\"a\":\n").expect_err("broken JSON").contains("expected answer"));
}
