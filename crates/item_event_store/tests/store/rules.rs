//! The rules of the bakery on a real database: races, and random commands against a model.

use crate::backend::{TestLedger, bakeoff, batch};
use crate::model;
use item_event_store::access::Role;
use item_event_store::request::Answer;
use std::sync::Arc;
use tokio::sync::Barrier;

const ROUNDS: usize = 1_000;
const TAKERS: usize = 64;

pub async fn the_last_unit_goes_to_exactly_one(t: &TestLedger) {
    let item = t.item("Croissant", 1).await;
    let barrier = Arc::new(Barrier::new(TAKERS));
    let mut takers = tokio::task::JoinSet::new();
    for taker in 0..TAKERS {
        let (ledger, barrier) = (t.ledger(), Arc::clone(&barrier));
        let keys: Vec<_> = (0..2 * ROUNDS).map(|_| t.key()).collect();
        takers.spawn(async move {
            let mut keys = keys.into_iter();
            let mut send = async |command| {
                let actor = "anna".parse().expect("an actor");
                let key = keys.next().expect("a key");
                let request = item_event_store::command::Request::new(key, actor, vec![command]);
                ledger.execute(request.expect("a request"), Role::Baker).await.expect("an answer")
            };
            let mut won = Vec::with_capacity(ROUNDS);
            for _ in 0..ROUNDS {
                barrier.wait().await;
                won.push(matches!(send(bakeoff(item, 1)).await, Answer::Recorded(_)));
                barrier.wait().await;
                if taker == 0 {
                    send(batch(item, 1)).await;
                }
            }
            won
        });
    }
    let won = takers.join_all().await;
    for round in 0..ROUNDS {
        let winners = won.iter().filter(|taker| taker[round]).count();
        assert_eq!(winners, 1, "round {round}");
    }
    assert_eq!(t.quantity(item).await, 1);
}

pub async fn random_commands_answer_as_the_model_does(t: &TestLedger) {
    model::compare(t, 4_000).await;
}
