//! Real servers on one PostgreSQL database, beside a real psql.

#[path = "../../item_event_store/tests/store/backend/cluster.rs"]
mod cluster;
mod server;

use cluster::{Cluster, binaries};
use hyper::{Method, StatusCode};
use item_event_store::Ledger;
use item_event_store::ids::{LedgerName, Position};
use item_event_store::store::{self, Mode};
use serde_json::json;
use server::{Client, Server, done, ies, key};
use std::path::Path;
use std::process::Command;
use std::time::Duration;
use tokio::task::JoinSet;

/// Takes one piece at a time until there is none left; gives how many.
async fn take_all(client: Client) -> usize {
    let mut taken = 0;
    loop {
        let key = key();
        let (status, body) = loop {
            let take = json!({ "quantity": 1 });
            let sent = client.write_as(Method::POST, "/v1/items/1/bakeoffs", &key, &take).await;
            if sent.0 != StatusCode::SERVICE_UNAVAILABLE {
                break sent;
            }
        };
        match status {
            StatusCode::CREATED | StatusCode::OK => taken += 1,
            _ => {
                assert_eq!(
                    (status, &body["code"]),
                    (StatusCode::CONFLICT, &json!("insufficient_stock"))
                );
                return taken;
            }
        }
    }
}

/// The same by psql.
fn take_all_by_hand(cluster: &Cluster, database: &str) -> usize {
    let take = "INSERT INTO item_event_store (item_id, quantity_change, reason)
        VALUES (1, -1, 'bakeoff')";
    let mut taken = 0;
    loop {
        let psql = Command::new(binaries().join("psql"))
            .args(["-X", "-h"])
            .arg(&cluster.folder)
            .args(["-U", "ies_app", "-d", database, "-c", take])
            .output()
            .expect("psql runs");
        if psql.status.success() {
            taken += 1;
        } else {
            let said = String::from_utf8_lossy(&psql.stderr);
            assert!(said.contains("insufficient_stock"), "{said}");
            return taken;
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_servers_and_psql_take_the_last_1000_pieces_exactly_once() {
    const PIECES: usize = 1_000;
    let cluster = Cluster::started();
    let database = cluster.new_database().await;
    let url = cluster.url("ies_app", &database);
    let first = Server::start(Path::new(&url), &["--requests-per-second", "0"]);
    let second = Server::start(Path::new(&url), &["--requests-per-second", "0"]);
    let admin = first.token.clone().expect("a token");
    let item = json!({ "name": "Croissant", "initial_quantity": PIECES });
    assert_eq!(first.client(&admin).post("/v1/items", &item).await.0, StatusCode::CREATED);
    let mut takers = JoinSet::new();
    for taker in 0..16 {
        let server = if taker % 2 == 0 { &first } else { &second };
        takers.spawn(take_all(server.client(&admin)));
    }
    let by_hand = {
        let database = database.clone();
        tokio::task::spawn_blocking(move || take_all_by_hand(cluster, &database))
    };
    let taken = takers.join_all().await;
    let by_hand = by_hand.await.expect("joins");
    assert_eq!(taken.iter().sum::<usize>() + by_hand, PIECES, "{taken:?} and {by_hand} by hand");
    assert!(by_hand > 0 && taken.iter().filter(|n| **n > 0).count() > 8, "{taken:?} and {by_hand}");
    let (_, read) = second.client(&admin).get("/v1/items/1/inventory").await;
    assert_eq!((&read["inventory"]["quantity"], &read["position"]), (&json!(0), &json!(1_001)));
    assert_eq!((first.terminate().code(), second.terminate().code()), (Some(0), Some(0)));
    done(&ies(&["verify"], Path::new(&url)));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_follower_is_woken_by_a_command_of_another_process() {
    let cluster = Cluster::started();
    let database = cluster.new_database().await;
    let url = cluster.url("ies_app", &database);
    done(&ies(&["item", "add", "Croissant", "--initial", "10"], Path::new(&url)));
    let reading = store::open(&cluster.url("ies_read", &database), Mode::Read).await;
    let tables = reading.expect("a store").ledger(&LedgerName::default()).await;
    let ledger = Ledger::read_only(tables.expect("a ledger"));
    let mut follower = ledger
        .follow(Position::START)
        .await
        .expect("follows")
        .polling_every(Duration::from_hours(1));
    for expected in 1..=4 {
        let next = tokio::time::timeout(Duration::from_mins(1), follower.next()).await;
        let events = next.expect("woken in time").expect("events");
        assert_eq!(events.iter().map(|event| event.id.0).collect::<Vec<_>>(), [expected]);
        done(&ies(&["record", "batch", "1", "24"], Path::new(&url)));
    }
}

const CITUS: &str = include_str!("../../item_event_store/tests/store/backend/citus_stand_in.sql");

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn migrate_distributes_the_store_where_citus_is() {
    let cluster = Cluster::started();
    let database = cluster.new_database().await;
    let admin = cluster.connect("postgres", &database).await;
    let (owner, app) = (cluster.url("ies_owner", &database), cluster.url("ies_app", &database));
    done(&ies(&["item", "add", "Croissant", "--initial", "10"], Path::new(&app)));
    assert!(!done(&ies(&["migrate"], Path::new(&owner))).contains("distributed"));
    let lacking = ies(&["migrate", "--citus"], Path::new(&owner));
    let said = String::from_utf8_lossy(&lacking.stderr);
    assert_eq!(lacking.status.code(), Some(78), "{said}");
    assert!(said.contains("CREATE EXTENSION citus"), "{said}");
    admin.batch_execute(CITUS).await.expect("a stand-in");
    for arguments in [&["migrate"][..], &["migrate", "--citus"], &["migrate"]] {
        let said = done(&ies(arguments, Path::new(&owner)));
        assert!(said.ends_with("up to date: 1 ledger, distributed by Citus\n"), "{said}");
    }
    let said = done(&ies(&["migrate", "--format", "json"], Path::new(&app)));
    assert!(said.contains("\"distributed\": true"), "{said}");
    done(&ies(&["record", "batch", "1", "24"], Path::new(&app)));
    let typed = "SELECT quantity_after FROM ies_append('main', 1, -4, 'bakeoff')";
    assert_eq!(admin.query_one(typed, &[]).await.expect("recorded").get::<_, i32>(0), 30);
    done(&ies(&["verify"], Path::new(&app)));
    let printed = |arguments: &[&str]| done(&ies(arguments, Path::new(&owner)));
    let distributes = "create_distributed_table('ledgers', 'ledger_id'";
    assert!(printed(&["migrate", "--print", "--citus"]).contains(distributes));
    assert!(!printed(&["migrate", "--print"]).contains(distributes));
}
