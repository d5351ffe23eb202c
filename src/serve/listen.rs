//! The sockets: bound from the settings, or taken over from a supervisor that bound them already.

use std::io;
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr, TcpListener};
use std::os::fd::FromRawFd;

use rustix::io::Errno;
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

use super::Failure;
use crate::config::Listen;

/// Connections that may wait to be accepted; the system may hold fewer.
const BACKLOG: i32 = 1024;
/// Files that are open beside connections: database, readers, logs.
const OTHER_FILES: u64 = 256;

/// Sockets that listen already, and where.
pub struct Bound {
    pub sockets: Vec<TcpListener>,
    pub addresses: Vec<SocketAddr>,
}

/// Takes over the supervisor's sockets, else binds the addresses of the settings.
pub fn bind(listen: &[Listen]) -> Result<Bound, Failure> {
    let mut sockets = inherited()?;
    if sockets.is_empty() {
        for one in listen {
            match one {
                Listen::Address(address) => sockets.push(bind_one(*address)?),
                Listen::Localhost(port) => sockets.extend(bind_localhost(*port)?),
            }
        }
    }
    let mut addresses = Vec::new();
    for socket in &sockets {
        let prepare = || {
            socket.set_nonblocking(true)?;
            rustix::net::listen(socket, BACKLOG)?;
            socket.local_addr()
        };
        addresses.push(prepare().map_err(|error| Failure::plain(format!("could not listen: {error}")))?);
    }
    Ok(Bound { sockets, addresses })
}

/// The sockets of a systemd socket unit, if there is one.
fn inherited() -> Result<Vec<TcpListener>, Failure> {
    let descriptors = sd_notify::listen_fds()
        .map_err(|error| Failure::plain(format!("the sockets of the socket unit cannot be used: {error}")))?;
    // SAFETY: systemd hands these descriptors over for this process alone, and they are taken once, here.
    Ok(descriptors.map(|descriptor| unsafe { TcpListener::from_raw_fd(descriptor) }).collect())
}

/// Both loopback addresses; a machine without IPv6 has only the first.
fn bind_localhost(port: u16) -> Result<Vec<TcpListener>, Failure> {
    let first = bind_one(SocketAddr::from((Ipv4Addr::LOCALHOST, port)))?;
    let chosen = first.local_addr().map_or(port, |address| address.port());
    let second = SocketAddr::from((Ipv6Addr::LOCALHOST, chosen));
    match TcpListener::bind(second) {
        Ok(second) => Ok(vec![first, second]),
        Err(error) if lacks_ipv6(&error) => Ok(vec![first]),
        // The system chose a port that is free on one address only.
        Err(_) if port == 0 => Ok(vec![first]),
        Err(error) => Err(cannot(second, &error)),
    }
}

fn lacks_ipv6(error: &io::Error) -> bool {
    error.kind() == io::ErrorKind::AddrNotAvailable || Errno::from_io_error(error) == Some(Errno::AFNOSUPPORT)
}

fn bind_one(address: SocketAddr) -> Result<TcpListener, Failure> {
    TcpListener::bind(address).map_err(|error| cannot(address, &error))
}

fn cannot(address: SocketAddr, error: &io::Error) -> Failure {
    Failure::plain(match error.kind() {
        io::ErrorKind::AddrInUse => {
            format!(
                "{address} is in use; stop what listens there, or choose another address or port with --listen"
            )
        }
        io::ErrorKind::PermissionDenied => format!(
            "not allowed to listen on port {}; ports below 1024 need root, CAP_NET_BIND_SERVICE or the socket unit",
            address.port()
        ),
        io::ErrorKind::AddrNotAvailable => {
            format!("this machine has no address {}; choose another with --listen", address.ip())
        }
        _ => format!("cannot listen on {address}: {error}"),
    })
}

/// Asks the system for as many open files as connections may need; the usual limit is 1024 in all.
pub fn raise_file_limit(connections: usize) {
    let wanted = connections as u64 + OTHER_FILES;
    let limit = getrlimit(Resource::Nofile);
    if limit.current.is_none_or(|current| current >= wanted) {
        return;
    }
    let current = limit.maximum.map_or(wanted, |maximum| maximum.min(wanted));
    if current < wanted {
        tracing::warn!(wanted, allowed = current, "the limit of open files is too low for --max-connections");
    }
    if let Err(error) = setrlimit(Resource::Nofile, Rlimit { current: Some(current), maximum: limit.maximum })
    {
        tracing::warn!(%error, "could not raise the limit of open files");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn localhost_is_both_loopback_addresses_on_one_port() {
        let bound = bind(&[Listen::Localhost(0)]).expect("a free port");
        assert!(bound.addresses.iter().all(|address| address.ip().is_loopback()));
        assert!(bound.addresses.iter().all(|address| address.port() == bound.addresses[0].port()));
    }

    #[test]
    fn a_port_in_use_is_named() {
        let bound = bind(&[Listen::Localhost(0)]).expect("a free port");
        let port = bound.addresses[0].port();
        let failure = bind(&[Listen::Localhost(port)]).err().expect("in use");
        assert!(failure.sentence.contains(&format!("127.0.0.1:{port} is in use")), "{failure}");
    }

    #[test]
    fn an_address_of_another_machine_is_named() {
        let failure = bind(&["192.0.2.1:0".parse().expect("an address")]).err().expect("not ours");
        assert!(failure.sentence.contains("no address 192.0.2.1"), "{failure}");
    }
}
