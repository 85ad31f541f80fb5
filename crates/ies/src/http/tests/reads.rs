//! Reads: pages, past states, explanations, upkeep, and the routes that are open.

use super::Bakery;
use axum::body::Body;
use axum::http::{Method, StatusCode};
use item_event_store::access::Role;
use serde_json::{Value, json};

fn ids(rows: &Value, name: &str) -> Vec<i64> {
    let rows = rows.as_array().expect("rows").iter();
    rows.map(|row| row[name].as_i64().expect("an id")).collect()
}

#[tokio::test]
async fn pages_follow_each_other_without_gap_or_repeat() {
    let bakery = Bakery::open().await;
    for n in 1..=5 {
        bakery.item(&format!("item {n}"), n).await;
    }
    for (path, rows, id, all) in [
        ("/v1/items", "items", "id", [1, 2, 3, 4, 5]),
        ("/v1/inventory", "inventory", "item_id", [1, 2, 3, 4, 5]),
        ("/v1/events", "events", "id", [5, 4, 3, 2, 1]),
        ("/v1/events?order=oldest", "events", "id", [1, 2, 3, 4, 5]),
    ] {
        let mut seen = Vec::new();
        let limit = if path.contains('?') { "&limit=2" } else { "?limit=2" };
        let mut next = Some(format!("{path}{limit}"));
        while let Some(path) = next {
            let answer = bakery.get(&path).await;
            let page = answer.json();
            assert_eq!(page["position"], 5);
            seen.extend(ids(&page[rows], id));
            let link = answer.header("link");
            assert_eq!(page["next_cursor"].is_null(), link.is_empty(), "{link}");
            next = link.strip_prefix('<').and_then(|rest| Some(rest.split_once('>')?.0.to_owned()));
        }
        assert_eq!(seen, all, "{path}");
    }
    let cursor = bakery.get("/v1/items?limit=2").await.json()["next_cursor"].clone();
    let cursor = cursor.as_str().expect("a cursor");
    let changed = bakery.get(&format!("/v1/items?limit=2&archived=false&cursor={cursor}")).await;
    assert_eq!(changed.problem(), "400 invalid_cursor");
}

#[tokio::test]
async fn lists_are_filtered() {
    let bakery = Bakery::open().await;
    bakery.item("Croissant", 10).await;
    let body = json!({ "name": "Baguette", "sku": "BG" });
    bakery.post("/v1/items", body).await;
    bakery.post("/v1/items/2/batches", json!({ "quantity": 5 })).await;
    bakery.post("/v1/items/2/bakeoffs", json!({ "quantity": 1 })).await;
    let waste = json!({ "quantity_change": -1, "kind": "waste" });
    bakery.post("/v1/items/1/adjustments", waste).await;
    for (path, expected) in [
        ("/v1/events?item_id=2", vec![3, 2]),
        ("/v1/items/2/events", vec![3, 2]),
        ("/v1/events?reason=bakeoff", vec![3]),
        ("/v1/events?kind=waste", vec![4]),
        ("/v1/events?after=2", vec![3, 4]),
        ("/v1/events?actor=the%20manager&limit=1", vec![4]),
        ("/v1/events?actor=nobody", vec![]),
        ("/v1/events?to=2000-01-01T00:00:00Z", vec![]),
        ("/v1/events?from=2000-01-01T00:00:00Z&order=oldest", vec![1, 2, 3, 4]),
    ] {
        assert_eq!(ids(&bakery.get(path).await.json()["events"], "id"), expected, "{path}");
    }
    let by_sku = bakery.get("/v1/items?sku=BG").await.json();
    assert_eq!(ids(&by_sku["items"], "id"), [2]);
    let by_name = bakery.get("/v1/inventory?name=Croissant&archived=false").await.json();
    assert_eq!(by_name["inventory"][0]["quantity"], 9);
    assert_eq!(bakery.get("/v1/events/3").await.json()["event"]["quantity_change"], -1);
    assert_eq!(bakery.get("/v1/items/2").await.json()["item"]["name"], "Baguette");
}

#[tokio::test]
async fn a_count_has_its_version_and_its_past() {
    let bakery = Bakery::open().await;
    bakery.item("Croissant", 10).await;
    bakery.post("/v1/items/1/batches", json!({ "quantity": 24 })).await;
    let now = bakery.get("/v1/items/1/inventory").await;
    assert_eq!(now.header("etag"), "\"2\"");
    assert_eq!(now.json()["inventory"]["quantity"], 34);
    let request = bakery.request(Method::GET, "/v1/items/1/inventory", Role::Viewer);
    let request = request.header("if-none-match", "\"2\"").body(Body::empty()).expect("ok");
    let same = bakery.send(request).await;
    assert_eq!((same.status, same.text.as_str()), (StatusCode::NOT_MODIFIED, ""));
    for (as_of, quantity) in [("0", 0), ("1", 10), ("2", 34), ("2000-01-01T00:00:00Z", 0)] {
        let past = bakery.get(&format!("/v1/items/1/inventory?as_of={as_of}")).await.json();
        assert_eq!(past["inventory"]["quantity"], quantity, "{as_of}");
        let list = bakery.get(&format!("/v1/inventory?as_of={as_of}")).await.json();
        assert_eq!(list["inventory"][0]["quantity"], quantity, "{as_of}");
        if let Ok(position) = as_of.parse::<i64>() {
            assert_eq!(
                (&past["position"], &list["position"]),
                (&json!(position), &json!(position))
            );
        }
    }
}

#[tokio::test]
async fn a_count_is_explained_and_charted() {
    let bakery = Bakery::open().await;
    bakery.item("Croissant", 10).await;
    bakery.post("/v1/items/1/bakeoffs", json!({ "quantity": 3 })).await;
    let why = bakery.get("/v1/items/1/inventory/explain").await.json();
    assert_eq!((&why["total"], &why["inventory"]["quantity"]), (&json!(7), &json!(7)));
    assert_eq!(why["sums"][1]["quantity_change"], -3);
    assert_eq!(why["warnings"][0]["code"], "never_counted");
    let chart = bakery.get("/v1/items/1/chart").await.json();
    assert_eq!(chart["days"][0]["closing"], 7);
    assert_eq!(chart["days"][0]["bakeoff"], -3);
}

#[tokio::test]
async fn upkeep_reports_what_it_finds() {
    let bakery = Bakery::open().await;
    bakery.item("Croissant", 10).await;
    let admin = async |method: Method, path: &str, body: &'static str| {
        let request = bakery.request(method, path, Role::Admin);
        let request = request.header("content-type", "application/json");
        bakery.send(request.body(Body::from(body)).expect("ok")).await
    };
    for body in ["", "{}", r#"{"storage":false}"#] {
        let report = admin(Method::POST, "/v1/verify", body).await.json();
        assert_eq!((&report["clean"], &report["events"]), (&json!(true), &json!(1)), "{body}");
    }
    for body in ["", r#"{"item_id":1}"#] {
        let report = admin(Method::POST, "/v1/rebuild", body).await.json();
        assert_eq!(report["changed"], json!([]), "{body}");
    }
    let none = admin(Method::POST, "/v1/rebuild", r#"{"item_id":2}"#).await;
    assert_eq!(none.problem(), "404 item_not_found");
    let found = admin(Method::GET, "/v1/discrepancies", "").await.json();
    assert_eq!(found["discrepancies"], json!([]));
}

#[tokio::test]
async fn the_open_routes_answer() {
    let bakery = Bakery::open().await;
    bakery.item("Croissant", 10).await;
    assert_eq!(bakery.get("/livez").await.json()["status"], "pass");
    assert_eq!(bakery.get("/readyz").await.json()["status"], "pass");
    assert_eq!(bakery.get("/openapi.json").await.text, crate::http::openapi::document());
    let metrics = bakery.get("/metrics").await;
    assert!(metrics.header("content-type").starts_with("application/openmetrics-text"));
    for line in [
        "itemeventstore_open_ledgers 1\n",
        "itemeventstore_writer_events_total 1\n",
        "_duration_seconds_count{method=\"POST\",route=\"/v1/items\",status=\"201\"} 1\n",
    ] {
        assert!(metrics.text.contains(line), "{line} {}", metrics.text);
    }
    assert!(metrics.text.ends_with("# EOF\n"));
    assert_eq!(bakery.get("/docs").await.header("location"), "/docs/");
    assert!(bakery.get("/docs/").await.text.contains("swagger-ui"));
    assert!(bakery.get("/docs/swagger-initializer.js").await.text.contains("/openapi.json"));
    assert_eq!(bakery.get("/docs/none.js").await.problem(), "404 not_found");
    bakery.service.closing.cancel();
    assert_eq!(bakery.get("/readyz").await.problem(), "503 not_ready");
}
