//! What a start prints: what is served and where the data is, and what to do next. The last line says that it listens.

use std::fmt::Write as _;
use std::io::Write as _;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use crate::config::{Place, Settings, TlsMode};

/// Prints the lines, with the set-up code until there is an administrator.
pub fn print(place: &Place, settings: &Settings, addresses: &[SocketAddr], code: Option<String>) {
    let text = lines(place, settings, addresses, code.as_deref(), &command());
    // Nobody may be reading; that is no reason not to serve.
    let mut out = std::io::stdout();
    if let Err(error) = out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
        tracing::debug!(%error, "the start could not be told on standard output");
    }
}

/// The address that providers and browsers use: the public one, else the first that is listened on.
pub fn origin(settings: &Settings, addresses: &[SocketAddr]) -> String {
    settings.public_url.clone().unwrap_or_else(|| match addresses.first() {
        Some(address) => format!("{}://{}", scheme(settings), called(settings, *address)),
        None => format!("{}://localhost", scheme(settings)),
    })
}

/// The address under which this process reaches itself, whatever stands in front of it.
pub fn own_url(settings: &Settings, addresses: &[SocketAddr]) -> String {
    let Some(first) = addresses.first() else { return origin(settings, addresses) };
    let ip = match first.ip() {
        IpAddr::V4(ip) if ip.is_unspecified() => IpAddr::V4(Ipv4Addr::LOCALHOST),
        IpAddr::V6(ip) if ip.is_unspecified() => IpAddr::V6(Ipv6Addr::LOCALHOST),
        ip => ip,
    };
    format!("{}://{}", scheme(settings), SocketAddr::new(ip, first.port()))
}

fn scheme(settings: &Settings) -> &'static str {
    if settings.tls == TlsMode::Off { "http" } else { "https" }
}

fn lines(
    place: &Place,
    settings: &Settings,
    addresses: &[SocketAddr],
    code: Option<&str>,
    command: &str,
) -> String {
    let (scheme, origin) = (scheme(settings), origin(settings, addresses));
    let data = std::path::absolute(&place.data_dir).unwrap_or_else(|_| place.data_dir.clone());
    let listening: Vec<String> = addresses.iter().map(|address| format!("{scheme}://{address}")).collect();
    let mut text = String::new();
    let mut line = |name: &str, value: &str| {
        writeln!(text, "{name:<24}{value}").expect("writing to a text does not fail");
    };
    line(
        &format!("scimd {}", env!("CARGO_PKG_VERSION")),
        &format!("SCIM 2.0 and the admin page; data in {}", data.display()),
    );
    line("Admin page", &format!("{origin}/admin"));
    if let Some(code) = code {
        line("  set-up code, once", code);
    }
    line("Base URL for JumpCloud", &format!("{origin}/scim"));
    line(
        "To make a token",
        &format!("{command} token create --name JumpCloud --data-dir {}", quoted(&data.to_string_lossy())),
    );
    text + &format!("listening on {}\n", listening.join(" and "))
}

/// This program as a shell here would find it: by its name where it is on the path, else by its file.
fn command() -> String {
    let Ok(program) = std::env::current_exe() else { return "scimd".to_owned() };
    let on_path = std::env::var_os("PATH").is_some_and(|path| {
        std::env::split_paths(&path).any(|directory| program.parent() == Some(directory.as_path()))
    });
    if on_path {
        return "scimd".to_owned();
    }
    let here = std::env::current_dir().unwrap_or_default();
    quoted(&program.strip_prefix(&here).unwrap_or(&program).to_string_lossy())
}

/// The address as a person on this machine would write it.
fn called(settings: &Settings, address: SocketAddr) -> String {
    let localhost =
        settings.listen.iter().any(|listen| matches!(listen, crate::config::Listen::Localhost(_)));
    if address.ip().is_unspecified() || (localhost && address.ip().is_loopback()) {
        format!("localhost:{}", address.port())
    } else {
        address.to_string()
    }
}

/// A path as a shell takes it.
fn quoted(path: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "/._-".contains(c);
    if path.chars().all(plain) { path.to_string() } else { format!("'{}'", path.replace('\'', "'\\''")) }
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    #[derive(Parser)]
    struct Whole {
        #[command(flatten)]
        place: Place,
        #[command(flatten)]
        settings: Settings,
    }

    fn told(args: &[&str], addresses: &[&str], code: Option<&str>) -> Vec<String> {
        let whole =
            Whole::try_parse_from([&["scimd", "--data-dir", "/srv/it's"], args].concat()).expect("valid");
        let addresses: Vec<SocketAddr> =
            addresses.iter().map(|text| text.parse().expect("an address")).collect();
        lines(&whole.place, &whole.settings, &addresses, code, "scimd").lines().map(str::to_string).collect()
    }

    #[test]
    fn the_first_start_says_all_in_order() {
        let told = told(&[], &["127.0.0.1:8443", "[::1]:8443"], Some("ACDE-FGHJ-KMNP"));
        assert!(told[0].contains("data in /srv/it's"), "{told:?}");
        assert!(told[1].ends_with("https://localhost:8443/admin"));
        assert!(told[2].ends_with(" ACDE-FGHJ-KMNP"));
        assert!(told[3].ends_with("https://localhost:8443/scim"));
        assert!(told[4].ends_with("scimd token create --name JumpCloud --data-dir '/srv/it'\\''s'"));
        assert_eq!(told[5], "listening on https://127.0.0.1:8443 and https://[::1]:8443");
        assert_eq!(told.len(), 6);
    }

    #[test]
    fn later_starts_have_no_code_and_the_public_name() {
        let args = ["--public-url", "https://scim.example.com", "--listen", "[::]:443"];
        let told = told(&args, &["[::]:443"], None);
        assert_eq!(told.len(), 5);
        assert!(told[1].ends_with("https://scim.example.com/admin"));
        assert!(told[2].ends_with("https://scim.example.com/scim"));
    }
}
