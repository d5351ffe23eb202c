//! The house rules of ARCHITECTURE.md, held as tests: floors, invariants, file sizes, comments, documented settings.
//! Each rule is a function from source text to faults, so that it can be shown to fail on a sample that breaks it.

use std::fs;
use std::path::{Path, PathBuf};

mod text;

use text::{code_only, line_of, part_before_tests};

/// One broken rule: where, and what to change.
type Fault = String;

/// The lowest floor is 1; a module imports only from floors below its own.
const FLOORS: [(&str, u8); 14] = [
    ("main", 7),
    ("cli", 7),
    ("serve", 6),
    ("api", 5),
    ("admin", 5),
    ("webhooks", 5),
    ("tls", 5),
    ("service", 4),
    ("store", 3),
    ("selftest", 3),
    ("http", 2),
    ("scim", 1),
    ("base", 1),
    ("config", 1),
];

fn floor_of(module: &str) -> Option<u8> {
    FLOORS.iter().find(|(name, _)| *name == module).map(|(_, floor)| *floor)
}

/// Whether code in `from` may name `to`. On the ground floor everyone may use `base`, which uses nobody.
fn may_import(from: &str, to: &str) -> bool {
    let (Some(own), Some(other)) = (floor_of(from), floor_of(to)) else { return true };
    // `service` and `store` do not know that HTTP exists.
    if to == "http" && (from == "service" || from == "store") {
        return false;
    }
    from == to || other < own || (to == "base" && own == 1) || (from == "main" && to == "cli")
}

/// The top-level modules that a source text names by `crate::`, `scimd::` or a chain of `super::`, with their lines.
fn imports(code: &str, depth: usize) -> Vec<(String, usize)> {
    let mut found = Vec::new();
    for root in ["crate::", "scimd::"] {
        for (at, _) in code.match_indices(root) {
            let before = code[..at].chars().next_back();
            if before.is_some_and(|c| c.is_alphanumeric() || c == '_' || c == ':') {
                continue;
            }
            for name in heads(&code[at + root.len()..]) {
                found.push((name, line_of(code, at)));
            }
        }
    }
    let chain = "super::".repeat(depth);
    if depth > 0 {
        for (at, _) in code.match_indices(&chain) {
            if code[..at].ends_with("super::") {
                continue;
            }
            for name in heads(&code[at + chain.len()..]) {
                found.push((name, line_of(code, at)));
            }
        }
    }
    found
}

/// The first names of a path or of a braced list of paths: `{a, b::c}` gives `a` and `b`.
fn heads(rest: &str) -> Vec<String> {
    if let Some(list) = rest.strip_prefix('{') {
        let mut depth = 1;
        let mut names = Vec::new();
        let mut name = String::new();
        let mut open = true;
        for c in list.chars() {
            match c {
                '{' => depth += 1,
                '}' => depth -= 1,
                ',' if depth == 1 => {
                    names.push(std::mem::take(&mut name));
                    open = true;
                    continue;
                }
                _ => {}
            }
            if depth == 0 {
                break;
            }
            if depth == 1 && open && !c.is_whitespace() {
                if c.is_alphanumeric() || c == '_' {
                    name.push(c);
                } else {
                    open = false;
                }
            }
        }
        names.push(name);
        names.retain(|name| !name.is_empty());
        return names;
    }
    let name: String = rest.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect();
    if name.is_empty() { Vec::new() } else { vec![name] }
}

/// A source file of the crate: its path under `src`, its top-level module, how deep its module lies.
struct Source {
    path: String,
    module: String,
    depth: usize,
    text: String,
}

impl Source {
    fn new(path: &str, text: &str) -> Source {
        let parts: Vec<&str> =
            path.trim_end_matches(".rs").split('/').filter(|part| *part != "mod").collect();
        let module = parts.first().copied().unwrap_or("lib").to_string();
        Source { path: path.to_string(), depth: parts.len(), module, text: text.to_string() }
    }

    /// A file that is compiled for tests alone: `tests.rs`, `testing.rs` and what lies below them.
    fn is_tests(&self) -> bool {
        self.path.split('/').any(|part| ["tests", "tests.rs", "testing", "testing.rs"].contains(&part))
    }

    fn is_under(&self, modules: &[&str]) -> bool {
        modules.contains(&self.module.as_str())
    }
}

fn floors(source: &Source) -> Vec<Fault> {
    if source.module == "lib" {
        return Vec::new();
    }
    let code = code_only(&source.text);
    let tests_at = part_before_tests(&code).len();
    let mut named = imports(&code, 0);
    named.extend(imports(&code[..tests_at], source.depth));
    named.sort();
    named.dedup();
    named
        .into_iter()
        .filter(|(name, _)| !may_import(&source.module, name))
        .map(|(name, line)| {
            format!(
                "src/{}:{line}: `{}` imports `{name}`. A module imports only from floors below its own, faces never \
                 import each other, service and store do not know HTTP (ARCHITECTURE.md, The house): move what is \
                 shared to a lower floor.",
                        source.path, source.module
                    )
        })
        .collect()
}

/// Invariant 2: which crates are named where.
const OWNERS: [(&str, &[&str]); 9] = [
    ("rusqlite", &["store"]),
    ("hyper", &["http"]),
    ("hyper_util", &["http"]),
    ("http_body_util", &["http"]),
    ("rustls", &["http", "tls"]),
    ("tokio_rustls", &["http", "tls"]),
    ("rcgen", &["tls"]),
    ("askama", &["admin"]),
    ("anyhow", &["cli", "main", "serve"]),
];

fn owned_crates(source: &Source) -> Vec<Fault> {
    let code = code_only(&source.text);
    let code = part_before_tests(&code);
    let mut faults = Vec::new();
    for (name, owners) in OWNERS {
        if source.is_under(owners) || source.is_tests() {
            continue;
        }
        for line in uses_of(code, name) {
            faults.push(format!(
                "src/{}:{line}: `{name}` is named only under {} (invariant 2). Give it a type of ours there instead.",
                source.path,
                owners.join(" and ")
            ));
        }
    }
    faults
}

/// Lines where a crate is named: `name::` or `use name` as a whole word that is not part of a longer path.
fn uses_of(code: &str, name: &str) -> Vec<usize> {
    code.match_indices(name)
        .filter(|(at, _)| {
            let before = code[..*at].chars().next_back();
            let after = &code[at + name.len()..];
            let starts = !before.is_some_and(|c| c.is_alphanumeric() || c == '_' || c == ':' || c == '.');
            let ends = after.starts_with("::")
                || (after.starts_with([';', ' ']) && code[..*at].trim_end().ends_with("use"));
            starts && ends
        })
        .map(|(at, _)| line_of(code, at))
        .collect()
}

/// Invariant 1: what `scim` must not name.
const IMPURE: [&str; 11] = [
    "std::fs",
    "std::net",
    "std::io::std",
    "SystemTime",
    "Instant",
    "Timestamp::now",
    "getrandom",
    "secret::random",
    "std::env",
    "std::process",
    "tokio",
];

fn purity(source: &Source) -> Vec<Fault> {
    if source.module != "scim" {
        return Vec::new();
    }
    let code = code_only(&source.text);
    let code = part_before_tests(&code);
    IMPURE
        .iter()
        .flat_map(|word| code.match_indices(word))
        .map(|(at, word)| {
            format!(
                "src/{}:{}: `{word}`: scim does no I/O, reads no clock and draws no random number (invariant 1). \
                 Take the value as an argument.",
                source.path,
                line_of(code, at)
            )
        })
        .collect()
}

/// The most lines a file may have before its tests.
const MOST_LINES: usize = 400;

fn size(source: &Source) -> Vec<Fault> {
    if source.is_tests() {
        return Vec::new();
    }
    let lines = part_before_tests(&source.text).lines().count();
    if lines <= MOST_LINES {
        return Vec::new();
    }
    vec![format!(
        "src/{}: {lines} lines before its tests, {MOST_LINES} are the most. Part the file where its ideas part.",
        source.path
    )]
}

fn opening(path: &str, text: &str) -> Vec<Fault> {
    if text.starts_with("//!") {
        return Vec::new();
    }
    vec![format!("{path}:1: every file opens with `//!` saying what lives here and what does not.")]
}

/// Words that have no place in code outside tests.
const SLOPPY: [(&str, &str); 7] = [
    (".unwrap()", "handle the case, or `expect(\"the invariant\")`"),
    (".unwrap_err()", "match instead"),
    ("todo!(", "build it"),
    ("unimplemented!(", "build it"),
    ("dbg!(", "remove it"),
    ("#[allow(", "mend the cause; if the lint is wrong, `#[expect(…, reason = \"…\")]`"),
    ("panic!(", "return an error; for a broken invariant use `expect` or `unreachable!` with the reason"),
];

fn sloppy(source: &Source) -> Vec<Fault> {
    if source.is_tests() {
        return Vec::new();
    }
    let code = code_only(&source.text);
    let code = part_before_tests(&code);
    SLOPPY
        .iter()
        .flat_map(|(word, cure)| code.match_indices(word).map(move |(at, _)| (at, word, cure)))
        .map(|(at, word, cure)| {
            format!("src/{}:{}: `{word}` outside tests: {cure}.", source.path, line_of(code, at))
        })
        .collect()
}

/// Marks of unfinished or switched-off work, anywhere. The words are put together here so that this file passes.
fn unfinished(path: &str, text: &str) -> Vec<Fault> {
    let words =
        [["TO", "DO"].concat(), ["FIX", "ME"].concat(), ["XX", "X:"].concat(), ["#[ign", "ore"].concat()];
    text.lines()
        .enumerate()
        .filter(|(_, line)| words.iter().any(|word| line.contains(word.as_str())))
        .map(|(n, line)| {
            format!("{path}:{}: unfinished work: `{}`. Finish it or file it.", n + 1, line.trim())
        })
        .collect()
}

/// Addresses that hold on one machine only, and host names of package registries.
fn machine(path: &str, text: &str) -> Vec<Fault> {
    let words = [
        ["/wo", "rk/"].concat(),
        ["/ro", "ot/"].concat(),
        ["/home", "/runner"].concat(),
        ["crates", ".io"].concat(),
        ["pypi", ".org"].concat(),
        ["npmjs", ".org"].concat(),
        ["deb.debian", ".org"].concat(),
    ];
    text.lines()
        .enumerate()
        .filter_map(|(n, line)| words.iter().find(|word| line.contains(word.as_str())).map(|word| (n, word)))
        .map(|(n, word)| {
            format!("{path}:{}: `{word}` ties the repository to one machine or registry. Remove it.", n + 1)
        })
        .collect()
}

/// A template shows: no style or script inside it, which the content security policy would refuse anyway.
fn template(path: &str, text: &str) -> Vec<Fault> {
    let lower = text.to_lowercase();
    let mut faults = Vec::new();
    for (n, line) in lower.lines().enumerate() {
        let at = format!("{path}:{}", n + 1);
        if line.contains("<style") {
            faults.push(format!("{at}: a <style> element. Put the rule into static/style.css."));
        }
        if line.contains(" style=") {
            faults.push(format!("{at}: a style attribute. Give it a class from static/style.css."));
        }
        if line.contains("<script") && !(line.contains("src=") && line.contains("></script>")) {
            faults.push(format!("{at}: a script inside the page. Put it into static/."));
        }
        for handler in [" onclick=", " onload=", " onsubmit=", " onchange=", " oninput=", "javascript:"] {
            if line.contains(handler) {
                faults.push(format!("{at}: `{}` runs a script inside the page.", handler.trim()));
            }
        }
        if line.contains("|safe") || line.contains("| safe") {
            faults.push(format!("{at}: `safe` switches escaping off. Names and bodies are hostile input."));
        }
    }
    faults
}

/// The files of `store` whose tables belong to a team.
const OF_A_TEAM: [&str; 7] = ["resources", "members", "nesting", "search", "events", "counts", "activity"];

/// Functions that take the team inside what they are given.
const TEAM_INSIDE: [&str; 1] = ["insert_activity"];

/// Invariant 6: every public method on a transaction that touches a directory takes a team first.
fn teamless(source: &Source) -> Vec<Fault> {
    let name = source.path.trim_start_matches("store/").trim_end_matches(".rs");
    if source.module != "store" || !OF_A_TEAM.contains(&name) {
        return Vec::new();
    }
    let code = code_only(&source.text);
    let code = part_before_tests(&code);
    let mut faults = Vec::new();
    for (at, word) in code.match_indices("pub fn ") {
        let rest = &code[at + word.len()..];
        let (name, rest) = rest.split_once('(').unwrap_or((rest, ""));
        let name = name.split('<').next().unwrap_or(name);
        let parameters = rest.split_once(')').map_or(rest, |(parameters, _)| parameters);
        let mut parts = parameters.split(',').map(str::trim);
        let is_method = parts.next().is_some_and(|first| first == "&self" || first == "&mut self");
        let takes_team = parts.next().is_some_and(|second| second.contains("TeamId"));
        if is_method && !takes_team && !TEAM_INSIDE.contains(&name) {
            faults.push(format!(
                "src/{}:{}: `{name}` takes no TeamId first (invariant 6): there is no query without a team.",
                source.path,
                line_of(code, at)
            ));
        }
    }
    faults
}

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

/// The files below a folder of the repository, as paths relative to its root, in order.
fn files(folder: &str) -> Vec<String> {
    let mut found = Vec::new();
    let mut folders = vec![root().join(folder)];
    while let Some(folder) = folders.pop() {
        let Ok(entries) = fs::read_dir(&folder) else { continue };
        for entry in entries {
            let path = entry.expect("a folder of the repository can be read").path();
            let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
            if path.is_dir() {
                if !["target", "node_modules", ".git", "data", "__pycache__"].contains(&name.as_str()) {
                    folders.push(path);
                }
            } else {
                let relative = path.strip_prefix(root()).expect("it lies below the root");
                found.push(relative.to_string_lossy().into_owned());
            }
        }
    }
    found.sort();
    found
}

fn read(path: &str) -> String {
    String::from_utf8_lossy(&fs::read(root().join(path)).unwrap_or_else(|e| panic!("{path}: {e}")))
        .into_owned()
}

fn has_extension(path: &str, extensions: &[&str]) -> bool {
    Path::new(path).extension().is_some_and(|e| extensions.contains(&e.to_string_lossy().as_ref()))
}

fn sources() -> Vec<Source> {
    files("src")
        .iter()
        .filter(|path| has_extension(path, &["rs"]))
        .map(|path| Source::new(path.trim_start_matches("src/"), &read(path)))
        .collect()
}

#[track_caller]
fn none(faults: Vec<Fault>) {
    assert!(faults.is_empty(), "\n{}\n", faults.join("\n"));
}

#[test]
fn a_module_imports_only_from_floors_below_its_own() {
    none(sources().iter().flat_map(floors).collect());
}

#[test]
fn every_top_level_module_has_a_floor() {
    let strays: Vec<String> = sources()
        .iter()
        .map(|source| source.module.clone())
        .filter(|module| module != "lib" && floor_of(module).is_none())
        .map(|module| {
            format!("src/{module}: which floor is it on? Add it to ARCHITECTURE.md and tests/it/tidy.rs.")
        })
        .collect();
    none(strays);
}

#[test]
fn each_crate_is_named_only_where_it_belongs() {
    none(sources().iter().flat_map(owned_crates).collect());
}

#[test]
fn scim_does_no_io_reads_no_clock_and_draws_no_random_number() {
    none(sources().iter().flat_map(purity).collect());
}

#[test]
fn every_function_on_a_directory_takes_a_team() {
    none(sources().iter().flat_map(teamless).collect());
}

#[test]
fn no_file_is_longer_than_one_idea() {
    none(sources().iter().flat_map(size).collect());
}

#[test]
fn every_file_says_what_lives_in_it() {
    let mut faults = Vec::new();
    for path in files("src").iter().chain(&files("tests")).filter(|path| has_extension(path, &["rs"])) {
        faults.extend(opening(path, &read(path)));
    }
    none(faults);
}

#[test]
fn nothing_sloppy_outside_tests() {
    none(sources().iter().flat_map(sloppy).collect());
}

#[test]
fn nothing_unfinished_and_nothing_of_one_machine() {
    let mut faults = Vec::new();
    for path in files("") {
        let lock = path.ends_with(".lock") || path.ends_with("package-lock.json");
        if lock
            || !has_extension(
                &path,
                &[
                    "rs", "html", "css", "js", "mjs", "md", "sql", "toml", "txt", "py", "sh", "service",
                    "json", "",
                ],
            ) && !["tests/run", ".ci/run"].contains(&path.as_str())
        {
            continue;
        }
        let text = read(&path);
        faults.extend(unfinished(&path, &text));
        faults.extend(machine(&path, &text));
    }
    none(faults);
}

#[test]
fn templates_hold_no_style_and_no_script() {
    let mut faults = Vec::new();
    for path in files("templates").iter().filter(|path| has_extension(path, &["html"])) {
        faults.extend(template(path, &read(path)));
    }
    none(faults);
}

/// The long flags in a help text.
fn flags_in(help: &str) -> Vec<String> {
    let mut flags: Vec<String> = help
        .split_whitespace()
        .filter_map(|word| word.trim_start_matches('[').strip_prefix("--"))
        .map(|word| word.chars().take_while(|c| c.is_ascii_lowercase() || *c == '-').collect::<String>())
        .filter(|flag| !flag.is_empty() && !["help", "version"].contains(&flag.as_str()))
        .collect();
    flags.sort();
    flags.dedup();
    flags
}

fn undocumented(flags: &[String], document: &str) -> Vec<Fault> {
    flags
        .iter()
        .filter(|flag| !document.contains(&format!("--{flag}")))
        .map(|flag| {
            format!("docs/configuration.md does not tell of `--{flag}`, which `scimd serve --help` has.")
        })
        .collect()
}

#[test]
fn every_setting_is_documented() {
    let help = crate::server::scimd(&["serve", "--help"]);
    let flags = flags_in(&help.stdout);
    assert!(flags.contains(&"listen".to_string()), "the help text was read: {flags:?}\n{}", help.stdout);
    none(undocumented(&flags, &read("docs/configuration.md")));
}

/// The names in `Leniency::name`.
fn leniency_names(lenient: &str) -> Vec<String> {
    lenient
        .lines()
        .filter(|line| line.trim_start().starts_with("Leniency::"))
        .filter_map(|line| line.split_once("=> \"").and_then(|(_, rest)| rest.split_once('"')))
        .map(|(name, _)| name.to_string())
        .collect()
}

fn unexplained(names: &[String], document: &str, dialogues: &[String]) -> Vec<Fault> {
    let mut faults = Vec::new();
    for name in names {
        if !document.contains(&format!("`{name}`")) {
            faults.push(format!("docs/interop.md has no line for the leniency `{name}` (invariant 9)."));
        }
        let dialogue = format!("tests/dialogues/leniencies/{name}.txt");
        if !dialogues.contains(&dialogue) {
            faults
                .push(format!("{dialogue} is missing: each leniency has a dialogue that fails without it."));
        }
    }
    faults
}

#[test]
fn each_leniency_is_documented_and_recorded() {
    let names = leniency_names(&read("src/scim/lenient.rs"));
    assert!(names.len() > 10, "the names were read: {names:?}");
    none(unexplained(&names, &read("docs/interop.md"), &files("tests/dialogues")));
}

/// Each rule shown to fail on a sample that breaks it, and to pass on one that does not.
mod the_checker {
    use super::*;

    fn source(path: &str, text: &str) -> Source {
        Source::new(path, text)
    }

    #[test]
    fn sees_an_import_from_a_higher_floor() {
        assert_eq!(floors(&source("scim/path.rs", "//! x\nuse crate::store::Store;\n")).len(), 1);
        assert_eq!(
            floors(&source("store/mod.rs", "//! x\nuse crate::{base, service::{Error, admin}, scim};\n"))
                .len(),
            1
        );
        assert_eq!(
            floors(&source("service/teams.rs", "//! x\nfn f() { super::super::http::get() }\n")).len(),
            1
        );
        assert_eq!(floors(&source("service/mod.rs", "//! x\nuse crate::http::Request;\n")).len(), 1);
        assert_eq!(floors(&source("base/id.rs", "//! x\nuse crate::scim::Kind;\n")).len(), 1);
        let good = "//! x\nuse crate::store::Store;\nuse super::sessions; // crate::admin\nconst X: &str = \"crate::api\";\n";
        assert_eq!(floors(&source("service/mod.rs", good)), Vec::<Fault>::new());
    }

    #[test]
    fn sees_a_face_that_imports_a_face() {
        assert_eq!(floors(&source("api/mod.rs", "//! x\nuse crate::admin::page;\n")).len(), 1);
        assert_eq!(floors(&source("admin/mod.rs", "//! x\nuse crate::{api::error, service};\n")).len(), 1);
    }

    #[test]
    fn sees_a_crate_outside_its_floor() {
        assert_eq!(owned_crates(&source("service/mod.rs", "//! x\nuse rusqlite::Connection;\n")).len(), 1);
        assert_eq!(owned_crates(&source("api/mod.rs", "//! x\nfn f(r: hyper::Request<()>) {}\n")).len(), 1);
        assert_eq!(owned_crates(&source("serve.rs", "//! x\nfn f(c: &rustls::ServerConfig) {}\n")).len(), 1);
        assert_eq!(
            owned_crates(&source("tls/mod.rs", "//! rusqlite\nuse rustls::ServerConfig;\n")),
            Vec::<Fault>::new()
        );
    }

    #[test]
    fn sees_a_clock_in_scim() {
        assert_eq!(
            purity(&source("scim/path.rs", "//! x\nlet t = std::time::SystemTime::now();\n")).len(),
            1
        );
        assert_eq!(purity(&source("scim/path.rs", "//! x\nuse std::fs;\n")).len(), 1);
        assert_eq!(purity(&source("store/mod.rs", "//! x\nuse std::fs;\n")), Vec::<Fault>::new());
    }

    #[test]
    fn sees_a_function_without_a_team() {
        let bad = "//! x\nimpl ReadTx {\n    pub fn resource(&self, id: &str) -> Row {}\n}\n";
        assert_eq!(teamless(&source("store/resources.rs", bad)).len(), 1);
        let good = "//! x\nimpl ReadTx {\n    pub fn resource(&self, team: TeamId, id: &str) -> Row {}\n}\npub fn fold() {}\n";
        assert_eq!(teamless(&source("store/resources.rs", good)), Vec::<Fault>::new());
        assert_eq!(teamless(&source("store/settings.rs", bad)), Vec::<Fault>::new());
    }

    #[test]
    fn sees_a_long_file() {
        let long = format!("//! x\n{}", "let a = 1;\n".repeat(MOST_LINES));
        assert_eq!(size(&source("base/id.rs", &long)).len(), 1);
        let tested = format!("//! x\n#[cfg(test)]\nmod tests {{\n{}}}\n", "let a = 1;\n".repeat(MOST_LINES));
        assert_eq!(size(&source("base/id.rs", &tested)), Vec::<Fault>::new());
    }

    #[test]
    fn sees_a_file_without_its_comment() {
        assert_eq!(opening("src/x.rs", "use std::fs;\n").len(), 1);
        assert_eq!(opening("src/x.rs", "//! Files.\n"), Vec::<Fault>::new());
    }

    #[test]
    fn sees_an_unwrap_outside_tests() {
        assert_eq!(sloppy(&source("base/id.rs", "//! x\nlet a = b.unwrap();\n")).len(), 1);
        let fine =
            "//! x.unwrap()\nlet a = \".unwrap()\";\n#[cfg(test)]\nmod tests {\n fn f() { b.unwrap() }\n}\n";
        assert_eq!(sloppy(&source("base/id.rs", fine)), Vec::<Fault>::new());
    }

    #[test]
    fn sees_unfinished_work_and_machine_paths() {
        assert_eq!(unfinished("a.rs", &["// TO", "DO later"].concat()).len(), 1);
        assert_eq!(machine("a.md", &["see /wo", "rk/x"].concat()).len(), 1);
        assert_eq!(machine("a.md", "see docs/x"), Vec::<Fault>::new());
    }

    #[test]
    fn sees_style_and_script_in_a_template() {
        assert_eq!(template("a.html", "<p style=\"color:red\">x</p>").len(), 1);
        assert_eq!(template("a.html", "<STYLE>p{}</STYLE>").len(), 1);
        assert_eq!(template("a.html", "<script>alert(1)</script>").len(), 1);
        assert_eq!(template("a.html", "<a onclick=\"x()\">x</a>").len(), 1);
        assert_eq!(template("a.html", "<p>{{ name|safe }}</p>").len(), 1);
        assert_eq!(
            template("a.html", "<script src=\"/admin/app.js\" defer></script><p class=\"soft\">x</p>"),
            Vec::<Fault>::new()
        );
    }

    #[test]
    fn sees_an_undocumented_setting_and_leniency() {
        let flags = flags_in(
            "      --listen <ADDR:PORT>  [env: SCIMD_LISTEN=]\n      --data-dir <DIR>\n  -h, --help",
        );
        assert_eq!(flags, ["data-dir", "listen"]);
        assert_eq!(undocumented(&flags, "`--listen` is told").len(), 1);
        let names = leniency_names("            Leniency::TextBoolean => \"text-boolean\",\n");
        assert_eq!(names, ["text-boolean"]);
        assert_eq!(unexplained(&names, "", &[]).len(), 2);
        let recorded = ["tests/dialogues/leniencies/text-boolean.txt".to_string()];
        assert_eq!(unexplained(&names, "| `text-boolean` | …", &recorded), Vec::<Fault>::new());
    }
}
