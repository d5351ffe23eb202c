//! A bounded load generator: connections that each send their requests one after another, what each answer was and how
//! long it took. It reads just enough of HTTP/1.1 to know where an answer ends, and looks at every answer.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use memchr::memmem;
use rustls::pki_types::ServerName;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpStream;

/// One request of a workload, and what its answer must be.
#[derive(Clone, Debug)]
pub struct Call {
    pub method: &'static str,
    pub path: String,
    pub body: Option<String>,
    pub expect: Expect,
}

/// What an answer must be.
#[derive(Clone, Debug, Default)]
pub struct Expect {
    /// The statuses that are right.
    pub status: Vec<u16>,
    /// What must stand in the body.
    pub has: Vec<String>,
    /// What must not.
    pub lacks: Vec<String>,
    /// What must stand in it so often.
    pub count: Option<(&'static str, usize)>,
    /// It is looked at just so, but what is found does not matter: bare hyper is asked with the same effort.
    pub whatever: bool,
}

impl Expect {
    /// Says what is wrong with an answer.
    fn fault(&self, status: u16, body: &[u8]) -> Option<String> {
        if !self.status.contains(&status) {
            return Some(format!("status {status} in place of {:?}", self.status));
        }
        if status == 204 {
            return None;
        }
        if std::str::from_utf8(body).is_err() {
            return Some("no UTF-8".into());
        }
        let there = |text: &&String| memmem::find(body, text.as_bytes()).is_some();
        // All are looked for, whatever the first came to.
        let missing = self.has.iter().filter(|text| !there(text)).reduce(|_, last| last);
        let wrong = self.lacks.iter().filter(there).reduce(|_, last| last);
        let counted = self.count.map(|(text, wanted)| (text, wanted, memmem::find_iter(body, text).count()));
        match (missing, wrong, counted) {
            _ if self.whatever => None,
            (Some(text), ..) => Some(format!("{text} is missing")),
            (_, Some(text), _) => Some(format!("{text} stands there")),
            (.., Some((text, wanted, found))) if found != wanted => {
                Some(format!("{found} times {text} in place of {wanted}"))
            }
            _ => None,
        }
    }
}

/// Where requests go, and with which token.
#[derive(Clone)]
pub struct Target {
    pub port: u16,
    pub tls: Option<Arc<rustls::ClientConfig>>,
    pub token: String,
}

/// How much a workload plays: so many requests at most, and so long at most.
#[derive(Clone, Copy)]
pub struct Limit {
    pub connections: usize,
    pub requests: usize,
    pub time: Duration,
    /// A new connection for every request.
    pub reconnect: bool,
}

/// Whose turn it is: the request's number, the connection's, and the request's number on that connection.
#[derive(Clone, Copy)]
pub struct Turn {
    pub k: usize,
    pub connection: usize,
    pub nth: usize,
}

/// What a workload came to.
#[derive(Default)]
pub struct Measured {
    pub requests: usize,
    pub elapsed: Duration,
    /// Sorted.
    pub latencies: Vec<Duration>,
    /// The first few faults, and how many there were.
    pub faults: Vec<String>,
    pub errors: usize,
    pub bytes: usize,
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

/// Makes the call of a turn.
pub type Make = Arc<dyn Fn(Turn) -> Call + Send + Sync>;

/// Plays calls until the limit.
pub async fn play(target: &Target, limit: Limit, make: Make) -> Measured {
    let began = Instant::now();
    let next = Arc::new(AtomicUsize::new(0));
    let tasks: Vec<_> = (0..limit.connections)
        .map(|connection| {
            let (target, make, next) = (target.clone(), make.clone(), next.clone());
            tokio::spawn(async move { one(&target, limit, connection, began, &next, &make).await })
        })
        .collect();
    let mut all = Measured::default();
    for task in tasks {
        let part = task.await.expect("a connection does not panic");
        all.requests += part.requests;
        all.latencies.extend(part.latencies);
        all.errors += part.errors;
        all.faults.extend(part.faults);
        all.bytes += part.bytes;
        all.last_body = part.last_body;
    }
    all.elapsed = began.elapsed();
    all.latencies.sort_unstable();
    all
}

/// Plays one call; its answer must be right.
pub async fn ask(target: &Target, call: Call) -> Vec<u8> {
    let limit = Limit { connections: 1, requests: 1, time: Duration::from_secs(120), reconnect: false };
    let path = call.path.clone();
    let done = play(target, limit, Arc::new(move |_| call.clone())).await;
    assert!(done.errors == 0, "{path}: {:?}", done.faults);
    done.last_body
}

async fn one(
    target: &Target,
    limit: Limit,
    connection: usize,
    began: Instant,
    next: &AtomicUsize,
    make: &Make,
) -> Measured {
    let mut stream = None;
    let mut part = Measured::default();
    let mut answer = Vec::new();
    for nth in 0.. {
        let k = next.fetch_add(1, Ordering::Relaxed);
        if k >= limit.requests || began.elapsed() >= limit.time {
            break;
        }
        let call = make(Turn { k, connection, nth });
        let request = text(target, &call);
        let sent = Instant::now();
        let mut open = match stream.take() {
            Some(open) if !limit.reconnect => open,
            _ => connect(target).await,
        };
        open.write_all(request.as_bytes()).await.expect("the server takes requests");
        open.flush().await.expect("the server takes requests");
        let status = read(&mut *open, &mut answer).await;
        part.latencies.push(sent.elapsed());
        stream = Some(open);
        part.requests += 1;
        part.bytes += answer.len();
        if let Some(fault) = call.expect.fault(status, &answer) {
            part.errors += 1;
            if part.faults.is_empty() {
                let body: String = String::from_utf8_lossy(&answer).chars().take(300).collect();
                part.faults.push(format!("{} {}: {fault}: {body}", call.method, call.path));
            }
        }
    }
    part.last_body = answer;
    part
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
    let length = match call.body {
        Some(_) => format!("Content-Type: application/scim+json\r\nContent-Length: {}\r\n", body.len()),
        None => String::new(),
    };
    format!(
        "{} {} HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {}\r\nAccept: application/scim+json\r\n\
         User-Agent: scimd-bench\r\n{length}\r\n{body}",
        call.method, call.path, target.token,
    )
}

/// Reads one answer; its body is left in `out`.
async fn read(stream: &mut dyn Stream, out: &mut Vec<u8>) -> u16 {
    out.clear();
    let (head, status, length) = loop {
        out.reserve(16 * 1024);
        let n = stream.read_buf(out).await.expect("the server answers");
        assert!(n > 0, "the connection was closed in the middle of an answer");
        let mut headers = [httparse::EMPTY_HEADER; 32];
        let mut answer = httparse::Response::new(&mut headers);
        if let httparse::Status::Complete(head) = answer.parse(out).expect("an answer") {
            let length =
                answer.headers.iter().find(|header| header.name.eq_ignore_ascii_case("content-length"));
            let length = length.map_or("0", |length| std::str::from_utf8(length.value).expect("a length"));
            break (head, answer.code.expect("a status"), length.parse().expect("a length"));
        }
    };
    out.drain(..head);
    let had = out.len();
    if had < length {
        out.resize(length, 0);
        stream.read_exact(&mut out[had..]).await.expect("a whole answer");
    }
    status
}

/// A client that takes any certificate, since the server under test made its own, and resumes no session.
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
    config.resumption = rustls::client::Resumption::disabled();
    Arc::new(config)
}
