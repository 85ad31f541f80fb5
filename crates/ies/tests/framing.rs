//! Where a request ends: bytes that two servers on the way may read differently. Behind each of
//! them follow a write with a good token and a question after the service's health. As many
//! answers come as there are requests for a strict reader, or the connection is closed by 400; what
//! was answered by 201 is recorded, and nothing else.

mod server;

use hyper::StatusCode;
use serde_json::json;
use server::{Client, Server};
use std::time::Duration;
use tempfile::TempDir;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// How long the server may leave a connection open that should end, before it counts as hanging.
const PATIENCE: Duration = Duration::from_mins(1);

/// A body of 14 bytes.
const BATCH: &str = r#"{"quantity":1}"#;
/// The same in one chunk.
const CHUNK: &str = "e\r\n{\"quantity\":1}\r\n0\r\n\r\n";

/// What is answered when everything is read as it was meant.
const ALL: &str = "201 201 200";
/// What is answered when the first request is refused and the connection closed.
const REFUSED: &str = "400";

/// Header fields that frame a body, the body, and the answers.
const FRAMINGS: &[(&str, &str, &str)] = &[
    // The length, said once and plainly.
    ("content-length: 14\r\n", BATCH, ALL),
    ("content-length:14\r\n", BATCH, ALL),
    ("content-length: \t14 \r\n", BATCH, ALL),
    ("CONTENT-LENGTH: 14\r\n", BATCH, ALL),
    ("content-length: 014\r\n", BATCH, ALL),
    // Twice the same is the same (RFC 9112 6.3); twice another is none.
    ("content-length: 14\r\ncontent-length: 14\r\n", BATCH, ALL),
    ("content-length: 14\r\ncontent-length: 15\r\n", BATCH, REFUSED),
    ("content-length: 0\r\ncontent-length: 14\r\n", BATCH, REFUSED),
    ("content-length: 14\r\ncontent-length:\r\n", BATCH, REFUSED),
    ("content-length: 14, 14\r\n", BATCH, REFUSED),
    ("content-length: 14,15\r\n", BATCH, REFUSED),
    ("content-length: +14\r\n", BATCH, REFUSED),
    ("content-length: -14\r\n", BATCH, REFUSED),
    ("content-length: -0\r\n", BATCH, REFUSED),
    ("content-length: 1 4\r\n", BATCH, REFUSED),
    ("content-length: 0xe\r\n", BATCH, REFUSED),
    ("content-length: 14.0\r\n", BATCH, REFUSED),
    ("content-length: 14;\r\n", BATCH, REFUSED),
    ("content-length: \"14\"\r\n", BATCH, REFUSED),
    ("content-length: \u{661}\u{664}\r\n", BATCH, REFUSED),
    ("content-length:\r\n", BATCH, REFUSED),
    ("content-length: 18446744073709551630\r\n", BATCH, REFUSED),
    ("content-length: 4294967310\r\n", BATCH, "413"),
    // Without a length there is no body, and what follows is no request.
    ("", BATCH, "400 400"),
    ("content_length: 14\r\n", BATCH, "400 400"),
    ("content-lengthx: 14\r\n", BATCH, "400 400"),
    // In chunks.
    ("transfer-encoding: chunked\r\n", CHUNK, ALL),
    ("transfer-encoding:  chunked\r\n", CHUNK, ALL),
    ("transfer-encoding: chunked\t\r\n", CHUNK, ALL),
    ("Transfer-Encoding: Chunked\r\n", CHUNK, ALL),
    ("transfer-encoding: xchunked\r\n", CHUNK, REFUSED),
    ("transfer-encoding: chunkedx\r\n", CHUNK, REFUSED),
    ("transfer-encoding: \"chunked\"\r\n", CHUNK, REFUSED),
    ("transfer-encoding: chunked;q=1\r\n", CHUNK, REFUSED),
    ("transfer-encoding: identity\r\n", BATCH, REFUSED),
    ("transfer-encoding: gzip\r\n", BATCH, REFUSED),
    ("transfer-encoding:\r\n", BATCH, REFUSED),
    ("transfer-encoding: chunked, identity\r\n", CHUNK, REFUSED),
    ("transfer-encoding: identity, chunked\r\n", CHUNK, REFUSED),
    ("transfer-encoding: gzip, chunked\r\n", CHUNK, REFUSED),
    ("transfer-encoding: chunked, chunked\r\n", CHUNK, REFUSED),
    ("transfer-encoding: , chunked\r\n", CHUNK, REFUSED),
    ("transfer-encoding: chunked,\r\n", CHUNK, REFUSED),
    ("transfer-encoding: chunked\r\ntransfer-encoding: chunked\r\n", CHUNK, REFUSED),
    ("transfer-encoding: chunked\r\ntransfer-encoding: identity\r\n", CHUNK, REFUSED),
    ("transfer-encoding: identity\r\ntransfer-encoding: chunked\r\n", CHUNK, REFUSED),
    ("transfer-encoding:\x0bchunked\r\n", CHUNK, REFUSED),
    ("transfer-encoding: chunked\0\r\n", CHUNK, REFUSED),
    ("transfer-encoding : chunked\r\n", CHUNK, REFUSED),
    ("transfer-encoding\r\n : chunked\r\n", CHUNK, REFUSED),
    ("transfer_encoding: chunked\r\n", CHUNK, "400 400"),
    // Both: the chunks count, and the connection ends with the answer (RFC 9112 6.1).
    ("content-length: 14\r\ntransfer-encoding: chunked\r\n", CHUNK, "201"),
    ("transfer-encoding: chunked\r\ncontent-length: 14\r\n", CHUNK, "201"),
    ("transfer-encoding: chunked\r\ncontent-length: x\r\n", CHUNK, "201"),
    ("content-length: 14\r\ntransfer-encoding: identity\r\n", BATCH, REFUSED),
    ("content-length: 14\r\ntransfer-encoding: xchunked\r\n", BATCH, REFUSED),
    ("content-length: 14\r\ntransfer-encoding : chunked\r\n", CHUNK, REFUSED),
    // Lines that go on in the next, names with a space, characters that no field has.
    ("content-length: 14\r\nx: a\r\n b\r\n", BATCH, REFUSED),
    ("content-length: 14\r\nx:\r\n\ttransfer-encoding: chunked\r\n", BATCH, REFUSED),
    ("content-length: 1\r\n 4\r\n", BATCH, REFUSED),
    ("content-length : 14\r\n", BATCH, REFUSED),
    ("content-length\t: 14\r\n", BATCH, REFUSED),
    (" content-length: 14\r\n", BATCH, REFUSED),
    ("content-length: 14\r\nx y: z\r\n", BATCH, REFUSED),
    ("content-length: 14\r\nx\r\n", BATCH, REFUSED),
    ("content-length: 14\r\n: x\r\n", BATCH, REFUSED),
    ("content-length: 14\r\nx: a\0b\r\n", BATCH, REFUSED),
    ("content-length: 14\r\nx\0: a\r\n", BATCH, REFUSED),
    ("content-length: 14\r\nx: a\x1b[31m\r\n", BATCH, REFUSED),
    ("content-length: 14\r\nx: a\x7f\r\n", BATCH, REFUSED),
    // A carriage return alone ends no line.
    ("content-length: 14\r\nx: a\rb\r\n", BATCH, REFUSED),
    ("content-length: 14\rx: a\r\n", BATCH, REFUSED),
    ("x: a\rcontent-length: 14\r\n", BATCH, REFUSED),
    ("content-length: 14\r\r\n", BATCH, REFUSED),
    // A line feed alone does, as RFC 9112 2.2 lets it.
    ("content-length: 14\n", BATCH, ALL),
    ("x: a\ncontent-length: 14\r\n", BATCH, ALL),
    ("content-length: 14\nx: a\ntransfer-encoding: xchunked\r\n", BATCH, REFUSED),
    // More than one host, or none that counts.
    ("content-length: 14\r\nhost: y\r\n", BATCH, REFUSED),
    ("content-length: 14\r\nhost: x\r\n", BATCH, REFUSED),
    // What means something to servers on the way only.
    ("content-length: 14\r\nconnection: authorization\r\n", BATCH, ALL),
    ("content-length: 14\r\nx-forwarded-for: 127.0.0.1\r\n", BATCH, ALL),
    ("content-length: 14\r\nupgrade: h2c\r\nconnection: upgrade\r\n", BATCH, ALL),
    ("content-length: 14\r\nconnection: close\r\n", BATCH, "201"),
    ("content-length: 14\r\nconnection: close\r\nconnection: keep-alive\r\n", BATCH, "201"),
    ("content-length: 14\r\nexpect: 100-continue\r\n", BATCH, "100 201 201 200"),
    ("content-length: 14\r\nexpect: x\r\n", BATCH, ALL),
];

/// Bodies in chunks, and the answers.
const CHUNKS: &[(&str, &str)] = &[
    ("E\r\n{\"quantity\":1}\r\n0\r\n\r\n", ALL),
    ("00e\r\n{\"quantity\":1}\r\n000\r\n\r\n", ALL),
    ("2\r\n{\"\r\nc\r\nquantity\":1}\r\n0\r\n\r\n", ALL),
    ("e;a=b\r\n{\"quantity\":1}\r\n0;c\r\n\r\n", ALL),
    ("e ; a=\"b\"\r\n{\"quantity\":1}\r\n0\r\n\r\n", ALL),
    ("e;\n\r\n{\"quantity\":1}\r\n0\r\n\r\n", REFUSED),
    ("e\n{\"quantity\":1}\n0\n\n", REFUSED),
    ("e\r{\"quantity\":1}\r0\r\r", REFUSED),
    ("e\r\n{\"quantity\":1}0\r\n\r\n", REFUSED),
    ("e\r\n{\"quantity\":1}\n0\r\n\r\n", REFUSED),
    ("d\r\n{\"quantity\":1}\r\n0\r\n\r\n", REFUSED),
    ("f\r\n{\"quantity\":1}\r\n0\r\n\r\n", REFUSED),
    (" e\r\n{\"quantity\":1}\r\n0\r\n\r\n", REFUSED),
    ("+e\r\n{\"quantity\":1}\r\n0\r\n\r\n", REFUSED),
    ("-1\r\n{\"quantity\":1}\r\n0\r\n\r\n", REFUSED),
    ("0xe\r\n{\"quantity\":1}\r\n0\r\n\r\n", REFUSED),
    ("e e\r\n{\"quantity\":1}\r\n0\r\n\r\n", REFUSED),
    ("\r\n{\"quantity\":1}\r\n0\r\n\r\n", REFUSED),
    (";a=b\r\n{\"quantity\":1}\r\n0\r\n\r\n", REFUSED),
    ("1000000000000000e\r\n{\"quantity\":1}\r\n0\r\n\r\n", REFUSED),
    ("fffffffffffffffff\r\n{\"quantity\":1}\r\n0\r\n\r\n", REFUSED),
    // What follows the last chunk changes nothing about the request.
    ("e\r\n{\"quantity\":1}\r\n0\r\nx: y\r\n\r\n", ALL),
    ("e\r\n{\"quantity\":1}\r\n0\r\ncontent-length: 9\r\n\r\n", ALL),
    ("e\r\n{\"quantity\":1}\r\n0\r\nauthorization: Bearer x\r\nledger: x\r\n\r\n", ALL),
    ("e\r\n{\"quantity\":1}\r\n0\r\nx\r\n\r\n", REFUSED),
    ("e\r\n{\"quantity\":1}\r\n0\r\nx y: z\r\n\r\n", REFUSED),
    ("e\r\n{\"quantity\":1}\r\n0\r\nx: a\rb\r\n\r\n", REFUSED),
    // Here the next request is taken for trailers, and lost; it is not answered.
    ("e\r\n{\"quantity\":1}\r\n0\r\n\n", "201 400"),
];

/// First lines with what follows them up to the empty line, and the answers.
const HEADS: &[(&str, &str)] = &[
    ("GET /livez HTTP/1.1\r\nhost: x\r\n", "200 201 200"),
    ("\r\n\nGET /livez HTTP/1.1\r\nhost: x\r\n", "200 201 200"),
    ("GET http://other/livez HTTP/1.1\r\nhost: x\r\n", "200 201 200"),
    ("GET https://a:b@other:1/livez HTTP/1.1\r\nhost: x\r\n", "200 201 200"),
    ("GET http://other/v1/tokens HTTP/1.1\r\nhost: x\r\n", "401 201 200"),
    ("GET /livez HTTP/1.1\r\nhost:\r\n", "200 201 200"),
    ("GET /livez HTTP/1.0\r\n", "200"),
    ("GET /livez HTTP/1.0\r\nconnection: keep-alive\r\n", "200 201 200"),
    ("GET /livez HTTP/1.0\r\ntransfer-encoding: chunked\r\n", REFUSED),
    ("GET /livez HTTP/1.1\r\n", REFUSED),
    ("GET  /livez HTTP/1.1\r\nhost: x\r\n", REFUSED),
    ("GET\t/livez HTTP/1.1\r\nhost: x\r\n", REFUSED),
    (" GET /livez HTTP/1.1\r\nhost: x\r\n", REFUSED),
    ("GET /livez  HTTP/1.1\r\nhost: x\r\n", REFUSED),
    ("GET /livez HTTP/1.1 \r\nhost: x\r\n", REFUSED),
    ("GET /livez HTTP/1.1 x\r\nhost: x\r\n", REFUSED),
    ("GET /li vez HTTP/1.1\r\nhost: x\r\n", REFUSED),
    ("GET /livez\r\nhost: x\r\n", REFUSED),
    ("GET /livez HTTP/1.2\r\nhost: x\r\n", REFUSED),
    ("GET /livez HTTP/2.0\r\nhost: x\r\n", REFUSED),
    ("GET /livez http/1.1\r\nhost: x\r\n", REFUSED),
    ("GET /livez HTTP/11\r\nhost: x\r\n", REFUSED),
    ("G\0T /livez HTTP/1.1\r\nhost: x\r\n", REFUSED),
    ("GET /li\0vez HTTP/1.1\r\nhost: x\r\n", REFUSED),
    ("GET /li\rvez HTTP/1.1\r\nhost: x\r\n", REFUSED),
    ("GET livez HTTP/1.1\r\nhost: x\r\n", "404 201 200"),
    ("get /livez HTTP/1.1\r\nhost: x\r\n", "405 201 200"),
    ("OPTIONS * HTTP/1.1\r\nhost: x\r\n", "404 201 200"),
    ("CONNECT other:1 HTTP/1.1\r\nhost: x\r\n", "404 201 200"),
    ("GET /livez HTTP/1.1\r\nhost: x\r\n x\r\n", REFUSED),
    ("GET /livez HTTP/1.1\r\n host: x\r\n", REFUSED),
];

/// A server with an item, and the client of its administrator.
struct Bakery {
    server: Server,
    token: String,
    admin: Client,
    keys: std::cell::Cell<u32>,
    _folder: TempDir,
}

impl Bakery {
    async fn open() -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let server = Server::start(&folder.path().join("store"), &[]);
        let token = server.token.clone().expect("a token");
        let admin = server.client(&token);
        let item = json!({ "name": "Croissant", "initial_quantity": 1 });
        assert_eq!(admin.post("/v1/items", &item).await.0, StatusCode::CREATED);
        Self { server, token, admin, keys: std::cell::Cell::default(), _folder: folder }
    }

    /// A write with a token and a key of its own, up to the fields that say how its body is framed.
    fn write(&self, token: &str, framing: &str, body: &str) -> String {
        let key = self.keys.replace(self.keys.get() + 1);
        format!(
            "POST /v1/items/1/batches HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {token}\r\n\
             idempotency-key: {key}\r\ncontent-type: application/json\r\n{framing}\r\n{body}"
        )
    }

    /// A write that is well formed and allowed.
    fn good(&self) -> String {
        self.write(&self.token, "content-length: 14\r\n", BATCH)
    }

    async fn events(&self) -> usize {
        let (_, page) = self.admin.get("/v1/events?limit=1").await;
        usize::try_from(page["position"].as_i64().expect("a position")).expect("a position")
    }

    /// Sends bytes, then a write and a last question, and holds the answers to what is expected.
    async fn check(&self, bytes: &str, expected: &str) {
        let before = self.events().await;
        let last = "GET /livez HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n";
        let sent = format!("{bytes}{}{last}", self.good());
        let mut socket = TcpStream::connect(self.server.address()).await.expect("a connection");
        socket.write_all(sent.as_bytes()).await.expect("sent");
        let mut text = Vec::new();
        let read = tokio::time::timeout(PATIENCE, socket.read_to_end(&mut text)).await;
        read.unwrap_or_else(|_| panic!("the server hangs: {sent:?}")).expect("an orderly end");
        let text = String::from_utf8_lossy(&text);
        let codes: Vec<_> = text.split("HTTP/1.").skip(1).map(|answer| &answer[2..5]).collect();
        assert_eq!(codes.join(" "), expected, "{sent:?}: {text}");
        let recorded = self.events().await - before;
        assert_eq!(recorded, codes.iter().filter(|code| **code == "201").count(), "{sent:?}");
    }
}

#[tokio::test]
async fn a_body_ends_where_a_strict_reader_says() {
    let bakery = Bakery::open().await;
    for (framing, body, expected) in FRAMINGS {
        bakery.check(&bakery.write(&bakery.token, framing, body), expected).await;
    }
    for (body, expected) in CHUNKS {
        let framing = "transfer-encoding: chunked\r\n";
        bakery.check(&bakery.write(&bakery.token, framing, body), expected).await;
    }
}

#[tokio::test]
async fn a_head_ends_where_a_strict_reader_says() {
    let bakery = Bakery::open().await;
    for (head, expected) in HEADS {
        bakery.check(&format!("{head}\r\n"), expected).await;
    }
}

/// A body that looks like a write with a good token is a body, whoever is asked and whatever is
/// answered.
#[tokio::test]
async fn a_request_within_a_body_is_no_request() {
    let bakery = Bakery::open().await;
    for (first, expected) in [
        ("GET /livez", "200"),
        ("GET /v1/items", "401"),
        ("POST /v1/items/1/batches", "401"),
        ("POST /livez", "405"),
        ("POST /nowhere", "404"),
    ] {
        let inner = bakery.good();
        let length = inner.len();
        let head = format!("{first} HTTP/1.1\r\nhost: x\r\n");
        let whole = format!("{head}content-length: {length}\r\n\r\n{inner}");
        bakery.check(&whole, expected).await;
        let chunked =
            format!("{head}transfer-encoding: chunked\r\n\r\n{length:x}\r\n{inner}\r\n0\r\n\r\n");
        bakery.check(&chunked, expected).await;
    }
}

/// A connection has no identity: each request is judged by the token that it brings itself. So what
/// gets past a reader of another mind, such as one for whom a line feed ends no line, is let in by
/// its own token or not at all.
#[tokio::test]
async fn each_request_of_a_connection_needs_its_own_token() {
    let bakery = Bakery::open().await;
    let viewer = json!({ "name": "Anna", "role": "viewer" });
    let (_, viewer) = bakery.admin.post("/v1/tokens", &viewer).await;
    let viewer = viewer["secret"].as_str().expect("a secret");
    let list = |token: &str| {
        let head = "GET /v1/tokens HTTP/1.1\r\nhost: x\r\n";
        match token {
            "" => format!("{head}\r\n"),
            token => format!("{head}authorization: Bearer {token}\r\n\r\n"),
        }
    };
    let (admin, viewers, nobodys) = (list(&bakery.token), list(viewer), list(""));
    let mixed = format!("{admin}{viewers}{nobodys}{admin}{nobodys}");
    bakery.check(&mixed, "200 403 401 200 401 201 200").await;
    let hidden = |inner: &str| {
        let head = list(&bakery.token);
        format!("{}\r\nx: a\n\n{inner}", head.trim_end())
    };
    bakery.check(&hidden(&viewers), "200 403 201 200").await;
    bakery.check(&hidden(&nobodys), "200 401 201 200").await;
    let write = bakery.write(viewer, "content-length: 14\r\n", BATCH);
    bakery.check(&hidden(&write), "200 403").await;
    let all_by_line_feeds = bakery.good().replace("\r\n", "\n");
    bakery.check(&all_by_line_feeds, ALL).await;
}
