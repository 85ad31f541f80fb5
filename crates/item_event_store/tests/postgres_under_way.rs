//! Two batches on their way at one time: the second rests on the first, and comes only with it.

mod postgres;

use item_event_store::Ledger;
use item_event_store::access::Role;
use item_event_store::command::{Command, Movement};
use item_event_store::error::ExecuteError;
use item_event_store::ids::Position;
use item_event_store::limits::BATCHES_UNDER_WAY;
use item_event_store::request::Answer;
use postgres::{
    Cluster, INSERT, PATIENCE, batch, create, open, record, recorded, request, send, verify,
};
use std::time::Duration;
use tokio::task::JoinHandle;
use tokio_postgres::Client;

type Answered = JoinHandle<Result<Answer, ExecuteError>>;

/// A ledger with one item, and somebody who has its head.
struct Held {
    cluster: &'static Cluster,
    database: String,
    ledger: Ledger,
    holder: Client,
}

impl Held {
    /// `hold`: what the holder does in the transaction that it leaves open.
    async fn by(hold: &str) -> Self {
        let cluster = Cluster::started();
        let database = cluster.new_database().await;
        let ledger = open(&cluster.url("ies_app", &database)).await;
        recorded(send(&ledger, create("Croissant", 0)).await);
        let holder = cluster.connect("postgres", &database).await;
        holder.batch_execute(&format!("BEGIN; {hold}")).await.expect("holds");
        Self { cluster, database, ledger, holder }
    }

    /// Sends a command, and waits until no more than so many requests wait for the writer.
    async fn send(&self, command: Command, queued: u64) -> Answered {
        let (ledger, request) = (self.ledger.clone(), request(vec![command]));
        let answered = tokio::spawn(async move { ledger.execute(request, Role::Manager).await });
        let taken = async {
            // It is not there yet, or it is there and will be taken.
            tokio::time::sleep(Duration::from_millis(50)).await;
            while self.ledger.writer_stats().queued != queued {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        };
        tokio::time::timeout(PATIENCE, taken).await.expect("taken in time");
        answered
    }

    async fn let_go(&self, end: &str) {
        self.holder.batch_execute(end).await.expect("lets go");
    }
}

const LOCK: &str = "SELECT FROM ledgers FOR UPDATE";

async fn positions(answers: Vec<Answered>) -> Vec<i64> {
    let mut positions = Vec::new();
    for answer in answers {
        positions.push(recorded(answer.await.expect("joins")).position.0);
    }
    positions
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_are_under_way_and_the_third_waits() {
    let held = Held::by(LOCK).await;
    let mut answers = Vec::new();
    for _ in 0..BATCHES_UNDER_WAY {
        answers.push(held.send(batch(), 0).await);
    }
    answers.push(held.send(batch(), 1).await);
    held.let_go("ROLLBACK").await;
    assert_eq!(positions(answers).await, [1, 2, 3]);
    assert_eq!(verify(&held.ledger).await, Position(3));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn behind_somebody_else_both_are_decided_again() {
    let held = Held::by(INSERT).await;
    let first = held.send(record(Movement::Batch, 5), 0).await;
    let second = held.send(record(Movement::Bakeoff, 6), 0).await;
    held.let_go("COMMIT").await;
    let first = recorded(first.await.expect("joins"));
    assert_eq!((first.position.0, first.events[0].quantity_after), (2, 6));
    let second = recorded(second.await.expect("joins"));
    assert_eq!((second.position.0, second.events[0].quantity_after), (3, 0));
    assert_eq!(verify(&held.ledger).await, Position(3));
}

/// As another instance of the service would write one more piece.
const ONE_BY_ANOTHER: &str = "
    SELECT a.written FROM ledgers AS l, ies_append_batch(
      l.ledger_id, l.epoch, l.position, l.items_revision, l.counts_revision, l.last_request_id,
      l.last_created_at, clock_timestamp(), NULL, 'another', false, '{1}', '{1}', '{batch}', '{1}',
      '{1}', '{NULL}', '{NULL}', '{another}', '{NULL}', '{NULL}', '{NULL}',
      ARRAY[l.last_request_id + 1], '{another}', ARRAY[decode(repeat('00', 32), 'hex')],
      '{another}', ARRAY[l.position + 1], ARRAY['{\"events\":1,\"revisions\":[1,1]}']) AS a";

/// Its batch makes the same numbers as the first one would have.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_rests_on_a_batch_does_not_follow_another_of_the_same_numbers() {
    let held = Held::by(ONE_BY_ANOTHER).await;
    let first = held.send(record(Movement::Batch, 5), 0).await;
    let second = held.send(record(Movement::Bakeoff, 4), 0).await;
    held.let_go("COMMIT").await;
    let first = recorded(first.await.expect("joins"));
    assert_eq!((first.position.0, first.events[0].quantity_after), (2, 6));
    let second = recorded(second.await.expect("joins"));
    assert_eq!((second.position.0, second.events[0].quantity_after), (3, 2));
    assert_eq!(verify(&held.ledger).await, Position(3));
}

/// The log refuses what is taken in by fives, as a damaged database would.
const POISON: &str = "
    CREATE FUNCTION refuse_fives() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
      IF NEW.quantity_change = 5 THEN RAISE EXCEPTION 'no fives'; END IF;
      RETURN NULL;
    END $$;
    CREATE TRIGGER planted AFTER INSERT ON item_event_store
    FOR EACH ROW EXECUTE FUNCTION refuse_fives();";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_rests_on_a_batch_that_fails_is_judged_without_it() {
    let held = Held::by(LOCK).await;
    let admin = held.cluster.connect("postgres", &held.database).await;
    admin.batch_execute(POISON).await.expect("planted");
    let first = held.send(record(Movement::Batch, 5), 0).await;
    let second = held.send(record(Movement::Bakeoff, 5), 0).await;
    held.let_go("ROLLBACK").await;
    match first.await.expect("joins") {
        Err(ExecuteError::Store(why)) => assert!(why.to_string().contains("no fives"), "{why}"),
        other => panic!("{other:?}"),
    }
    match second.await.expect("joins") {
        Ok(Answer::Rejected { rejected, .. }) => {
            assert_eq!(rejected.rejection.code(), "insufficient_stock");
        }
        other => panic!("{other:?}"),
    }
    admin.batch_execute("DROP TRIGGER planted ON item_event_store").await.expect("dropped");
    assert_eq!(verify(&held.ledger).await, Position(0));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn both_are_resolved_by_their_keys_when_their_connection_is_lost() {
    let held = Held::by(LOCK).await;
    let answers = vec![held.send(batch(), 0).await, held.send(batch(), 0).await];
    let admin = held.cluster.connect("postgres", "postgres").await;
    let end = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity
         WHERE datname = $1 AND query LIKE '%ies_append_batch%' AND wait_event_type = 'Lock'";
    let ended = admin.query(end, &[&held.database]).await.expect("ended");
    assert_eq!(ended.len(), 1, "they are on one connection");
    held.let_go("ROLLBACK").await;
    assert_eq!(positions(answers).await, [1, 2]);
    assert_eq!(verify(&held.ledger).await, Position(2));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whoever_waits_for_the_head_in_vain_is_told_before_those_behind() {
    let held = Held::by(LOCK).await;
    let first = held.send(batch(), 0).await;
    let second = held.send(batch(), 0).await;
    match first.await.expect("joins") {
        Err(ExecuteError::NotStarted(why)) => assert!(why.contains("lock timeout"), "{why}"),
        other => panic!("{other:?}"),
    }
    assert!(!second.is_finished(), "it waits for itself");
    held.let_go("ROLLBACK").await;
    assert_eq!(positions(vec![second]).await, [1]);
    assert_eq!(verify(&held.ledger).await, Position(1));
}
