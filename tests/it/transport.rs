//! The wire: TLS 1.2 and 1.3, HTTP/1.1 and HTTP/2, limits, and that every answer is SCIM JSON with a request id.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::sync::Arc;
use std::time::Duration;

use hyper::Version;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use serde_json::{Value, json};

use crate::client::{Client, Offer, any_certificate};
use crate::server::{Server, USER, files_in};

/// Sends bytes over a plain connection and reads until the server closes or falls silent.
fn raw(server: &Server, bytes: &[u8]) -> String {
    let mut stream = TcpStream::connect(server.address()).expect("it listens");
    stream.set_read_timeout(Some(Duration::from_secs(3))).expect("a timeout");
    // The server may answer and close before it has taken everything.
    let _ = stream.write_all(bytes);
    let mut answer = Vec::new();
    let mut part = [0; 16384];
    while let Ok(n @ 1..) = stream.read(&mut part) {
        answer.extend_from_slice(&part[..n]);
    }
    String::from_utf8_lossy(&answer).into_owned()
}

/// Checks that a raw answer is a SCIM error of this status.
#[track_caller]
fn scim_error(answer: &str, status: u16) {
    assert!(answer.starts_with(&format!("HTTP/1.1 {status} ")), "{status} was expected:\n{answer}");
    let (head, body) = answer.split_once("\r\n\r\n").expect("head and body");
    assert!(head.to_lowercase().contains("content-type: application/scim+json"), "{head}");
    assert!(head.to_lowercase().contains("x-request-id: req_"), "{head}");
    let body: Value = serde_json::from_str(body).unwrap_or_else(|e| panic!("{e}: {body}"));
    assert_eq!(body["status"], status.to_string(), "{body}");
    assert_eq!(body["schemas"], json!(["urn:ietf:params:scim:api:messages:2.0:Error"]));
}

#[test]
fn both_http_versions_and_both_tls_versions() {
    let server = Server::start();
    let caller = server.caller();
    let bearer = format!("Bearer {}", caller.token);
    let url = format!("{}/Users", caller.base);
    let tls12: &[_] = &[&rustls::version::TLS12];
    let tls13: &[_] = &[&rustls::version::TLS13];
    for versions in [tls12, tls13] {
        for (offer, version) in [
            (Offer::Http1, Version::HTTP_11),
            (Offer::Http2, Version::HTTP_2),
            (Offer::Both, Version::HTTP_2),
        ] {
            let client = Client::offering(offer, any_certificate(versions));
            let answer = client.send("GET", &url, &[("authorization", &bearer)], Vec::new()).is(200);
            assert_eq!(answer.version, version, "ALPN chooses");
        }
    }
    // Each request tells how it came.
    let ways = || {
        let taken = server.data().run(&["activity", "export"]).well().stdout;
        let rows = taken.lines().map(|line| serde_json::from_str::<serde_json::Value>(line).expect("JSON"));
        rows.map(|row| row["connection"].as_str().unwrap_or_default().to_owned()).collect::<Vec<_>>()
    };
    let mut found = ways();
    for _ in 0..100 {
        if found.len() >= 6 {
            break;
        }
        std::thread::sleep(std::time::Duration::from_millis(50));
        found = ways();
    }
    found.sort();
    let expected = [
        "TLS 1.2, HTTP/1.1",
        "TLS 1.2, HTTP/2",
        "TLS 1.2, HTTP/2",
        "TLS 1.3, HTTP/1.1",
        "TLS 1.3, HTTP/2",
        "TLS 1.3, HTTP/2",
    ];
    assert_eq!(found, expected);
}

#[test]
fn the_certificate_is_good_for_a_client_that_trusts_it() {
    let server = Server::start();
    let port = server.address().split(':').next_back().expect("a port").to_string();
    let mut roots = rustls::RootCertStore::empty();
    for file in files_in(&server.data().dir()) {
        let Ok(found) = CertificateDer::pem_file_iter(&file) else { continue };
        for certificate in found.flatten() {
            roots.add(certificate).expect("it can be trusted");
        }
    }
    assert!(!roots.is_empty(), "the certificate is kept in the data directory");
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let config = rustls::ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .expect("the versions suit the provider")
        .with_root_certificates(roots)
        .with_no_client_auth();
    let client = Client::offering(Offer::Both, config);
    client.send("GET", &format!("https://localhost:{port}/healthz"), &[], Vec::new()).is(200);
    client.send("GET", &format!("https://127.0.0.1:{port}/healthz"), &[], Vec::new()).is(200);
}

#[test]
fn the_certificate_is_kept_across_restarts_and_the_key_is_private() {
    use std::os::unix::fs::PermissionsExt;
    let server = Server::start();
    let data = Arc::clone(server.data());
    let read = || {
        let mut pems: Vec<_> = files_in(&data.dir())
            .into_iter()
            .filter(|file| std::fs::read(file).is_ok_and(|bytes| bytes.starts_with(b"-----BEGIN")))
            .map(|file| (file.clone(), std::fs::read(file).expect("it can be read")))
            .collect();
        pems.sort();
        pems
    };
    let before = read();
    assert!(!before.is_empty());
    assert!(server.stop().success());
    drop(Server::with(Arc::clone(&data), &[]));
    assert_eq!(before, read());
    for file in files_in(&data.dir()) {
        let mode = std::fs::metadata(&file).expect("it is there").permissions().mode();
        assert_eq!(mode & 0o077, 0, "{} is for its owner alone, not {mode:o}", file.display());
    }
}

#[test]
fn plain_http_to_the_tls_port_does_not_hang() {
    let server = Server::start();
    let answer = raw(&server, b"GET /scim/Users HTTP/1.1\r\nHost: localhost\r\n\r\n");
    assert!(
        answer.is_empty() || answer.starts_with("HTTP/1.1 400") || answer.starts_with("HTTP/1.1 4"),
        "{answer}"
    );
    server.client().send("GET", &format!("{}/healthz", server.origin), &[], Vec::new()).is(200);
}

#[test]
fn what_is_wrong_with_a_request_is_told_in_scim_json() {
    let server = Server::plain();
    let caller = server.caller();
    caller.get("/Nothing").error(404, "");
    caller.get("/Users/a/b/c").error(404, "");
    let wrong = caller.send("PUT", "/Users", Some(&json!({"schemas": [USER], "userName": "a"})));
    assert!(wrong.header("allow").contains("POST"), "{}", wrong.header("allow"));
    wrong.error(405, "");
    caller.send("BREW", "/Users", None).error(405, "");
    let strict = server.caller_with(&["--strict"]);
    strict
        .send_with(
            "POST",
            "/Users",
            &[("content-type", "text/plain")],
            Some(&json!({"schemas": [USER], "userName": "a"})),
        )
        .error(415, "");
    strict.send_with("GET", "/Users", &[("accept", "text/html")], None).error(406, "");
}

#[test]
fn media_types_are_those_of_scim_and_json() {
    let server = Server::plain();
    let caller = server.caller_with(&["--strict"]);
    let path = format!("/Users/{}", caller.user("ada"));
    let (scim, plain) = ("application/scim+json", "application/json");
    assert_eq!(caller.get(&path).is(200).header("content-type"), scim);
    for (accept, wanted) in [
        (scim, scim),
        (plain, plain),
        ("*/*", scim),
        ("application/scim+json;q=0, application/json", plain),
        ("text/html, application/json;q=0.1", plain),
    ] {
        let answer = caller.send_with("GET", &path, &[("accept", accept)], None).is(200);
        assert_eq!(answer.header("content-type"), wanted, "{accept}");
    }
    for accept in ["text/html", "application/json;q=0", "*/*;q=0"] {
        caller.send_with("GET", &path, &[("accept", accept)], None).error(406, "");
    }
    let post = |media: &str, name: &str| {
        let body = json!({"schemas": [USER], "userName": name});
        caller.send_with("POST", "/Users", &[("content-type", media)], Some(&body))
    };
    for (n, media) in [scim, plain, "application/scim+json; charset=UTF-8"].into_iter().enumerate() {
        post(media, &format!("taken{n}")).is(201);
    }
    for media in ["application/xml", "text/plain", "application/json; charset=iso-8859-1"] {
        post(media, "refused").error(415, "");
    }
    let suffixed = caller.get(&format!("{path}.scim")).is(200);
    assert_eq!((suffixed.json(), suffixed.header("content-type")), (caller.get(&path).is(200).json(), scim));
    caller.get(&format!("{path}.xml")).error(404, "");
}

#[test]
fn limits_are_told_before_the_connection_closes() {
    let server = Server::plain();
    let caller = server.caller();
    let head = format!(
        "Host: localhost\r\nAuthorization: Bearer {}\r\nContent-Type: application/json\r\n",
        caller.token
    );
    let long = "a".repeat(20_000);
    let answer = raw(
        &server,
        format!("GET /scim/Users?x={long} HTTP/1.1\r\n{head}Connection: close\r\n\r\n").as_bytes(),
    );
    scim_error(&answer, 414);
    let headers: String = (0..400).map(|n| format!("X-{n}: {}\r\n", "b".repeat(400))).collect();
    let answer = raw(
        &server,
        format!("GET /scim/Users HTTP/1.1\r\n{head}{headers}Connection: close\r\n\r\n").as_bytes(),
    );
    assert!(answer.starts_with("HTTP/1.1 431 "), "{answer}");
    let config = caller.get("/ServiceProviderConfig").json();
    let most = config["bulk"]["maxPayloadSize"].as_u64().expect("a number");
    let huge = format!(
        "POST /scim/Users HTTP/1.1\r\n{head}Connection: close\r\nContent-Length: {}\r\n\r\n{{",
        most * 100
    );
    scim_error(&raw(&server, huge.as_bytes()), 413);
    caller.get("/Users").is(200);
}

#[test]
fn nonsense_does_not_stop_the_server() {
    let server = Server::plain();
    for bytes in [
        &b"\x16\x03\x01\x02\x00\x01\x00"[..],
        b"GET\r\n\r\n",
        b"GET / HTTP/9.9\r\n\r\n",
        b"GET /scim/Users HTTP/1.1\r\nHost: a\r\nContent-Length: -1\r\n\r\n",
        b"POST /scim/Users HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
        b"GET /scim/%zz HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n",
        b"GET /scim/Users?filter=%ff HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n",
        b"GET /scim/../../etc/passwd HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n",
    ] {
        let answer = raw(&server, bytes);
        assert!(!answer.starts_with("HTTP/1.1 5"), "{:?}: {answer}", String::from_utf8_lossy(bytes));
        assert!(!answer.starts_with("HTTP/1.1 2"), "{:?}: {answer}", String::from_utf8_lossy(bytes));
    }
    server.client().send("GET", &format!("{}/healthz", server.origin), &[], Vec::new()).is(200);
}

#[test]
fn every_answer_has_a_request_id_of_its_own() {
    let server = Server::plain();
    let caller = server.caller();
    let mut seen = std::collections::BTreeSet::new();
    for path in ["/Users", "/Users/none", "/Nothing", "/ServiceProviderConfig"] {
        let answer = caller.get(path);
        let id = answer.header("x-request-id").to_string();
        let secret = id.strip_prefix("req_").unwrap_or_else(|| panic!("{path}: {id}"));
        assert!(secret.len() == 22 && secret.bytes().all(|b| b.is_ascii_alphanumeric()), "{id}");
        assert!(seen.insert(id));
    }
    let health = server.client().send("GET", &format!("{}/healthz", server.origin), &[], Vec::new()).is(200);
    assert!(health.header("x-request-id").starts_with("req_"));
}

#[test]
fn both_prefixes_serve_and_name_themselves() {
    let server = Server::start();
    let caller = server.caller();
    let id = caller.user("ada@example.com");
    for prefix in ["/scim", "/scim/v2"] {
        let url = format!("{}{prefix}/Users/{id}", server.origin);
        let bearer = format!("Bearer {}", caller.token);
        let answer = server.client().send("GET", &url, &[("authorization", &bearer)], Vec::new()).is(200);
        assert_eq!(answer.json()["meta"]["location"], url);
    }
}

#[test]
fn the_public_address_stands_in_locations() {
    let server = Server::with(
        crate::server::Data::new(),
        &["--tls", "off", "--public-url", "https://scim.example.com"],
    );
    let caller = server.caller();
    let made = caller.post("/Users", &json!({"schemas": [USER], "userName": "a"})).is(201);
    assert_eq!(made.header("location"), format!("https://scim.example.com/scim/Users/{}", made.id()));
    assert_eq!(made.json()["meta"]["location"], made.header("location"));
    server.wait_for("https://scim.example.com/scim");
}

#[test]
fn a_head_that_cannot_be_read_is_answered_with_an_id_and_words() {
    let server = Server::plain();
    let many: String = (0..150).map(|n| format!("x{n}: y\r\n")).collect();
    let large = "a".repeat(200_000);
    let before = "GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n";
    for (bytes, status) in [
        ("garbage\r\n\r\n".to_owned(), 400),
        ("GET /scim/Users HTTP/1.1\r\nHo st: x\r\n\r\n".to_owned(), 400),
        ("GET /scim/Users HTTP/9.9\r\nHost: x\r\n\r\n".to_owned(), 400),
        ("POST /scim/Users HTTP/1.1\r\nHost: x\r\nContent-Length: x\r\n\r\n".to_owned(), 400),
        (format!("GET /scim/Users HTTP/1.1\r\nHost: x\r\n{many}\r\n"), 431),
        (format!("GET /scim/Users HTTP/1.1\r\nHost: x\r\nX: {large}\r\n\r\n"), 431),
        (format!("GET /scim/{} HTTP/1.1\r\nHost: x\r\n\r\n", &large[..70_000]), 414),
    ] {
        scim_error(&raw(&server, bytes.as_bytes()), status);
        let answers = raw(&server, format!("{before}{bytes}").as_bytes());
        let (first, second) = answers.split_once("ok\n").expect("the request before is answered");
        assert!(first.starts_with("HTTP/1.1 200 "), "{first}");
        scim_error(second, status);
    }
}
