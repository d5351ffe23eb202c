//! Host names as they stand in addresses: whether a text is one, and whether it can be public. Nothing is looked up.

use std::net::IpAddr;

/// Whether a text is a host name, an IPv4 address or an IPv6 address in brackets, with or without a port.
pub fn is_host(text: &str) -> bool {
    let (host, port) = match text.rsplit_once(':') {
        Some((host, port)) if !port.contains(']') => (host, Some(port)),
        _ => (text, None),
    };
    let port_fits = port.is_none_or(|port| port.parse::<u16>().is_ok_and(|_| !port.starts_with('+')));
    let host_fits = match host.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) {
        Some(address) => address.parse::<std::net::Ipv6Addr>().is_ok(),
        None => {
            let name = host.strip_suffix('.').unwrap_or(host);
            name.len() <= 253
                && name.split('.').all(|label| {
                    (1..=63).contains(&label.len())
                        && label.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_')
                })
        }
    };
    host_fits && port_fits
}

/// A name that somebody on the internet could find.
pub fn is_public_name(host: &str) -> bool {
    let local = ["localhost", "local", "internal", "lan", "home", "test", "invalid"];
    let last = host.rsplit('.').next().unwrap_or_default();
    host.contains('.') && !local.contains(&last) && !host.bytes().all(|b| b.is_ascii_digit() || b == b'.')
}

/// An address on the internet, and not of this machine or a network of one's own.
pub fn is_public_address(address: IpAddr) -> bool {
    match address.to_canonical() {
        IpAddr::V4(ip) => {
            let [a, b, ..] = ip.octets();
            let shared = a == 100 && (64..128).contains(&b);
            !(ip.is_private() || ip.is_loopback() || ip.is_link_local() || ip.is_unspecified() || shared)
        }
        IpAddr::V6(ip) => {
            !(ip.is_loopback() || ip.is_unspecified() || ip.is_unique_local() || ip.is_unicast_link_local())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hosts_are_checked() {
        for host in [
            "localhost",
            "localhost:8443",
            "scim.example.com",
            "127.0.0.1:80",
            "[::1]:8443",
            "[::1]",
            "a_b.c.",
        ] {
            assert!(is_host(host), "{host}");
        }
        for host in [
            "",
            ":8443",
            "a b",
            "a/b",
            "a@b",
            "a:99999",
            "a:",
            "a:+1",
            "[::1",
            "[x]:1",
            "a..b",
            "a\"b",
            "é.example",
        ] {
            assert!(!is_host(host), "{host}");
        }
    }
}
