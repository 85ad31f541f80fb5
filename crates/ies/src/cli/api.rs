//! The API as the commands call it: typed answers, one idempotency key a write, and the service's
//! refusals as messages that say what to do next.

use crate::cli::exit::{self, Exit, Failure};
use crate::cli::transport::{Body, Transport, innermost};
use crate::wire;
use bytes::Bytes;
use http_body_util::{BodyExt as _, Full};
use hyper::header::{ACCEPT, CONTENT_TYPE, RETRY_AFTER};
use hyper::{Method, Request, Response};
use serde::Serialize;
use serde::de::DeserializeOwned;
use std::fmt::Write as _;

const JSON: &str = "application/json";
/// The header that carries a write's key.
const IDEMPOTENCY_KEY: &str = "idempotency-key";
/// The header of an answer that was stored under the key.
const REPLAYED: &str = "idempotency-replayed";

/// The API, over one of the two ways.
pub struct Api {
    transport: Transport,
    key: Option<String>,
}

/// Members of the query string.
pub type Query<'a> = &'a [(&'a str, String)];

/// What the service refused, as RFC 9457 has it.
#[derive(Debug, Default, serde::Deserialize)]
#[serde(default)]
pub struct Problem {
    /// What kind of refusal it is.
    pub title: String,
    /// One sentence with the numbers.
    pub detail: String,
    /// The stable code.
    pub code: String,
    /// Which command of a bulk request, counted from 1.
    pub line: Option<usize>,
    /// The current count, where a stale one was expected.
    pub current_quantity: Option<i64>,
    /// `no` or `unknown`, where the service cannot say done or rejected.
    pub executed: Option<String>,
}

/// An answer that is no success.
#[derive(Debug)]
pub struct Refusal {
    /// How the command ends.
    pub exit: Exit,
    /// What the service said.
    pub problem: Problem,
    /// When to try again, in seconds.
    pub retry_after: Option<u64>,
    /// Whether it is the stored answer to the same request sent earlier.
    pub replayed: bool,
}

/// Why a call brought no answer of its type.
#[derive(Debug)]
pub enum CallError {
    /// The service refused.
    Refused(Box<Refusal>),
    /// There was no answer, or none that can be read.
    Failed(Failure),
}

impl Api {
    /// The API over an open way; `key` is the idempotency key of the command's one write.
    pub fn new(transport: Transport, key: Option<String>) -> Self {
        Self { transport, key }
    }

    /// Finishes what was begun and lets go of the store.
    pub async fn close(&self) {
        self.transport.close().await;
    }

    /// Reads.
    pub async fn get<T: DeserializeOwned>(
        &self,
        path: &str,
        query: Query<'_>,
    ) -> Result<T, Failure> {
        let request = self.request(Method::GET, &with_query(path, query), None, Bytes::new())?;
        Ok(self.call(request).await?)
    }

    /// Writes, under the key that was given or a random one.
    pub async fn write<B: Serialize, T: DeserializeOwned>(
        &self,
        method: Method,
        path: &str,
        body: &B,
    ) -> Result<T, Failure> {
        let key = self.key.clone().unwrap_or_else(random_key);
        let body = serde_json::to_vec(body).map_err(|error| bug(&error))?;
        let request = self.request(method, path, Some((&key, JSON)), body.into())?;
        self.call(request).await.map_err(|error| match error {
            // The key is all that resolves an unknown outcome, so it is handed out.
            CallError::Refused(refusal)
                if refusal.problem.executed.as_deref() == Some("unknown") =>
            {
                Failure::from(CallError::Refused(refusal)).hint(format!(
                    "the same command with --key {key} finds out, and never records it twice"
                ))
            }
            other => other.into(),
        })
    }

    /// Takes something away, where the answer says nothing.
    pub async fn delete(&self, path: &str) -> Result<(), Failure> {
        let key = self.key.clone().unwrap_or_else(random_key);
        let request = self.request(Method::DELETE, path, Some((&key, JSON)), Bytes::new())?;
        let answer = self.transport.send(request).await?;
        if answer.status().is_success() {
            return Ok(());
        }
        Err(CallError::Refused(Box::new(refusal(answer).await?)).into())
    }

    /// Sends many commands as one request of JSON Lines.
    pub async fn bulk(&self, key: &str, lines: Bytes) -> Result<wire::Recorded, CallError> {
        let head = Some((key, "application/jsonl"));
        let request = self.request(Method::POST, "/v1/events", head, lines)?;
        self.call(request).await
    }

    /// Opens the stream of events.
    pub async fn stream(&self, path: &str, query: Query<'_>) -> Result<Body, Failure> {
        let mut request =
            self.request(Method::GET, &with_query(path, query), None, Bytes::new())?;
        let accept = hyper::header::HeaderValue::from_static("text/event-stream");
        request.headers_mut().insert(ACCEPT, accept);
        let answer = self.transport.send(request).await?;
        if answer.status().is_success() {
            Ok(answer.into_body())
        } else {
            Err(CallError::Refused(Box::new(refusal(answer).await?)).into())
        }
    }

    /// The id that `ITEM` names: an id, or `sku:…`.
    pub async fn item_id(&self, item: &str) -> Result<i64, Failure> {
        let Some(sku) = item.strip_prefix("sku:") else {
            return item.parse().map_err(|_| {
                Failure::new(Exit::Usage, format!("'{item}' names no item"))
                    .hint("an item is named by its id (3) or its sku (sku:CR-01): 'ies item list'")
            });
        };
        let page: wire::ItemPage = self.get("/v1/items", &[("sku", sku.to_owned())]).await?;
        match page.items.first() {
            Some(item) => Ok(item.id),
            None => Err(Failure::new(Exit::No, format!("there is no item with the sku {sku}"))
                .coded("item_not_found")
                .hint("'ies item list' shows what there is")),
        }
    }

    async fn call<T: DeserializeOwned>(
        &self,
        request: Request<Full<Bytes>>,
    ) -> Result<T, CallError> {
        let answer = self.transport.send(request).await?;
        if !answer.status().is_success() {
            return Err(CallError::Refused(Box::new(refusal(answer).await?)));
        }
        let body = read(answer.into_body()).await?;
        serde_json::from_slice(&body).map_err(|error| {
            let message = format!("the answer is not what this version of ies expects: {error}");
            CallError::Failed(Failure::new(Exit::Bug, message))
        })
    }

    #[expect(clippy::unused_self, reason = "every request is one of an open API")]
    fn request(
        &self,
        method: Method,
        path: &str,
        write: Option<(&str, &str)>,
        body: Bytes,
    ) -> Result<Request<Full<Bytes>>, Failure> {
        let mut request = Request::builder().method(method).uri(path).header(ACCEPT, JSON);
        if let Some((key, content_type)) = write {
            request =
                request.header(IDEMPOTENCY_KEY, quoted(key)).header(CONTENT_TYPE, content_type);
        }
        request.body(Full::new(body)).map_err(|error| bug(&error))
    }
}

fn bug(error: &dyn std::error::Error) -> Failure {
    Failure::new(Exit::Bug, error.to_string())
}

async fn read(body: Body) -> Result<Bytes, Failure> {
    match body.collect().await {
        Ok(collected) => Ok(collected.to_bytes()),
        Err(error) => Err(Failure::new(
            Exit::Unavailable,
            format!("the answer broke off: {}", innermost(error.as_ref())),
        )),
    }
}

async fn refusal(answer: Response<Body>) -> Result<Refusal, Failure> {
    let status = answer.status();
    let replayed = answer.headers().contains_key(REPLAYED);
    let after = answer.headers().get(RETRY_AFTER);
    let retry_after = after.and_then(|value| value.to_str().ok()?.parse().ok());
    let body = read(answer.into_body()).await?;
    let problem: Problem = serde_json::from_slice(&body).unwrap_or_else(|_| Problem {
        detail: format!("the server answers {status}"),
        ..Problem::default()
    });
    let exit = match problem.code.as_str() {
        // What was asked for is malformed; the business never saw it.
        "invalid_member" | "command_count" => Exit::BadData,
        _ => exit::of_status(status),
    };
    Ok(Refusal { exit, problem, retry_after, replayed })
}

impl Refusal {
    /// The message of a refusal.
    pub fn failure(&self) -> Failure {
        let problem = &self.problem;
        let said = if problem.detail.is_empty() { &problem.title } else { &problem.detail };
        let mut failure = Failure::new(self.exit, said.clone());
        if !problem.code.is_empty() {
            failure = failure.coded(problem.code.clone());
        }
        match next_step(problem) {
            Some(hint) => failure.hint(hint),
            None => failure,
        }
    }
}

fn next_step(problem: &Problem) -> Option<String> {
    let hint = match problem.code.as_str() {
        "insufficient_stock" => {
            "'ies explain ITEM' says why; if the freezer says otherwise, count it: \
             ies set ITEM QUANTITY --expected any --kind count"
        }
        "expected_quantity_stale" => {
            let current = problem.current_quantity?;
            return Some(format!("if that is still right, say --expected {current}"));
        }
        "ledger_not_found" => "'ies ledger list' shows what there is",
        "ledger_archived" => "'ies ledger archive NAME --undo' brings it back",
        "forbidden_for_ledger" => "a token that was made without --ledger is for all of them",
        "item_not_found" => "'ies item list' shows what there is",
        "item_archived" => "'ies item archive ITEM --undo' brings it back",
        "sku_taken" => "'ies item show sku:…' shows which item has it",
        "event_not_found" => "'ies log' shows what there is",
        "before_last_count" | "not_correctable" => {
            "make a new count: ies set ITEM QUANTITY --expected any --kind count"
        }
        "idempotency_key_reused" => "another key, or no --key at all, makes it a new request",
        "unauthenticated" => {
            "put a token into IES_TOKEN; 'ies token create' on the server makes one"
        }
        "storage_failed" => {
            "'ies verify' says whether something is damaged; put the disk right and try again"
        }
        "forbidden_for_role" => "a token of a stronger role may: 'ies token create NAME --role …'",
        _ => return None,
    };
    Some(hint.to_owned())
}

impl From<Failure> for CallError {
    fn from(failure: Failure) -> Self {
        Self::Failed(failure)
    }
}

impl From<CallError> for Failure {
    fn from(error: CallError) -> Self {
        match error {
            CallError::Failed(failure) => failure,
            CallError::Refused(refusal) => refusal.failure(),
        }
    }
}

/// A key as a structured-field string (RFC 9651), whatever characters it has.
fn quoted(key: &str) -> String {
    format!("\"{}\"", key.replace('\\', "\\\\").replace('"', "\\\""))
}

/// 128 random bits.
fn random_key() -> String {
    let mut bytes = [0_u8; 16];
    getrandom::fill(&mut bytes).expect("the operating system gives randomness");
    hex(&bytes)
}

/// Lower-case hex digits.
pub fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::with_capacity(2 * bytes.len()), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

fn with_query(path: &str, query: Query<'_>) -> String {
    let mut address = path.to_owned();
    for (place, (name, value)) in query.iter().enumerate() {
        address.push(if place == 0 { '?' } else { '&' });
        let _ = write!(address, "{name}=");
        for byte in value.bytes() {
            if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
                address.push(char::from(byte));
            } else {
                let _ = write!(address, "%{byte:02X}");
            }
        }
    }
    address
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_query_is_encoded() {
        let query = [("sku", "Brot & Wein".to_owned()), ("name", "Kipferl+ü".to_owned())];
        assert_eq!(
            with_query("/v1/items", &query),
            "/v1/items?sku=Brot%20%26%20Wein&name=Kipferl%2B%C3%BC"
        );
        assert_eq!(with_query("/v1/items", &[]), "/v1/items");
    }

    #[test]
    fn a_refusal_carries_its_code_and_the_next_step() {
        let problem: Problem = serde_json::from_str(
            r#"{"title":"Conflict","status":409,"code":"expected_quantity_stale",
                "detail":"item 1 has 12, not 10 as expected","current_quantity":12}"#,
        )
        .expect("a problem");
        let refusal = Refusal { exit: Exit::No, problem, retry_after: None, replayed: false };
        let failure = refusal.failure();
        assert_eq!(failure.message, "item 1 has 12, not 10 as expected");
        assert_eq!(failure.code.as_deref(), Some("expected_quantity_stale"));
        assert_eq!(failure.hint.as_deref(), Some("if that is still right, say --expected 12"));
    }

    #[test]
    fn keys_are_quoted_and_differ() {
        assert_eq!(quoted(r#"a"b\c"#), r#""a\"b\\c""#);
        assert_eq!(random_key().len(), 32);
        assert_ne!(random_key(), random_key());
    }
}
