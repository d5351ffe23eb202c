//! From the chosen mode to a TLS configuration: the certificate that connections get, and its replacement while
//! scimd runs. Connections themselves are `http`'s.

pub mod files;
pub mod self_signed;

use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;

use arc_swap::ArcSwap;
use rustls::ServerConfig;
use rustls::crypto::{CryptoProvider, aws_lc_rs};
use rustls::server::{ClientHello, ResolvesServerCert};
use rustls::sign::CertifiedKey;

use crate::base::Clock;

/// Where the certificate comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Source {
    /// Made by scimd itself and kept in a directory, for these host names and addresses.
    SelfSigned { directory: PathBuf, names: Vec<String> },
    /// Two PEM files that somebody else keeps up to date.
    Files { chain: PathBuf, key: PathBuf },
}

/// Why there is no certificate to serve with.
#[derive(Debug)]
pub enum TlsError {
    /// A file could not be read or written.
    File { path: PathBuf, error: std::io::Error },
    /// A file does not hold what it should.
    Content { path: PathBuf, problem: String },
    /// A certificate could not be made.
    Make(String),
}

impl fmt::Display for TlsError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            TlsError::File { path, error } => write!(f, "{}: {error}", path.display()),
            TlsError::Content { path, problem } => write!(f, "{}: {problem}", path.display()),
            TlsError::Make(problem) => write!(f, "could not make a self-signed certificate: {problem}"),
        }
    }
}

impl std::error::Error for TlsError {}

/// The certificate in use, and how to look for a newer one.
#[derive(Debug)]
pub struct Certificate {
    source: Source,
    clock: Clock,
    live: Arc<Live>,
}

impl Certificate {
    /// Reads the certificate, or makes it.
    pub fn load(source: Source, clock: Clock) -> Result<Certificate, TlsError> {
        let first = read(&source, &clock)?;
        let live = Arc::new(Live(ArcSwap::from_pointee(first)));
        Ok(Certificate { source, clock, live })
    }

    /// The configuration for connections: TLS 1.2 and 1.3, HTTP/2 preferred. It always hands out the newest certificate.
    pub fn server_config(&self) -> Arc<ServerConfig> {
        let mut config = ServerConfig::builder_with_provider(Arc::new(provider()))
            .with_safe_default_protocol_versions()
            .expect("the provider supports TLS 1.2 and 1.3")
            .with_no_client_auth()
            .with_cert_resolver(Arc::clone(&self.live) as Arc<dyn ResolvesServerCert>);
        config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
        match aws_lc_rs::Ticketer::new() {
            Ok(ticketer) => config.ticketer = ticketer,
            Err(error) => tracing::warn!(%error, "TLS sessions will not be resumed"),
        }
        Arc::new(config)
    }

    /// Looks at the source again and takes over what is new. A file that cannot be used changes nothing.
    /// Says whether the certificate changed.
    pub fn reload(&self) -> Result<bool, TlsError> {
        let fresh = read(&self.source, &self.clock)?;
        let changed = fresh.cert != self.live.0.load().cert;
        if changed {
            self.live.0.store(Arc::new(fresh));
        }
        Ok(changed)
    }

    /// A mark that changes when the source may hold something new; cheap enough to be looked at every few seconds.
    pub fn mark(&self) -> u64 {
        match &self.source {
            Source::Files { chain, key } => files::mark(chain, key),
            // Once a day is often enough to notice that a certificate nears its end.
            Source::SelfSigned { .. } => (self.clock.now().0 / 86_400_000) as u64,
        }
    }
}

/// The certificate that is handed out now.
#[derive(Debug)]
struct Live(ArcSwap<CertifiedKey>);

impl ResolvesServerCert for Live {
    /// Everybody gets the one certificate: a client that names no host, or another one, too.
    fn resolve(&self, _hello: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        Some(self.0.load_full())
    }
}

fn provider() -> CryptoProvider {
    aws_lc_rs::default_provider()
}

fn read(source: &Source, clock: &Clock) -> Result<CertifiedKey, TlsError> {
    match source {
        Source::SelfSigned { directory, names } => self_signed::load(directory, names, clock.now()),
        Source::Files { chain, key } => files::load(chain, key),
    }
}
