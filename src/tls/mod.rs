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

use crate::base::{Clock, Timestamp};

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

    /// When the certificate that is handed out ends; `None` where it cannot be read.
    pub fn ends(&self) -> Option<Timestamp> {
        let live = self.live.0.load();
        let (_, certificate) = x509_parser::parse_x509_certificate(live.cert.first()?).ok()?;
        Some(Timestamp(certificate.validity().not_after.timestamp() * 1000))
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

#[cfg(test)]
mod tests {
    use std::io::{Read, Write};
    use std::net::{SocketAddr, TcpStream};
    use std::sync::Mutex;
    use std::time::Duration;

    use rustls::pki_types::{CertificateDer, ServerName};
    use tokio::sync::watch;

    use super::*;
    use crate::base::{Clock, Ids};
    use crate::http::{Limits, PlainHttp, Response, Server};

    /// An encrypting server on a thread of its own.
    struct Running {
        address: SocketAddr,
        stop: watch::Sender<bool>,
        ended: std::thread::JoinHandle<usize>,
        plain: Arc<Mutex<Vec<PlainHttp>>>,
    }

    fn start() -> Running {
        let directory = tempfile::tempdir().expect("a directory");
        let source = Source::SelfSigned {
            directory: directory.path().to_path_buf(),
            names: vec!["localhost".to_string()],
        };
        let certificate = Certificate::load(source, Clock::system()).expect("a certificate");
        let plain = Arc::new(Mutex::new(Vec::new()));
        let heard = Arc::clone(&plain);
        let (stop, stopping) = watch::channel(false);
        let runtime = tokio::runtime::Runtime::new().expect("a runtime");
        let listener = runtime.block_on(tokio::net::TcpListener::bind("127.0.0.1:0")).expect("a free port");
        let address = listener.local_addr().expect("an address");
        let short = Duration::from_millis(300);
        let limits =
            Limits { handshake: short, idle: short, linger: Duration::from_millis(50), ..Limits::default() };
        let server = Server::new(
            Arc::new(|_| Box::pin(async { Response::text(200, "hello") })),
            limits,
            Ids::random(Clock::system()),
        )
        .tls(Some(certificate.server_config()))
        .on_plain_http(Arc::new(move |seen| heard.lock().expect("no panic").push(seen)));
        let ended = std::thread::spawn(move || runtime.block_on(server.run(vec![listener], stopping)));
        Running { address, stop, ended, plain }
    }

    impl Running {
        fn connect(&self) -> TcpStream {
            let socket = TcpStream::connect(self.address).expect("it listens");
            socket.set_read_timeout(Some(Duration::from_secs(10))).expect("a timeout");
            socket
        }

        fn end(self) -> usize {
            self.stop.send_replace(true);
            self.ended.join().expect("no panic")
        }
    }

    fn read_all(socket: &mut impl Read) -> String {
        let mut bytes = Vec::new();
        let mut piece = [0; 4096];
        while let Ok(read @ 1..) = socket.read(&mut piece) {
            bytes.extend_from_slice(&piece[..read]);
        }
        String::from_utf8_lossy(&bytes).into_owned()
    }

    #[test]
    fn silence_before_the_handshake_ends() {
        let server = start();
        let began = std::time::Instant::now();
        read_all(&mut server.connect());
        assert!(began.elapsed() < Duration::from_secs(30));
    }

    #[test]
    fn plain_http_on_the_tls_port_is_told_what_to_do() {
        let server = start();
        let mut socket = server.connect();
        let sent = b"GET /scim/Users?filter=x HTTP/1.1\r\nAuthorization: Bearer scimd_x\r\n\r\n";
        socket.write_all(sent).expect("sent");
        let answer = read_all(&mut socket);
        assert!(answer.starts_with("HTTP/1.1 400 ") && answer.contains("https://"), "{answer}");
        std::thread::sleep(Duration::from_millis(100));
        let seen = server.plain.lock().expect("no panic").pop().expect("it was heard");
        assert_eq!((seen.method.as_str(), seen.path.as_str()), ("GET", "/scim/Users"));
        assert!(answer.contains(&seen.id));
    }

    /// Accepts whatever certificate the test server has made.
    fn client(alpn: &[u8]) -> rustls::ClientConnection {
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let mut config = rustls::ClientConfig::builder_with_provider(Arc::clone(&provider))
            .with_safe_default_protocol_versions()
            .expect("versions")
            .dangerous()
            .with_custom_certificate_verifier(Arc::new(Any(provider)))
            .with_no_client_auth();
        config.alpn_protocols = vec![alpn.to_vec()];
        let name = ServerName::try_from("localhost").expect("a name");
        rustls::ClientConnection::new(Arc::new(config), name).expect("a client")
    }

    #[derive(Debug)]
    struct Any(Arc<rustls::crypto::CryptoProvider>);

    impl rustls::client::danger::ServerCertVerifier for Any {
        fn verify_server_cert(
            &self,
            _end: &CertificateDer<'_>,
            _chain: &[CertificateDer<'_>],
            _name: &ServerName<'_>,
            _ocsp: &[u8],
            _now: rustls::pki_types::UnixTime,
        ) -> Result<rustls::client::danger::ServerCertVerified, rustls::Error> {
            Ok(rustls::client::danger::ServerCertVerified::assertion())
        }

        fn verify_tls12_signature(
            &self,
            message: &[u8],
            certificate: &CertificateDer<'_>,
            signed: &rustls::DigitallySignedStruct,
        ) -> Result<rustls::client::danger::HandshakeSignatureValid, rustls::Error> {
            let known = &self.0.signature_verification_algorithms;
            rustls::crypto::verify_tls12_signature(message, certificate, signed, known)
        }

        fn verify_tls13_signature(
            &self,
            message: &[u8],
            certificate: &CertificateDer<'_>,
            signed: &rustls::DigitallySignedStruct,
        ) -> Result<rustls::client::danger::HandshakeSignatureValid, rustls::Error> {
            let known = &self.0.signature_verification_algorithms;
            rustls::crypto::verify_tls13_signature(message, certificate, signed, known)
        }

        fn supported_verify_schemes(&self) -> Vec<rustls::SignatureScheme> {
            self.0.signature_verification_algorithms.supported_schemes()
        }
    }

    #[test]
    fn an_http2_client_that_says_nothing_is_let_go() {
        let server = start();
        for preface in [&b""[..], b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0"] {
            let mut stream = rustls::StreamOwned::new(client(b"h2"), server.connect());
            stream.write_all(preface).expect("sent");
            stream.flush().expect("the handshake");
            let began = std::time::Instant::now();
            read_all(&mut stream);
            assert!(began.elapsed() < Duration::from_secs(30), "{:?}", began.elapsed());
        }
        assert_eq!(server.end(), 0);
    }

    #[test]
    fn http1_works_over_tls() {
        let server = start();
        let mut stream = rustls::StreamOwned::new(client(b"http/1.1"), server.connect());
        stream.write_all(b"GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n").expect("sent");
        assert!(read_all(&mut stream).ends_with("hello"));
    }
}
