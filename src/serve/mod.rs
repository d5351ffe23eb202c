//! Wires everything and runs it: directory and sockets, store, service, faces, certificate; then waits for the signal
//! to stop, lets the requests under way finish and closes the file. What a request means is the faces' business.

mod chores;
mod dispatch;
mod faces;
mod failure;
mod key;
mod listen;
mod log;
mod place;
mod signals;
mod welcome;

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use tokio::net::TcpListener;
use tokio::sync::watch;

use crate::base::{Clock, Ids};
use crate::config::{Place, Settings, TlsMode};
use crate::http::{Limits, PlainHttp, Server};
use crate::service::{Options, Service};
use crate::store::{self, Store};
use crate::tls::{Certificate, Source};

pub use failure::Failure;
pub use place::{DATABASE, become_owner, open, prepare};

/// How often the file behind a broken writer is looked at, and the certificate's source.
const LOOK: Duration = Duration::from_secs(1);

/// Serves until it is told to stop.
pub fn run(place: &Place, settings: &Settings) -> Result<(), Failure> {
    let _log = log::begin(settings.log_format, settings.log_level);
    check_tls(settings)?;
    place::make(&place.data_dir)?;
    // Bound before another user is taken on, who may not use low ports; told of after the lock, because a second
    // server on the same directory is the better explanation of a port in use.
    let bound = listen::bind(&settings.listen);
    place::become_owner(&place.data_dir)?;
    let lock = place::lock(&place.data_dir)?;
    let bound = bound?;
    listen::raise_file_limit(settings.max_connections);
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .map_err(|error| Failure::plain(format!("could not start the worker threads: {error}")))?;
    let ended = runtime.block_on(serve(place, settings, bound));
    // What was cut keeps no file open any more, and nothing is waited for.
    runtime.shutdown_timeout(Duration::from_millis(100));
    drop(lock);
    ended
}

fn check_tls(settings: &Settings) -> Result<(), Failure> {
    match settings.tls {
        TlsMode::Acme => Err(Failure::usage(
            "--tls acme is not built yet: use --tls files with a certificate from your own ACME client, or --tls self-signed",
        )),
        TlsMode::Files if settings.tls_cert.is_none() || settings.tls_key.is_none() => {
            Err(Failure::usage("--tls files needs the two files: --tls-cert FILE and --tls-key FILE"))
        }
        _ => Ok(()),
    }
}

async fn serve(place: &Place, settings: &Settings, bound: listen::Bound) -> Result<(), Failure> {
    let clock = Clock::system();
    let ids = Ids::random(clock.clone());
    let store = place::open(
        &place.data_dir,
        store::Options {
            clock: clock.clone(),
            ids: ids.clone(),
            deadline: settings.search_timeout,
            ..Default::default()
        },
    )?;
    let certificate = certificate(place, settings, &clock)?.map(Arc::new);
    let service = Service::new(
        store.clone(),
        Options {
            clock,
            ids: ids.clone(),
            public_url: settings.public_url.clone(),
            open_discovery: settings.discovery_without_token,
            body_limit: settings.max_body,
            cursor_life: settings.cursor_timeout,
            key: key::load(&place.data_dir)?,
        },
    );
    service.ensure_team().await?;
    make_ready(service.clone());
    let listeners = bound
        .sockets
        .into_iter()
        .map(TcpListener::from_std)
        .collect::<Result<Vec<_>, _>>()
        .map_err(|error| Failure::plain(format!("could not listen: {error}")))?;

    let (stop, stopping) = watch::channel(false);
    let limits = Limits { connections: settings.max_connections, ..Limits::default() };
    let (heard, missed) = (service.clone(), service.clone());
    let origin = welcome::origin(settings, &bound.addresses);
    let own_url = welcome::own_url(settings, &bound.addresses);
    let faces = faces::build(&service, settings, &origin, &own_url, certificate.clone());
    let server = Server::new(dispatch::handler(faces), limits, ids)
        .tls(certificate.as_deref().map(Certificate::server_config))
        .on_fault(Arc::new(move |unserved| faces::unserved(&missed, unserved)))
        .on_plain_http(Arc::new(move |seen: PlainHttp| faces::plain_http(&heard, seen)));
    let chores = tokio::spawn(chores::run(service.clone(), stopping.clone()));
    let running = tokio::spawn(server.run(listeners, stopping));

    welcome::print(place, settings, &bound.addresses, faces::begin_setup(&service).await?);
    signals::ready();
    let ended = signals::wait(&store, certificate.as_deref()).await;
    signals::stopping();
    stop.send_replace(true);
    match running.await {
        Ok(0) => {}
        Ok(cut) => tracing::warn!(cut, "connections were still busy and were cut"),
        Err(error) => tracing::error!(%error, "the listener ended unexpectedly"),
    }
    if let Err(error) = chores.await {
        tracing::error!(%error, "the chores ended unexpectedly");
    }
    close(store).await;
    ended
}

/// Opens the connections of the threads that serve, beside what else a start does. Nothing needs them to begin.
fn make_ready(service: Service) {
    tokio::task::spawn_blocking(move || {
        let threads = tokio::runtime::Handle::current().metrics().num_workers();
        if let Err(error) = service.ready(threads) {
            tracing::warn!(%error, "connections are opened when they are needed");
        }
    });
}

/// Writes what waits, and closes the file; this blocks.
async fn close(store: Store) {
    if let Err(error) = tokio::task::spawn_blocking(move || store.close()).await {
        tracing::error!(%error, "the database was not closed in order");
    }
}

fn certificate(place: &Place, settings: &Settings, clock: &Clock) -> Result<Option<Certificate>, Failure> {
    let source = match settings.tls {
        TlsMode::SelfSigned => Source::SelfSigned {
            directory: place.data_dir.clone(),
            names: own_names(settings.public_url.as_deref()),
        },
        TlsMode::Files => Source::Files {
            chain: settings.tls_cert.clone().unwrap_or_default(),
            key: settings.tls_key.clone().unwrap_or_default(),
        },
        TlsMode::Off | TlsMode::Acme => return Ok(None),
    };
    let load = Certificate::load(source, clock.clone());
    load.map(Some).map_err(|error| Failure::plain(format!("no certificate to serve with: {error}")))
}

/// The names under which this machine is likely to be called.
fn own_names(public_url: Option<&str>) -> Vec<String> {
    let mut names = vec!["localhost".to_string(), "127.0.0.1".to_string(), "::1".to_string()];
    let host_name = std::fs::read_to_string(Path::new("/proc/sys/kernel/hostname")).unwrap_or_default();
    let public = public_url.and_then(|url| url.split("://").nth(1)).map(without_port).unwrap_or_default();
    for name in [host_name.trim(), public] {
        let fits = crate::base::host::is_host(name) || name.parse::<std::net::IpAddr>().is_ok();
        if fits && !names.iter().any(|known| known.eq_ignore_ascii_case(name)) {
            names.push(name.to_string());
        }
    }
    names
}

/// The host without its port, and without the brackets of an IPv6 address.
fn without_port(host: &str) -> &str {
    match host.strip_prefix('[') {
        Some(rest) => rest.split(']').next().unwrap_or(rest),
        None => host.split(':').next().unwrap_or(host),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_certificate_carries_the_public_name() {
        assert!(own_names(Some("https://scim.example.com:8443")).contains(&"scim.example.com".to_string()));
        assert!(own_names(Some("https://[2001:db8::1]:8443")).contains(&"2001:db8::1".to_string()));
        assert_eq!(
            own_names(Some("https://LOCALHOST"))
                .iter()
                .filter(|name| name.eq_ignore_ascii_case("localhost"))
                .count(),
            1
        );
    }
}
