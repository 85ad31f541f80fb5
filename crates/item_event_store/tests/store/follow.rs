//! Followers: every event once, in order, from a cursor on, or the clear word that history is
//! another one.

use crate::backend::{TestLedger, batch};
use item_event_store::error::FollowError;
use item_event_store::follow::{Cursor, Follower};
use item_event_store::ids::{Epoch, Position};
use std::time::Duration;

async fn next(follower: &mut Follower) -> Vec<i64> {
    let wait = tokio::time::timeout(Duration::from_secs(20), follower.next());
    let events = wait.await.expect("in time").expect("events");
    events.iter().map(|event| event.id.0).collect()
}

pub async fn catch_up_then_live_without_gap_or_repeat(t: &TestLedger) {
    const EVENTS: usize = 5_000;
    let item = t.item("Croissant", 0).await;
    let ledger = t.ledger();
    let followers = (0..4).map(|_| {
        let ledger = ledger.clone();
        tokio::spawn(async move {
            let mut follower = ledger.follow(Position::START).await.expect("follows");
            let mut seen = Vec::new();
            while seen.len() < EVENTS {
                // A wait that is given up loses nothing.
                let short = tokio::time::timeout(Duration::from_micros(50), follower.next()).await;
                match short {
                    Ok(events) => seen.extend(events.expect("events").iter().map(|e| e.id.0)),
                    Err(_) => seen.extend(next(&mut follower).await),
                }
            }
            seen
        })
    });
    let followers: Vec<_> = followers.collect();
    for _ in 0..EVENTS / 10 {
        t.all(vec![batch(item, 1); 10]).await;
    }
    for follower in followers {
        let seen = follower.await.expect("joins");
        assert!(seen.iter().copied().eq((1..).take(EVENTS)), "{} events", seen.len());
    }
}

pub async fn every_cursor_resumes_where_it_was_taken(t: &TestLedger) {
    let item = t.item("Croissant", 10).await;
    t.all(vec![batch(item, 1); 4]).await;
    t.reopen().await;
    let follower = t.ledger().follow(Position::START).await.expect("follows");
    for event in t.log().await {
        let cursor: Cursor = follower.cursor(&event).to_string().parse().expect("a cursor");
        let mut resumed = t.ledger().resume(&cursor).await.expect("the same history");
        if event.id.0 < 5 {
            let expected: Vec<i64> = (event.id.0 + 1..=5).collect();
            assert_eq!(next(&mut resumed).await, expected);
        } else {
            t.one(batch(item, 1)).await;
            assert_eq!(next(&mut resumed).await, [6]);
        }
    }
    let start = Cursor::start(t.ledger().store().head().await.expect("reads").epoch);
    let mut from_start = t.ledger().resume(&start).await.expect("the same history");
    assert_eq!(next(&mut from_start).await.len(), 6);
}

pub async fn a_cursor_of_another_history_is_refused(t: &TestLedger) {
    let item = t.item("Croissant", 10).await;
    t.one(batch(item, 1)).await;
    let epoch = t.ledger().store().head().await.expect("reads").epoch;
    let log = t.log().await;
    let good = Cursor::at(epoch.clone(), &log[1]);
    assert!(t.ledger().resume(&good).await.is_ok());
    let other_epoch = Cursor { epoch: Epoch::random(), ..good.clone() };
    let other_event = Cursor { tag: log[0].tag(), ..good.clone() };
    let beyond = Cursor { position: Position(3), ..good.clone() };
    let start_tag = Cursor { position: Position::START, ..good };
    for cursor in [other_epoch, other_event, beyond, start_tag] {
        match t.ledger().resume(&cursor).await {
            Err(FollowError::HistoryDiverged { position, .. }) => assert_eq!(position.0, 2),
            other => panic!("{:?}", other.err()),
        }
    }
    assert!(t.ledger().follow(Position(3)).await.is_err());
}

pub async fn an_insert_by_hand_is_seen(t: &TestLedger) {
    t.item("Croissant", 10).await;
    let mut follower = t.ledger().follow(Position(1)).await.expect("follows");
    let waiting = tokio::spawn(async move { next(&mut follower).await });
    tokio::time::sleep(Duration::from_millis(100)).await;
    t.backend.shell().run(&t.backend.insert(1, 24, "batch")).expect("inserted");
    assert_eq!(waiting.await.expect("joins"), [2]);
}
