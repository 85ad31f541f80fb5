//! Who may what, over the network: every operation of the API's document with every kind of
//! caller, and every command with every role.

mod server;

use hyper::{Method, StatusCode};
use serde_json::{Value, json};
use server::{Client, Server, read};
use std::time::Duration;
use tempfile::TempDir;

const ROLES: [&str; 4] = ["viewer", "baker", "manager", "admin"];
/// How long a stream may stay open that should end, before it counts as hanging.
const PATIENCE: Duration = Duration::from_secs(10);

/// A server with an item of 1,000 and a token for every role.
struct Bakery {
    server: Server,
    admin: Client,
    tokens: Vec<(&'static str, String)>,
    _folder: TempDir,
}

impl Bakery {
    async fn open() -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let server = Server::start(&folder.path().join("store"), &[]);
        let admin = server.client(server.token.as_deref().expect("a token"));
        let item = json!({ "name": "Croissant", "initial_quantity": 1_000 });
        assert_eq!(admin.post("/v1/items", &item).await.0, StatusCode::CREATED);
        let mut bakery = Self { server, admin, tokens: Vec::new(), _folder: folder };
        for role in ROLES {
            let (_, secret) = bakery.token(role, &Value::Null).await;
            bakery.tokens.push((role, secret));
        }
        bakery
    }

    /// A new token: its number and its secret.
    async fn token(&self, role: &str, expires_at: &Value) -> (i64, String) {
        let body = json!({ "name": format!("a {role}"), "role": role, "expires_at": expires_at });
        let (status, made) = self.admin.post("/v1/tokens", &body).await;
        assert_eq!(status, StatusCode::CREATED, "{made}");
        let secret = made["secret"].as_str().expect("a secret").to_owned();
        (made["token"]["id"].as_i64().expect("an id"), secret)
    }

    async fn revoke(&self, id: i64) {
        let path = format!("/v1/tokens/{id}");
        let (status, _) = self.admin.write(Method::DELETE, &path, &Value::Null).await;
        assert_eq!(status, StatusCode::NO_CONTENT);
    }

    fn client(&self, role: &str) -> Client {
        let token = self.tokens.iter().find(|(of, _)| *of == role).expect("a role");
        self.server.client(&token.1)
    }

    /// Tokens that nobody may be let in with.
    async fn bad_tokens(&self) -> Vec<(&'static str, String)> {
        let (_, expired) = self.token("admin", &json!("2020-01-01T00:00:00Z")).await;
        let (id, revoked) = self.token("admin", &Value::Null).await;
        self.revoke(id).await;
        let good = &self.tokens[3].1;
        vec![
            ("none", String::new()),
            ("malformed", "ies_x".to_owned()),
            ("cut off", good[..good.len() - 1].to_owned()),
            ("in capitals", good.to_uppercase()),
            ("unknown", format!("ies_{}", "0".repeat(64))),
            ("expired", expired),
            ("revoked", revoked),
        ]
    }

    async fn position(&self) -> i64 {
        let (_, page) = self.admin.get("/v1/events?limit=1").await;
        page["position"].as_i64().expect("a position")
    }
}

/// Every operation of the document: method, path, and the weakest role that may call it.
fn operations() -> Vec<(Method, String, Option<String>)> {
    let document: Value =
        serde_json::from_str(include_str!("../../../docs/openapi.json")).expect("JSON");
    let mut all = Vec::new();
    for (path, operations) in document["paths"].as_object().expect("paths") {
        let path = path.replace("/tokens/{id}", "/tokens/4242");
        let path = path.replace("{id}", "1").replace("{position}", "1");
        for (method, operation) in operations.as_object().expect("operations") {
            let role = operation["x-role"].as_str().map(str::to_owned);
            let secured = operation["security"] != json!([]);
            assert_eq!(secured, role.is_some(), "{method} {path}");
            let method = method.to_uppercase().parse().expect("a method");
            all.push((method, path.clone(), role));
        }
    }
    all
}

async fn status(client: &Client, method: &Method, path: &str) -> StatusCode {
    // Without a key and a body: a write that is let in ends right behind the gate.
    client.send(method.clone(), path, &[], "").await.expect("an answer").status()
}

fn rank(role: &str) -> usize {
    ROLES.iter().position(|name| *name == role).expect("a role")
}

#[tokio::test]
async fn every_operation_lets_in_its_role_and_the_stronger_ones_only() {
    let bakery = Bakery::open().await;
    let bad = bakery.bad_tokens().await;
    let operations = operations();
    assert!(operations.len() >= 29, "only {} operations", operations.len());
    for (method, path, needs) in &operations {
        for (what, token) in &bad {
            let status = status(&bakery.server.client(token), method, path).await;
            let refused = status == StatusCode::UNAUTHORIZED;
            assert_eq!(refused, needs.is_some(), "{method} {path} {what}: {status}");
        }
        for role in ROLES {
            let status = status(&bakery.client(role), method, path).await;
            assert_ne!(status, StatusCode::UNAUTHORIZED, "{method} {path} {role}");
            let too_weak = needs.as_ref().is_some_and(|needs| rank(role) < rank(needs));
            let forbidden = status == StatusCode::FORBIDDEN;
            assert_eq!(forbidden, too_weak, "{method} {path} {role}: {status}");
        }
    }
    assert_eq!(bakery.position().await, 1, "none of this recorded anything");
}

#[tokio::test]
async fn head_is_guarded_as_get_is_and_has_no_body() {
    let bakery = Bakery::open().await;
    let nobody = bakery.server.client("");
    for (method, path, needs) in operations() {
        if method != Method::GET || path.ends_with("/stream") {
            continue;
        }
        let without = status(&nobody, &Method::HEAD, &path).await;
        assert_eq!(without == StatusCode::UNAUTHORIZED, needs.is_some(), "{path}: {without}");
        for role in ROLES {
            let client = bakery.client(role);
            let got = status(&client, &Method::GET, &path).await;
            let head = client.send(Method::HEAD, &path, &[], "").await.expect("an answer");
            assert_eq!(head.status(), got, "{path} {role}");
            assert_eq!(read(head).await.1, "", "{path} {role}");
        }
    }
}

#[tokio::test]
async fn methods_that_the_document_lacks_are_refused() {
    let bakery = Bakery::open().await;
    let operations = operations();
    let others =
        [Method::OPTIONS, Method::TRACE, Method::PUT, Method::PATCH, Method::DELETE, Method::POST];
    for (_, path, _) in &operations {
        let known: Vec<_> =
            operations.iter().filter(|(_, of, _)| of == path).map(|(m, _, _)| m).collect();
        for method in others.iter().filter(|method| !known.contains(method)) {
            for client in [bakery.client("admin"), bakery.server.client("")] {
                let answer = client.send(method.clone(), path, &[], "").await.expect("an answer");
                let allow = answer.headers().get("allow").expect("Allow").to_str().expect("text");
                let allow: Vec<_> = allow.split(", ").map(str::to_owned).collect();
                for known in &known {
                    assert!(allow.contains(&known.to_string()), "{path}: {allow:?}");
                }
                let (status, body) = read(answer).await;
                assert_eq!(status, StatusCode::METHOD_NOT_ALLOWED, "{method} {path}");
                assert_eq!(body["code"], "method_not_allowed", "{method} {path}");
            }
        }
    }
}

#[tokio::test]
async fn a_header_does_not_change_the_method_and_a_query_is_no_token() {
    let bakery = Bakery::open().await;
    let (id, secret) = bakery.token("viewer", &Value::Null).await;
    let (viewer, admin) = (bakery.client("viewer"), bakery.client("admin"));
    for name in ["x-http-method-override", "x-http-method", "x-method-override"] {
        let path = format!("/v1/tokens/{id}");
        let key = ("idempotency-key", "k");
        let answer = admin.send(Method::POST, &path, &[(name, "DELETE"), key], "").await;
        assert_eq!(answer.expect("an answer").status(), StatusCode::METHOD_NOT_ALLOWED, "{name}");
        assert_eq!(bakery.server.client(&secret).get("/v1/items").await.0, StatusCode::OK);
        let answer = viewer.send(Method::POST, "/v1/items", &[(name, "GET")], "").await;
        assert_eq!(answer.expect("an answer").status(), StatusCode::FORBIDDEN, "{name}");
        let answer = viewer.send(Method::GET, "/v1/items", &[(name, "POST")], "").await;
        assert_eq!(answer.expect("an answer").status(), StatusCode::OK, "{name}");
    }
    let nobody = bakery.server.client("");
    let token = &bakery.tokens[3].1;
    for path in ["?access_token=", "?token="].map(|query| format!("/v1/items{query}{token}")) {
        assert_eq!(nobody.get(&path).await.0, StatusCode::UNAUTHORIZED, "{path}");
    }
    let bearer = format!("Bearer {token}");
    let cookie = format!("token={token}");
    for headers in [
        &[("cookie", cookie.as_str())][..],
        &[("proxy-authorization", &bearer)],
        &[("authorization", &bearer), ("authorization", "Bearer ies_x")],
        &[("authorization", "Bearer ies_x"), ("authorization", &bearer)],
        &[("authorization", token)],
    ] {
        let answer = nobody.send(Method::GET, "/v1/items", headers, "").await.expect("an answer");
        assert_eq!(answer.status(), StatusCode::UNAUTHORIZED, "{headers:?}");
    }
}

/// Every command of a bulk request with the weakest role that may give it.
fn commands() -> Vec<(&'static str, Value)> {
    let kinds = [
        ("baker", "waste"),
        ("baker", "damage"),
        ("baker", "expired"),
        ("baker", "sample"),
        ("manager", "return"),
        ("manager", "transfer"),
        ("manager", "other"),
    ];
    let adjust = |(role, kind): (&'static str, &str)| {
        let change = if kind == "return" { 1 } else { -1 };
        (
            role,
            json!({ "command": "adjustment", "item_id": 1, "quantity_change": change,
            "kind": kind }),
        )
    };
    let mut all: Vec<_> = kinds.into_iter().map(adjust).collect();
    let set = |kind: &str| {
        json!({ "command": "set_inventory", "item_id": 1, "quantity": 1_000,
            "expected_quantity": null, "kind": kind })
    };
    all.extend([
        ("baker", json!({ "command": "create_item", "name": "Roll", "initial_quantity": 1 })),
        ("baker", json!({ "command": "batch", "item_id": 1, "quantity": 1 })),
        ("baker", json!({ "command": "bakeoff", "item_id": 1, "quantity": 1 })),
        ("baker", json!({ "command": "special_order", "item_id": 1, "quantity": 1 })),
        ("manager", json!({ "command": "edit_item", "item_id": 1, "name": "Kipferl" })),
        ("manager", json!({ "command": "correct", "position": 1, "quantity_change": 900 })),
        ("manager", json!({ "command": "void", "position": 1 })),
        ("manager", set("override")),
        ("manager", set("count")),
    ]);
    all
}

#[tokio::test]
async fn every_command_of_a_bulk_request_needs_its_own_role() {
    for (needs, command) in commands() {
        let bakery = Bakery::open().await;
        for role in ROLES {
            let before = bakery.position().await;
            let harmless = json!({ "command": "batch", "item_id": 1, "quantity": 1 });
            let body = json!([harmless, command]);
            let (status, answer) = bakery.client(role).post("/v1/events", &body).await;
            if rank(role) >= rank(needs) {
                assert_eq!(status, StatusCode::CREATED, "{role} {command}: {answer}");
                break;
            }
            assert_eq!(status, StatusCode::FORBIDDEN, "{role} {command}: {answer}");
            assert_eq!(answer["code"], "forbidden_for_role");
            let (required, line) =
                if role == "viewer" { ("baker", None) } else { (needs, Some(2)) };
            assert_eq!(answer["required_role"], required, "{role} {command}");
            assert_eq!(answer["line"].as_u64(), line, "{role} {command}");
            assert_eq!(bakery.position().await, before, "{role} {command}: all or nothing");
        }
    }
}

#[tokio::test]
async fn every_kind_of_adjustment_needs_its_own_role() {
    let bakery = Bakery::open().await;
    for (needs, mut body) in commands().into_iter().filter(|c| c.1["command"] == "adjustment") {
        let members = body.as_object_mut().expect("an object");
        members.remove("command");
        members.remove("item_id");
        for role in ROLES {
            let (status, answer) = bakery.client(role).post("/v1/items/1/adjustments", &body).await;
            let expected =
                if rank(role) >= rank(needs) { StatusCode::CREATED } else { StatusCode::FORBIDDEN };
            assert_eq!(status, expected, "{role} {body}: {answer}");
        }
    }
}

#[tokio::test]
async fn a_revoked_token_ends_its_stream_and_the_next_request() {
    let bakery = Bakery::open().await;
    let (id, secret) = bakery.token("viewer", &Value::Null).await;
    let (_, other) = bakery.token("viewer", &Value::Null).await;
    let (client, neighbour) = (bakery.server.client(&secret), bakery.server.client(&other));
    let open = async |client: &Client| {
        let answer = client.send(Method::GET, "/v1/events/stream", &[], "").await;
        let answer = answer.expect("an answer");
        assert_eq!(answer.status(), StatusCode::OK);
        answer
    };
    let (stream, goes_on) = (open(&client).await, open(&neighbour).await);
    bakery.revoke(id).await;
    assert_eq!(client.get("/v1/items").await.0, StatusCode::UNAUTHORIZED);
    let ended = tokio::time::timeout(PATIENCE, read(stream)).await.expect("the stream ends");
    assert!(ended.1.as_str().expect("frames").contains("event: initial"));
    let still = tokio::time::timeout(Duration::from_secs(1), read(goes_on)).await;
    assert!(still.is_err(), "the neighbour's stream goes on");
}
