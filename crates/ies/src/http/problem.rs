//! Problems: every answer that is not what was asked for, as RFC 9457 `application/problem+json`.
//! They never carry SQL, paths or the text of a database.

pub mod kinds;

use crate::wire;
use axum::http::{HeaderMap, HeaderValue, header};
use axum::response::{IntoResponse, Response};
use item_event_store::access::Role;
use item_event_store::error::{ExecuteError, FollowError, StoreError};
use item_event_store::rejection::{Rejected, Rejection};
use kinds::Kind;
use serde_json::{Map, Value, json};
use std::any::Any;
use std::fmt::Write as _;

/// Seconds after which trying again may help.
const RETRY_SOON: u64 = 1;
const RETRY_FULL: u64 = 60;

/// Whether a write that has no answer was carried out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Executed {
    /// Certainly not.
    No,
    /// It may have been.
    Unknown,
}

/// An answer that is not what was asked for.
#[derive(Debug)]
pub struct Problem {
    /// Boxed so that a `Result` with it stays small.
    inner: Box<Inner>,
}

#[derive(Debug)]
struct Inner {
    kind: &'static Kind,
    detail: String,
    instance: String,
    line: Option<usize>,
    executed: Option<Executed>,
    errors: Vec<wire::InvalidMember>,
    members: Map<String, Value>,
    headers: HeaderMap,
}

impl Problem {
    /// A problem of a kind, this time for this reason.
    pub fn new(kind: &'static Kind, detail: impl Into<String>) -> Self {
        let inner = Inner {
            kind,
            detail: detail.into(),
            instance: instance(),
            line: None,
            executed: None,
            errors: Vec::new(),
            members: Map::new(),
            headers: HeaderMap::new(),
        };
        Self { inner: Box::new(inner) }
    }

    /// Something failed here. What it was stands in the log under the same instance, and nowhere
    /// else.
    pub fn internal(what: impl std::fmt::Display) -> Self {
        let problem = Self::new(&kinds::INTERNAL, "the failure is in the service's log");
        tracing::error!(instance = problem.inner.instance, error = %what, "request failed");
        problem
    }

    /// What the business refuses.
    pub fn rejection(rejection: &Rejection) -> Self {
        let Some(kind) = Kind::by_code(rejection.code()) else {
            return Self::internal(format!("no status for {}", rejection.code()));
        };
        let mut problem = Self::new(kind, rejection.to_string());
        if let Ok(Value::Object(mut members)) = serde_json::to_value(rejection) {
            members.remove("code");
            problem.inner.members = members;
        }
        problem
    }

    /// A value of the body is not allowed.
    pub fn invalid_member(error: wire::InvalidMember) -> Self {
        let detail = format!("{}: {}", error.pointer, error.detail);
        Self::new(&kinds::INVALID_MEMBER, detail).error(error)
    }

    /// The body has more than `limit` bytes.
    pub fn too_large(limit: usize) -> Self {
        Self::new(&kinds::TOO_LARGE, format!("at most {limit} bytes here")).executed(Executed::No)
    }

    /// The role is too weak.
    pub fn forbidden(required: Role) -> Self {
        Self::new(&kinds::FORBIDDEN, format!("this needs the role {required}"))
            .member("required_role", json!(required.as_str()))
    }

    /// There is no such item.
    pub fn item_not_found(item_id: i64) -> Self {
        Self::rejection(&Rejection::ItemNotFound { item_id })
    }

    /// Adds a member.
    pub fn member(mut self, name: &str, value: Value) -> Self {
        self.inner.members.insert(name.to_owned(), value);
        self
    }

    /// Adds a header.
    pub fn header(mut self, name: header::HeaderName, value: HeaderValue) -> Self {
        self.inner.headers.insert(name, value);
        self
    }

    /// Says which command of a bulk request is the cause, counted from 1.
    pub fn line(mut self, line: usize) -> Self {
        self.inner.line = Some(line);
        self
    }

    /// The same problem of the element `index` of an array.
    pub fn in_element(mut self, index: usize) -> Self {
        self.inner.line = Some(index + 1);
        let errors = std::mem::take(&mut self.inner.errors);
        self.inner.errors = errors.into_iter().map(|error| error.in_element(index)).collect();
        self
    }

    /// Takes the line away, where there is only one command.
    pub fn without_line(mut self) -> Self {
        self.inner.line = None;
        self
    }

    /// Says whether it was carried out.
    pub fn executed(mut self, executed: Executed) -> Self {
        self.inner.executed = Some(executed);
        self
    }

    /// Says when to try again, in seconds.
    pub fn retry_after(self, seconds: u64) -> Self {
        self.header(header::RETRY_AFTER, HeaderValue::from(seconds))
    }

    /// Says which member is at fault.
    pub fn error(mut self, error: wire::InvalidMember) -> Self {
        self.inner.errors.push(error);
        self
    }

    /// The body of the answer.
    pub fn to_wire(&self) -> wire::Problem {
        let Inner { kind, detail, instance, line, executed, errors, members, .. } = &*self.inner;
        let executed = executed.map(|executed| match executed {
            Executed::No => "no".to_owned(),
            Executed::Unknown => "unknown".to_owned(),
        });
        wire::Problem {
            type_uri: format!("urn:ies:problem:{}", kind.code),
            title: kind.title.to_owned(),
            status: kind.status.as_u16(),
            detail: detail.clone(),
            instance: instance.clone(),
            code: kind.code.to_owned(),
            line: *line,
            executed,
            errors: errors.clone(),
            members: members.clone(),
        }
    }
}

/// `urn:uuid:` and a random UUID (version 4).
fn instance() -> String {
    let mut bytes = [0_u8; 16];
    // Without randomness the name is not unique, which harms nobody.
    let _ = getrandom::fill(&mut bytes);
    bytes[6] = (bytes[6] & 0x0f) | 0x40;
    bytes[8] = (bytes[8] & 0x3f) | 0x80;
    let mut text = String::from("urn:uuid:");
    for (n, byte) in bytes.iter().enumerate() {
        if matches!(n, 4 | 6 | 8 | 10) {
            text.push('-');
        }
        let _ = write!(text, "{byte:02x}");
    }
    text
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let body = serde_json::to_vec(&self.to_wire()).unwrap_or_default();
        let mut response = (self.inner.kind.status, body).into_response();
        let headers = response.headers_mut();
        headers.extend(self.inner.headers);
        let json = HeaderValue::from_static("application/problem+json");
        headers.insert(header::CONTENT_TYPE, json);
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
        response
    }
}

impl From<StoreError> for Problem {
    fn from(error: StoreError) -> Self {
        match &error {
            StoreError::Busy(_) | StoreError::Aborted(_) | StoreError::Config(_) => {
                tracing::warn!(%error, "the store is busy");
                Self::new(&kinds::BUSY, "the store is busy")
                    .executed(Executed::No)
                    .retry_after(RETRY_SOON)
            }
            StoreError::Full(_) => {
                tracing::error!(%error, "the storage is full");
                Self::new(&kinds::STORAGE_FULL, "there is no room for another event")
                    .executed(Executed::No)
                    .retry_after(RETRY_FULL)
            }
            // SQLite takes a disk that cannot be read for a damaged file.
            StoreError::Broken(_) | StoreError::Corrupt(_) => {
                tracing::error!(%error, "the storage fails");
                Self::new(&kinds::STORAGE_FAILED, "nothing was recorded")
                    .executed(Executed::No)
                    .retry_after(RETRY_SOON)
            }
            StoreError::ReadOnly => {
                Self::new(&kinds::READ_ONLY, "write through the server that has it open")
                    .executed(Executed::No)
            }
            StoreError::CommitUnknown(_) => {
                tracing::error!(%error, "a commit has no answer");
                unknown()
            }
            StoreError::InUse(_)
            | StoreError::NotFound(_)
            | StoreError::SchemaVersion { .. }
            | StoreError::Refused(_)
            | StoreError::Failed(_) => Self::internal(&error).executed(Executed::No),
        }
    }
}

impl From<ExecuteError> for Problem {
    fn from(error: ExecuteError) -> Self {
        match error {
            ExecuteError::Rejected(rejected) => rejected.into(),
            ExecuteError::Forbidden { line, required } => Self::forbidden(required).line(line),
            ExecuteError::NotStarted(reason) => {
                tracing::warn!(reason, "not started");
                Self::new(&kinds::BUSY, "the ledger cannot take it now; nothing was recorded")
                    .executed(Executed::No)
                    .retry_after(RETRY_SOON)
            }
            ExecuteError::Unknown(reason) => {
                tracing::error!(reason, "a commit has no answer");
                unknown()
            }
            ExecuteError::Store(error) => error.into(),
        }
    }
}

impl From<Rejected> for Problem {
    fn from(rejected: Rejected) -> Self {
        Self::rejection(&rejected.rejection).line(rejected.line)
    }
}

impl From<FollowError> for Problem {
    fn from(error: FollowError) -> Self {
        match error {
            FollowError::HistoryDiverged { reason, position } => {
                Self::new(&kinds::HISTORY_DIVERGED, reason).member("position", json!(position.0))
            }
            FollowError::Store(error) => error.into(),
        }
    }
}

/// It may have been recorded.
pub fn unknown() -> Problem {
    Problem::new(&kinds::COMMIT_UNKNOWN, "send it again with the same Idempotency-Key")
        .executed(Executed::Unknown)
        .retry_after(RETRY_SOON)
}

/// A read that takes too long.
pub fn too_slow() -> Problem {
    Problem::new(&kinds::BUSY, "it took too long").executed(Executed::No).retry_after(RETRY_SOON)
}

/// What a panic becomes. A write may have been recorded before it.
pub fn from_panic(panic: &(dyn Any + Send)) -> Response {
    let text = panic
        .downcast_ref::<&str>()
        .copied()
        .or_else(|| panic.downcast_ref::<String>().map(String::as_str))
        .unwrap_or("a panic");
    Problem::internal(text).executed(Executed::Unknown).into_response()
}
