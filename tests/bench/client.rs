//! A bounded load generator: keep-alive connections that each send their requests one after another, and how long each
//! answer took. It reads just enough of HTTP/1.1 to know where an answer ends.

use std::sync::Arc;
use std::time::{Duration, Instant};

use rustls::pki_types::ServerName;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpStream;

/// One request of a workload.
pub struct Call {
    pub method: &'static str,
    pub path: String,
    pub body: Option<String>,
}

/// Where requests go, and with which token.
#[derive(Clone)]
pub struct Target {
    pub port: u16,
    pub tls: Option<Arc<rustls::ClientConfig>>,
    pub token: String,
}

/// What a workload came to.
pub struct Measured {
    pub requests: usize,
    pub elapsed: Duration,
    /// Sorted.
    pub latencies: Vec<Duration>,
    pub errors: usize,
    pub last_body: Vec<u8>,
}

impl Measured {
    pub fn rate(&self) -> f64 {
        self.requests as f64 / self.elapsed.as_secs_f64()
    }

    pub fn percentile(&self, percent: usize) -> Duration {
        let at = (self.latencies.len() * percent / 100).min(self.latencies.len().saturating_sub(1));
        self.latencies.get(at).copied().unwrap_or_default()
    }
}

trait Stream: AsyncRead + AsyncWrite + Unpin + Send {}
impl<T: AsyncRead + AsyncWrite + Unpin + Send> Stream for T {}

/// Plays the calls, one list a connection.
pub async fn play(target: &Target, lists: Vec<Vec<Call>>) -> Measured {
    let began = Instant::now();
    let tasks: Vec<_> = lists
        .into_iter()
        .map(|calls| {
            let target = target.clone();
            tokio::spawn(async move { connection(&target, calls).await })
        })
        .collect();
    let mut all = Measured {
        requests: 0,
        elapsed: Duration::ZERO,
        latencies: Vec::new(),
        errors: 0,
        last_body: Vec::new(),
    };
    for task in tasks {
        let (latencies, errors, body) = task.await.expect("a connection does not panic");
        all.requests += latencies.len();
        all.latencies.extend(latencies);
        all.errors += errors;
        all.last_body = body;
    }
    all.elapsed = began.elapsed();
    all.latencies.sort_unstable();
    all
}

async fn connection(target: &Target, calls: Vec<Call>) -> (Vec<Duration>, usize, Vec<u8>) {
    let mut stream = connect(target).await;
    let (mut latencies, mut errors) = (Vec::with_capacity(calls.len()), 0);
    let mut answer = Vec::new();
    for call in calls {
        let began = Instant::now();
        let request = text(target, &call);
        stream.write_all(request.as_bytes()).await.expect("the server takes requests");
        stream.flush().await.expect("the server takes requests");
        let status = read(&mut *stream, &mut answer).await;
        latencies.push(began.elapsed());
        if status >= 400 {
            errors += 1;
            if errors == 1 {
                eprintln!("{} {}: {status} {}", call.method, call.path, String::from_utf8_lossy(&answer));
            }
        }
    }
    (latencies, errors, answer)
}

async fn connect(target: &Target) -> Box<dyn Stream> {
    let stream = TcpStream::connect(("127.0.0.1", target.port)).await.expect("the server listens");
    stream.set_nodelay(true).expect("a TCP option");
    match &target.tls {
        None => Box::new(stream),
        Some(config) => {
            let name = ServerName::try_from("localhost").expect("a name");
            let connector = tokio_rustls::TlsConnector::from(config.clone());
            Box::new(connector.connect(name, stream).await.expect("a TLS session"))
        }
    }
}

fn text(target: &Target, call: &Call) -> String {
    let body = call.body.as_deref().unwrap_or("");
    format!(
        "{} {} HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {}\r\nContent-Type: application/scim+json\r\n\
         User-Agent: scimd-bench\r\nContent-Length: {}\r\n\r\n{body}",
        call.method,
        call.path,
        target.token,
        body.len()
    )
}

/// Reads one answer; its body is left in `out`.
async fn read(stream: &mut dyn Stream, out: &mut Vec<u8>) -> u16 {
    out.clear();
    let mut buffer = [0u8; 64 * 1024];
    let head = loop {
        if let Some(end) = out.windows(4).position(|window| window == b"\r\n\r\n") {
            break end + 4;
        }
        let n = stream.read(&mut buffer).await.expect("the server answers");
        assert!(n > 0, "the connection was closed in the middle of an answer");
        out.extend_from_slice(&buffer[..n]);
    };
    let text = String::from_utf8_lossy(&out[..head]).to_ascii_lowercase();
    let status: u16 = text.get(9..12).and_then(|status| status.parse().ok()).expect("a status line");
    let length: usize = text
        .lines()
        .find_map(|line| line.strip_prefix("content-length:"))
        .map_or(0, |length| length.trim().parse().expect("a length"));
    while out.len() < head + length {
        let n = stream.read(&mut buffer).await.expect("the server answers");
        assert!(n > 0, "the connection was closed in the middle of an answer");
        out.extend_from_slice(&buffer[..n]);
    }
    out.drain(..head);
    status
}

/// A client that takes any certificate: the server under test made its own.
pub fn trusting() -> Arc<rustls::ClientConfig> {
    use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
    #[derive(Debug)]
    struct Any;
    impl ServerCertVerifier for Any {
        fn verify_server_cert(
            &self,
            _: &rustls::pki_types::CertificateDer<'_>,
            _: &[rustls::pki_types::CertificateDer<'_>],
            _: &ServerName<'_>,
            _: &[u8],
            _: rustls::pki_types::UnixTime,
        ) -> Result<ServerCertVerified, rustls::Error> {
            Ok(ServerCertVerified::assertion())
        }
        fn verify_tls12_signature(
            &self,
            _: &[u8],
            _: &rustls::pki_types::CertificateDer<'_>,
            _: &rustls::DigitallySignedStruct,
        ) -> Result<HandshakeSignatureValid, rustls::Error> {
            Ok(HandshakeSignatureValid::assertion())
        }
        fn verify_tls13_signature(
            &self,
            _: &[u8],
            _: &rustls::pki_types::CertificateDer<'_>,
            _: &rustls::DigitallySignedStruct,
        ) -> Result<HandshakeSignatureValid, rustls::Error> {
            Ok(HandshakeSignatureValid::assertion())
        }
        fn supported_verify_schemes(&self) -> Vec<rustls::SignatureScheme> {
            rustls::crypto::aws_lc_rs::default_provider()
                .signature_verification_algorithms
                .supported_schemes()
        }
    }
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let mut config = rustls::ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .expect("the provider has the default versions")
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(Any))
        .with_no_client_auth();
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Arc::new(config)
}
