//! Writes: what they answer, replays, preconditions, many commands at once.

use super::Bakery;
use crate::http::Options;
use axum::body::Body;
use axum::http::{Method, StatusCode};
use flate2::Compression;
use flate2::write::GzEncoder;
use item_event_store::access::Role;
use item_event_store::clock::Clock;
use item_event_store::time::Timestamp;
use ruzstd::encoding::{CompressionLevel, compress_to_vec};
use serde_json::json;
use std::io::Write;
use std::sync::Arc;

#[tokio::test]
async fn a_write_answers_its_events_and_counts() {
    let bakery = Bakery::open().await;
    let body = json!({ "name": "Croissant", "sku": "CR", "initial_quantity": 10 });
    let made = bakery.post("/v1/items", body).await;
    assert_eq!(made.status, StatusCode::CREATED);
    let made = made.json();
    assert_eq!(made["position"], 1);
    assert_eq!(made["replayed"], false);
    assert_eq!(made["item"]["sku"], "CR");
    assert_eq!(made["range"], json!({ "first": 1, "last": 1 }));
    assert_eq!(made["events"][0]["reason"], "initial");
    assert_eq!(made["inventory"][0]["quantity"], 10);

    let batch = bakery.post("/v1/items/1/batches", json!({ "quantity": 24 })).await.json();
    assert_eq!(batch["events"][0]["quantity_after"], 34);
    assert_eq!(batch["events"][0]["actor"], "the manager");
    assert!(batch.get("item").is_none());
    let order = json!({ "quantity": 4, "reference": "order 7", "note": "birthday" });
    let order = bakery.post("/v1/items/1/special-orders", order).await.json();
    assert_eq!(order["events"][0]["quantity_change"], -4);
    let correct =
        bakery.post("/v1/events/2/correct", json!({ "quantity_change": 20 })).await.json();
    assert_eq!(correct["events"][0]["corrects_event_id"], 2);
    assert_eq!(correct["inventory"][0]["quantity"], 26);
    let request = bakery.request(Method::POST, "/v1/events/3/void", Role::Manager);
    let request = request.header("idempotency-key", "void").body(Body::empty()).expect("ok");
    let void = bakery.send(request).await;
    assert_eq!(void.json()["inventory"][0]["quantity"], 30, "{}", void.text);
}

#[tokio::test]
async fn the_same_key_is_carried_out_once() {
    let bakery = Bakery::open().await;
    bakery.item("Croissant", 3).await;
    let path = "/v1/items/1/bakeoffs";
    let send = async |quantity: i64, key: &str| {
        let body = json!({ "quantity": quantity });
        bakery.write_as(Method::POST, path, Role::Baker, key, &body).await
    };
    let first = send(2, "a").await;
    let again = send(2, "a").await;
    assert_eq!((first.status, again.status), (StatusCode::CREATED, StatusCode::OK));
    assert_eq!(again.header("idempotency-replayed"), "true");
    assert_eq!(again.json()["replayed"], true);
    assert_eq!(again.json()["events"], first.json()["events"]);
    assert_eq!(send(1, "a").await.problem(), "422 idempotency_key_reused");
    let refused = send(2, "b").await;
    assert_eq!(refused.problem(), "409 insufficient_stock");
    assert_eq!(refused.header("idempotency-replayed"), "");
    let refused = send(2, "b").await;
    assert_eq!(refused.problem(), "409 insufficient_stock");
    assert_eq!(refused.header("idempotency-replayed"), "true");
}

#[tokio::test]
async fn if_match_is_a_condition_on_the_version() {
    let bakery = Bakery::open().await;
    bakery.item("Croissant", 3).await;
    let send = async |tag: &str, key: &str| {
        let request = bakery
            .request(Method::POST, "/v1/items/1/batches", Role::Baker)
            .header("content-type", "application/json")
            .header("idempotency-key", key)
            .header("if-match", tag);
        bakery.send(request.body(Body::from(r#"{"quantity":1}"#)).expect("ok")).await
    };
    assert_eq!(send("\"1\"", "a").await.status, StatusCode::CREATED);
    let stale = send("\"1\"", "b").await;
    assert_eq!(stale.problem(), "412 version_mismatch");
    assert_eq!(stale.json()["current_version"], 2);
    assert_eq!(send("*", "c").await.status, StatusCode::CREATED);
    for bad in ["1", "W/\"1\"", "\"1\", \"2\"", "\"x\""] {
        assert_eq!(send(bad, "d").await.problem(), "400 if_match_invalid", "{bad}");
    }
}

#[tokio::test]
async fn a_count_is_set_against_what_is_expected() {
    let bakery = Bakery::open().await;
    bakery.item("Croissant", 3).await;
    let path = "/v1/items/1/inventory";
    let set = async |body| bakery.write(Method::PUT, path, Role::Manager, &body).await;
    let unstated = set(json!({ "quantity": 5, "kind": "count" })).await;
    assert_eq!(unstated.problem(), "422 expected_quantity_required");
    let stale = set(json!({ "quantity": 5, "kind": "count", "expected_quantity": 4 })).await;
    assert_eq!(stale.problem(), "409 expected_quantity_stale");
    assert_eq!(stale.json()["current_quantity"], 3);
    let any = set(json!({ "quantity": 5, "kind": "override", "expected_quantity": null })).await;
    assert_eq!(any.json()["inventory"][0]["quantity"], 5, "{}", any.text);
    let kind = set(json!({ "quantity": 5, "kind": "waste", "expected_quantity": null })).await;
    assert_eq!(kind.problem(), "422 invalid_member");
}

#[tokio::test]
async fn an_item_is_edited_member_by_member() {
    let bakery = Bakery::open().await;
    bakery.item("Croissant", 3).await;
    let edit = async |body| bakery.write(Method::PATCH, "/v1/items/1", Role::Manager, &body).await;
    assert_eq!(edit(json!({ "sku": "CR" })).await.json()["item"]["sku"], "CR");
    let renamed = edit(json!({ "name": "Kipferl" })).await.json();
    assert_eq!(
        (&renamed["item"]["name"], &renamed["item"]["sku"]),
        (&json!("Kipferl"), &json!("CR"))
    );
    assert_eq!(edit(json!({ "sku": null })).await.json()["item"]["sku"], json!(null));
    assert!(edit(json!({ "archived": true })).await.json()["item"]["archived_at"].is_string());
    let refused = bakery.post("/v1/items/1/batches", json!({ "quantity": 1 })).await;
    assert_eq!(refused.problem(), "409 item_archived");
}

#[tokio::test]
async fn many_commands_are_recorded_or_none() {
    let bakery = Bakery::open().await;
    bakery.item("Croissant", 3).await;
    let many = json!([
        { "command": "batch", "item_id": 1, "quantity": 2 },
        { "command": "bakeoff", "item_id": 1, "quantity": 6 },
    ]);
    let refused = bakery.post("/v1/events", many).await;
    assert_eq!(refused.problem(), "409 insufficient_stock");
    assert_eq!((&refused.json()["line"], &refused.json()["available"]), (&json!(2), &json!(5)));

    let lines = "{\"command\":\"batch\",\"item_id\":1,\"quantity\":2}\n\
                 {\"command\":\"bakeoff\",\"item_id\":1,\"quantity\":5}\n";
    let send = async |path: &str, key: &str| {
        let request = bakery
            .request(Method::POST, path, Role::Baker)
            .header("content-type", "application/jsonl")
            .header("idempotency-key", key);
        bakery.send(request.body(Body::from(lines)).expect("ok")).await
    };
    let done = send("/v1/events", "a").await.json();
    assert_eq!(done["range"], json!({ "first": 2, "last": 3 }));
    assert_eq!(done["inventory"][0]["quantity"], 0);
    assert!(done.get("events").is_none());
    let replay = send("/v1/events?return=events", "a").await;
    assert_eq!(replay.status, StatusCode::OK);
    assert_eq!(replay.json()["events"][1]["reason"], "bakeoff");
    let none = bakery.post("/v1/events", json!([])).await;
    assert_eq!(none.problem(), "422 command_count");
}

#[tokio::test]
async fn a_compressed_body_says_the_same() {
    let bakery = Bakery::open().await;
    bakery.item("Croissant", 3).await;
    let text = r#"[{"command":"batch","item_id":1,"quantity":2}]"#;
    let mut gzip = GzEncoder::new(Vec::new(), Compression::fast());
    gzip.write_all(text.as_bytes()).expect("compressed");
    let gzip = gzip.finish().expect("compressed");
    let send = async |coding: &str, body: Vec<u8>| {
        let request = bakery
            .request(Method::POST, "/v1/events", Role::Baker)
            .header("content-type", "application/json")
            .header("content-encoding", coding)
            .header("idempotency-key", "a");
        bakery.send(request.body(Body::from(body)).expect("ok")).await
    };
    let refused = send("br", text.into()).await;
    assert_eq!(refused.problem(), "415 unsupported_media_type");
    assert_eq!(refused.header("accept-encoding"), "gzip, zstd");
    assert_eq!(send("zstd", gzip.clone()).await.problem(), "400 invalid_body");
    assert_eq!(send("gzip", gzip).await.status, StatusCode::CREATED);
    let replay = send("zstd", compress_to_vec(text.as_bytes(), CompressionLevel::Fastest)).await;
    assert_eq!((replay.status, &replay.json()["replayed"]), (StatusCode::OK, &json!(true)));
}

struct BrokenClock;

impl Clock for BrokenClock {
    fn now(&self) -> Timestamp {
        panic!("the clock is broken")
    }
}

#[tokio::test]
async fn a_writer_that_panics_leaves_nobody_waiting() {
    let bakery = Bakery::with_clock(Options::default(), Arc::new(BrokenClock)).await;
    let unknown = bakery.post("/v1/items", json!({ "name": "Croissant" })).await;
    assert_eq!(unknown.problem(), "503 commit_unknown");
    assert_eq!(unknown.json()["executed"], "unknown");
    // The caller hears of the panic a moment before the rest of the process does.
    while bakery.get("/readyz").await.status == StatusCode::OK {
        tokio::task::yield_now().await;
    }
    let refused = bakery.post("/v1/items", json!({ "name": "Croissant" })).await;
    assert_eq!(refused.problem(), "503 busy");
    assert_eq!(refused.json()["executed"], "no");
    assert_eq!(bakery.get("/readyz").await.problem(), "503 not_ready");
    assert_eq!(bakery.get("/v1/items").await.status, StatusCode::OK);
}

#[tokio::test]
async fn numbers_at_the_ends_of_their_range_harm_nobody() {
    let bakery = Bakery::open().await;
    bakery.item("Croissant", 3).await;
    for n in [i64::MIN, i64::MIN + 1, -1, 0, i64::MAX - 1, i64::MAX] {
        let path = format!("/v1/events/{n}/correct");
        let correct = bakery.post(&path, json!({ "quantity_change": 1 })).await;
        assert_eq!(correct.problem(), "404 event_not_found", "{n}");
        let path = format!("/v1/items/{n}/batches");
        let batch = bakery.post(&path, json!({ "quantity": 1 })).await;
        assert_eq!(batch.problem(), "404 item_not_found", "{n}");
        for (path, body) in [
            ("/v1/items/1/batches", json!({ "quantity": n })),
            ("/v1/items/1/bakeoffs", json!({ "quantity": n })),
            ("/v1/items/1/adjustments", json!({ "quantity_change": n, "kind": "other" })),
            ("/v1/events/1/correct", json!({ "quantity_change": n })),
            ("/v1/items", json!({ "name": "Baguette", "initial_quantity": n })),
        ] {
            let answer = bakery.post(path, body).await;
            assert!(!answer.status.is_server_error(), "{path} {n} {}", answer.text);
        }
        for kind in ["count", "override"] {
            let body = json!({ "quantity": n, "kind": kind, "expected_quantity": n });
            let answer =
                bakery.write(Method::PUT, "/v1/items/1/inventory", Role::Manager, &body).await;
            assert!(!answer.status.is_server_error(), "{kind} {n} {}", answer.text);
        }
        for path in ["/v1/events?after=", "/v1/events?order=newest&after=", "/v1/events?item_id="] {
            assert_eq!(bakery.get(&format!("{path}{n}")).await.status, StatusCode::OK, "{path}{n}");
        }
    }
    let alive = bakery.post("/v1/items/1/batches", json!({ "quantity": 1 })).await;
    assert_eq!(alive.status, StatusCode::CREATED, "{}", alive.text);
}
