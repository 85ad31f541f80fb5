//! The event stream: catching up, live, resumed, ended.

use super::{Answer, Bakery};
use axum::body::{Body, BodyDataStream};
use axum::http::{Method, StatusCode};
use futures_util::StreamExt;
use item_event_store::access::Role;
use item_event_store::time::Timestamp;
use serde_json::{Value, json};
use tower::ServiceExt;

/// An open stream, read frame by frame.
struct Reader {
    body: BodyDataStream,
    text: String,
}

impl Reader {
    async fn open(bakery: &Bakery, path: &str, last_event_id: Option<&str>) -> Self {
        let mut request = bakery.request(Method::GET, path, Role::Viewer);
        if let Some(id) = last_event_id {
            request = request.header("last-event-id", id);
        }
        let request = request.body(Body::empty()).expect("a request");
        let Ok(response) = bakery.router.clone().oneshot(request).await;
        let (parts, body) = response.into_parts();
        let answer = Answer { status: parts.status, headers: parts.headers, text: String::new() };
        assert_eq!(answer.status, StatusCode::OK);
        assert_eq!(answer.header("content-type"), "text/event-stream; charset=utf-8");
        assert_eq!(answer.header("cache-control"), "no-store");
        assert_eq!(answer.header("x-accel-buffering"), "no");
        let mut reader = Self { body: body.into_data_stream(), text: String::new() };
        assert_eq!(reader.frame().await.as_deref(), Some("retry: 2000"));
        reader
    }

    async fn frame(&mut self) -> Option<String> {
        loop {
            if let Some((frame, rest)) = self.text.split_once("\n\n") {
                let frame = frame.to_owned();
                self.text = rest.to_owned();
                return Some(frame);
            }
            let bytes = self.body.next().await?.expect("bytes");
            self.text.push_str(std::str::from_utf8(&bytes).expect("UTF-8"));
        }
    }

    /// The cursor, the reason and the event of the next frame that is one.
    async fn event(&mut self) -> (String, String, Value) {
        let frame = loop {
            let frame = self.frame().await.expect("the stream goes on");
            if frame != ": hb" {
                break frame;
            }
        };
        let mut lines = frame.lines();
        let mut field = |name: &str| {
            let line = lines.next().expect("three lines");
            line.strip_prefix(name).unwrap_or_else(|| panic!("{frame}")).to_owned()
        };
        let (id, event, data) = (field("id: "), field("event: "), field("data: "));
        (id, event, serde_json::from_str(&data).expect("JSON"))
    }
}

#[tokio::test]
async fn a_stream_catches_up_then_follows_and_can_be_resumed() {
    let bakery = Bakery::open().await;
    bakery.item("Croissant", 10).await;
    let mut reader = Reader::open(&bakery, "/v1/events/stream", None).await;
    let (first, reason, event) = reader.event().await;
    assert_eq!((reason.as_str(), &event["id"]), ("initial", &json!(1)));
    bakery.post("/v1/items/1/batches", json!({ "quantity": 5 })).await;
    let (second, reason, event) = reader.event().await;
    assert_eq!((reason.as_str(), &event["quantity_after"]), ("batch", &json!(15)));

    let path = format!("/v1/events/stream?after={second}");
    let mut resumed = Reader::open(&bakery, &path, Some(&first)).await;
    assert_eq!(resumed.event().await.0, second);
    let mut after = Reader::open(&bakery, "/v1/events/stream?after=1", None).await;
    assert_eq!(after.event().await.0, second);
    assert_eq!(bakery.service.metrics.open_streams.get(), 3);
    drop((reader, resumed, after));
    assert_eq!(bakery.service.metrics.open_streams.get(), 0);
}

#[tokio::test]
async fn a_stream_can_be_of_one_item_and_reason() {
    let bakery = Bakery::open().await;
    bakery.item("Croissant", 10).await;
    bakery.item("Baguette", 10).await;
    bakery.post("/v1/items/1/batches", json!({ "quantity": 1 })).await;
    bakery.post("/v1/items/2/batches", json!({ "quantity": 2 })).await;
    let path = "/v1/events/stream?item_id=2&reason=batch";
    let mut reader = Reader::open(&bakery, path, None).await;
    assert_eq!(reader.event().await.2["quantity_change"], 2);
}

#[tokio::test]
async fn a_stream_ends_with_the_service() {
    let bakery = Bakery::open().await;
    let mut reader = Reader::open(&bakery, "/v1/events/stream", None).await;
    bakery.service.closing.cancel();
    assert_eq!(reader.frame().await, None);
}

#[tokio::test]
async fn a_stream_ends_when_its_token_is_revoked() {
    let bakery = Bakery::open().await;
    let mut reader = Reader::open(&bakery, "/v1/events/stream", None).await;
    let tokens = bakery.service.ledgers.store().tokens().await.expect("tokens");
    let viewer = tokens.iter().find(|token| token.row.role == Role::Viewer).expect("a viewer");
    bakery
        .service
        .ledgers
        .store()
        .revoke_token(viewer.id, Timestamp::now())
        .await
        .expect("revoked");
    while let Some(frame) = reader.frame().await {
        assert_eq!(frame, ": hb");
    }
}
