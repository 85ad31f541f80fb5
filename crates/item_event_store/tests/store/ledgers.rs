//! Many ledgers in one store: each a book of its own, opened when asked for, closed when not used.

use crate::backend::{TestLedger, bakeoff, batch, create, recorded};
use item_event_store::Ledgers;
use item_event_store::access::Role;
use item_event_store::error::{ExecuteError, StoreError};
use item_event_store::ids::{ItemId, LedgerName};
use item_event_store::limits::MAX_OPEN_LEDGERS;
use item_event_store::request::Answer;
use item_event_store::settings::{Settings, SettingsChange};
use std::sync::Arc;

fn name(text: &str) -> LedgerName {
    text.parse().expect("a name")
}

fn ledgers(t: &TestLedger) -> Ledgers {
    Ledgers::new(t.store(), Arc::clone(&t.clock) as _)
}

async fn make(t: &TestLedger, ledger: &str) {
    let made = t.store().create_ledger(&name(ledger), &Settings::default()).await;
    assert_eq!(made, Ok(true), "{ledger}");
}

fn archive(yes: bool) -> SettingsChange {
    SettingsChange::default().archived(yes)
}

/// The same keys, items and positions mean other things in another ledger.
pub async fn each_is_a_book_of_its_own(t: &TestLedger) {
    make(t, "north").await;
    let ledgers = ledgers(t);
    let (main, north) = (t.ledger(), ledgers.get(&name("north")).await.expect("opens"));
    let request = t.request(vec![create("Croissant", 10)]);
    for (ledger, quantity) in [(&main, 10), (&north, 10)] {
        let answer = recorded(ledger.execute(request.clone(), Role::Manager).await);
        assert!(!answer.replayed, "the key is new to each");
        assert_eq!((answer.position.0, answer.inventory[0].count.quantity), (1, quantity));
    }
    let taken =
        recorded(north.execute(t.request(vec![bakeoff(ItemId(1), 4)]), Role::Manager).await);
    assert_eq!(taken.position.0, 2);
    assert_eq!(t.quantity(ItemId(1)).await, 10);
    assert_eq!(main.store().head().await.expect("reads").position.0, 1);
    let (here, there) = (main.store().head().await, north.store().head().await);
    assert_ne!(here.expect("reads").epoch, there.expect("reads").epoch);
    for ledger in [&main, &north] {
        let report = ledger.verify(true, &|_, _| ()).await.expect("verifies");
        assert!(report.clean(), "{:#?}", report.findings);
    }
    drop(north);
    ledgers.close().await;
}

pub async fn one_that_does_not_exist_is_not_made_by_asking(t: &TestLedger) {
    let asked = ledgers(t).get(&name("south")).await.map(|_| ());
    assert!(matches!(asked, Err(StoreError::NotFound(_))), "{asked:?}");
    let names: Vec<_> = t.store().ledgers().await.expect("reads");
    assert_eq!(names.iter().map(|info| info.name.as_str()).collect::<Vec<_>>(), ["main"]);
}

pub async fn they_are_listed_with_what_is_chosen_for_them(t: &TestLedger) {
    let vienna = SettingsChange::default().time_zone("Europe/Vienna").expect("a zone");
    let vienna = vienna.day_start_hour(4).expect("an hour");
    let chosen = Settings::default().after(&vienna, t.clock_now());
    assert_eq!(t.store().create_ledger(&name("vienna"), &chosen).await, Ok(true));
    make(t, "a-1_b").await;
    assert_eq!(t.store().create_ledger(&name("vienna"), &Settings::default()).await, Ok(false));
    let all = t.store().ledgers().await.expect("reads");
    let names: Vec<_> = all.iter().map(|info| info.name.as_str()).collect();
    assert_eq!(names, ["a-1_b", "main", "vienna"]);
    assert_eq!(all[2].settings, chosen, "what was there stays as it was");
    t.reopen().await;
    assert_eq!(t.store().ledgers().await.expect("reads"), all);
}

pub async fn an_archived_one_takes_no_requests_and_can_be_read(t: &TestLedger) {
    let item = t.item("Croissant", 10).await;
    let before = t.request(vec![batch(item, 1)]);
    recorded(t.ledger().execute(before.clone(), Role::Manager).await);
    let since = t.ledger().change_settings(archive(true)).await.expect("archived").archived_at;
    assert!(since.is_some());
    let late = t.request(vec![batch(item, 1)]);
    for _ in 0..2 {
        match t.ledger().execute(late.clone(), Role::Manager).await {
            Err(ExecuteError::Rejected(no)) => assert_eq!(no.rejection.code(), "ledger_archived"),
            other => panic!("{other:?}"),
        }
    }
    match t.ledger().execute(before, Role::Manager).await.expect("the stored outcome") {
        Answer::Recorded(again) => assert!(again.replayed),
        no @ Answer::Rejected { .. } => panic!("{no:?}"),
    }
    assert_eq!(t.quantity(item).await, 11);
    t.reopen().await;
    let mut shell = t.backend.shell();
    for typed in [t.backend.insert(1, 24, "batch"), t.backend.insert_item("Baguette")] {
        let refused = shell.run(&typed).expect_err("refused");
        assert!(refused.contains("ledger_archived"), "{refused}");
    }
    t.ledger().change_settings(archive(false)).await.expect("brought back");
    let answer = recorded(t.ledger().execute(late, Role::Manager).await);
    assert!(!answer.replayed, "what was refused was not stored");
}

/// Another instance archives; this one's memory is of before.
pub async fn what_is_chosen_elsewhere_holds_for_the_next_batch(t: &TestLedger) {
    let item = t.item("Croissant", 10).await;
    let now = t.backend.words().epoch;
    t.backend.shell().run(&format!("UPDATE ledgers SET archived_at = {now}")).expect("archived");
    match t.ledger().execute(t.request(vec![batch(item, 1)]), Role::Manager).await {
        Err(ExecuteError::Rejected(no)) => assert_eq!(no.rejection.code(), "ledger_archived"),
        other => panic!("{other:?}"),
    }
    t.backend.shell().run("UPDATE ledgers SET archived_at = NULL").expect("brought back");
    t.one(batch(item, 1)).await;
}

pub async fn an_unused_one_is_closed_and_opens_again(t: &TestLedger) {
    make(t, "north").await;
    let ledgers = ledgers(t);
    let north = ledgers.get(&name("north")).await.expect("opens");
    recorded(north.execute(t.request(vec![create("Croissant", 10)]), Role::Manager).await);
    let mut follower = north.follow(item_event_store::ids::Position::START).await.expect("follows");
    drop(north);
    assert_eq!(follower.next().await.expect("events").len(), 1);
    assert_eq!(ledgers.open_count(), 1);
    ledgers.close_idle().await;
    assert_eq!(ledgers.open_count(), 1, "it was used just now, and is followed");
    drop(follower);
    ledgers.close().await;
    assert_eq!(ledgers.open_count(), 0);
    assert_eq!(ledgers.writer_stats().events, 1, "what it did is not forgotten");
    let north = ledgers.get(&name("north")).await.expect("opens again");
    let answer =
        recorded(north.execute(t.request(vec![bakeoff(ItemId(1), 1)]), Role::Manager).await);
    assert_eq!(answer.inventory[0].count.quantity, 9);
    assert_eq!(ledgers.writer_stats().events, 2);
    drop(north);
    ledgers.close().await;
}

pub async fn many_asking_for_one_at_once_share_its_writer(t: &TestLedger) {
    make(t, "north").await;
    let ledgers = ledgers(t);
    let mut asking = tokio::task::JoinSet::new();
    for number in 0..32 {
        let (ledgers, request) = (ledgers.clone(), t.request(vec![create("Croissant", 1)]));
        asking.spawn(async move {
            let ledger = ledgers.get(&name("north")).await.expect("opens");
            recorded(ledger.execute(request, Role::Manager).await);
            number
        });
    }
    assert_eq!(asking.join_all().await.len(), 32);
    assert_eq!((ledgers.open_count(), ledgers.writer_stats().events), (1, 32));
    ledgers.close().await;
}

/// One more than may be open: an unused one makes room; where all are in use, not now.
pub async fn no_more_are_open_than_the_limit(t: &TestLedger) {
    let ledgers = ledgers(t);
    let names: Vec<_> = (0..=MAX_OPEN_LEDGERS).map(|number| format!("l{number}")).collect();
    for ledger in &names {
        make(t, ledger).await;
    }
    let mut held = Vec::new();
    for ledger in &names[..MAX_OPEN_LEDGERS] {
        held.push(ledgers.get(&name(ledger)).await.expect("room"));
    }
    let last = name(&names[MAX_OPEN_LEDGERS]);
    let refused = ledgers.get(&last).await.map(|_| ());
    assert!(matches!(refused, Err(StoreError::Busy(_))), "{refused:?}");
    held.swap_remove(7);
    drop(ledgers.get(&last).await.expect("the unused one makes room"));
    assert_eq!(ledgers.open_count(), MAX_OPEN_LEDGERS);
    drop(held);
    ledgers.close().await;
}
