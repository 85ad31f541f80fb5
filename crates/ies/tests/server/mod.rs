//! The real binary: started on a folder and a free port, spoken to over the network, stopped by its
//! own process id.
#![allow(dead_code, reason = "each test file uses its own part")]

use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::{Method, Request, Response, StatusCode};
use hyper_util::client::legacy::Client as HttpClient;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use serde_json::Value;
use std::fs::File;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Output, Stdio};
use std::sync::atomic::{AtomicU64, Ordering};

/// A running `ies serve`.
pub struct Server {
    process: Child,
    pub url: String,
    /// The admin token, if this start printed one.
    pub token: Option<String>,
}

impl Server {
    /// Starts a server and waits until it listens.
    pub fn start(store: &Path, more: &[&str]) -> Self {
        Self::start_with(store, more, "off", Stdio::null())
    }

    /// The same, with a log of all that it ever says.
    pub fn start_talkative(store: &Path, more: &[&str], log: &Path) -> Self {
        Self::start_with(store, more, "trace", File::create(log).expect("a log").into())
    }

    fn start_with(store: &Path, more: &[&str], level: &str, log: Stdio) -> Self {
        let mut process = Command::new(env!("CARGO_BIN_EXE_ies"))
            .args(["serve", "--addr", "127.0.0.1:0", "--store"])
            .arg(store)
            .args(more)
            .env_remove("IES_TOKEN")
            .env_remove("IES_SERVER")
            .env("IES_LOG", level)
            .stdout(Stdio::piped())
            .stderr(log)
            .spawn()
            .expect("the binary starts");
        let stdout = process.stdout.take().expect("a pipe");
        let (mut url, mut token) = (None, None);
        for line in BufReader::new(stdout).lines() {
            let line = line.expect("text");
            if let Some(secret) = line.strip_prefix("admin token: ") {
                token = Some(secret.to_owned());
            }
            if let Some(at) = line.find("http://") {
                url = Some(line[at..].trim().to_owned());
                break;
            }
        }
        let url = url.expect("the server says where it listens");
        Self { process, url, token }
    }

    /// Its process.
    pub fn id(&self) -> u32 {
        self.process.id()
    }

    pub fn client(&self, token: &str) -> Client {
        Client::new(&self.url, token)
    }

    /// kill -9.
    pub fn kill(mut self) {
        self.process.kill().expect("killed");
        self.process.wait().expect("reaped");
    }

    /// Asks it to stop, and waits until it has.
    pub fn terminate(mut self) -> ExitStatus {
        // The shell's own kill: a bare machine has no other.
        let kill = format!("kill -TERM {}", self.process.id());
        let sent = Command::new("sh").args(["-c", &kill]).status().expect("a shell");
        assert!(sent.success());
        self.process.wait().expect("reaped")
    }

    /// Host and port, for a socket of one's own.
    pub fn address(&self) -> &str {
        self.url.strip_prefix("http://").expect("an address")
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// One caller with one token.
#[derive(Clone)]
pub struct Client {
    url: String,
    token: String,
    http: HttpClient<HttpConnector, Full<Bytes>>,
}

static KEYS: AtomicU64 = AtomicU64::new(0);

/// A key that no other call of this process uses.
pub fn key() -> String {
    format!("key-{}-{}", std::process::id(), KEYS.fetch_add(1, Ordering::SeqCst))
}

impl Client {
    pub fn new(url: &str, token: &str) -> Self {
        let http = HttpClient::builder(TokioExecutor::new()).build_http();
        Self { url: url.to_owned(), token: token.to_owned(), http }
    }

    /// Sends a request with exactly these headers beside the token.
    pub async fn send(
        &self,
        method: Method,
        path: &str,
        headers: &[(&str, &str)],
        body: impl Into<Bytes>,
    ) -> Result<Response<Incoming>, hyper_util::client::legacy::Error> {
        let mut request = Request::builder().method(method).uri(format!("{}{path}", self.url));
        if !self.token.is_empty() {
            request = request.header("authorization", format!("Bearer {}", self.token));
        }
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        self.http.request(request.body(Full::new(body.into())).expect("a request")).await
    }

    /// A write under a key of its own.
    pub async fn write(&self, method: Method, path: &str, body: &Value) -> (StatusCode, Value) {
        self.write_as(method, path, &key(), body).await
    }

    pub async fn write_as(
        &self,
        method: Method,
        path: &str,
        key: &str,
        body: &Value,
    ) -> (StatusCode, Value) {
        let key = format!("\"{key}\"");
        let headers = [("idempotency-key", key.as_str()), ("content-type", "application/json")];
        let response = self.send(method, path, &headers, body.to_string()).await;
        read(response.expect("a response")).await
    }

    pub async fn post(&self, path: &str, body: &Value) -> (StatusCode, Value) {
        self.write(Method::POST, path, body).await
    }

    pub async fn get(&self, path: &str) -> (StatusCode, Value) {
        read(self.send(Method::GET, path, &[], "").await.expect("a response")).await
    }
}

/// Status and JSON body; text becomes a JSON string.
pub async fn read(response: Response<Incoming>) -> (StatusCode, Value) {
    let status = response.status();
    let bytes = response.into_body().collect().await.expect("a body").to_bytes();
    let body = serde_json::from_slice(&bytes)
        .unwrap_or_else(|_| Value::String(String::from_utf8_lossy(&bytes).into_owned()));
    (status, body)
}

/// Runs the binary to its end.
pub fn ies(arguments: &[&str], store: &Path) -> Output {
    Command::new(env!("CARGO_BIN_EXE_ies"))
        .args(arguments)
        .env("IES_STORE", store)
        .env_remove("IES_SERVER")
        .env_remove("IES_TOKEN")
        .output()
        .expect("the binary runs")
}

/// What a successful run printed.
pub fn done(output: &Output) -> String {
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{:?}: {stderr}", output.status);
    String::from_utf8(output.stdout.clone()).expect("text")
}
