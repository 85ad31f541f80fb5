//! Many ledgers behind one service: who sees which, and that nothing of one can be guessed from
//! another.

use super::{Answer, Bakery, add_token};
use crate::http::auth::Needs;
use crate::http::openapi::is_of_ledger;
use crate::http::router::routes;
use axum::body::Body;
use axum::http::{Method, Request, StatusCode};
use item_event_store::access::Role;
use serde_json::{Value, json};

/// A service with the ledgers `main` and `north`, and an admin's token for `north` alone.
async fn two() -> (Bakery, String) {
    let bakery = Bakery::open().await;
    bakery.item("Croissant", 10).await;
    let made = as_admin(&bakery, Method::POST, "/v1/ledgers", &json!({ "name": "north" })).await;
    assert_eq!(made.status, StatusCode::CREATED, "{}", made.text);
    assert_eq!(made.header("location"), "/v1/ledgers/north");
    let token = add_token(bakery.service.ledgers.store(), Role::Admin, Some("north"), None).await;
    (bakery, token)
}

async fn as_admin(bakery: &Bakery, method: Method, path: &str, body: &Value) -> Answer {
    bakery.write(method, path, Role::Admin, body).await
}

/// Sends with a token, to the ledger that is named.
async fn send(
    bakery: &Bakery,
    (method, path, body): (Method, &str, &Value),
    token: &str,
    ledger: Option<&str>,
) -> Answer {
    let key = bakery.keys.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
    let mut request = Request::builder()
        .method(method)
        .uri(path)
        .header("authorization", format!("Bearer {token}"))
        .header("idempotency-key", format!("\"of-{key}\""));
    if let Some(name) = ledger {
        request = request.header("ledger", name);
    }
    let body = match body {
        Value::Null => Body::empty(),
        body => {
            request = request.header("content-type", "application/json");
            Body::from(body.to_string())
        }
    };
    bakery.send(request.body(body).expect("a request")).await
}

async fn get(bakery: &Bakery, path: &str, token: &str, ledger: Option<&str>) -> Answer {
    send(bakery, (Method::GET, path, &Value::Null), token, ledger).await
}

#[tokio::test]
async fn the_header_names_the_ledger_and_main_is_meant_without_it() {
    let (bakery, _) = two().await;
    let all = bakery.secret(Role::Manager).to_owned();
    let roll = json!({ "name": "Roll", "initial_quantity": 3 });
    let made = send(&bakery, (Method::POST, "/v1/items", &roll), &all, Some("north")).await;
    assert_eq!((made.status, made.json()["position"].as_i64()), (StatusCode::CREATED, Some(1)));
    let name = |answer: &Answer| answer.json()["item"]["name"].as_str().map(str::to_owned);
    assert_eq!(name(&get(&bakery, "/v1/items/1", &all, None).await).as_deref(), Some("Croissant"));
    for (ledger, item) in [("main", "Croissant"), ("north", "Roll")] {
        let answer = get(&bakery, "/v1/items/1", &all, Some(ledger)).await;
        assert_eq!(name(&answer).as_deref(), Some(item));
    }
    for bad in ["", "North", "no rth", "../main", "a/b", &"a".repeat(64)] {
        let answer = get(&bakery, "/v1/items/1", &all, Some(bad)).await;
        assert_eq!(answer.problem(), "400 ledger_invalid", "{bad}");
    }
    let answer = get(&bakery, "/v1/items/1", &all, Some("south")).await;
    assert_eq!(answer.problem(), "404 ledger_not_found");
}

/// The same answer, whether the other ledger exists or not, on every route.
#[tokio::test]
async fn a_token_for_one_ledger_learns_nothing_of_another() {
    let (bakery, token) = two().await;
    let mut of_ledger = 0;
    for route in routes() {
        if !matches!(route.access.needs, Needs::Role(_)) {
            continue;
        }
        let what = format!("{} {}", route.method, route.path);
        let path = |name| {
            route.path.replace("{id}", "1").replace("{position}", "1").replace("{name}", name)
        };
        let ask = async |name, ledger| {
            let call = (route.method.clone(), path(name), Value::Null);
            let answer = send(&bakery, (call.0, &call.1, &call.2), &token, ledger).await;
            let mut problem = answer.json();
            let object = problem.as_object_mut().expect("a problem");
            object.remove("instance");
            (answer.status, problem.to_string().replace("main", "NAME").replace("south", "NAME"))
        };
        if route.access.whole_store {
            assert!(ask("main", None).await.1.contains("forbidden_for_ledger"), "{what}");
        } else if is_of_ledger(route.operation) {
            of_ledger += 1;
            let there = ask("x", Some("main")).await;
            assert_eq!(there, ask("x", Some("south")).await, "{what}");
            assert!(there.1.contains("ledger_not_found"), "{what}: {}", there.1);
        } else if route.path.contains("{name}") {
            assert_eq!(ask("main", None).await, ask("south", None).await, "{what}");
        }
    }
    assert!(of_ledger >= 20, "{of_ledger}");
    let list = get(&bakery, "/v1/ledgers", &token, None).await.json();
    assert_eq!(list["ledgers"].as_array().map(Vec::len), Some(1));
    assert_eq!(list["ledgers"][0]["name"], "north");
    let own = get(&bakery, "/v1/items", &token, Some("north")).await;
    assert_eq!(own.json()["items"], json!([]));
    assert_eq!(get(&bakery, "/v1/items", &token, None).await.json()["items"], json!([]));
    let shown = get(&bakery, "/metrics", "", None).await.text;
    assert!(!shown.contains("north") && shown.contains("itemeventstore_open_ledgers 2"), "{shown}");
}

#[tokio::test]
async fn a_cursor_of_another_ledger_is_of_another_history() {
    let (bakery, _) = two().await;
    let all = bakery.secret(Role::Manager).to_owned();
    let roll = json!({ "name": "Roll", "initial_quantity": 3 });
    send(&bakery, (Method::POST, "/v1/items", &roll), &all, Some("north")).await;
    let ledger =
        bakery.service.ledgers.get(&"north".parse().expect("a name")).await.expect("opens");
    let mut follower =
        ledger.follow(item_event_store::ids::Position::START).await.expect("follows");
    let event = follower.next().await.expect("events").remove(0);
    let path = format!("/v1/events/stream?after={}", follower.cursor(&event));
    assert_eq!(get(&bakery, &path, &all, None).await.problem(), "409 history_diverged");
}

#[tokio::test]
async fn ledgers_are_made_once_and_by_good_names() {
    let (bakery, _) = two().await;
    let create = async |body: Value| as_admin(&bakery, Method::POST, "/v1/ledgers", &body).await;
    assert_eq!(create(json!({ "name": "north" })).await.problem(), "409 ledger_exists");
    for bad in [
        json!({ "name": "North" }),
        json!({ "name": "" }),
        json!({ "name": "store" }),
        json!({ "name": "south", "time_zone": "Atlantis" }),
        json!({ "name": "south", "day_start_hour": 24 }),
        json!({ "name": "south", "day_start_hour": -1 }),
    ] {
        assert_eq!(create(bad.clone()).await.problem(), "422 invalid_member", "{bad}");
    }
    let body = json!({ "name": "south", "time_zone": "Europe/Vienna", "day_start_hour": 23 });
    let made = create(body).await.json();
    assert_eq!(made["position"], 0);
    assert_eq!(made["ledger"]["time_zone"], "Europe/Vienna");
    assert_eq!(made["ledger"]["day_start_hour"], 23);
    let token = json!({ "name": "app", "role": "baker", "ledger": "west" });
    let refused = as_admin(&bakery, Method::POST, "/v1/tokens", &token).await;
    assert_eq!(refused.problem(), "404 ledger_not_found");
    let token = json!({ "name": "app", "role": "baker", "ledger": "south" });
    let made = as_admin(&bakery, Method::POST, "/v1/tokens", &token).await.json();
    assert_eq!(made["token"]["ledger"], "south");
}

#[tokio::test]
async fn an_archived_ledger_is_read_and_not_written_to() {
    let (bakery, token) = two().await;
    let edit = async |body: Value| {
        send(&bakery, (Method::PATCH, "/v1/ledgers/north", &body), &token, None).await
    };
    assert!(edit(json!({ "archived": true })).await.json()["ledger"]["archived_at"].is_string());
    let roll = json!({ "name": "Roll" });
    let refused = send(&bakery, (Method::POST, "/v1/items", &roll), &token, None).await;
    assert_eq!(refused.problem(), "409 ledger_archived");
    assert_eq!(get(&bakery, "/v1/items", &token, None).await.status, StatusCode::OK);
    let shown = get(&bakery, "/v1/ledgers/north", &token, None).await.json();
    assert!(shown["ledger"]["archived_at"].is_string());
    let back = edit(json!({ "archived": false, "day_start_hour": 4 })).await.json();
    assert_eq!(back["ledger"]["archived_at"], Value::Null);
    assert_eq!(back["ledger"]["day_start_hour"], 4);
    let made = send(&bakery, (Method::POST, "/v1/items", &roll), &token, None).await;
    assert_eq!(made.status, StatusCode::CREATED);
    assert_eq!(edit(json!({ "day_start_hour": 24 })).await.problem(), "422 invalid_member");
    assert_eq!(edit(json!({ "name": "south" })).await.problem(), "400 malformed_json");
}
