//! The service's log under strangers' hands: whatever they send, it stays one JSON object a line,
//! with nothing in it that they wrote as if the service had.

mod server;

use hyper::{Method, StatusCode};
use serde_json::{Value, json};
use server::{Client, Server, key};
use std::fmt::Write as _;
use std::path::Path;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

/// What a line of the log would look like that the service never wrote.
const FORGED: &str = r#"{"level":"ERROR","target":"forged"}"#;
/// What would make such a line of the rest of an honest one.
const BREAKOUT: &str = r#"","target":"forged","x":""#;

/// Texts that end a line, a string or a terminal's patience.
fn nasty() -> Vec<String> {
    let mut all = vec![FORGED.to_owned(), BREAKOUT.to_owned(), format!("\\{BREAKOUT}")];
    let breaks = ["\n", "\r\n", "\r", "\u{b}", "\u{c}", "\u{85}", "\u{2028}", "\u{2029}", "\0"];
    all.extend(breaks.map(|end| format!("a{end}{FORGED}")));
    let screens = ["\u{1b}[2J", "\u{1b}[31mred", "\u{1b}]0;title\u{7}", "\u{9b}2J", "\u{7f}\u{8}"];
    all.extend(screens.map(str::to_owned));
    all.extend(["%0d%0a", "%s%n", "${jndi:ldap://x}", "\u{202e}txet"].map(str::to_owned));
    all
}

fn percent_encoded(text: &str) -> String {
    text.bytes().fold(String::new(), |mut coded, byte| {
        let _ = write!(coded, "%{byte:02X}");
        coded
    })
}

/// The text as header fields, as they come over the network: many such requests are refused before
/// anybody looks at them.
async fn as_fields(server: &Server, token: &str, text: &str) {
    for field in ["user-agent", "idempotency-key", "traceparent", "ledger", "if-match", "host"] {
        let head = format!("POST /v1/items HTTP/1.1\r\n{field}: {text}\r\n");
        let host = if field == "host" { "" } else { "host: x\r\n" };
        let rest = format!(
            "{host}authorization: Bearer {token}\r\nconnection: close\r\n\
             content-type: application/json\r\ncontent-length: 14\r\n\r\n{{\"name\":\"Roll\"}}"
        );
        exchange(server, format!("{head}{rest}").as_bytes()).await;
    }
    for bearer in [text, &format!("{token}{text}")] {
        let head = "GET /v1/items HTTP/1.1\r\nhost: x\r\nconnection: close\r\nauthorization: ";
        exchange(server, format!("{head}Bearer {bearer}\r\n\r\n").as_bytes()).await;
    }
    for line in [format!("GET /{text} HTTP/1.1"), format!("{text} / HTTP/1.1")] {
        let bytes = format!("{line}\r\nhost: x\r\nconnection: close\r\n\r\n");
        exchange(server, bytes.as_bytes()).await;
    }
}

/// Sends bytes and waits for the end: we end our half, so nobody waits for more.
async fn exchange(server: &Server, bytes: &[u8]) {
    let mut socket = TcpStream::connect(server.address()).await.expect("a connection");
    socket.write_all(bytes).await.expect("sent");
    let mut answer = Vec::new();
    let _ = socket.read_buf(&mut answer).await;
    let _ = socket.shutdown().await;
    let _ = socket.read_to_end(&mut answer).await;
}

/// The text in paths, queries and bodies, allowed and not.
async fn as_content(client: &Client, text: &str) {
    let coded = percent_encoded(text);
    for path in ["/", "/v1/items/", "/v1/ledgers/", "/v1/items?cursor=", "/v1/items?", "/docs/"] {
        let path = format!("{path}{coded}");
        client.send(Method::GET, &path, &[], "").await.expect("an answer");
    }
    let batch = json!({ "quantity": 1, "note": text, "reference": text });
    client.post("/v1/items/1/batches", &batch).await;
    for member in ["name", "sku", "unit", text] {
        client.post("/v1/items", &json!({ "name": "Roll", member: text })).await;
    }
    client.post("/v1/ledgers", &json!({ "name": text })).await;
    let key = format!("\"{}\"", key());
    for kind in ["application/json", "application/jsonl"] {
        let headers = [("idempotency-key", key.as_str()), ("content-type", kind)];
        let raw = text.to_owned();
        client.send(Method::POST, "/v1/events", &headers, raw).await.expect("an answer");
    }
}

/// A caller whose name is the text, where it may be, and who is told off by name in the log.
async fn as_a_name(server: &Server, admin: &Client, text: &str) -> bool {
    let (status, made) = admin.post("/v1/tokens", &json!({ "name": text, "role": "viewer" })).await;
    if status != StatusCode::CREATED {
        return false;
    }
    let caller = server.client(made["secret"].as_str().expect("a secret"));
    assert_eq!(caller.post("/v1/tokens", &json!({})).await.0, StatusCode::FORBIDDEN);
    true
}

/// Every line of the log; each must be an object as the service writes them.
fn lines(log: &Path) -> Vec<Value> {
    let text = std::fs::read_to_string(log).expect("UTF-8");
    let known = ["timestamp", "level", "fields", "target", "span", "spans"];
    let line = |line: &str| {
        assert!(!line.chars().any(char::is_control), "a control character: {line:?}");
        assert!(!line.contains(r#""target":"forged""#), "a forged member: {line}");
        let object: Value = serde_json::from_str(line).unwrap_or_else(|e| panic!("{e}: {line}"));
        let members = object.as_object().expect("an object");
        assert!(members.keys().all(|name| known.contains(&name.as_str())), "{line}");
        object
    };
    text.split_terminator('\n').map(line).collect()
}

#[tokio::test]
async fn whatever_is_sent_the_log_is_one_honest_object_a_line() {
    let folder = tempfile::tempdir().expect("a folder");
    let log = folder.path().join("log");
    let server = Server::start_talkative(&folder.path().join("store"), &[], &log);
    let token = server.token.clone().expect("a token");
    let admin = server.client(&token);
    let item = json!({ "name": "Croissant", "initial_quantity": 1 });
    assert_eq!(admin.post("/v1/items", &item).await.0, StatusCode::CREATED);
    let mut named = Vec::new();
    for text in nasty() {
        as_fields(&server, &token, &text).await;
        as_content(&admin, &text).await;
        if as_a_name(&server, &admin, &text).await {
            named.push(text);
        }
    }
    assert_eq!(admin.get("/readyz").await.0, StatusCode::OK);
    assert_eq!(server.terminate().code(), Some(0));
    let lines = lines(&log);
    let said = |what: &str| lines.iter().filter(|l| l["fields"]["message"] == what).count();
    assert!(
        said("request") > 20 * nasty().len(),
        "the most talkative level: {} lines",
        lines.len()
    );
    assert!(said("unauthenticated") >= nasty().len());
    assert!(named.iter().any(|name| name == BREAKOUT), "{named:?}");
    for name in &named {
        let told_off = lines.iter().any(|line| {
            line["fields"]["message"] == "forbidden" && line["fields"]["actor"] == *name
        });
        assert!(told_off, "{name:?} stands in the log as it is");
    }
}
