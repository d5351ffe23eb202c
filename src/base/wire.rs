//! How a request came over the network: the version of HTTP and of TLS.

use std::fmt;

/// The version of HTTP.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Http {
    V10,
    V11,
    V2,
}

/// The version of TLS.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tls {
    V12,
    V13,
}

/// Both versions of one request; `tls` is `None` where nothing was encrypted between the client, or the proxy before us, and
/// this server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Wire {
    pub http: Http,
    pub tls: Option<Tls>,
}

impl Wire {
    /// HTTP/1.1 without encryption.
    pub const PLAIN: Wire = Wire { http: Http::V11, tls: None };

    /// A small number for the file.
    pub fn code(self) -> u8 {
        let http = match self.http {
            Http::V10 => 0,
            Http::V11 => 1,
            Http::V2 => 2,
        };
        let tls = match self.tls {
            None => 0,
            Some(Tls::V12) => 1,
            Some(Tls::V13) => 2,
        };
        http + 10 * tls
    }

    /// What a number of [`Wire::code`] stands for.
    pub fn of_code(code: u8) -> Option<Wire> {
        let http = match code % 10 {
            0 => Http::V10,
            1 => Http::V11,
            2 => Http::V2,
            _ => return None,
        };
        let tls = match code / 10 {
            0 => None,
            1 => Some(Tls::V12),
            2 => Some(Tls::V13),
            _ => return None,
        };
        Some(Wire { http, tls })
    }
}

impl fmt::Display for Http {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Http::V10 => "HTTP/1.0",
            Http::V11 => "HTTP/1.1",
            Http::V2 => "HTTP/2",
        })
    }
}

/// "TLS 1.3, HTTP/2"
impl fmt::Display for Wire {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.tls {
            None => write!(f, "Not encrypted, {}", self.http),
            Some(Tls::V12) => write!(f, "TLS 1.2, {}", self.http),
            Some(Tls::V13) => write!(f, "TLS 1.3, {}", self.http),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_way_has_a_number_of_its_own_and_comes_back() {
        let known: Vec<Wire> = (0..=u8::MAX).filter_map(Wire::of_code).collect();
        assert_eq!(known.len(), 9);
        assert!(known.iter().all(|wire| Wire::of_code(wire.code()) == Some(*wire)));
        assert_eq!(Wire { http: Http::V2, tls: Some(Tls::V13) }.to_string(), "TLS 1.3, HTTP/2");
        assert_eq!(Wire::PLAIN.to_string(), "Not encrypted, HTTP/1.1");
    }
}
