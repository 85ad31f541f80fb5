//! An HTTP client with one token. It writes down each call before it is sent and after it is
//! answered.

use crate::call::Call;
use crate::history::{Action, Answer, History};
use anyhow::{Context as _, Result, bail};
use bytes::Bytes;
use http_body_util::{BodyExt as _, Full};
use hyper::body::Incoming;
use hyper::{Request, Response};
use hyper_util::client::legacy::Client as HttpClient;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use item_event_store::text::Actor;
use serde_json::Value;
use std::sync::Arc;
use std::time::Duration;

/// How long an answer may take before the call counts as lost.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(20);
/// How often a request that is not known to be over is sent again before we give up.
const TRIES: usize = 120;
const TRY_AFTER: Duration = Duration::from_millis(250);

/// The ledger that every store has.
pub const MAIN: &str = "main";

/// One caller.
#[derive(Clone)]
pub struct Client {
    url: String,
    token: String,
    ledger: String,
    pub actor: Actor,
    http: HttpClient<HttpConnector, Full<Bytes>>,
}

/// What came back of a request that is not part of the history.
#[derive(Debug)]
pub struct Reply {
    pub status: u16,
    pub body: Value,
}

impl Client {
    pub fn new(url: &str, token: &str, actor: &str) -> Self {
        let http = HttpClient::builder(TokioExecutor::new()).build_http();
        let actor = actor.parse().expect("an actor's name");
        let ledger = MAIN.to_owned();
        Self { url: url.to_owned(), token: token.to_owned(), ledger, actor, http }
    }

    /// The same for another ledger.
    pub fn of_ledger(self, ledger: &str) -> Self {
        Self { ledger: ledger.to_owned(), ..self }
    }

    /// An admin whose requests all travel on one connection, side by side.
    pub fn many_at_once(url: &str, token: &str) -> Self {
        let http = HttpClient::builder(TokioExecutor::new()).http2_only(true).build_http();
        Self { http, ..Self::new(url, token, "admin") }
    }

    /// Sends a request; the answer's head comes back, its body can be read on.
    pub async fn send(
        &self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: impl Into<Bytes>,
    ) -> Result<Response<Incoming>> {
        let mut request = Request::builder().method(method).uri(format!("{}{path}", self.url));
        request = request.header("authorization", format!("Bearer {}", self.token));
        request = request.header("ledger", &self.ledger);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        Ok(self.http.request(request.body(Full::new(body.into()))?).await?)
    }

    /// A request outside of the history.
    pub async fn ask(
        &self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: &Value,
    ) -> Result<Reply> {
        let text = if body.is_null() { String::new() } else { body.to_string() };
        let exchange = async {
            let response = self.send(method, path, headers, text).await?;
            let status = response.status().as_u16();
            let bytes = response.into_body().collect().await?.to_bytes();
            let body = serde_json::from_slice(&bytes).unwrap_or(Value::Null);
            anyhow::Ok(Reply { status, body })
        };
        tokio::time::timeout(ANSWER_TIMEOUT, exchange).await.context("no answer in time")?
    }

    pub async fn get(&self, path: &str) -> Result<Reply> {
        self.ask("GET", path, &[], &Value::Null).await
    }

    /// Makes a call once.
    pub async fn call(&self, history: &History, call: &Arc<Call>) -> Result<Answer> {
        let number = history.invoke(Action::Write(Arc::clone(call)))?;
        let answer = self.exchange(call).await;
        history.answer(number, answer.clone())?;
        Ok(answer)
    }

    /// Makes a call again and again, under the same key, until it is known what became of it.
    pub async fn call_until_known(&self, history: &History, call: &Arc<Call>) -> Result<Answer> {
        for _ in 0..TRIES {
            let answer = self.call(history, call).await?;
            if answer.is_definite() {
                return Ok(answer);
            }
            tokio::time::sleep(TRY_AFTER).await;
        }
        bail!("{} has no definite answer after {TRIES} tries", call.key)
    }

    /// Reads the count of an item.
    pub async fn read(&self, history: &History, item: i64) -> Result<Answer> {
        let number = history.invoke(Action::Read { item })?;
        let asked = self.get(&format!("/v1/items/{item}/inventory")).await;
        let answer = match asked {
            Ok(Reply { status, body }) => Answer::Reply { status, replayed: false, body },
            Err(error) => Answer::Lost(format!("{error:#}")),
        };
        history.answer(number, answer.clone())?;
        Ok(answer)
    }

    async fn exchange(&self, call: &Call) -> Answer {
        let key = format!("\"{}\"", call.key);
        let version = call.if_match().map(|version| format!("\"{version}\""));
        let mut headers =
            vec![("idempotency-key", key.as_str()), ("content-type", "application/json")];
        headers.extend(version.as_deref().map(|version| ("if-match", version)));
        let exchange = async {
            let body = call.body().to_string();
            let response = self.send(call.method(), &call.path(), &headers, body).await?;
            let status = response.status().as_u16();
            let replayed = response.headers().contains_key("idempotency-replayed");
            let bytes = response.into_body().collect().await?.to_bytes();
            let body = serde_json::from_slice(&bytes)?;
            anyhow::Ok(Answer::Reply { status, replayed, body })
        };
        match tokio::time::timeout(ANSWER_TIMEOUT, exchange).await {
            Ok(Ok(answer)) => answer,
            Ok(Err(error)) => Answer::Lost(format!("{error:#}")),
            Err(_) => Answer::Lost("no answer in time".into()),
        }
    }
}
