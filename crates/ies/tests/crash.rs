//! kill -9 in the middle of load: what was acknowledged is there exactly once, and what is not
//! known is resolved by its key.

#[path = "../../item_event_store/tests/store/backend/cluster.rs"]
mod cluster;
mod server;

use cluster::Cluster;
use hyper::{Method, StatusCode};
use serde_json::{Value, json};
use server::{Client, Server, done, ies};
use std::collections::HashMap;
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::Duration;

const KILLS: usize = 50;
/// On PostgreSQL, where a start costs more.
const KILLS_ON_POSTGRES: usize = 25;
const CLIENTS: usize = 8;
/// Writes that a server acknowledges at least before it is killed.
const ACKNOWLEDGED: usize = 10;

/// One call, written down before it is sent and after it is answered.
#[derive(Clone)]
struct Call {
    key: String,
    item: i64,
    quantity: i64,
    answer: Option<(StatusCode, Value)>,
}

type History = Arc<Mutex<Vec<Call>>>;

fn invoke(history: &History, key: String, item: i64, quantity: i64) -> usize {
    let mut history = history.lock().expect("unpoisoned");
    history.push(Call { key, item, quantity, answer: None });
    history.len() - 1
}

async fn send(client: &Client, call: &Call) -> Option<(StatusCode, Value)> {
    let path = format!("/v1/items/{}/batches", call.item);
    let key = format!("\"{}\"", call.key);
    let headers = [("idempotency-key", key.as_str()), ("content-type", "application/json")];
    let body = json!({ "quantity": call.quantity }).to_string();
    let response = client.send(Method::POST, &path, &headers, body).await.ok()?;
    let status = response.status();
    let body = http_body_util::BodyExt::collect(response.into_body()).await.ok()?.to_bytes();
    Some((status, serde_json::from_slice(&body).ok()?))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_acknowledged_write_survives_kill_9() {
    let folder = tempfile::tempdir().expect("a folder");
    kill_again_and_again(&folder.path().join("store"), KILLS).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_acknowledged_write_survives_kill_9_on_postgres() {
    let cluster = Cluster::started();
    let url = cluster.url("ies_app", &cluster.new_database().await);
    kill_again_and_again(Path::new(&url), KILLS_ON_POSTGRES).await;
}

fn acknowledged(history: &History) -> usize {
    history.lock().expect("unpoisoned").iter().filter(|call| call.answer.is_some()).count()
}

async fn kill_again_and_again(store: &Path, kills: usize) {
    let history = History::default();
    let mut token = String::new();
    for kill in 0..kills {
        let server = Server::start(store, &[]);
        if let Some(first) = &server.token {
            token.clone_from(first);
            for name in ["Croissant", "Baguette", "Roll"] {
                let (status, _) =
                    server.client(&token).post("/v1/items", &json!({"name": name})).await;
                assert_eq!(status, StatusCode::CREATED);
            }
        }
        let clients: Vec<_> = (0..CLIENTS)
            .map(|client| {
                let (http, history) = (server.client(&token), Arc::clone(&history));
                tokio::spawn(async move {
                    for number in 0.. {
                        let item = i64::from(number % 3) + 1;
                        let key = format!("kill-{kill}-{client}-{number}");
                        let index = invoke(&history, key, item, i64::from(number % 7) + 1);
                        let call = history.lock().expect("unpoisoned")[index].clone();
                        let answer = send(&http, &call).await;
                        let lost = answer.is_none();
                        history.lock().expect("unpoisoned")[index].answer = answer;
                        if lost {
                            break;
                        }
                    }
                })
            })
            .collect();
        let enough = acknowledged(&history) + ACKNOWLEDGED;
        while acknowledged(&history) < enough {
            let sending = clients.iter().any(|client| !client.is_finished());
            assert!(sending, "the server ended by itself");
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        tokio::time::sleep(Duration::from_millis(13 * (kill as u64 % 10))).await;
        server.kill();
        for client in clients {
            client.await.expect("joins");
        }
    }
    let server = Server::start(store, &[]);
    resolve_and_check(&server.client(&token), &history).await;
    drop(server);
    done(&ies(&["verify"], store));
}

async fn resolve_and_check(client: &Client, history: &History) {
    let calls = history.lock().expect("unpoisoned").clone();
    let mut by_position: HashMap<i64, String> = HashMap::new();
    let mut sums: HashMap<i64, i64> = HashMap::new();
    for call in &calls {
        let (status, again) = send(client, call).await.expect("an answer");
        match &call.answer {
            Some((first, body)) => {
                assert_eq!((*first, status), (StatusCode::CREATED, StatusCode::OK), "{}", call.key);
                assert_eq!(again["events"], body["events"], "{}", call.key);
                assert_eq!(again["replayed"], true, "{}", call.key);
            }
            None => assert!(status.is_success(), "{} {status}", call.key),
        }
        assert_eq!(again["events"].as_array().map(Vec::len), Some(1));
        assert_eq!(again["events"][0]["quantity_change"], call.quantity);
        let position = again["events"][0]["id"].as_i64().expect("a position");
        let other = by_position.insert(position, call.key.clone());
        assert_eq!(other, None, "two keys at position {position}");
        *sums.entry(call.item).or_default() += call.quantity;
    }
    for (item, sum) in sums {
        let (_, read) = client.get(&format!("/v1/items/{item}/inventory")).await;
        assert_eq!(read["inventory"]["quantity"], sum, "item {item}");
        assert_eq!(read["position"], calls.len(), "nothing else was recorded");
    }
}
