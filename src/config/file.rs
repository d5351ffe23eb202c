//! `scimd.toml`: read, checked against the settings there are, and handed to clap as defaults.

use std::collections::BTreeMap;
use std::fmt;
use std::path::{Path, PathBuf};

use clap::Command;

/// Where the file is looked for when nobody names one.
const USUAL: [&str; 2] = ["scimd.toml", "/etc/scimd/scimd.toml"];

/// Settings as they stand in a file, under the flags' names.
#[derive(Clone, Debug, Default)]
pub struct ConfigFile {
    path: PathBuf,
    values: BTreeMap<String, Vec<String>>,
}

/// Why a file of settings cannot be used.
#[derive(Debug)]
pub enum FileError {
    /// It could not be read.
    Read(PathBuf, std::io::Error),
    /// It is no TOML.
    Syntax(PathBuf, String),
    /// There is no such setting.
    Unknown { path: PathBuf, key: String, known: Vec<String> },
    /// The value is of a kind that no setting has.
    Kind { path: PathBuf, key: String },
}

impl fmt::Display for FileError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            FileError::Read(path, error) => {
                write!(f, "cannot read the settings in {}: {error}", path.display())
            }
            FileError::Syntax(path, problem) => write!(f, "{} is not valid TOML: {problem}", path.display()),
            FileError::Unknown { path, key, known } => {
                write!(
                    f,
                    "{}: there is no setting \"{key}\"; there are: {}",
                    path.display(),
                    known.join(", ")
                )
            }
            FileError::Kind { path, key } => {
                write!(
                    f,
                    "{}: the setting \"{key}\" must be a text, a number, true, false or a list of texts",
                    path.display()
                )
            }
        }
    }
}

impl std::error::Error for FileError {}

impl ConfigFile {
    /// Reads the named file, else the first of the usual ones that exists, else nothing.
    pub fn find(named: Option<&Path>) -> Result<ConfigFile, FileError> {
        if let Some(path) = named {
            return ConfigFile::read(path);
        }
        match USUAL.iter().map(Path::new).find(|path| path.exists()) {
            Some(path) => ConfigFile::read(path),
            None => Ok(ConfigFile::default()),
        }
    }

    fn read(path: &Path) -> Result<ConfigFile, FileError> {
        let text =
            std::fs::read_to_string(path).map_err(|error| FileError::Read(path.to_path_buf(), error))?;
        ConfigFile::parse(path, &text)
    }

    fn parse(path: &Path, text: &str) -> Result<ConfigFile, FileError> {
        let table: toml::Table = text.parse().map_err(|error: toml::de::Error| {
            let line = error.span().map_or(1, |span| text[..span.start].matches('\n').count() + 1);
            FileError::Syntax(path.to_path_buf(), format!("line {line}: {}", error.message()))
        })?;
        let mut values = BTreeMap::new();
        for (key, value) in table {
            let texts = match &value {
                toml::Value::Array(items) => items.iter().map(plain).collect::<Option<Vec<_>>>(),
                one => plain(one).map(|text| vec![text]),
            };
            let texts =
                texts.ok_or_else(|| FileError::Kind { path: path.to_path_buf(), key: key.clone() })?;
            values.insert(key, texts);
        }
        Ok(ConfigFile { path: path.to_path_buf(), values })
    }

    /// Makes the file's values the defaults of the command's flags, and of its subcommands'. A key that is no flag of
    /// `settings` is refused by its name.
    pub fn apply(&self, mut command: Command, settings: &Command) -> Result<Command, FileError> {
        let known: Vec<String> = settings
            .get_arguments()
            .filter_map(|arg| arg.get_long())
            .filter(|long| !matches!(*long, "config" | "help" | "version"))
            .map(str::to_string)
            .collect();
        for (key, values) in &self.values {
            if !known.contains(key) {
                return Err(FileError::Unknown { path: self.path.clone(), key: key.clone(), known });
            }
            command = with_default(command, key, values);
        }
        Ok(command)
    }

    /// The file, when the text of a refused value stands in it; for saying where it comes from.
    pub fn origin_of(&self, key: &str, value: &str) -> Option<&Path> {
        let values = self.values.get(key)?;
        values.iter().any(|own| own == value).then_some(self.path.as_path())
    }
}

fn plain(value: &toml::Value) -> Option<String> {
    match value {
        toml::Value::String(text) => Some(text.clone()),
        toml::Value::Integer(number) => Some(number.to_string()),
        toml::Value::Boolean(truth) => Some(truth.to_string()),
        _ => None,
    }
}

fn with_default(command: Command, key: &str, values: &[String]) -> Command {
    let id = command.get_arguments().find(|arg| arg.get_long() == Some(key)).map(|arg| arg.get_id().clone());
    let mut command = match id {
        Some(id) => command.mut_arg(id, |arg| arg.default_values(values.to_vec())),
        None => command,
    };
    let names: Vec<String> = command.get_subcommands().map(|sub| sub.get_name().to_string()).collect();
    for name in names {
        command = command.mut_subcommand(name, |sub| with_default(sub, key, values));
    }
    command
}

#[cfg(test)]
mod tests {
    use clap::{CommandFactory, FromArgMatches, Parser};

    use super::*;
    use crate::config::{Listen, Place, Settings};

    #[derive(Parser)]
    struct Whole {
        #[command(flatten)]
        place: Place,
        #[command(flatten)]
        settings: Settings,
    }

    fn parse(toml: &str, args: &[&str]) -> Result<Whole, String> {
        let file = ConfigFile::parse(Path::new("scimd.toml"), toml).map_err(|error| error.to_string())?;
        let command = file.apply(Whole::command(), &Whole::command()).map_err(|error| error.to_string())?;
        let matches = command.try_get_matches_from(args).map_err(|error| error.to_string())?;
        Whole::from_arg_matches(&matches).map_err(|error| error.to_string())
    }

    #[test]
    fn the_file_beats_the_default_and_a_flag_beats_the_file() {
        let toml = "listen = [\"[::]:443\", \"localhost:80\"]\nmax-connections = 7\ndiscovery-without-token = false\ndata-dir = \"/x\"";
        let whole = parse(toml, &["scimd"]).expect("valid");
        assert_eq!(whole.settings.listen.len(), 2);
        assert_eq!((whole.settings.max_connections, whole.settings.discovery_without_token), (7, false));
        assert_eq!(whole.place.data_dir, PathBuf::from("/x"));
        let whole =
            parse(toml, &["scimd", "--listen", "localhost:1", "--max-connections", "9"]).expect("valid");
        assert_eq!(whole.settings.listen, [Listen::Localhost(1)]);
        assert_eq!(whole.settings.max_connections, 9);
    }

    #[test]
    fn what_is_wrong_is_named() {
        let refused = |toml: &str| parse(toml, &["scimd"]).err().expect("refused");
        assert!(refused("listne = \"x\"").contains("no setting \"listne\"; there are: data-dir, listen"));
        assert!(refused("config = \"x\"").contains("no setting \"config\""));
        assert!(refused("tls = 'self-signed'\nlisten = ").contains("line 2"));
        assert!(refused("[tls]\nmode = 'off'").contains("\"tls\" must be a text"));
        assert!(refused("tls = \"on\"").contains("invalid value 'on'"));
    }

    #[test]
    fn a_missing_file_is_named() {
        let error = ConfigFile::find(Some(Path::new("/nonexistent/scimd.toml"))).expect_err("missing");
        assert!(error.to_string().contains("/nonexistent/scimd.toml"), "{error}");
    }
}
