//! Batches that move: decided without the lock, and written behind what others have written since.

mod postgres;

use item_event_store::Ledger;
use item_event_store::book::Book;
use item_event_store::command::{Command, Expected, Movement, Record, SetInventory, SetKind};
use item_event_store::decide::{Base, Draft};
use item_event_store::facts::Facts;
use item_event_store::ids::{Epoch, ItemId, LedgerName, Position};
use item_event_store::limits::MAX_QUANTITY;
use item_event_store::query::{EventQuery, Order};
use item_event_store::rejection::{Rejected, Rejection};
use item_event_store::request::{Answer, Outcome, Recorded, StoredRequest};
use item_event_store::store::postgres::PostgresStore;
use item_event_store::store::{Appended, Batch, Head, LedgerStore, Mode, Place, Store};
use item_event_store::time::Timestamp;
use postgres::{Cluster, INSERT, create, insist, open, record, recorded, request, send, verify};
use std::sync::Arc;

const OTHER: ItemId = ItemId(2);

/// A change of the second item; [`record`] and [`INSERT`] are about the first.
fn other(movement: Movement, quantity: i64) -> Command {
    let Command::Record(first) = record(movement, quantity) else { unreachable!("a record") };
    Command::Record(Record { item_id: OTHER, ..first })
}

/// A ledger whose two items have ten each, and a batch that was decided on it.
struct Decided {
    ledger: Ledger,
    tables: Arc<dyn LedgerStore>,
    shell: tokio_postgres::Client,
    batch: Batch,
}

impl Decided {
    async fn new() -> Self {
        Self::of(other(Movement::Bakeoff, 4)).await
    }

    async fn of(command: Command) -> Self {
        let cluster = Cluster::started();
        let database = cluster.new_database().await;
        let url = cluster.url("ies_app", &database);
        let ledger = open(&url).await;
        recorded(send(&ledger, create("Croissant", 10)).await);
        recorded(send(&ledger, create("Brioche", 10)).await);
        let store = PostgresStore::open(&url, Mode::Write).await.expect("a store");
        let tables = store.ledger(&LedgerName::default()).await.expect("a ledger");
        let shell = cluster.connect("ies_app", &database).await;
        let batch = decide(tables.as_ref(), command).await;
        Self { ledger, tables, shell, batch }
    }

    async fn append(&self, judged_by: &[ItemId]) -> Appended {
        self.tables.append(&self.batch, Place::Behind(judged_by)).await.expect("no error")
    }

    /// The log ends where it did, and nothing is wrong with it.
    async fn is_still_at(&self, position: i64) {
        assert_eq!(verify(&self.ledger).await, Position(position));
    }
}

/// As the writer decides, without the lock.
async fn decide(tables: &dyn LedgerStore, command: Command) -> Batch {
    let request = request(vec![command]);
    let loaded = tables.begin(&[]).await.expect("begins").load().await.expect("loads");
    let (mut book, base) = (Book::load(loaded.rows), loaded.head);
    let (facts, now) = (Facts::default(), Timestamp::now().max(base.last_created_at));
    let begun = Base { position: base.position, items_revision: base.items_revision, now };
    let mut draft = Draft::new(&mut book, &facts, begun);
    let id = base.last_request_id + 1;
    let decided = draft.decide(&request, id).expect("accepted");
    let drafted = draft.finish();
    let position = base.position.plus(drafted.events.len());
    let head = Head { position, last_request_id: id, last_created_at: now, ..base.clone() };
    let outcome = Outcome::Recorded {
        events: decided.events.len(),
        item_revisions: (base.items_revision, base.items_revision),
        unchanged: vec![],
    };
    let hash = request.hash();
    let (key, actor) = (request.key, request.actor);
    let stored = StoredRequest { id, hash, key, actor, created_at: now, position, outcome };
    let (events, inventory) = (drafted.events, drafted.inventory);
    Batch { base, head, events, item_changes: vec![], inventory, requests: vec![stored] }
}

#[tokio::test]
async fn behind_other_items_a_batch_is_written_where_the_log_ends() {
    let decided = Decided::new().await;
    recorded(send(&decided.ledger, record(Movement::Batch, 5)).await);
    let Appended::Behind(others) = decided.append(&[OTHER]).await else { panic!("moved") };
    assert_eq!(others.last_request_id, decided.batch.base.last_request_id + 1);
    let said: Vec<_> = others
        .balances
        .iter()
        .map(|b| (b.id.0, b.item_id.0, b.version, b.quantity_after))
        .collect();
    assert_eq!(said, [(3, 1, 2, 15)]);
    let moved = decided.tables.event(Position(4)).await.expect("a read").value.expect("an event");
    let first = &decided.batch.events[0];
    assert_eq!((first.id, first.request_id), (Position(3), Some(3)), "as it was decided");
    assert_eq!((moved.item_id, moved.quantity_after, moved.version), (OTHER, 6, 2));
    assert_eq!((moved.request_id, moved.created_at), (Some(4), others.recorded_at));
    decided.is_still_at(4).await;
}

/// An item that a batch only adds to is not among those that it was judged by.
#[tokio::test]
async fn what_a_batch_only_adds_comes_to_the_same_behind_others() {
    let decided = Decided::new().await;
    recorded(send(&decided.ledger, other(Movement::Batch, 5)).await);
    recorded(send(&decided.ledger, other(Movement::Bakeoff, 2)).await);
    assert!(matches!(decided.append(&[]).await, Appended::Behind(_)));
    let moved = decided.tables.event(Position(5)).await.expect("a read").value.expect("an event");
    assert_eq!((moved.quantity_change, moved.quantity_after, moved.version), (-4, 9, 4));
    let count =
        decided.tables.inventory(OTHER, None).await.expect("a read").value.expect("an item");
    assert_eq!((count.count.quantity, count.count.version), (9, 4));
    decided.is_still_at(5).await;
}

#[tokio::test]
async fn no_count_leaves_its_range_behind_others() {
    use Movement::{Bakeoff, Batch};
    const MOST: i64 = MAX_QUANTITY - 10;
    let cases = [
        (other(Bakeoff, 4), other(Bakeoff, 6), Some(0)),
        (other(Bakeoff, 4), other(Bakeoff, 7), None),
        (other(Batch, 4), other(Batch, MOST - 4), Some(MAX_QUANTITY)),
        (other(Batch, 4), other(Batch, MOST - 3), None),
    ];
    for (command, before, after) in cases {
        let decided = Decided::of(command).await;
        recorded(send(&decided.ledger, before).await);
        let appended = decided.append(&[]).await;
        assert_eq!(matches!(appended, Appended::Behind(_)), after.is_some(), "{after:?}");
        let end = if after.is_some() { 4 } else { 3 };
        let last = decided.tables.event(Position(end)).await.expect("a read").value;
        if let Some(after) = after {
            assert_eq!(last.expect("an event").quantity_after, after);
        }
        decided.is_still_at(end).await;
    }
}

#[tokio::test]
async fn what_was_judged_by_no_item_moves_behind_all() {
    let mut decided = Decided::new().await;
    // As of a request that was rejected for what no count says.
    let batch = &mut decided.batch;
    (batch.events, batch.inventory) = (vec![], vec![]);
    batch.head = Head { last_request_id: batch.head.last_request_id, ..batch.base.clone() };
    batch.requests[0].position = batch.base.position;
    let rejection = Rejection::ZeroQuantity {};
    batch.requests[0].outcome = Outcome::Rejected(Rejected { line: 1, rejection });
    recorded(send(&decided.ledger, other(Movement::Batch, 5)).await);
    assert!(matches!(decided.append(&[]).await, Appended::Behind(_)));
    decided.is_still_at(3).await;
}

#[tokio::test]
async fn what_nobody_wrote_before_is_written_as_it_was_decided() {
    let decided = Decided::new().await;
    assert!(matches!(decided.append(&[OTHER]).await, Appended::AsDecided));
    let written = decided.tables.event(Position(3)).await.expect("a read").value;
    assert_eq!(written.as_ref(), decided.batch.events.first());
    decided.is_still_at(3).await;
}

#[tokio::test]
async fn a_batch_stays_unwritten_where_it_could_be_wrong() {
    type Change = fn(&mut Batch);
    let same: Change = |_| ();
    let cases: [(&str, Command, &[ItemId], Change); 5] = [
        ("of its item", other(Movement::Batch, 1), &[OTHER], same),
        (
            "of an item that it was only judged by",
            record(Movement::Batch, 1),
            &[ItemId(1), OTHER],
            same,
        ),
        ("an item was made", create("Strudel", 0), &[OTHER], same),
        ("another epoch", record(Movement::Batch, 1), &[OTHER], |batch| {
            batch.base.epoch = Epoch::random();
        }),
        ("another event at its base", record(Movement::Batch, 1), &[OTHER], |batch| {
            batch.base.last_created_at = batch.base.last_created_at.plus_micros(1);
        }),
    ];
    for (case, command, judged_by, change) in cases {
        let mut decided = Decided::new().await;
        change(&mut decided.batch);
        let position = recorded(send(&decided.ledger, command).await).position;
        assert!(matches!(decided.append(judged_by).await, Appended::Nothing), "{case}");
        decided.is_still_at(position.0).await;
    }
    let decided = Decided::new().await;
    let batch = decide(decided.tables.as_ref(), other(Movement::Batch, 1)).await;
    recorded(send(&decided.ledger, record(Movement::Batch, 1)).await);
    let unmoved = decided.tables.append(&batch, Place::Base).await.expect("no error");
    assert!(matches!(unmoved, Appended::Nothing), "it may not move");
    assert!(matches!(decided.append(&[OTHER]).await, Appended::Behind(_)));
    assert!(matches!(decided.append(&[OTHER]).await, Appended::Nothing), "its key is stored");
    decided.is_still_at(4).await;
    decided.shell.batch_execute(INSERT).await.expect("by hand");
    decided.is_still_at(5).await;
}

/// A ledger to which somebody else is seen writing, and a transaction by hand that has its head.
struct Contended {
    ledger: Ledger,
    holder: tokio_postgres::Client,
    watcher: tokio_postgres::Client,
    database: String,
}

impl Contended {
    async fn by(hold: &str) -> Self {
        let cluster = Cluster::started();
        let database = cluster.new_database().await;
        let ledger = open(&cluster.url("ies_app", &database)).await;
        recorded(send(&ledger, create("Croissant", 0)).await);
        recorded(send(&ledger, create("Brioche", 10)).await);
        let holder = cluster.connect("ies_app", &database).await;
        // Once as if alone, and then it is known.
        holder.batch_execute(INSERT).await.expect("by hand");
        recorded(send(&ledger, other(Movement::Batch, 1)).await);
        holder.batch_execute(&format!("BEGIN; {hold}")).await.expect("holds");
        let watcher = cluster.connect("postgres", "postgres").await;
        Self { ledger, holder, watcher, database }
    }

    /// Sends a command, and lets go of the head once all of the batch waits for it.
    async fn send(&self, command: Command) -> Answer {
        let (ledger, request) = (self.ledger.clone(), request(vec![command]));
        let answer = tokio::spawn(async move { insist(&ledger, &request).await });
        let waits = "SELECT count(*) FROM pg_stat_activity
             WHERE datname = $1 AND query LIKE '%ies_append_batch%' AND wait_event_type = 'Lock'";
        let waiting = async {
            while self
                .watcher
                .query_one(waits, &[&self.database])
                .await
                .expect("a look")
                .get::<_, i64>(0)
                == 0
            {
                tokio::time::sleep(std::time::Duration::from_millis(5)).await;
            }
        };
        tokio::time::timeout(postgres::PATIENCE, waiting)
            .await
            .expect("it was sent without the lock");
        self.holder.batch_execute("COMMIT").await.expect("lets go");
        answer.await.expect("joins")
    }

    /// What was told is what can be read.
    async fn says(&self, told: &Recorded) {
        for event in &told.events {
            let found = self.ledger.store().event(event.id).await.expect("a read").value;
            assert_eq!(found.as_ref(), Some(event));
        }
        for row in &told.inventory {
            let found =
                self.ledger.store().inventory(row.item.id, None).await.expect("a read").value;
            assert_eq!(found.map(|found| found.count), Some(row.count));
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_answer_is_what_was_written_behind_the_others() {
    let contended = Contended::by(INSERT).await;
    let Answer::Recorded(told) = contended.send(other(Movement::Bakeoff, 3)).await else {
        panic!("recorded")
    };
    assert_eq!((told.position, told.events[0].quantity_after), (Position(5), 8));
    contended.says(&told).await;
    // The memory has gone along.
    let next = recorded(send(&contended.ledger, record(Movement::Bakeoff, 2)).await);
    assert_eq!((next.position, next.events[0].quantity_after), (Position(6), 0));
    assert_eq!(verify(&contended.ledger).await, Position(6));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_answer_counts_what_others_have_added() {
    let contended = Contended::by(INSERT).await;
    let Answer::Recorded(told) = contended.send(record(Movement::Batch, 3)).await else {
        panic!("recorded")
    };
    // One by hand before, one by hand while it waited.
    assert_eq!((told.position, told.events[0].quantity_after), (Position(5), 5));
    contended.says(&told).await;
    let next = recorded(send(&contended.ledger, record(Movement::Bakeoff, 5)).await);
    assert_eq!((next.position, next.events[0].quantity_after), (Position(6), 0));
    assert_eq!(verify(&contended.ledger).await, Position(6));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_judged_by_a_count_itself_is_not_moved_past_a_change_of_it() {
    let Command::Record(plain) = record(Movement::Batch, 3) else { unreachable!("a record") };
    let set = SetInventory {
        item_id: plain.item_id,
        kind: SetKind::Override,
        quantity: 7,
        expected_quantity: Expected::Any,
        reference: None,
        note: None,
        expected_version: None,
    };
    let stale = Record { expected_version: Some(1), ..plain };
    for (command, after) in [(Command::SetInventory(set), Some(7)), (Command::Record(stale), None)]
    {
        let contended = Contended::by(INSERT).await;
        match (contended.send(command).await, after) {
            (Answer::Recorded(told), Some(after)) => {
                assert_eq!(told.events[0].quantity_after, after);
                contended.says(&told).await;
            }
            (Answer::Rejected { rejected, .. }, None) => {
                assert_eq!(rejected.rejection.code(), "version_mismatch");
            }
            (answer, _) => panic!("{answer:?}"),
        }
        verify(&contended.ledger).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_no_that_others_have_made_wrong_is_not_said() {
    let contended = Contended::by(INSERT).await;
    let Answer::Recorded(told) = contended.send(record(Movement::Bakeoff, 2)).await else {
        panic!("there are two by then")
    };
    assert_eq!((told.position, told.events[0].quantity_after), (Position(5), 0));
    contended.says(&told).await;
    assert_eq!(verify(&contended.ledger).await, Position(5));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_that_move_behind_each_other_tell_what_the_log_says() {
    two_tell_what_the_log_says(24).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_that_move_behind_each_other_on_one_item_tell_what_the_log_says() {
    two_tell_what_the_log_says(1).await;
}

/// Two that write to the same ledger, of few items: some batches move and some cannot.
async fn two_tell_what_the_log_says(items: i64) {
    let cluster = Cluster::started();
    let database = cluster.new_database().await;
    let url = cluster.url("ies_app", &database);
    let ledgers = [open(&url).await, open(&url).await];
    for number in 0..items {
        recorded(send(&ledgers[0], create(&format!("Item {number}"), 1)).await);
    }
    let clients = (0..16_usize).map(|client| {
        let ledger = ledgers[client % 2].clone();
        tokio::spawn(async move {
            let mut told = Vec::new();
            for n in 0..100 {
                let mixed = i64::try_from(client * 7 + n * 5).expect("small");
                let movement = if mixed % 3 == 0 { Movement::Batch } else { Movement::Bakeoff };
                let Command::Record(first) = record(movement, 1) else { unreachable!("a record") };
                let item_id = ItemId(mixed % items + 1);
                let command = Command::Record(Record { item_id, ..first });
                if let Answer::Recorded(recorded) = insist(&ledger, &request(vec![command])).await {
                    told.extend(recorded.events);
                }
            }
            told
        })
    });
    let mut told = Vec::new();
    for client in clients.collect::<Vec<_>>() {
        told.extend(client.await.expect("joins"));
    }
    told.sort_unstable_by_key(|event| event.id);
    let mut query = EventQuery::all(Order::OldestFirst, usize::MAX);
    query.after = Some(Position(items));
    let log = ledgers[1].store().events(&query).await.expect("a read").value;
    assert_eq!(told, log);
    for ledger in &ledgers {
        assert_eq!(verify(ledger).await.0, items + i64::try_from(log.len()).expect("small"));
    }
}
