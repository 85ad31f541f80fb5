//! Two that write to one ledger, with clocks that differ: what is decided by the one that is behind
//! is recorded, and told, at the ledger's time.

mod postgres;

use item_event_store::Ledger;
use item_event_store::clock::SetClock;
use item_event_store::command::{Command, Record};
use item_event_store::ids::ItemId;
use item_event_store::limits::MAX_CLOCK_SKEW_MICROS;
use item_event_store::rejection::Rejection;
use item_event_store::request::Answer;
use item_event_store::time::Timestamp;
use postgres::{Cluster, batch, create, insist, open_with, recorded, request, send, verify};
use std::sync::Arc;

const SECOND: i64 = 1_000_000;

fn at(second: i64) -> Timestamp {
    "2026-11-23T05:00:00Z".parse::<Timestamp>().expect("a time").plus_micros(second * SECOND)
}

/// One more piece of the first item.
fn one(occurred_at: Option<Timestamp>) -> Record {
    let Command::Record(record) = batch() else { unreachable!("a record") };
    Record { occurred_at, ..record }
}

/// One that is a second behind, has seen the other write, and not what it wrote last.
async fn behind() -> Ledger {
    let cluster = Cluster::started();
    let database = cluster.new_database().await;
    let url = cluster.url("ies_app", &database);
    let slow = open_with(&url, Arc::new(SetClock::new(at(0)))).await;
    let clock = Arc::new(SetClock::new(at(0)));
    let fast = open_with(&url, Arc::clone(&clock) as _).await;
    recorded(send(&slow, create("Croissant", 10)).await);
    recorded(send(&slow, create("Brioche", 10)).await);
    let brioche = || Command::Record(Record { item_id: ItemId(2), ..one(None) });
    recorded(send(&fast, brioche()).await);
    recorded(send(&slow, brioche()).await);
    clock.set(at(1));
    recorded(send(&fast, brioche()).await);
    slow
}

#[tokio::test]
async fn a_rejection_names_the_time_at_which_it_is_recorded() {
    let slow = behind().await;
    let late = at(1).plus_micros(MAX_CLOCK_SKEW_MICROS + 1);
    let request = request(vec![Command::Record(one(Some(late)))]);
    for replay in [false, true] {
        let Answer::Rejected { replayed, rejected } = insist(&slow, &request).await else {
            panic!("that is in the future");
        };
        assert_eq!(replayed, replay);
        let now = at(1).to_string();
        let occurred_at = late.to_string();
        assert_eq!(rejected.rejection, Rejection::OccurredInFuture { occurred_at, now });
    }
    verify(&slow).await;
}

#[tokio::test]
async fn what_the_ledger_s_time_has_reached_is_not_in_its_future() {
    let slow = behind().await;
    let reached = at(1).plus_micros(MAX_CLOCK_SKEW_MICROS);
    let told = recorded(send(&slow, Command::Record(one(Some(reached)))).await);
    assert_eq!((told.events[0].occurred_at, told.events[0].created_at), (Some(reached), at(1)));
    verify(&slow).await;
}
