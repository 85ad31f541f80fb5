//! Another server, database or timeline is another history: caches and cursors of the old one are
//! refused, and what was lost on the way is never passed over in silence.

mod postgres;

use item_event_store::Ledger;
use item_event_store::access::Role;
use item_event_store::command::Request;
use item_event_store::error::FollowError;
use item_event_store::follow::{Cursor, Follower};
use item_event_store::ids::Position;
use postgres::{
    Cluster, INSERT, PATIENCE, batch, create, insist, open, recorded, request, send, verify,
};
use std::time::Duration;
use tokio_postgres::Client;

/// Reads up to a position; gives the cursor after each event.
async fn read_to(follower: &mut Follower, position: i64) -> Vec<Cursor> {
    let mut cursors = Vec::new();
    while cursors.last().is_none_or(|cursor: &Cursor| cursor.position < Position(position)) {
        let events = tokio::time::timeout(PATIENCE, follower.next()).await.expect("in time");
        cursors.extend(events.expect("events").iter().map(|event| follower.cursor(event)));
    }
    cursors
}

async fn assert_refused(ledger: &Ledger, cursors: &[Cursor]) {
    for cursor in cursors {
        let resumed = ledger.resume(cursor).await.err();
        assert!(matches!(resumed, Some(FollowError::HistoryDiverged { .. })), "{resumed:?}");
    }
}

async fn until(client: &Client, sql: &str) {
    let reached = async {
        while !client.query_one(sql, &[]).await.expect("an answer").get::<_, bool>(0) {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    tokio::time::timeout(PATIENCE, reached).await.expect("in time");
}

/// A ledger whose last writes a standby does not have.
struct Lagging {
    primary: Cluster,
    standby: Cluster,
    database: String,
    /// An instance that knows both servers, and takes the one that can be written to.
    ledger: Ledger,
    /// The standby has the events up to here.
    replicated: i64,
    /// Acknowledged, and not on the standby.
    lost: Vec<Request>,
}

impl Lagging {
    async fn start() -> Self {
        let primary = Cluster::of_its_own("");
        let database = primary.new_database().await;
        let standby = primary.standby();
        let url = format!(
            "postgres://ies_app@/{database}?host={}&host={}&target_session_attrs=read-write",
            primary.folder.display(),
            standby.folder.display()
        );
        let ledger = open(&url).await;
        recorded(send(&ledger, create("Croissant", 10)).await);
        for _ in 0..9 {
            recorded(send(&ledger, batch()).await);
        }
        let (on_primary, on_standby) = (
            primary.connect("postgres", &database).await,
            standby.connect("postgres", &database).await,
        );
        until(&on_standby, "SELECT count(*) = 10 FROM item_event_store").await;
        on_standby.batch_execute("ALTER SYSTEM SET primary_conninfo = ''").await.expect("set");
        standby.run("ctl reload");
        until(&on_primary, "SELECT count(*) = 0 FROM pg_stat_replication").await;
        let lost: Vec<_> = (0..6).map(|_| request(vec![batch()])).collect();
        for request in &lost {
            recorded(ledger.execute(request.clone(), Role::Baker).await);
        }
        Self { primary, standby, database, ledger, replicated: 10, lost }
    }

    fn fail_over(&self) {
        self.primary.run("ctl -m immediate stop");
        self.standby.run("ctl promote");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_promoted_replica_that_lagged_is_another_history() {
    let t = Lagging::start().await;
    let before = t.ledger.store().head().await.expect("reads");
    let mut follower = t.ledger.follow(Position::START).await.expect("follows");
    let cursors = read_to(&mut follower, 16).await;
    let mut behind = t.ledger.follow(Position(t.replicated)).await.expect("follows");
    t.fail_over();
    // The writer remembers 16 events: that memory is of the old history.
    let next = request(vec![batch()]);
    insist(&t.ledger, &next).await;
    let after = t.ledger.store().head().await.expect("reads");
    assert_ne!(after.epoch, before.epoch);
    assert_eq!(after.position, Position(t.replicated + 1));
    assert_refused(&t.ledger, &cursors).await;
    // Acknowledged and lost: the same key records it, now for the first time.
    for lost in &t.lost {
        assert!(!recorded(t.ledger.execute(lost.clone(), Role::Baker).await).replayed);
    }
    assert!(recorded(t.ledger.execute(next, Role::Baker).await).replayed);
    // The log is longer than what the follower has seen. It has still seen another one.
    assert_eq!(verify(&t.ledger).await, Position(17));
    for follower in [&mut follower, &mut behind] {
        let said = tokio::time::timeout(PATIENCE, follower.next()).await.expect("in time");
        assert!(matches!(said, Err(FollowError::HistoryDiverged { .. })), "{said:?}");
    }
    let mut follower = t.ledger.follow(Position::START).await.expect("follows");
    let cursors = read_to(&mut follower, 17).await;
    t.standby.run("ctl -m fast restart");
    insist(&t.ledger, &request(vec![batch()])).await;
    assert_eq!(read_to(&mut follower, 18).await.len(), 1, "the same server goes on");
    assert!(t.ledger.resume(&cursors[16]).await.is_ok());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_insert_by_hand_begins_the_history_of_a_promoted_replica_too() {
    let t = Lagging::start().await;
    let mut follower = t.ledger.follow(Position::START).await.expect("follows");
    let cursors = read_to(&mut follower, 16).await;
    t.fail_over();
    let shell = t.standby.connect("ies_app", &t.database).await;
    for _ in 0..10 {
        shell.batch_execute(INSERT).await.expect("inserted");
    }
    let said = loop {
        match tokio::time::timeout(PATIENCE, follower.next()).await.expect("in time") {
            // Connections to the old server are found out one by one.
            Err(FollowError::Store(_)) => {}
            said => break said,
        }
    };
    assert!(matches!(said, Err(FollowError::HistoryDiverged { .. })), "{said:?}");
    insist(&t.ledger, &request(vec![batch()])).await;
    assert_refused(&t.ledger, &cursors).await;
    assert_eq!(verify(&t.ledger).await, Position(21));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_restored_dump_is_another_history() {
    let cluster = Cluster::of_its_own("");
    let database = cluster.new_database().await;
    let ledger = open(&cluster.url("ies_app", &database)).await;
    recorded(send(&ledger, create("Croissant", 10)).await);
    for _ in 0..5 {
        recorded(send(&ledger, batch()).await);
    }
    let before = ledger.store().head().await.expect("reads");
    let mut follower = ledger.follow(Position::START).await.expect("follows");
    let cursors = read_to(&mut follower, 6).await;
    for (copy, by_hand) in [("by_the_service", false), ("by_hand", true)] {
        let place = "-h \"$dir\" -U postgres";
        cluster.run(&format!(
            "\"$bin/createdb\" {place} -O ies_owner {copy} && \"$bin/pg_dump\" {place} {database} \
             >\"$dir/dump\" && \"$bin/psql\" {place} -1 -v ON_ERROR_STOP=1 -f \"$dir/dump\" {copy}"
        ));
        if by_hand {
            let shell = cluster.connect("ies_app", copy).await;
            shell.batch_execute(INSERT).await.expect("inserted");
        }
        let restored = open(&cluster.url("ies_app", copy)).await;
        let after = restored.store().head().await.expect("reads");
        assert_ne!(after.epoch, before.epoch);
        assert_refused(&restored, &cursors).await;
        recorded(send(&restored, batch()).await);
        assert_eq!(verify(&restored).await, Position(if by_hand { 8 } else { 7 }));
        let again = open(&cluster.url("ies_app", copy)).await;
        assert_eq!(again.store().head().await.expect("reads").epoch, after.epoch, "and stays");
    }
    assert_eq!(ledger.store().head().await.expect("reads"), before);
}
