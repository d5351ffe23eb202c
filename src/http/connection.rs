//! Connections: accepting them, encrypting them, bounding what a client may hold and for how long, and letting
//! them finish when the server stops. What a request means is the handler's business.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use hyper::server::conn::{http1, http2};
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};
use tokio::time::{sleep, timeout};
use tokio_rustls::TlsAcceptor;

use crate::base::Ids;
use crate::base::wire::Tls;
use crate::http::answer::{FaultAnswer, Shared, answer, unread};
use crate::http::load::{Counted, Load};
use crate::http::plain::{self, PlainHttp};
use crate::http::room::Room;
use crate::http::stall::Stall;
use crate::http::unread::Worded;
use crate::http::{Handler, Response};

/// How much a client may send, hold and wait.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Connections at one time; further ones wait in the listener's queue.
    pub connections: usize,
    /// Bytes of path and query.
    pub uri_bytes: usize,
    /// Bytes of header names and values.
    pub header_bytes: usize,
    /// Bytes of large answers that wait for their clients at one time; none is begun beside them.
    pub large_bytes: usize,
    /// Requests at one time within one HTTP/2 connection.
    pub streams: u32,
    /// For the TLS handshake.
    pub handshake: Duration,
    /// For a request's head to arrive, and for the pause before the next one.
    pub idle: Duration,
    /// For the client to take the next bytes of an answer.
    pub stall: Duration,
    /// Between the end of the listener and the beginning of the end of connections.
    pub linger: Duration,
    /// For requests under way when the server stops.
    pub drain: Duration,
}

impl Default for Limits {
    fn default() -> Limits {
        Limits {
            connections: 1024,
            uri_bytes: 16 * 1024,
            header_bytes: 32 * 1024,
            large_bytes: 256 << 20,
            streams: 100,
            handshake: Duration::from_secs(5),
            idle: Duration::from_secs(30),
            stall: Duration::from_secs(30),
            linger: Duration::from_millis(300),
            drain: Duration::from_secs(20),
        }
    }
}

/// Hears of requests that came without encryption to a port that has it.
pub type OnPlainHttp = Arc<dyn Fn(PlainHttp) + Send + Sync>;

/// A server about to run.
pub struct Server {
    handler: Handler,
    fault: FaultAnswer,
    on_plain_http: OnPlainHttp,
    tls: Option<Arc<rustls::ServerConfig>>,
    limits: Limits,
    ids: Ids,
}

impl Server {
    /// A server that answers with `handler`, in the clear until told otherwise.
    pub fn new(handler: Handler, limits: Limits, ids: Ids) -> Server {
        Server {
            handler,
            fault: Arc::new(|unserved| Response::text(unserved.fault.status(), unserved.fault.detail())),
            on_plain_http: Arc::new(|_| ()),
            tls: None,
            limits,
            ids,
        }
    }

    /// Encrypts every connection.
    pub fn tls(mut self, config: Option<Arc<rustls::ServerConfig>>) -> Server {
        self.tls = config;
        self
    }

    /// Words what goes wrong outside the handler.
    pub fn on_fault(mut self, fault: FaultAnswer) -> Server {
        self.fault = fault;
        self
    }

    /// Hears of plain HTTP on a port that speaks TLS.
    pub fn on_plain_http(mut self, hear: OnPlainHttp) -> Server {
        self.on_plain_http = hear;
        self
    }

    /// Serves until `stop` turns true or its sender is gone, then lets the requests under way finish.
    /// Returns how many connections had to be cut.
    pub async fn run(self, listeners: Vec<TcpListener>, stop: watch::Receiver<bool>) -> usize {
        let (close, closing) = watch::channel(false);
        let Limits { connections, linger, drain, .. } = self.limits;
        let connection = Arc::new(Connection {
            acceptor: self.tls.map(TlsAcceptor::from),
            on_plain_http: self.on_plain_http,
            shared: Shared {
                handler: self.handler,
                fault: self.fault,
                ids: self.ids,
                room: Room::new(self.limits.large_bytes),
                limits: self.limits,
            },
        });
        let places = Arc::new(Semaphore::new(connections));
        let mut accepting = tokio::task::JoinSet::new();
        for listener in listeners {
            let accept = accept(listener, Arc::clone(&places), Arc::clone(&connection), closing.clone());
            let mut stop = stop.clone();
            accepting.spawn(async move {
                tokio::select! {
                    () = accept => {}
                    () = raised(&mut stop) => {}
                }
            });
        }
        while accepting.join_next().await.is_some() {}
        // A connection accepted a moment ago has not sent its request yet: without this pause it would be cut.
        sleep(linger).await;
        close.send_replace(true);
        let all = u32::try_from(connections).unwrap_or(u32::MAX);
        match timeout(drain, places.acquire_many(all)).await {
            Ok(_) => 0,
            Err(_) => connections - places.available_permits(),
        }
    }
}

/// Resolves when a flag is raised, or nobody is left to raise it.
async fn raised(flag: &mut watch::Receiver<bool>) {
    // The error means that the sender is gone, which ends the server too.
    let _raised_or_gone = flag.wait_for(|raised| *raised).await;
}

/// What every connection needs.
struct Connection {
    shared: Shared,
    acceptor: Option<TlsAcceptor>,
    on_plain_http: OnPlainHttp,
}

/// Accepts for ever; the place is taken before the connection, so that a full server lets the rest wait outside.
async fn accept(
    listener: TcpListener,
    places: Arc<Semaphore>,
    connection: Arc<Connection>,
    closing: watch::Receiver<bool>,
) {
    loop {
        let place = Arc::clone(&places).acquire_owned().await.expect("the semaphore is never closed");
        match listener.accept().await {
            Ok((stream, peer)) => {
                let connection = Arc::clone(&connection);
                let closing = closing.clone();
                tokio::spawn(async move { connection.serve(stream, peer, closing, place).await });
            }
            Err(error) => {
                // Out of file descriptors, or a client that went away at once: neither is helped by spinning.
                tracing::warn!(%error, "could not accept a connection");
                sleep(Duration::from_millis(50)).await;
            }
        }
    }
}

impl Connection {
    async fn serve(
        self: Arc<Self>,
        stream: TcpStream,
        peer: SocketAddr,
        closing: watch::Receiver<bool>,
        _place: OwnedSemaphorePermit,
    ) {
        // Answers are small and whole: waiting to fill a packet only delays them.
        if let Err(error) = stream.set_nodelay(true) {
            tracing::debug!(%error, "could not set TCP_NODELAY");
        }
        // A dual-stack socket shows IPv4 peers as ::ffff:a.b.c.d.
        let peer = SocketAddr::new(peer.ip().to_canonical(), peer.port());
        let limits = &self.shared.limits;
        let Some(acceptor) = &self.acceptor else {
            return self.http1(Stall::new(stream, limits.stall), peer, None, closing).await;
        };
        match timeout(limits.handshake, plain::begins_plain(&stream)).await {
            Ok(Ok(false)) => {}
            Ok(Ok(true)) => {
                let id = self.shared.ids.request();
                return plain::refuse(stream, peer, id, limits.handshake, &*self.on_plain_http).await;
            }
            Ok(Err(_)) | Err(_) => return,
        }
        let stream = match timeout(limits.handshake, acceptor.accept(Stall::new(stream, limits.stall))).await
        {
            Ok(Ok(stream)) => stream,
            Ok(Err(error)) => return tracing::debug!(%peer, %error, "the TLS handshake failed"),
            Err(_) => return tracing::debug!(%peer, "the TLS handshake took too long"),
        };
        let session = stream.get_ref().1;
        let tls = Some(match session.protocol_version() {
            Some(rustls::ProtocolVersion::TLSv1_2) => Tls::V12,
            _ => Tls::V13,
        });
        if session.alpn_protocol() == Some(b"h2") {
            self.http2(stream, peer, tls, closing).await;
        } else {
            self.http1(stream, peer, tls, closing).await;
        }
    }

    async fn http1<S>(
        &self,
        stream: S,
        peer: SocketAddr,
        tls: Option<Tls>,
        mut closing: watch::Receiver<bool>,
    ) where
        S: AsyncRead + AsyncWrite + Unpin,
    {
        let service = service_fn(|request| async move {
            Ok::<_, Infallible>(answer(&self.shared, request, peer, tls).await)
        });
        let stream = Worded::new(stream, |status| unread(&self.shared, status, peer));
        let mut connection = pin!(
            http1::Builder::new()
                .timer(TokioTimer::new())
                .header_read_timeout(self.shared.limits.idle)
                .max_buf_size(self.shared.limits.header_bytes + self.shared.limits.uri_bytes + 64 * 1024)
                .serve_connection(TokioIo::new(stream), service)
        );
        let ended = tokio::select! {
            ended = connection.as_mut() => ended,
            () = raised(&mut closing) => {
                connection.as_mut().graceful_shutdown();
                connection.await
            }
        };
        if let Err(error) = ended {
            tracing::debug!(%peer, %error, "the connection ended early");
        }
    }

    async fn http2<S>(
        self: Arc<Self>,
        stream: S,
        peer: SocketAddr,
        tls: Option<Tls>,
        mut closing: watch::Receiver<bool>,
    ) where
        S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        let limits = &self.shared.limits;
        let load = Load::new();
        let service = service_fn(|request| {
            let running = load.enter();
            let this = Arc::clone(&self);
            async move {
                let response = answer(&this.shared, request, peer, tls).await;
                Ok::<_, Infallible>(response.map(|body| Counted { body, _running: running }))
            }
        });
        let mut connection = pin!(
            http2::Builder::new(TokioExecutor::new())
                .timer(TokioTimer::new())
                .keep_alive_interval(limits.idle)
                .keep_alive_timeout(limits.idle)
                .max_concurrent_streams(limits.streams)
                .max_header_list_size((limits.header_bytes + limits.uri_bytes + 64 * 1024) as u32)
                .serve_connection(TokioIo::new(stream), service)
        );
        let ended = tokio::select! {
            ended = connection.as_mut() => Some(ended),
            () = raised(&mut closing) => None,
            () = load.idle(limits.idle) => None,
        };
        let ended = match ended {
            Some(ended) => ended,
            None => {
                connection.as_mut().graceful_shutdown();
                // hyper waits for the client's part in the farewell, which a silent one never plays.
                tokio::select! {
                    ended = connection => ended,
                    () = load.idle(limits.handshake) => Ok(()),
                }
            }
        };
        if let Err(error) = ended {
            tracing::debug!(%peer, %error, "the connection ended early");
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io::{ErrorKind, Read, Write};
    use std::net::TcpStream as Socket;

    use super::*;
    use crate::base::Clock;
    use crate::http::{Body, BodyError, Request};

    /// A server on a thread of its own, so that the tests can speak through plain blocking sockets.
    struct Running {
        address: SocketAddr,
        stop: watch::Sender<bool>,
        ended: std::thread::JoinHandle<usize>,
    }

    fn quick() -> Limits {
        let short = Duration::from_millis(300);
        Limits { handshake: short, idle: short, linger: Duration::from_millis(50), ..Limits::default() }
    }

    async fn handle(mut request: Request) -> Response {
        match request.path.as_str() {
            "/panic" => panic!("on purpose"),
            "/body" => match request.body(1000, Duration::from_millis(500)).await {
                Ok(body) => Response::text(200, format!("{} bytes", body.len())),
                Err(error @ BodyError::TooLarge(_)) => Response::text(413, error.to_string()),
                Err(error) => Response::text(error.status(), error.to_string()),
            },
            "/slow" => {
                sleep(Duration::from_millis(700)).await;
                Response::text(200, "slow")
            }
            "/cut" => {
                let (sender, body) = Body::stream();
                tokio::spawn(async move {
                    sender.send("half").await;
                    sleep(Duration::from_millis(50)).await;
                    sender.cut().await;
                });
                Response::with_body(200, body)
            }
            "/large" => Response::text(200, vec![b'x'; LARGE]),
            "/large/read" => Response::text(200, vec![b'x'; LARGE]).only_read(),
            _ => Response::text(200, "hello"),
        }
    }

    /// More than a socket takes by itself.
    const LARGE: usize = 16 << 20;

    fn start(limits: Limits) -> Running {
        let (stop, stopping) = watch::channel(false);
        let runtime = tokio::runtime::Runtime::new().expect("a runtime");
        let listener = runtime.block_on(TcpListener::bind("127.0.0.1:0")).expect("a free port");
        let address = listener.local_addr().expect("an address");
        let handler: Handler = Arc::new(|request| Box::pin(handle(request)));
        let server = Server::new(handler, limits, Ids::random(Clock::system()));
        let ended = std::thread::spawn(move || runtime.block_on(server.run(vec![listener], stopping)));
        Running { address, stop, ended }
    }

    impl Running {
        fn connect(&self) -> Socket {
            let socket = Socket::connect(self.address).expect("it listens");
            socket.set_read_timeout(Some(Duration::from_secs(10))).expect("a timeout");
            socket
        }

        /// Sends a text on a connection of its own and reads to the end.
        fn ask(&self, text: &str) -> String {
            let mut socket = self.connect();
            socket.write_all(text.as_bytes()).expect("sent");
            read_all(&mut socket)
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

    fn read_until(socket: &mut Socket, mark: &str) -> String {
        let mut text = String::new();
        let mut piece = [0; 1];
        while !text.contains(mark) {
            assert_eq!(socket.read(&mut piece).expect("an answer"), 1, "{text}");
            text.push(piece[0] as char);
        }
        text
    }

    const CLOSE: &str = "Host: localhost\r\nConnection: close\r\n\r\n";

    #[test]
    fn large_answers_that_nobody_takes_turn_others_away_until_they_are_gone() {
        let server = start(Limits { large_bytes: LARGE + LARGE / 2, ..quick() });
        let large = |method: &str| server.ask(&format!("{method} /large HTTP/1.1\r\n{CLOSE}"));
        let mut lazy = server.connect();
        lazy.write_all(b"GET /large HTTP/1.1\r\nHost: localhost\r\n\r\n").expect("sent");
        read_until(&mut lazy, "\r\n\r\n");
        let refused = large("GET");
        assert!(refused.starts_with("HTTP/1.1 503 ") && refused.contains("retry-after: 1\r\n"), "{refused}");
        assert!(refused.ends_with("or for less at a time."), "{refused}");
        assert!(server.ask(&format!("GET / HTTP/1.1\r\n{CLOSE}")).ends_with("hello"), "small ones go on");
        assert!(large("PUT").starts_with("HTTP/1.1 200 "), "what may have changed something is answered");
        let read = server.ask(&format!("POST /large/read HTTP/1.1\r\n{CLOSE}"));
        assert!(read.starts_with("HTTP/1.1 503 "), "not what only read: {}", &read[..80]);
        drop(lazy);
        let later = (0..200).any(|_| {
            std::thread::sleep(Duration::from_millis(20));
            large("GET").starts_with("HTTP/1.1 200 ")
        });
        assert!(later, "there is room again");
        server.end();
    }

    #[test]
    fn answers_carry_an_id_and_head_has_the_length_without_the_body() {
        let server = start(quick());
        let mut socket = server.connect();
        for _ in 0..2 {
            socket.write_all(b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n").expect("sent");
            let answer = read_until(&mut socket, "hello");
            assert!(answer.starts_with("HTTP/1.1 200 ") && answer.contains("x-request-id: req_"), "{answer}");
        }
        let head = server.ask(&format!("HEAD / HTTP/1.1\r\n{CLOSE}"));
        assert!(head.contains("content-length: 5\r\n") && head.ends_with("\r\n\r\n"), "{head}");
        assert_eq!(server.end(), 0);
    }

    #[test]
    fn a_panic_is_a_500_with_its_incident_and_the_server_goes_on() {
        let server = start(quick());
        let answer = server.ask(&format!("GET /panic HTTP/1.1\r\n{CLOSE}"));
        assert!(answer.starts_with("HTTP/1.1 500 ") && answer.contains("under req_"), "{answer}");
        assert!(server.ask(&format!("GET / HTTP/1.1\r\n{CLOSE}")).contains("hello"));
    }

    #[test]
    fn a_refused_body_still_gets_its_answer() {
        let server = start(quick());
        let body = "x".repeat(3_000_000);
        let length = body.len();
        for framing in [
            format!("Content-Length: {length}\r\n\r\n{body}"),
            format!("Transfer-Encoding: chunked\r\n\r\n{length:x}\r\n{body}\r\n0\r\n\r\n"),
        ] {
            let answer = server.ask(&format!("POST /body HTTP/1.1\r\nHost: localhost\r\n{framing}"));
            assert!(answer.starts_with("HTTP/1.1 413 ") && answer.contains("1000 bytes allowed"), "{answer}");
        }
        let answer = server.ask("POST /body HTTP/1.1\r\nHost: localhost\r\nContent-Length: 10\r\n\r\nhalf");
        assert!(answer.starts_with("HTTP/1.1 408 "), "{answer}");
    }

    #[test]
    fn a_client_that_waits_for_100_is_told_to_go_on_or_not() {
        let server = start(quick());
        let mut socket = server.connect();
        let head = "POST /body HTTP/1.1\r\nHost: localhost\r\nExpect: 100-continue\r\nContent-Length";
        socket.write_all(format!("{head}: 5\r\n\r\n").as_bytes()).expect("sent");
        assert!(read_until(&mut socket, "\r\n\r\n").starts_with("HTTP/1.1 100 "));
        socket.write_all(b"12345").expect("sent");
        assert!(read_until(&mut socket, "5 bytes").starts_with("HTTP/1.1 200 "));
        let refused = server.ask(&format!("{head}: 5000\r\n\r\n"));
        assert!(refused.starts_with("HTTP/1.1 413 "), "{refused}");
    }

    #[test]
    fn heads_have_their_limits() {
        let server = start(quick());
        let long = "a".repeat(17 * 1024);
        let asked = |line: &str, more: &str| server.ask(&format!("GET {line} HTTP/1.1\r\n{more}{CLOSE}"));
        assert!(asked(&format!("/?{long}"), "").starts_with("HTTP/1.1 414 "));
        assert!(asked("/", &format!("A: {long}\r\nB: {long}\r\n")).starts_with("HTTP/1.1 431 "));
        assert!(asked("/", &"A: b\r\n".repeat(200)).starts_with("HTTP/1.1 431 "));
        assert!(asked("/", "Host: other\r\n").starts_with("HTTP/1.1 400 "));
        assert!(server.ask("GET / HTTP/1.1\r\nConnection: close\r\n\r\n").starts_with("HTTP/1.1 400 "));
        assert!(server.ask("GET / HTTP/1.0\r\n\r\n").starts_with("HTTP/1.0 200 "));
    }

    #[test]
    fn silence_and_slow_heads_end() {
        let server = start(quick());
        for sent in [&b""[..], b"GET / HT"] {
            let began = std::time::Instant::now();
            let mut socket = server.connect();
            socket.write_all(sent).expect("sent");
            read_all(&mut socket);
            assert!(began.elapsed() < Duration::from_secs(30));
        }
    }

    #[test]
    fn an_answer_given_up_does_not_look_whole() {
        let server = start(quick());
        let answer = server.ask(&format!("GET /cut HTTP/1.1\r\n{CLOSE}"));
        assert!(answer.contains("half") && !answer.ends_with("0\r\n\r\n"), "{answer}");
    }

    #[test]
    fn a_full_server_lets_the_next_one_wait() {
        let server = start(Limits { connections: 1, ..Limits::default() });
        let mut first = server.connect();
        first.write_all(b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n").expect("sent");
        read_until(&mut first, "hello");
        let mut second = server.connect();
        second.write_all(format!("GET / HTTP/1.1\r\n{CLOSE}").as_bytes()).expect("sent");
        second.set_read_timeout(Some(Duration::from_millis(300))).expect("a timeout");
        let error = second.read(&mut [0]).expect_err("it waits");
        assert!(matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut));
        drop(first);
        second.set_read_timeout(Some(Duration::from_secs(10))).expect("a timeout");
        assert!(read_all(&mut second).contains("hello"));
    }

    #[test]
    fn a_stop_lets_what_is_under_way_finish_and_refuses_what_comes() {
        let server = start(quick());
        let address = server.address;
        let mut socket = server.connect();
        socket.write_all(b"GET /slow HTTP/1.1\r\nHost: localhost\r\n\r\n").expect("sent");
        std::thread::sleep(Duration::from_millis(100));
        let slow = std::thread::spawn(move || read_all(&mut socket));
        assert_eq!(server.end(), 0);
        assert!(slow.join().expect("no panic").ends_with("slow"));
        assert!(Socket::connect(address).is_err());
    }
}
