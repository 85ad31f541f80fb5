//! Every route, with every kind of caller.

use super::{Bakery, add_token};
use crate::http::auth::LocalCaller;
use crate::http::auth::Needs;
use crate::http::router::routes;
use crate::http::{Options, Service};
use axum::body::Body;
use axum::http::{Method, Request, StatusCode};
use item_event_store::access::{Caller, Role};
use item_event_store::time::Timestamp;
use serde_json::json;
use std::num::NonZeroU32;

fn bare(method: &Method, path: &str) -> axum::http::request::Builder {
    let path = path.replace("{id}", "1").replace("{position}", "1").replace("{*file}", "x");
    Request::builder().method(method).uri(path)
}

async fn status(bakery: &Bakery, request: axum::http::request::Builder) -> StatusCode {
    use tower::ServiceExt;
    let request = request.body(Body::empty()).expect("a request");
    let Ok(response) = bakery.router.clone().oneshot(request).await;
    response.status()
}

#[tokio::test]
async fn every_route_lets_in_its_role_and_the_stronger_ones_only() {
    let bakery = Bakery::open().await;
    let past = Timestamp::now().plus_micros(-1_000_000);
    let expired = add_token(bakery.service.ledgers.store(), Role::Admin, None, Some(past)).await;
    let revoked = add_token(bakery.service.ledgers.store(), Role::Admin, None, None).await;
    let last = bakery.service.ledgers.store().tokens().await.expect("tokens").pop().expect("one");
    bakery.service.ledgers.store().revoke_token(last.id, Timestamp::now()).await.expect("revoked");
    let unknown = format!("ies_{}", "0".repeat(64));
    for route in routes() {
        let Needs::Role(required) = route.access.needs else {
            let open = status(&bakery, bare(&route.method, route.path)).await;
            assert_ne!(open, StatusCode::UNAUTHORIZED, "{}", route.path);
            continue;
        };
        let what = format!("{} {}", route.method, route.path);
        let nobody = status(&bakery, bare(&route.method, route.path)).await;
        assert_eq!(nobody, StatusCode::UNAUTHORIZED, "{what}");
        for bad in [&expired, &revoked, &unknown, "", "x", "ies_"] {
            let request = bare(&route.method, route.path);
            let request = request.header("authorization", format!("Bearer {bad}"));
            assert_eq!(status(&bakery, request).await, StatusCode::UNAUTHORIZED, "{what} {bad}");
        }
        for role in Role::ALL {
            let request = bare(&route.method, route.path);
            let token = format!("Bearer {}", bakery.secret(role));
            let status = status(&bakery, request.header("authorization", token)).await;
            assert_ne!(status, StatusCode::UNAUTHORIZED, "{what} {role}");
            assert_eq!(status == StatusCode::FORBIDDEN, role < required, "{what} {role}");
        }
    }
}

#[tokio::test]
async fn no_token_and_a_bad_one_are_told_apart() {
    let bakery = Bakery::open().await;
    let request = bare(&Method::GET, "/v1/items");
    let nobody = bakery.send(request.body(Body::empty()).expect("ok")).await;
    assert_eq!(nobody.problem(), "401 unauthenticated");
    assert_eq!(nobody.header("www-authenticate"), "Bearer realm=\"ies\"");
    let request = bare(&Method::GET, "/v1/items").header("authorization", "Bearer ies_x");
    let bad = bakery.send(request.body(Body::empty()).expect("ok")).await;
    assert!(bad.header("www-authenticate").contains("invalid_token"));
    for scheme in ["Basic", "bearerish", "Bearer,"] {
        let token = format!("{scheme} {}", bakery.secret(Role::Admin));
        let request = bare(&Method::GET, "/v1/items").header("authorization", token);
        assert_eq!(status(&bakery, request).await, StatusCode::UNAUTHORIZED, "{scheme}");
    }
}

#[tokio::test]
async fn a_kind_needs_its_own_role() {
    let bakery = Bakery::open().await;
    let id = bakery.item("Croissant", 10).await;
    let path = format!("/v1/items/{id}/adjustments");
    let waste = json!({ "quantity_change": -1, "kind": "waste" });
    let answer = bakery.write(Method::POST, &path, Role::Baker, &waste).await;
    assert_eq!(answer.status, StatusCode::CREATED);
    let back = json!({ "quantity_change": 1, "kind": "return" });
    let answer = bakery.write(Method::POST, &path, Role::Baker, &back).await;
    assert_eq!(answer.problem(), "403 forbidden_for_role");
    assert_eq!(answer.json()["required_role"], "manager");
    let many = json!([
        { "command": "batch", "item_id": id, "quantity": 1 },
        { "command": "void", "position": 1 },
    ]);
    let answer = bakery.write(Method::POST, "/v1/events", Role::Baker, &many).await;
    assert_eq!(answer.problem(), "403 forbidden_for_role");
    assert_eq!(answer.json()["line"], 2);
}

#[tokio::test]
async fn a_caller_within_the_process_needs_no_token() {
    let bakery = Bakery::open().await;
    let actor = "cli".parse().expect("an actor");
    let local = LocalCaller(Caller { actor, role: Role::Viewer });
    let request = |method: Method| {
        let request = bare(&method, "/v1/items").extension(local.clone());
        request.body(Body::empty()).expect("a request")
    };
    assert_eq!(bakery.send(request(Method::GET)).await.status, StatusCode::OK);
    assert_eq!(bakery.send(request(Method::POST)).await.status, StatusCode::FORBIDDEN);
}

#[tokio::test]
async fn tokens_are_made_listed_and_revoked() {
    let bakery = Bakery::open().await;
    let body = json!({ "name": "Anna", "role": "baker" });
    let made = bakery.write(Method::POST, "/v1/tokens", Role::Admin, &body).await;
    assert_eq!(made.status, StatusCode::CREATED, "{}", made.text);
    let (id, secret) = (made.json()["token"]["id"].clone(), made.json()["secret"].clone());
    let secret = secret.as_str().expect("a secret");
    let request = |secret: &str| {
        bare(&Method::GET, "/v1/items").header("authorization", format!("bearer {secret}"))
    };
    assert_eq!(status(&bakery, request(secret)).await, StatusCode::OK);

    let list = bakery.request(Method::GET, "/v1/tokens", Role::Admin);
    let list = bakery.send(list.body(Body::empty()).expect("ok")).await;
    assert!(list.text.contains("\"Anna\"") && !list.text.contains(secret));

    let path = format!("/v1/tokens/{id}");
    for _ in 0..2 {
        let gone = bakery.write(Method::DELETE, &path, Role::Admin, &json!(null)).await;
        assert_eq!(gone.status, StatusCode::NO_CONTENT);
        assert_eq!(status(&bakery, request(secret)).await, StatusCode::UNAUTHORIZED);
    }
    let none = bakery.write(Method::DELETE, "/v1/tokens/99", Role::Admin, &json!(null)).await;
    assert_eq!(none.problem(), "404 token_not_found");
    let body = json!({ "name": "Anna", "role": "boss" });
    let bad = bakery.write(Method::POST, "/v1/tokens", Role::Admin, &body).await;
    assert_eq!(bad.problem(), "422 invalid_member");
}

#[tokio::test]
async fn a_token_that_asks_too_often_is_told_to_wait() {
    let bakery = Bakery::with(Options { requests_per_second: NonZeroU32::new(1) }).await;
    assert_eq!(bakery.get("/v1/items").await.status, StatusCode::OK);
    let limited = bakery.get("/v1/items").await;
    assert_eq!(limited.problem(), "429 rate_limited");
    assert_eq!(limited.json()["executed"], "no");
    assert_eq!(limited.header("retry-after"), "1");
    assert_eq!(bakery.get("/livez").await.status, StatusCode::OK);
    let _: &Service = &bakery.service;
}
