//! What is secret is never printed: tokens, their hashes, a database's password. Not in the log at
//! its most talkative, in no answer, no metric, no message of the command line, no help.

#[path = "../../item_event_store/tests/store/backend/cluster.rs"]
mod cluster;
mod server;

use base64::Engine as _;
use cluster::Cluster;
use http_body_util::{BodyExt as _, Full};
use hyper::{Method, Request, StatusCode};
use hyper_util::rt::{TokioExecutor, TokioIo};
use item_event_store::token::hash_presented;
use serde_json::json;
use server::{Client, Server, key};
use std::fmt::Write as _;
use std::path::Path;
use std::process::Command;
use tokio::net::TcpStream;

/// The password in the address of every database.
const PASSWORD: &str = "Kn0blauchbrot";

/// A text that nobody may see, and what it is.
type Secret = (String, String);

/// The better part of a token, and the forms in which its hash might be written.
fn of_token(what: &str, token: &str) -> Vec<Secret> {
    let hash = hash_presented(token).expect("a token");
    let hex = hash.iter().fold(String::new(), |mut hex, byte| {
        let _ = write!(hex, "{byte:02x}");
        hex
    });
    let base64 = base64::engine::general_purpose::STANDARD.encode(hash);
    let bytes = format!("{:?}", &hash[..8]);
    let forms = [token[4..36].to_owned(), hex, base64, bytes.trim_end_matches(']').to_owned()];
    forms.map(|form| (form, format!("the token {what}"))).to_vec()
}

/// Fails if a text holds a secret, also in capitals or percent-encoded.
fn hold(place: &str, text: &str, secrets: &[Secret]) {
    let text = text.to_lowercase();
    for (secret, what) in secrets {
        assert!(!text.contains(&secret.to_lowercase()), "{what} stands in {place}:\n{text}");
    }
}

/// Every answer of a server, heads and bodies.
struct Heard(String);

impl Heard {
    async fn ask(&mut self, client: &Client, method: Method, path: &str, body: &str) -> StatusCode {
        let key = key();
        let headers = [("idempotency-key", key.as_str()), ("content-type", "application/json")];
        let answer = client.send(method, path, &headers, body.to_owned()).await.expect("answers");
        let status = answer.status();
        let _ = write!(self.0, "{:?}", answer.headers());
        let bytes = answer.into_body().collect().await.expect("a body").to_bytes();
        self.0 += &String::from_utf8_lossy(&bytes);
        status
    }
}

/// The same over HTTP/2, whose implementation has a log of its own.
async fn over_http_2(server: &Server, token: &str) {
    let socket = TcpStream::connect(server.address()).await.expect("a connection");
    let made = hyper::client::conn::http2::handshake(TokioExecutor::new(), TokioIo::new(socket));
    let (mut sender, connection) = made.await.expect("HTTP/2");
    tokio::spawn(connection);
    for _ in 0..3 {
        let request = Request::get(format!("{}/v1/items", server.url))
            .header("authorization", format!("Bearer {token}"))
            .body(Full::<bytes::Bytes>::default());
        let answer = sender.send_request(request.expect("a request")).await.expect("an answer");
        assert_eq!(answer.status(), StatusCode::OK);
        answer.into_body().collect().await.expect("a body");
    }
}

/// Serves a store, is asked in every way, and gives all that it said.
async fn talk(store: &Path) {
    let folder = tempfile::tempdir().expect("a folder");
    let log = folder.path().join("log");
    let server = Server::start_talkative(store, &[], &log);
    let first = server.token.clone().expect("a token");
    let admin = server.client(&first);
    let anna = json!({ "name": "Anna", "role": "viewer" });
    let (status, made) = admin.post("/v1/tokens", &anna).await;
    assert_eq!(status, StatusCode::CREATED, "{made}");
    let second = made["secret"].as_str().expect("a secret").to_owned();
    let stranger = format!("ies_{}", "5ec4e7".repeat(11).split_at(64).0);
    let mut secrets = vec![(PASSWORD.to_owned(), "the password".to_owned())];
    for (what, token) in [("first", &first), ("second", &second), ("stranger", &stranger)] {
        secrets.extend(of_token(what, token));
    }
    let mut heard = Heard(String::new());
    for token in [&first, &second, &stranger, &stranger[..60], &first.to_uppercase()] {
        let client = server.client(token);
        for path in [
            "/v1/tokens",
            "/v1/items",
            "/v1/events",
            "/v1/ledgers",
            "/v1/nowhere",
            "/metrics",
            "/readyz",
            "/v1/items/9",
            "/v1/items?limit=x",
            "/v1/discrepancies",
        ] {
            heard.ask(&client, Method::GET, path, "").await;
        }
        let item = json!({ "name": "Roll", "initial_quantity": 1 }).to_string();
        heard.ask(&client, Method::POST, "/v1/items", &item).await;
        heard.ask(&client, Method::POST, "/v1/tokens", "{").await;
        heard.ask(&client, Method::POST, "/v1/verify", "").await;
        heard.ask(&client, Method::POST, "/v1/items/1/batches", r#"{"quantity":0}"#).await;
    }
    over_http_2(&server, &first).await;
    let revoked = heard.ask(&admin, Method::DELETE, "/v1/tokens/2", "").await;
    assert_eq!(revoked, StatusCode::NO_CONTENT);
    assert_eq!(server.terminate().code(), Some(0));
    hold("an answer", &heard.0, &secrets);
    let log = std::fs::read_to_string(&log).expect("text");
    assert!(log.contains("TRACE") && log.contains("token created"), "the log has it all:\n{log}");
    hold("the log", &log, &secrets);
}

#[tokio::test]
async fn a_server_on_sqlite_tells_no_secret() {
    let folder = tempfile::tempdir().expect("a folder");
    talk(&folder.path().join("store")).await;
}

#[tokio::test]
async fn a_server_on_postgresql_tells_no_secret() {
    let cluster = Cluster::started();
    let url = cluster.url("ies_app", &cluster.new_database().await);
    let url = url.replace("ies_app@", &format!("ies_app:{PASSWORD}@"));
    talk(Path::new(&url)).await;
}

/// What a command prints, data and messages. One that does not end, such as a server that starts
/// where it should not, is ended.
fn said(arguments: &[&str], environment: &[(&str, &str)]) -> String {
    let output = Command::new("timeout")
        .args(["60", env!("CARGO_BIN_EXE_ies")])
        .args(arguments)
        .env_remove("IES_STORE")
        .env_remove("IES_SERVER")
        .env_remove("IES_TOKEN")
        .env("IES_LOG", "trace")
        .envs(environment.iter().copied())
        .output()
        .expect("the binary runs");
    assert_ne!(output.status.code(), Some(124), "ies {arguments:?} does not end");
    format!(
        "{}{}{}",
        output.status,
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    )
}

/// The words that lead to each help text, found in the help texts.
fn commands(words: &[&str]) -> Vec<Vec<String>> {
    let owned = |words: &[&str]| words.iter().map(|word| (*word).to_owned()).collect::<Vec<_>>();
    let mut all = vec![owned(words)];
    let help = said(&[words, &["--help"]].concat(), &[]);
    let below = help.split("Commands:\n").nth(1).unwrap_or_default();
    for line in below.lines().take_while(|line| line.starts_with("  ")) {
        let name = line.split_whitespace().next().expect("a name");
        if line.starts_with("  ") && !line.starts_with("   ") && name != "help" {
            all.extend(commands(&[words, &[name]].concat()));
        }
    }
    all
}

#[test]
fn no_help_shows_a_secret() {
    let secrets = of_token("in the environment", &format!("ies_{}", "ab".repeat(32)));
    let secrets = [secrets, vec![(PASSWORD.to_owned(), "the password".to_owned())]].concat();
    let (token, store) =
        (format!("ies_{}", "ab".repeat(32)), format!("postgres://ies:{PASSWORD}@127.0.0.1:1/x"));
    let server = format!("http://ies:{PASSWORD}@127.0.0.1:1");
    let environment =
        [("IES_TOKEN", token.as_str()), ("IES_STORE", &store), ("IES_SERVER", &server)];
    let commands = commands(&[]);
    assert!(commands.len() > 30, "{commands:?}");
    for command in &commands {
        let words: Vec<_> = command.iter().map(String::as_str).collect();
        for flag in ["--help", "-h", "--no-such-flag"] {
            let said = said(&[&words[..], &[flag]].concat(), &environment);
            hold(&format!("ies {} {flag}", command.join(" ")), &said, &secrets);
        }
    }
}

/// Commands that need the ledger, in all the ways in which they come to it.
const WAYS: [&[&str]; 11] = [
    &["serve", "--addr", "127.0.0.1:0"],
    &["stock"],
    &["log", "--follow"],
    &["item", "add", "Roll"],
    &["token", "list"],
    &["verify"],
    &["rebuild"],
    &["migrate"],
    &["backup", "/nowhere/backup"],
    &["restore", "/nowhere/backup"],
    &["export", "events"],
];

#[test]
fn no_message_shows_the_password_of_a_store() {
    let secrets = [(PASSWORD.to_owned(), "the password".to_owned())];
    let addresses = [
        "postgres://ies:PW@127.0.0.1:1/x",
        "postgresql://ies:PW@127.0.0.1:1/x?connect_timeout=x",
        "postgres://127.0.0.1:1/x?user=ies&password=PW",
        "postgres://ies:PW@127.0.0.1:1/x?sslmode=PW",
        "postgres://ies:PW@127.0.0.1:1/x?no_such_option=1",
        "postgres://ies:PW@127.0.0.1:PW/x",
        "postgres://ies:PW@/x",
        "postgres://ies:PW@127.0.0.1:1,127.0.0.1:2/x",
        "postgres://ies:a/PW@127.0.0.1:1/x",
        "postgres://ies:a?PW@127.0.0.1:1/x",
        "postgres://ies:a?PW=b@127.0.0.1:1/x",
        "postgres://ies:a#PW@127.0.0.1:1/x",
        "postgres://ies:a@PW@127.0.0.1:1/x",
        "postgres://ies:%zzPW@127.0.0.1:1/x",
        "postgres://127.0.0.1:1/x?password=a&PW",
        "postgres:/ies:PW@127.0.0.1/x",
        "postgre://ies:PW@127.0.0.1/x",
        "POSTGRES://ies:PW@127.0.0.1/x",
        "mysql://ies:PW@127.0.0.1/x",
    ];
    for address in addresses.map(|address| address.replace("PW", PASSWORD)) {
        // One way shows how an address is refused, all ways how a connection is.
        let ways = if address == addresses[0].replace("PW", PASSWORD) { WAYS.len() } else { 2 };
        for way in &WAYS[..ways] {
            let place = format!("ies {} of {address}", way.join(" "));
            hold(&place, &said(&[way, &["--store", &address][..]].concat(), &[]), &secrets);
            hold(&place, &said(way, &[("IES_STORE", &address)]), &secrets);
        }
    }
}

#[tokio::test]
async fn no_message_shows_a_token() {
    let folder = tempfile::tempdir().expect("a folder");
    let server = Server::start(&folder.path().join("store"), &[]);
    let good = server.token.clone().expect("a token");
    let stranger = format!("ies_{}", "ab".repeat(32));
    for token in [&good, &stranger] {
        let mut secrets = of_token("of the command", token);
        secrets.push((PASSWORD.to_owned(), "the password".to_owned()));
        let whole = format!("http://{token}:{PASSWORD}@{}", server.address());
        for address in [
            &server.url,
            "http://127.0.0.1:1",
            &whole,
            &whole.replace("http", "https"),
            &format!("{}/?token={token}", server.url),
            &format!("{}/{token}", server.url),
            &format!("ftp://{token}@127.0.0.1"),
        ] {
            for way in WAYS {
                let place = format!("ies {} at {address}", way.join(" "));
                if way != ["log", "--follow"] || token == &stranger {
                    let by_flags = [way, &["--server", address, "--token", token][..]].concat();
                    hold(&place, &said(&by_flags, &[]), &secrets);
                }
            }
            let environment = [("IES_SERVER", address), ("IES_TOKEN", token)];
            hold(address, &said(&["stock"], &environment), &secrets);
        }
        for broken in [format!("{token}\n"), format!("{token}ü"), format!("Bearer {token}")] {
            let environment = [("IES_SERVER", server.url.as_str()), ("IES_TOKEN", &broken)];
            hold("a broken token", &said(&["stock"], &environment), &secrets);
        }
        let wrong = ["stock", "--token", token, "--format", "x", "--server", &server.url];
        hold("a wrong command line", &said(&wrong, &[]), &secrets);
    }
}
