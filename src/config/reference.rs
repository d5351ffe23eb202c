//! The reference of all settings as Markdown: `docs/configuration.md` is its output, and a test keeps it so.

use std::fmt::Write;

use clap::{Arg, Args, Command};

use super::{Place, Settings};

const INTRODUCTION: &str = "# Settings

Made from the flags by `scimd settings`; do not edit it by hand.

Each setting can be given in three ways. A flag beats an environment variable, which beats `scimd.toml`, which beats the
default. In `scimd.toml` the keys are the flags without their dashes in front, and an unknown key is refused:

```toml
listen = \"[::]:443\"
public-url = \"https://scim.example.com\"
```

`scimd.toml` is looked for in the working directory, then in `/etc/scimd`; `--config FILE` names another. What an
administrator changes while scimd runs (teams, tokens, and so on) is kept in the database and changed on the admin page
or with the other commands.
";

/// The whole document.
pub fn reference() -> String {
    let command = Settings::augment_args(Place::augment_args(Command::new("scimd")));
    let mut text = INTRODUCTION.to_string();
    for arg in command.get_arguments().filter(|arg| arg.get_long().is_some_and(|long| long != "help")) {
        describe(&mut text, arg);
    }
    text
}

fn describe(text: &mut String, arg: &Arg) {
    let long = arg.get_long().expect("every setting has a flag");
    let name = arg.get_value_names().and_then(|names| names.first()).map_or("VALUE", |name| name.as_str());
    let variable = arg.get_env().and_then(|name| name.to_str()).unwrap_or("none");
    let help = arg.get_long_help().or(arg.get_help()).map(ToString::to_string).unwrap_or_default();
    let defaults: Vec<_> = arg.get_default_values().iter().map(|value| value.to_string_lossy()).collect();
    let default = if defaults.is_empty() { "none".to_string() } else { format!("`{}`", defaults.join(",")) };
    // clap's help has no full stop behind its first sentence; a document does.
    let (first, rest) = help.trim().split_once("\n\n").unwrap_or((help.trim(), ""));
    let sentence = format!("{first}.\n\n{rest}");
    let sentence = sentence.trim_end();
    let mut write =
        |line: std::fmt::Arguments<'_>| text.write_fmt(line).expect("writing to a text does not fail");
    write(format_args!("\n## `--{long} {name}`\n\n{sentence}\n\n"));
    let values = arg.get_possible_values();
    let boolean = values.iter().all(|value| matches!(value.get_name(), "true" | "false"));
    for value in values.iter().filter(|_| !boolean) {
        match value.get_help() {
            Some(help) => write(format_args!("- `{}`: {help}\n", value.get_name())),
            None => write(format_args!("- `{}`\n", value.get_name())),
        }
    }
    if !boolean {
        write(format_args!("\n"));
    }
    let key = if long == "config" { "none".to_string() } else { format!("`{long}`") };
    write(format_args!("Variable `{variable}` · key {key} · default {default}\n"));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_document_is_current() {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/configuration.md");
        let kept = std::fs::read_to_string(path).unwrap_or_default();
        assert_eq!(kept, reference(), "write it anew: cargo run -- settings > docs/configuration.md");
    }
}
