//! One key, one effect: whatever is sent again, and however often.

use crate::backend::{
    TestLedger, bakeoff, bakeoff_if_version, batch, edit, recorded, rejection, set,
};
use item_event_store::access::Role;
use item_event_store::command::{Command, EditItem, Expected, Request, SetKind};
use item_event_store::error::ExecuteError;
use item_event_store::rejection::Rejection;
use item_event_store::request::{Answer, Recorded, RequestTrace};

async fn send(t: &TestLedger, request: &Request) -> Result<Answer, ExecuteError> {
    t.ledger().execute(request.clone(), Role::Manager).await
}

fn as_replayed(mut first: Recorded) -> Recorded {
    first.replayed = true;
    first
}

pub async fn the_same_key_gives_the_stored_outcome(t: &TestLedger) {
    let (one, two) = (t.item("Croissant", 10).await, t.item("Baguette", 5).await);
    let request = t.request(vec![batch(one, 24), bakeoff(two, 1), bakeoff(one, 6)]);
    let first = recorded(send(t, &request).await);
    assert!(!first.replayed);
    assert_eq!(recorded(send(t, &request).await), as_replayed(first.clone()));
    t.reopen().await;
    assert_eq!(recorded(send(t, &request).await), as_replayed(first));
    assert_eq!(t.log().await.len(), 5);
}

pub async fn a_replay_is_told_as_it_was_then(t: &TestLedger) {
    let item = t.item("Croissant", 10).await;
    let request = t.request(vec![batch(item, 24)]);
    let first = recorded(send(t, &request).await);
    let name = Some("Cornetto".parse().expect("a name"));
    t.one(Command::EditItem(EditItem { name, ..edit(item) })).await;
    t.one(bakeoff(item, 30)).await;
    assert_eq!(recorded(send(t, &request).await), as_replayed(first));
}

pub async fn a_rejection_is_stored_too(t: &TestLedger) {
    let item = t.item("Croissant", 10).await;
    let request = t.request(vec![bakeoff(item, 11)]);
    let first = rejection(send(t, &request).await);
    t.one(batch(item, 24)).await;
    match send(t, &request).await {
        Ok(Answer::Rejected { replayed: true, rejected }) => assert_eq!(rejected.rejection, first),
        other => panic!("{other:?}"),
    }
    assert_eq!(t.quantity(item).await, 34);
}

pub async fn other_content_is_refused(t: &TestLedger) {
    let item = t.item("Croissant", 10).await;
    let request = t.request(vec![batch(item, 24)]);
    recorded(send(t, &request).await);
    let other_commands = Request { commands: vec![batch(item, 25)], ..request.clone() };
    let other_actor = Request { actor: "bert".parse().expect("an actor"), ..request.clone() };
    for other in [other_commands, other_actor] {
        match send(t, &other).await {
            Err(ExecuteError::Rejected(rejected)) => {
                assert_eq!(rejected.rejection, Rejection::IdempotencyKeyReused {});
            }
            answer => panic!("{answer:?}"),
        }
    }
    assert_eq!(t.quantity(item).await, 34);
}

pub async fn the_same_key_in_flight_waits_for_the_first(t: &TestLedger) {
    let item = t.item("Croissant", 0).await;
    for _ in 0..20 {
        let request = t.request(vec![batch(item, 1)]);
        let mut answers = tokio::task::JoinSet::new();
        for _ in 0..16 {
            let (ledger, request) = (t.ledger(), request.clone());
            answers.spawn(async move { ledger.execute(request, Role::Manager).await });
        }
        let mut answers: Vec<Recorded> =
            answers.join_all().await.into_iter().map(recorded).collect();
        answers.sort_by_key(|answer| answer.replayed);
        assert!(!answers[0].replayed);
        let replay = as_replayed(answers[0].clone());
        assert!(answers[1..].iter().all(|answer| *answer == replay), "{answers:#?}");
    }
    assert_eq!(t.quantity(item).await, 20);
}

pub async fn a_replay_ranks_before_the_checks(t: &TestLedger) {
    let item = t.item("Croissant", 10).await;
    let versioned = t.request(vec![bakeoff_if_version(item, 10, 1)]);
    recorded(send(t, &versioned).await);
    assert!(recorded(send(t, &versioned).await).replayed);
    let expected = t.request(vec![set(item, SetKind::Override, 7, Expected::Exactly(0))]);
    recorded(send(t, &expected).await);
    assert!(recorded(send(t, &expected).await).replayed);
    assert_eq!(
        t.rejection(bakeoff_if_version(item, 1, 1)).await.code(),
        "version_mismatch",
        "the same under a new key"
    );
}

pub async fn a_request_without_events_is_replayed(t: &TestLedger) {
    let item = t.item("Croissant", 10).await;
    let same = t.request(vec![set(item, SetKind::Override, 10, Expected::Any)]);
    let name = Some("Cornetto".parse().expect("a name"));
    let renamed = t.request(vec![Command::EditItem(EditItem { name, ..edit(item) })]);
    for request in [same, renamed] {
        let first = recorded(send(t, &request).await);
        assert!(first.events.is_empty());
        assert_eq!(first.inventory[0].count.quantity, 10);
        t.one(batch(item, 1)).await;
        assert_eq!(recorded(send(t, &request).await), as_replayed(first));
        t.one(bakeoff(item, 1)).await;
    }
}

pub async fn a_role_is_checked_before_anything_is_stored(t: &TestLedger) {
    let item = t.item("Croissant", 10).await;
    let request = t.request(vec![batch(item, 1), set(item, SetKind::Override, 7, Expected::Any)]);
    match t.ledger().execute(request.clone(), Role::Baker).await {
        Err(ExecuteError::Forbidden { line: 2, required: Role::Manager }) => {}
        other => panic!("{other:?}"),
    }
    let first = recorded(send(t, &request).await);
    assert!(!first.replayed, "a refusal for the role is not stored under the key");
}

pub async fn what_they_say_of_the_log_is_read_in_pages(t: &TestLedger) {
    let item = t.item("Croissant", 10).await;
    t.all(vec![batch(item, 24), bakeoff(item, 6)]).await;
    t.rejection(bakeoff(item, 99)).await;
    let ledger = t.ledger();
    let traces = async |after, limit| {
        let traces = ledger.store().request_traces(after, limit).await.expect("reads");
        let of = |t: &RequestTrace| (t.id, t.position.0, t.events, t.item_revisions);
        traces.iter().map(of).collect::<Vec<_>>()
    };
    let all = [(1, 1, 1, Some((0, 1))), (2, 3, 2, Some((1, 1))), (3, 3, 0, None)];
    assert_eq!(traces(0, 100).await, all);
    assert_eq!(traces(0, 2).await, all[..2]);
    assert_eq!(traces(2, 2).await, all[2..]);
    assert_eq!(traces(3, 2).await, []);
    // Where some are missing the page is found behind them.
    t.backend.tamper("UPDATE requests SET id = 9 WHERE id = 3");
    assert_eq!(traces(2, 2).await, [(9, 3, 0, None)]);
    t.backend.tamper("UPDATE requests SET id = 3 WHERE id = 9");
    let trace = ledger.store().request_traces(0, 1).await.expect("reads").remove(0);
    assert_eq!((trace.actor.as_str(), trace.created_at), ("anna", t.clock_now()));
}
