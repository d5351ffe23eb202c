//! Settings: each is defined once, here, with its flag, its `SCIMD_…` variable, its key in `scimd.toml`, its default and
//! its meaning. Precedence is flag > environment > file > default, and clap alone decides it: the file merely supplies
//! other defaults. Lower floors receive plain values and never see `Settings`.

mod file;
mod reference;

use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, ValueEnum};

pub use file::{ConfigFile, FileError};
pub use reference::reference;

/// Where the data is: the part of the settings that every command takes.
#[derive(Args, Clone, Debug, PartialEq, Eq)]
pub struct Place {
    /// The directory that holds the database, its key and scimd's own certificate
    ///
    /// It is made when it is missing, readable by its owner only. A relative path is taken from the working directory.
    #[arg(long, env = "SCIMD_DATA_DIR", value_name = "DIR", default_value = "./data", global = true)]
    pub data_dir: PathBuf,

    /// The file with settings
    ///
    /// Without it, `scimd.toml` in the working directory is read, else `/etc/scimd/scimd.toml`, where there is one.
    #[arg(long, env = "SCIMD_CONFIG", value_name = "FILE", global = true)]
    pub config: Option<PathBuf>,
}

/// What `scimd serve` can be told.
#[derive(Args, Clone, Debug, PartialEq, Eq)]
pub struct Settings {
    /// The address and port to listen on; may be given several times
    ///
    /// `localhost:8443` listens on 127.0.0.1 and on ::1, so that nobody else reaches scimd before you mean it.
    /// `[::]:8443` listens on every address of the machine, IPv4 included; `0.0.0.0:8443` on every IPv4 address.
    #[arg(
        long,
        env = "SCIMD_LISTEN",
        value_name = "ADDR:PORT",
        default_value = "localhost:8443",
        value_delimiter = ','
    )]
    pub listen: Vec<Listen>,

    /// How connections are encrypted
    #[arg(long, env = "SCIMD_TLS", value_name = "MODE", default_value = "self-signed")]
    pub tls: TlsMode,

    /// The certificate chain in PEM form, for `--tls files`
    ///
    /// Both files are read again when they change, and on SIGHUP.
    #[arg(long, env = "SCIMD_TLS_CERT", value_name = "FILE")]
    pub tls_cert: Option<PathBuf>,

    /// The private key in PEM form, for `--tls files`
    #[arg(long, env = "SCIMD_TLS_KEY", value_name = "FILE")]
    pub tls_key: Option<PathBuf>,

    /// The address that providers and browsers use, such as `https://scim.example.com`
    ///
    /// It stands in every link that scimd hands out. Without it, links repeat the host that the request named.
    #[arg(long, env = "SCIMD_PUBLIC_URL", value_name = "URL", value_parser = public_url)]
    pub public_url: Option<String>,

    /// How log lines look; `auto` is text on a terminal and JSON otherwise
    #[arg(long, env = "SCIMD_LOG_FORMAT", value_name = "FORMAT", default_value = "auto")]
    pub log_format: LogFormat,

    /// From which level on log lines are written; `info` has one line for each request, written with those of some milliseconds together
    #[arg(long, env = "SCIMD_LOG_LEVEL", value_name = "LEVEL", default_value = "info")]
    pub log_level: LogLevel,

    /// How many connections may be open at one time; further ones wait
    #[arg(long, env = "SCIMD_MAX_CONNECTIONS", value_name = "N", default_value = "1024", value_parser = connections)]
    pub max_connections: usize,

    /// The longest request body, in bytes or as `32M`
    #[arg(long, env = "SCIMD_MAX_BODY", value_name = "BYTES", default_value = "32M", value_parser = byte_count)]
    pub max_body: usize,

    /// How long one search may take, such as `5s` or `500ms`
    ///
    /// One that takes longer ends as `tooMany`, so that no filter can hold up the server.
    #[arg(long, env = "SCIMD_SEARCH_TIMEOUT", value_name = "TIME", default_value = "5s", value_parser = search_time)]
    pub search_timeout: Duration,

    /// How long a cursor is good for, such as `1h` or `90s`
    ///
    /// `/ServiceProviderConfig` tells it as `cursorTimeout`. A cursor that is older ends as `expiredCursor`.
    #[arg(long, env = "SCIMD_CURSOR_TIMEOUT", value_name = "TIME", default_value = "1h", value_parser = cursor_time)]
    pub cursor_timeout: Duration,

    /// Whether /ServiceProviderConfig, /ResourceTypes and /Schemas answer without a token
    #[arg(
        long,
        env = "SCIMD_DISCOVERY_WITHOUT_TOKEN",
        value_name = "BOOL",
        default_value = "true",
        action = clap::ArgAction::Set
    )]
    pub discovery_without_token: bool,
}

impl Settings {
    /// The settings as somebody who helps may see them: of files only whether they are set.
    pub fn told(&self) -> Vec<(&'static str, String)> {
        fn word(value: impl ValueEnum) -> String {
            value.to_possible_value().map(|value| value.get_name().to_owned()).unwrap_or_default()
        }
        let set = |file: &Option<PathBuf>| if file.is_some() { "set" } else { "not set" }.to_owned();
        let listen: Vec<String> = self.listen.iter().map(Listen::to_string).collect();
        vec![
            ("listen", listen.join(", ")),
            ("tls", word(self.tls)),
            ("tls-cert", set(&self.tls_cert)),
            ("tls-key", set(&self.tls_key)),
            ("public-url", self.public_url.clone().unwrap_or_else(|| "not set".into())),
            ("log-format", word(self.log_format)),
            ("log-level", word(self.log_level)),
            ("max-connections", self.max_connections.to_string()),
            ("max-body", self.max_body.to_string()),
            ("search-timeout", format!("{} ms", self.search_timeout.as_millis())),
            ("cursor-timeout", format!("{} s", self.cursor_timeout.as_secs())),
            ("discovery-without-token", self.discovery_without_token.to_string()),
        ]
    }
}

/// How connections are encrypted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum TlsMode {
    /// not at all: only behind a proxy that encrypts
    Off,
    /// with a certificate that scimd makes for itself
    SelfSigned,
    /// with the certificate in --tls-cert and --tls-key
    Files,
    /// with a certificate from a public authority (not built yet)
    Acme,
}

/// How log lines look.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum LogFormat {
    Auto,
    Text,
    Json,
}

/// From which level on log lines are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum LogLevel {
    Error,
    Warn,
    Info,
    Debug,
    Trace,
}

/// An address to listen on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Listen {
    /// Both loopback addresses.
    Localhost(u16),
    /// One address, which may stand for all.
    Address(std::net::SocketAddr),
}

impl std::str::FromStr for Listen {
    type Err = String;

    fn from_str(text: &str) -> Result<Listen, String> {
        if let Some(port) = text.strip_prefix("localhost:") {
            return match port.parse() {
                Ok(port) => Ok(Listen::Localhost(port)),
                Err(_) => Err(format!("\"{port}\" is no port; a port is a number from 0 to 65535")),
            };
        }
        text.parse().map(Listen::Address).map_err(|_| {
            "write an address and a port, such as localhost:8443, 0.0.0.0:8443 or [::]:8443".to_string()
        })
    }
}

impl std::fmt::Display for Listen {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Listen::Localhost(port) => write!(f, "localhost:{port}"),
            Listen::Address(address) => address.fmt(f),
        }
    }
}

/// Checks a public URL: `http` or `https`, a host, perhaps a port, and nothing behind it.
fn public_url(text: &str) -> Result<String, String> {
    let trimmed = text.trim_end_matches('/');
    let (scheme, host) = trimmed.split_once("://").ok_or("begin it with https://")?;
    if scheme != "https" && scheme != "http" {
        return Err("begin it with https://".to_string());
    }
    if host.contains('/') || host.contains('?') || host.contains('#') {
        return Err("leave out the path: scimd adds /scim and /admin itself".to_string());
    }
    if !crate::base::host::is_host(host) {
        return Err(format!("\"{host}\" is not a host name or address with an optional port"));
    }
    Ok(trimmed.to_string())
}

fn connections(text: &str) -> Result<usize, String> {
    match text.parse() {
        Ok(count @ 1..=1_000_000) => Ok(count),
        _ => Err("write a number from 1 to 1000000".to_string()),
    }
}

/// Reads `33554432`, `512K` or `32M`; the letters count in 1024s.
fn byte_count(text: &str) -> Result<usize, String> {
    let (digits, unit) = match text.as_bytes().last() {
        Some(b'K' | b'k') => (&text[..text.len() - 1], 1 << 10),
        Some(b'M' | b'm') => (&text[..text.len() - 1], 1 << 20),
        _ => (text, 1),
    };
    match digits.parse::<usize>().ok().and_then(|count| count.checked_mul(unit)) {
        Some(bytes @ 1024..=0x4000_0000) => Ok(bytes),
        Some(_) => Err("it must lie between 1K and 1024M".to_string()),
        None => Err("write a number of bytes, or one followed by K or M".to_string()),
    }
}

fn search_time(text: &str) -> Result<Duration, String> {
    between(span(text)?, Duration::from_millis(1), Duration::from_secs(60), "1ms and 60s")
}

/// A life of whole seconds, because `cursorTimeout` counts them.
fn cursor_time(text: &str) -> Result<Duration, String> {
    let life = span(text)?;
    match life.subsec_millis() {
        0 => between(life, Duration::from_secs(1), Duration::from_secs(7 * 24 * 3600), "1s and 168h"),
        _ => Err("write whole seconds, such as 90s".to_string()),
    }
}

fn between(span: Duration, least: Duration, most: Duration, words: &str) -> Result<Duration, String> {
    if (least..=most).contains(&span) { Ok(span) } else { Err(format!("it must lie between {words}")) }
}

/// Reads `500ms`, `5s`, `15m` or `1h`.
fn span(text: &str) -> Result<Duration, String> {
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    let (number, unit) = text.split_at(digits);
    let millis = match unit {
        "ms" => 1,
        "s" => 1_000,
        "m" => 60_000,
        "h" => 3_600_000,
        _ => return Err("write a number followed by ms, s, m or h".to_string()),
    };
    let whole = number.parse::<u64>().ok().and_then(|number| number.checked_mul(millis));
    whole.map(Duration::from_millis).ok_or_else(|| "write a number followed by ms, s, m or h".to_string())
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;
    use clap::Parser;

    use super::*;

    #[derive(Parser)]
    struct Whole {
        #[command(flatten)]
        place: Place,
        #[command(flatten)]
        settings: Settings,
    }

    #[test]
    fn defaults_are_valid_and_safe() {
        Whole::command().debug_assert();
        let whole = Whole::try_parse_from(["scimd"]).expect("defaults");
        assert_eq!(whole.place.data_dir, PathBuf::from("./data"));
        assert_eq!(whole.settings.listen, [Listen::Localhost(8443)]);
        assert_eq!(whole.settings.tls, TlsMode::SelfSigned);
        assert_eq!(whole.settings.max_body, 32 << 20);
        assert!(whole.settings.discovery_without_token);
    }

    #[test]
    fn every_setting_has_its_variable() {
        for arg in Whole::command().get_arguments() {
            let long = arg.get_long().expect("a flag");
            let variable = format!("SCIMD_{}", long.to_uppercase().replace('-', "_"));
            assert_eq!(arg.get_env().and_then(|name| name.to_str()), Some(variable.as_str()));
        }
    }

    #[test]
    fn addresses_are_read_as_people_write_them() {
        assert_eq!("localhost:0".parse(), Ok(Listen::Localhost(0)));
        for text in ["[::]:8443", "0.0.0.0:80", "[::1]:1"] {
            assert_eq!(text.parse::<Listen>().map(|listen| listen.to_string()).as_deref(), Ok(text));
        }
        for text in ["", "8443", "localhost", "localhost:x", "example.com:1", "1.2.3.4", "::1:70000"] {
            assert!(text.parse::<Listen>().is_err(), "{text}");
        }
    }

    #[test]
    fn a_public_url_is_a_scheme_and_a_host() {
        assert_eq!(public_url("https://scim.example.com/").as_deref(), Ok("https://scim.example.com"));
        assert_eq!(public_url("https://[::1]:8443").as_deref(), Ok("https://[::1]:8443"));
        for text in
            ["", "scim.example.com", "ftp://a", "https://", "https://a/scim", "https://a b", "https://u@h"]
        {
            assert!(public_url(text).is_err(), "{text}");
        }
    }

    #[test]
    fn byte_counts_have_units_and_bounds() {
        assert_eq!(byte_count("512K"), Ok(512 << 10));
        assert_eq!(byte_count("2048"), Ok(2048));
        for text in ["", "M", "0", "5000M", "-1", "1.5M", "99999999999999999999"] {
            assert!(byte_count(text).is_err(), "{text}");
        }
    }

    #[test]
    fn times_have_units_and_bounds() {
        assert_eq!(search_time("250ms"), Ok(Duration::from_millis(250)));
        assert_eq!(search_time("1m"), Ok(Duration::from_secs(60)));
        assert_eq!(cursor_time("1h"), Ok(Duration::from_secs(3600)));
        for text in ["", "5", "s", "0ms", "61s", "-1s", "1.5s", "5 s", "99999999999999999999h"] {
            assert!(search_time(text).is_err(), "{text}");
        }
        for text in ["500ms", "0s", "169h"] {
            assert!(cursor_time(text).is_err(), "{text}");
        }
    }
}
