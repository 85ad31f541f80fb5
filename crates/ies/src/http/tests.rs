//! The service on a real store: who may what, what is answered, and what is refused. Requests go
//! through the router as the network's do, but for `connection`, which speaks over a socket.

mod access;
mod connection;
mod fuzz;
mod ledgers;
mod problems;
mod reads;
mod stream;
mod summary;
mod writes;

use super::{Options, Service};
use axum::body::Body;
use axum::http::{HeaderMap, Method, Request, StatusCode};
use http_body_util::BodyExt;
use item_event_store::Ledgers;
use item_event_store::access::Role;
use item_event_store::clock::{Clock, SystemClock};
use item_event_store::store::Mode;
use item_event_store::store::Store;
use item_event_store::store::sqlite::SqliteStore;
use item_event_store::time::Timestamp;
use item_event_store::token::{Secret, TokenRow};
use serde_json::{Value, json};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use tower::ServiceExt;

/// A service on a store of its own, with a token for every role.
struct Bakery {
    service: Service,
    router: axum::Router,
    secrets: Vec<(Role, String)>,
    keys: AtomicU64,
    _folder: tempfile::TempDir,
}

struct Answer {
    status: StatusCode,
    headers: HeaderMap,
    text: String,
}

impl Answer {
    fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or_else(|error| panic!("{error}: {}", self.text))
    }

    fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().expect("visible ASCII"))
    }

    /// The status and the code, such as `404 item_not_found`.
    fn problem(&self) -> String {
        assert_eq!(self.header("content-type"), "application/problem+json", "{}", self.text);
        let json = self.json();
        assert_eq!(json["status"], self.status.as_u16());
        format!("{} {}", self.status.as_u16(), json["code"].as_str().expect("a code"))
    }
}

impl Bakery {
    async fn open() -> Self {
        Self::with(Options::default()).await
    }

    async fn with(options: Options) -> Self {
        Self::with_clock(options, Arc::new(SystemClock)).await
    }

    async fn with_clock(options: Options, clock: Arc<dyn Clock>) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let store = Arc::new(SqliteStore::open(folder.path(), Mode::Write).expect("a store"));
        let ledgers = Ledgers::new(store, clock);
        let mut secrets = Vec::new();
        for role in Role::ALL {
            secrets.push((role, add_token(ledgers.store(), role, None, None).await));
        }
        let service = Service::new(ledgers, options);
        let router = service.router();
        Self { service, router, secrets, keys: AtomicU64::new(0), _folder: folder }
    }

    fn secret(&self, role: Role) -> &str {
        let found = self.secrets.iter().find(|(of, _)| *of == role);
        found.map(|(_, secret)| secret.as_str()).expect("every role has a token")
    }

    async fn send(&self, request: Request<Body>) -> Answer {
        let Ok(response) = self.router.clone().oneshot(request).await;
        let (parts, body) = response.into_parts();
        let bytes = body.collect().await.expect("a body").to_bytes();
        let text = String::from_utf8(bytes.to_vec()).expect("UTF-8");
        Answer { status: parts.status, headers: parts.headers, text }
    }

    async fn get(&self, path: &str) -> Answer {
        self.send(self.request(Method::GET, path, Role::Viewer).body(Body::empty()).expect("ok"))
            .await
    }

    /// Writes as a role, under a fresh key.
    async fn write(&self, method: Method, path: &str, role: Role, body: &Value) -> Answer {
        let key = format!("key-{}", self.keys.fetch_add(1, Ordering::Relaxed));
        self.write_as(method, path, role, &key, body).await
    }

    async fn write_as(
        &self,
        method: Method,
        path: &str,
        role: Role,
        key: &str,
        body: &Value,
    ) -> Answer {
        let request = self
            .request(method, path, role)
            .header("content-type", "application/json")
            .header("idempotency-key", format!("\"{key}\""));
        self.send(request.body(Body::from(body.to_string())).expect("a request")).await
    }

    async fn post(&self, path: &str, body: Value) -> Answer {
        self.write(Method::POST, path, Role::Manager, &body).await
    }

    fn request(&self, method: Method, path: &str, role: Role) -> axum::http::request::Builder {
        Request::builder()
            .method(method)
            .uri(path)
            .header("authorization", format!("Bearer {}", self.secret(role)))
    }

    /// An item with this stock; its id.
    async fn item(&self, name: &str, initial_quantity: i64) -> i64 {
        let body = json!({ "name": name, "initial_quantity": initial_quantity });
        let answer = self.post("/v1/items", body).await;
        assert_eq!(answer.status, StatusCode::CREATED, "{}", answer.text);
        answer.json()["item"]["id"].as_i64().expect("an id")
    }
}

async fn add_token(
    store: &dyn Store,
    role: Role,
    ledger: Option<&str>,
    expires_at: Option<Timestamp>,
) -> String {
    let secret = Secret::random();
    let row = TokenRow {
        name: format!("the {role}").parse().expect("a name"),
        role,
        ledger: ledger.map(|name| name.parse().expect("a name")),
        hash: secret.hash(),
        created_at: Timestamp::now(),
        expires_at,
    };
    store.add_token(row).await.expect("a token");
    secret.reveal().to_owned()
}
