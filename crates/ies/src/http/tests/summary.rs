//! The daily summary: what it answers, up to which position, and who brings it up to date.

use super::{Answer, Bakery};
use crate::http::Options;
use axum::body::Body;
use axum::http::Method;
use item_event_store::access::Role;
use item_event_store::clock::SetClock;
use item_event_store::limits::PAGE_MAX;
use item_event_store::time::Timestamp;
use serde_json::{Value, json};
use std::sync::Arc;
use std::time::Duration;

const DAILY: &str = "/v1/summary/daily";

fn at(text: &str) -> Timestamp {
    text.parse().expect("a time")
}

/// A bakery in which something happened on three days.
async fn filled() -> Bakery {
    let clock = Arc::new(SetClock::new(at("2026-11-23T05:00:00Z")));
    let bakery = Bakery::with_clock(Options::default(), Arc::<SetClock>::clone(&clock)).await;
    bakery.item("Croissant", 10).await;
    bakery.item("Baguette", 20).await;
    let late = json!({ "quantity": 4, "occurred_at": "2026-11-21T05:00:00Z" });
    bakery.post("/v1/items/1/bakeoffs", late).await;
    clock.set(at("2026-11-24T05:00:00Z"));
    bakery.post("/v1/items/2/batches", json!({ "quantity": 6 })).await;
    let waste = json!({ "quantity_change": -1, "kind": "waste" });
    bakery.post("/v1/items/2/adjustments", waste).await;
    bakery
}

async fn post(bakery: &Bakery, path: &str, role: Role) -> Answer {
    bakery.send(bakery.request(Method::POST, path, role).body(Body::empty()).expect("ok")).await
}

async fn refresh(bakery: &Bakery) -> Value {
    post(bakery, &format!("{DAILY}/refresh"), Role::Manager).await.json()
}

/// `2026-11-23 1 waste -1`.
fn said(page: &Value) -> Vec<String> {
    let row = |row: &Value| {
        let text = |name: &str| row[name].as_str().unwrap_or_default().to_owned();
        let what = if row["kind"].is_null() { text("reason") } else { text("kind") };
        let (item, change) = (&row["item_id"], row["quantity_change"].as_i64().expect("a sum"));
        format!("{} {item} {what} {change:+}", text("day"))
    };
    page["summary"].as_array().expect("rows").iter().map(row).collect()
}

const ALL: [&str; 5] = [
    "2026-11-21 1 bakeoff -4",
    "2026-11-23 1 initial +10",
    "2026-11-23 2 initial +20",
    "2026-11-24 2 waste -1",
    "2026-11-24 2 batch +6",
];

#[tokio::test]
async fn it_says_up_to_which_position_it_is_true() {
    let bakery = filled().await;
    let before = bakery.get(DAILY).await.json();
    assert_eq!(said(&before), Vec::<String>::new());
    assert_eq!((&before["position"], &before["head_position"]), (&json!(0), &json!(5)));
    let report = refresh(&bakery).await;
    assert_eq!(report, json!({ "position": 5, "events": 5, "rebuilt": false }));
    bakery.post("/v1/items/1/batches", json!({ "quantity": 1 })).await;
    let page = bakery.get(DAILY).await.json();
    assert_eq!(said(&page), ALL);
    assert_eq!((&page["position"], &page["head_position"]), (&json!(5), &json!(6)));
    assert_eq!((&page["time_zone"], &page["day_start_hour"]), (&json!("UTC"), &json!(0)));
    assert_eq!((&page["opening"], &page["next_cursor"]), (&Value::Null, &Value::Null));
    let rebuilt = post(&bakery, &format!("{DAILY}/rebuild"), Role::Admin).await.json();
    assert_eq!(rebuilt, json!({ "position": 6, "events": 6, "rebuilt": true }));
    assert_eq!(said(&bakery.get(DAILY).await.json()).len(), ALL.len() + 1);
}

#[tokio::test]
async fn it_is_filtered_and_an_item_has_its_opening() {
    let bakery = filled().await;
    refresh(&bakery).await;
    for (query, rows, opening) in [
        ("item_id=1", &[0, 1][..], json!(0)),
        ("item_id=1&from=2026-11-23", &[1], json!(-4)),
        ("item_id=2&from=2026-11-24&to=2026-11-24", &[3, 4], json!(20)),
        ("item_id=2&from=2026-11-24&reason=batch", &[4], json!(20)),
        ("item_id=9", &[], json!(0)),
        ("to=2026-11-23", &[0, 1, 2], Value::Null),
        ("from=2026-11-24", &[3, 4], Value::Null),
        ("reason=initial", &[1, 2], Value::Null),
        ("kind=waste", &[3], Value::Null),
        ("from=2026-11-24&to=2026-11-23", &[], Value::Null),
    ] {
        let page = bakery.get(&format!("{DAILY}?{query}")).await.json();
        let expected: Vec<_> = rows.iter().map(|&row| ALL[row]).collect();
        assert_eq!(said(&page), expected, "{query}");
        assert_eq!(page["opening"], opening, "{query}");
    }
    for bad in [
        "from=yesterday",
        "to=2026-02-30",
        "from=2026-11-23T05:00:00Z",
        "reason=gift",
        "kind=batch",
        "item_id=x",
        "refresh=true",
        "limit=0",
    ] {
        let answer = bakery.get(&format!("{DAILY}?{bad}")).await;
        assert_eq!(answer.problem(), "400 invalid_query", "{bad}");
    }
    let answer = bakery.get(&format!("{DAILY}?limit={}", PAGE_MAX + 1)).await;
    assert_eq!(answer.problem(), "400 invalid_query");
}

#[tokio::test]
async fn its_pages_follow_each_other_without_gap_or_repeat() {
    let bakery = filled().await;
    refresh(&bakery).await;
    for (filter, all) in [("", &[0, 1, 2, 3, 4][..]), ("&item_id=2", &[2, 3, 4])] {
        let mut seen = Vec::new();
        let mut next = Some(format!("{DAILY}?limit=1{filter}"));
        while let Some(path) = next {
            let answer = bakery.get(&path).await;
            seen.extend(said(&answer.json()));
            let link = answer.header("link");
            assert_eq!(answer.json()["next_cursor"].is_null(), link.is_empty());
            next = link.strip_prefix('<').and_then(|rest| Some(rest.split_once('>')?.0.to_owned()));
        }
        assert_eq!(seen, all.iter().map(|&row| ALL[row]).collect::<Vec<_>>());
    }
    let first = bakery.get(&format!("{DAILY}?limit=1")).await.json();
    let cursor = first["next_cursor"].as_str().expect("a cursor");
    for path in [
        format!("{DAILY}?limit=1&kind=waste&cursor={cursor}"),
        format!("/v1/items?cursor={cursor}"),
        format!("{DAILY}?cursor=x"),
    ] {
        assert_eq!(bakery.get(&path).await.problem(), "400 invalid_cursor", "{path}");
    }
}

#[tokio::test]
async fn the_schedule_takes_every_open_ledger_and_opens_none() {
    let bakery = filled().await;
    let ledgers = &bakery.service.ledgers;
    for name in ["north", "south"] {
        let body = json!({ "name": name });
        bakery.write(Method::POST, "/v1/ledgers", Role::Admin, &body).await;
    }
    let key = "of-north";
    let request = bakery
        .request(Method::POST, "/v1/items", Role::Baker)
        .header("ledger", "north")
        .header("content-type", "application/json")
        .header("idempotency-key", format!("\"{key}\""));
    let body = json!({ "name": "Roll", "initial_quantity": 3 }).to_string();
    bakery.send(request.body(Body::from(body)).expect("ok")).await;
    let open = ledgers.open_count();
    ledgers.refresh_summaries(Duration::from_mins(1)).await;
    assert_eq!(ledgers.open_count(), open);
    assert_eq!(said(&bakery.get(DAILY).await.json()), ALL);
    let request = bakery.request(Method::GET, DAILY, Role::Viewer).header("ledger", "north");
    let north = bakery.send(request.body(Body::empty()).expect("ok")).await.json();
    assert_eq!(said(&north), ["2026-11-24 1 initial +3"]);
}

#[tokio::test]
async fn a_refresh_that_takes_too_long_goes_on_the_next_time() {
    let bakery = filled().await;
    let mut shown = Vec::new();
    for millis in 0..1_000 {
        let within = Duration::from_millis(millis);
        bakery.service.ledgers.refresh_summaries(within).await;
        shown = said(&bakery.get(DAILY).await.json());
        if !shown.is_empty() {
            break;
        }
    }
    assert_eq!(shown, ALL);
}
