//! docs/conformance.md: each row of the audit names a test that exists, says why it does not apply, or that nothing
//! proves it yet. A row cannot name what is not there.

use std::fs;
use std::path::Path;

/// What a row may say in place of a test.
const OTHERWISE: [&str; 3] = ["Does not apply: ", "Client's duty", "Not proven by a test yet"];

/// A row: section, what is asked, how strongly, and its proof.
fn rows(text: &str) -> Vec<[String; 4]> {
    let cells = |line: &str| -> Option<[String; 4]> {
        let inner = line.strip_prefix("| ")?.strip_suffix(" |")?;
        let cells: Vec<String> = inner.split(" | ").map(str::to_owned).collect();
        cells.try_into().ok()
    };
    text.lines().filter_map(cells).filter(|row| row[0] != "Section" && !row[0].starts_with("---")).collect()
}

/// The tests that a proof names: `path::name` in backquotes.
fn named(proof: &str) -> Vec<(String, String)> {
    let quoted = proof.split('`').skip(1).step_by(2);
    quoted
        .filter_map(|text| text.split_once(".rs::"))
        .map(|(path, name)| (format!("{path}.rs"), name.to_owned()))
        .collect()
}

fn faults(text: &str, read: impl Fn(&str) -> Option<String>) -> Vec<String> {
    let mut faults = Vec::new();
    for [section, asks, level, proof] in rows(text) {
        let place = format!("{section} \"{asks}\"");
        if !["MUST", "SHOULD", "MAY"].contains(&level.as_str()) {
            faults.push(format!("{place}: {level} is no level"));
        }
        let tests = named(&proof);
        if tests.is_empty() && !OTHERWISE.iter().any(|start| proof.starts_with(start)) {
            faults.push(format!("{place}: no test and no reason: {proof}"));
        }
        for (path, name) in tests {
            let function = name.rsplit("::").next().unwrap_or_default();
            let test = format!("fn {function}(");
            match read(&path) {
                None => faults.push(format!("{place}: there is no file {path}")),
                Some(source) if !is_test(&source, &test) => {
                    faults.push(format!("{place}: {path} has no test {name}"))
                }
                Some(_) => {}
            }
        }
    }
    faults
}

/// Whether the function stands right under `#[test]` or `proptest!`'s `#[test]`.
fn is_test(source: &str, function: &str) -> bool {
    source.match_indices(function).any(|(at, _)| source[..at].trim_end().ends_with("#[test]"))
}

#[test]
fn every_row_names_a_test_that_is_there_or_a_reason() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let text = fs::read_to_string(root.join("docs/conformance.md")).expect("docs/conformance.md");
    assert!(rows(&text).len() >= 200, "{} rows were read", rows(&text).len());
    let lines = text.lines().filter(|line| line.starts_with("| ")).count();
    let heads =
        text.lines().filter(|line| line.starts_with("| Section") || line.starts_with("| ---")).count();
    assert_eq!(rows(&text).len() + heads, lines, "every line of a table is a row of four cells");
    let faults = faults(&text, |path| fs::read_to_string(root.join(path)).ok());
    assert!(faults.is_empty(), "\n{}\n", faults.join("\n"));
}

#[test]
fn the_check_sees_what_is_wrong() {
    let row = |proof: &str| format!("| §1 | Asks | MUST | {proof} |\n");
    let read =
        |path: &str| (path == "tests/it/a.rs").then(|| "#[test]\nfn good() {}\nfn bad() {}\n".to_owned());
    let count = |proof: &str| faults(&row(proof), read).len();
    assert_eq!(count("`tests/it/a.rs::good`"), 0);
    assert_eq!(count("`tests/it/a.rs::tests::good`"), 0);
    assert_eq!(count("Does not apply: nothing is stored"), 0);
    for wrong in ["`tests/it/a.rs::bad`", "`tests/it/b.rs::good`", "It is so", "`good`"] {
        assert_eq!(count(wrong), 1, "{wrong}");
    }
    assert_eq!(faults("| §1 | Asks | PERHAPS | Client's duty |\n", read).len(), 1);
}
