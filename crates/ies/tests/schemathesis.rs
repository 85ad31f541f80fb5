//! The live server is held to its own description: schemathesis makes up requests from
//! `openapi.json`, allowed ones and others, and judges every answer. On every store.

#[path = "../../item_event_store/tests/store/backend/cluster.rs"]
mod cluster;
mod server;

use cluster::Cluster;
use hyper::StatusCode;
use serde_json::{Value, json};
use server::{Client, Server, done, ies};
use std::path::{Path, PathBuf};
use std::process::Command;

const ITEMS: usize = 40;
const TOKENS: usize = 40;
/// Cases that fuzzing makes up for each operation, on the embedded store and on a server's: behind
/// both is the same service.
const CASES: u32 = 40;
const CASES_ON_POSTGRES: u32 = 12;

/// Requests that the document allows may still be refused: that a text has no white space at its
/// ends, that a cursor was given out by us, that an item has so many, no JSON Schema can say.
const CHECKS_LEFT_OUT: &str = "positive_data_acceptance";

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").canonicalize().expect("the checkout")
}

fn program() -> PathBuf {
    let program = root().join(".venv/bin/schemathesis");
    assert!(program.exists(), "{} is missing: run ./test, which installs it", program.display());
    program
}

/// One seed unless `IES_SEED` names another.
fn seed() -> String {
    std::env::var("IES_SEED").unwrap_or_else(|_| "7420".to_owned())
}

async fn bakery(store: &Path) -> (Server, String) {
    let server = Server::start(store, &[]);
    let token = server.token.clone().expect("a token");
    let make =
        |n| json!({ "command": "create_item", "name": format!("{n}"), "initial_quantity": n });
    let items: Vec<_> = (1..=ITEMS).map(make).collect();
    let (status, body) = server.client(&token).post("/v1/events", &json!(items)).await;
    assert_eq!(status, StatusCode::CREATED, "{body}");
    (server, token)
}

/// Runs schemathesis on some operations, and fails with what it says.
fn run(server: &Server, token: &str, cases: u32, operations: &[&str]) {
    let folder = tempfile::tempdir().expect("a folder");
    let folder = folder.path();
    // A run whose token was refused everywhere would find nothing wrong.
    let config = folder.join("schemathesis.toml");
    std::fs::write(&config, "[warnings]\nfail-on = [\"missing_auth\"]\n").expect("written");
    let output = Command::new(program())
        .arg("--config-file")
        .arg(&config)
        .args(["--no-color", "run", &format!("{}/openapi.json", server.url)])
        .args(["--header", &format!("Authorization: Bearer {token}")])
        .args(["--phases", "examples,coverage,fuzzing", "--mode", "all"])
        .args(["--max-examples", &cases.to_string(), "--seed", &seed(), "--max-failures", "20"])
        .args(["--generation-database", "none", "--request-timeout", "20"])
        .args(["--checks", "all", "--exclude-checks", CHECKS_LEFT_OUT])
        .args(operations)
        .env("SCHEMATHESIS_HOOKS", root().join("tests/schemathesis_hooks.py"))
        .current_dir(folder)
        .output()
        .expect("schemathesis runs");
    let said = String::from_utf8_lossy(&output.stdout);
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{}\n{said}\n{stderr}", output.status);
    eprintln!("{said}");
}

async fn position(client: &Client) -> i64 {
    let (_, page) = client.get("/v1/events?limit=1").await;
    page["position"].as_i64().expect("a position")
}

/// All operations but two.
async fn the_server_answers_as_its_description_says(store: &Path, cases: u32) {
    let (server, token) = bakery(store).await;
    let client = server.client(&token);
    let before = position(&client).await;
    let left_out = [
        // It never ends by itself; tests/stream.rs reads it.
        "--exclude-operation-id",
        "stream_events",
        // It would revoke the token that the run needs; the test below calls it.
        "--exclude-operation-id",
        "revoke_token",
    ];
    run(&server, &token, cases, &left_out);
    let recorded = position(&client).await - before;
    assert!(recorded >= 20, "only {recorded} events: the requests did not get to the ledger");
    let (status, _) = client.get("/readyz").await;
    assert_eq!(status, StatusCode::OK);
    drop(server);
    done(&ies(&["verify"], store));
}

async fn tokens_are_revoked_as_the_description_says(store: &Path, cases: u32) {
    let (server, first) = bakery(store).await;
    let client = server.client(&first);
    let mut newest = Value::Null;
    for n in 0..TOKENS {
        let body = json!({ "name": format!("token {n}"), "role": "admin" });
        let (status, made) = client.post("/v1/tokens", &body).await;
        assert_eq!(status, StatusCode::CREATED, "{made}");
        newest = made;
    }
    let secret = newest["secret"].as_str().expect("a secret");
    run(&server, secret, cases, &["--include-operation-id", "revoke_token"]);
    let (_, list) = server.client(secret).get("/v1/tokens").await;
    let tokens = list["tokens"].as_array().expect("tokens");
    assert!(tokens.iter().any(|token| token["revoked_at"].is_string()), "none was revoked");
}

/// Stamps the tests out for both stores.
macro_rules! on_every_store {
    ($($name:ident)*) => {
        mod sqlite {
            $(#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $name() {
                let folder = tempfile::tempdir().expect("a folder");
                super::$name(&folder.path().join("store"), super::CASES).await;
            })*
        }
        mod postgres {
            $(#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $name() {
                let cluster = super::Cluster::started();
                let url = cluster.url("ies_app", &cluster.new_database().await);
                super::$name(std::path::Path::new(&url), super::CASES_ON_POSTGRES).await;
            })*
        }
    };
}

on_every_store! {
    the_server_answers_as_its_description_says
    tokens_are_revoked_as_the_description_says
}
