//! What is refused, and how: always as `application/problem+json` with a stable code.

use super::Bakery;
use crate::http::around::around;
use crate::http::limits::{BODY_BYTES, BULK_BODY_BYTES};
use axum::body::Body;
use axum::extract::Request;
use axum::http::{Method, StatusCode};
use axum::middleware::from_fn_with_state;
use axum::response::Response;
use item_event_store::access::Role;
use serde_json::json;
use std::convert::Infallible;
use tower::{Layer, ServiceExt};

#[tokio::test]
async fn paths_and_methods_that_do_not_exist_are_problems_too() {
    let bakery = Bakery::open().await;
    for path in ["/", "/v1", "/v1/nothing", "/v1/items/1/nothing", "/v2/items"] {
        assert_eq!(bakery.get(path).await.problem(), "404 not_found", "{path}");
    }
    for method in [Method::OPTIONS, Method::TRACE, Method::DELETE, Method::PUT] {
        let request = bakery.request(method.clone(), "/v1/items", Role::Admin);
        let answer = bakery.send(request.body(Body::empty()).expect("ok")).await;
        assert_eq!(answer.problem(), "405 method_not_allowed", "{method}");
        assert_eq!(answer.header("allow"), "POST, GET, HEAD");
    }
    let request = bakery.request(Method::HEAD, "/v1/items", Role::Viewer);
    let head = bakery.send(request.body(Body::empty()).expect("ok")).await;
    assert_eq!((head.status, head.text.as_str()), (StatusCode::OK, ""));
    assert_eq!(head.header("content-type"), "application/json");
}

#[tokio::test]
async fn a_problem_has_all_members_of_rfc_9457() {
    let bakery = Bakery::open().await;
    let id = bakery.item("Croissant", 3).await;
    let answer = bakery.post(&format!("/v1/items/{id}/bakeoffs"), json!({ "quantity": 4 })).await;
    assert_eq!(answer.problem(), "409 insufficient_stock");
    let mut problem = answer.json();
    let instance = problem["instance"].take();
    assert!(instance.as_str().expect("a URN").starts_with("urn:uuid:"));
    assert_eq!(
        problem,
        json!({
            "type": "urn:ies:problem:insufficient_stock",
            "title": "More is to be taken than there is",
            "status": 409,
            "detail": "item 1 has 3, 4 requested",
            "instance": null,
            "code": "insufficient_stock",
            "item_id": 1,
            "available": 3,
            "requested": 4,
        })
    );
}

#[tokio::test]
async fn a_write_needs_a_key_a_body_and_its_content_type() {
    let bakery = Bakery::open().await;
    let send = async |headers: &[(&str, &str)], body: &str| {
        let mut request = bakery.request(Method::POST, "/v1/items", Role::Baker);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        bakery.send(request.body(Body::from(body.to_owned())).expect("ok")).await.problem()
    };
    let json = ("content-type", "application/json");
    let key = ("idempotency-key", "k");
    let name = r#"{"name":"Croissant"}"#;
    assert_eq!(send(&[json], name).await, "400 idempotency_key_required");
    assert_eq!(send(&[json, ("idempotency-key", "\"")], name).await, "400 idempotency_key_invalid");
    assert_eq!(send(&[json, key, key], name).await, "400 idempotency_key_invalid");
    assert_eq!(send(&[key], name).await, "415 unsupported_media_type");
    assert_eq!(
        send(&[key, ("content-type", "text/plain")], name).await,
        "415 unsupported_media_type"
    );
    assert_eq!(send(&[json, key], "").await, "400 malformed_json");
    assert_eq!(send(&[json, key], r#"{"name":"x","version":1}"#).await, "400 malformed_json");
    assert_eq!(send(&[json, key], r#"{"name":"a\u001b[31m"}"#).await, "422 invalid_member");
    assert_eq!(send(&[json, key], r#"{"name":" "}"#).await, "422 invalid_member");
    let large = format!("{name}{}", " ".repeat(BODY_BYTES));
    assert_eq!(send(&[json, key], &large).await, "413 payload_too_large");
    let length = ("content-length", "9999999999");
    assert_eq!(send(&[json, key, length], name).await, "413 payload_too_large");
}

#[tokio::test]
async fn a_bulk_body_has_a_limit_of_its_own() {
    let bakery = Bakery::open().await;
    let send = async |bytes: usize| {
        let mut body = r#"[{"command":"create_item","name":"Croissant"}"#.to_owned();
        body.push_str(&" ".repeat(bytes - body.len() - 1));
        body.push(']');
        let request = bakery
            .request(Method::POST, "/v1/events", Role::Baker)
            .header("content-type", "application/json; charset=utf-8")
            .header("idempotency-key", "k");
        bakery.send(request.body(Body::from(body)).expect("ok")).await
    };
    assert_eq!(send(BULK_BODY_BYTES + 1).await.problem(), "413 payload_too_large");
    assert_eq!(send(BULK_BODY_BYTES).await.status, StatusCode::CREATED);
}

#[tokio::test]
async fn queries_and_paths_that_are_not_understood_are_refused() {
    let bakery = Bakery::open().await;
    bakery.item("Croissant", 3).await;
    for (path, problem) in [
        ("/v1/items/x", "400 invalid_path"),
        ("/v1/items/99999999999999999999", "400 invalid_path"),
        ("/v1/items/-1", "404 item_not_found"),
        ("/v1/items/2/inventory", "404 item_not_found"),
        ("/v1/items/2/inventory/explain", "404 item_not_found"),
        ("/v1/items/2/events", "404 item_not_found"),
        ("/v1/items/2/chart", "404 item_not_found"),
        ("/v1/events/2", "404 event_not_found"),
        ("/v1/items?limit=0", "400 invalid_query"),
        ("/v1/items?limit=1001", "400 invalid_query"),
        ("/v1/items?limit=x", "400 invalid_query"),
        ("/v1/items?color=red", "400 invalid_query"),
        ("/v1/items?archived=maybe", "400 invalid_query"),
        ("/v1/items?sku=%07", "400 invalid_query"),
        ("/v1/items?cursor=x", "400 invalid_cursor"),
        ("/v1/events?reason=theft", "400 invalid_query"),
        ("/v1/events?from=yesterday", "400 invalid_query"),
        ("/v1/items/1/events?item_id=1", "400 invalid_query"),
        ("/v1/inventory?as_of=soon", "400 invalid_query"),
        ("/v1/inventory?as_of=2", "422 position_not_reached"),
        ("/v1/events/stream?after=x", "400 invalid_cursor"),
        ("/v1/events/stream?after=0000000000000000-0-00000000", "409 history_diverged"),
        ("/v1/events/stream?after=99", "409 history_diverged"),
    ] {
        assert_eq!(bakery.get(path).await.problem(), problem, "{path}");
    }
}

#[tokio::test]
async fn a_panic_is_a_problem_and_keeps_its_words_to_the_log() {
    let bakery = Bakery::open().await;
    let panics = tower::service_fn(async |_: Request| -> Result<Response, Infallible> {
        panic!("SELECT secret FROM store.db")
    });
    let around = from_fn_with_state(bakery.service.clone(), around).layer(panics);
    let response = around.oneshot(Request::new(Body::empty())).await.expect("an answer");
    assert_eq!(response.status(), StatusCode::INTERNAL_SERVER_ERROR);
    assert_eq!(response.headers()["x-content-type-options"], "nosniff");
    let body = http_body_util::BodyExt::collect(response.into_body()).await.expect("a body");
    let body = String::from_utf8(body.to_bytes().to_vec()).expect("UTF-8");
    assert!(body.contains("internal_error") && !body.contains("SELECT"), "{body}");
    let metrics = bakery.get("/metrics").await.text;
    assert!(metrics.contains("route=\"unmatched\",status=\"500\""), "{metrics}");
}
