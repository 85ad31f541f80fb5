//! How fast the daily summary is refreshed, on both backends side by side and beside a materialized
//! view of PostgreSQL's own on the same events: `cargo bench -p item_event_store --bench summary`.
//! `IES_BENCH_EVENTS` says how many events there are (a million when it says nothing).

#[path = "../tests/store/backend/cluster.rs"]
mod cluster;

use cluster::Cluster;
use item_event_store::Ledger;
use item_event_store::access::Role;
use item_event_store::clock::SystemClock;
use item_event_store::command::{Adjust, Command, CreateItem, Movement, Record, Request};
use item_event_store::ids::{ItemId, LedgerName};
use item_event_store::query::SummaryQuery;
use item_event_store::reason::Kind;
use item_event_store::request::Answer;
use item_event_store::store::{Mode, open};
use item_event_store::time::Timestamp;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

const ITEMS: usize = 200;
const DAYS: i64 = 365;
const DAY_MICROS: i64 = 24 * 60 * 60 * 1_000_000;

fn request(commands: Vec<Command>) -> Request {
    static KEYS: AtomicU64 = AtomicU64::new(0);
    let key = format!("key-{}", KEYS.fetch_add(1, Ordering::Relaxed));
    let actor = "anna".parse().expect("an actor");
    Request::new(key.parse().expect("a key"), actor, commands).expect("a request")
}

async fn record(ledger: &Ledger, commands: Vec<Command>) {
    match ledger.execute(request(commands), Role::Manager).await {
        Ok(Answer::Recorded(_)) => {}
        other => panic!("{other:?}"),
    }
}

fn item(n: usize) -> Command {
    Command::CreateItem(CreateItem {
        name: format!("Item {n}").parse().expect("a name"),
        sku: None,
        unit: None,
        initial_quantity: 0,
        allow_negative: true,
        occurred_at: None,
        reference: None,
        note: None,
    })
}

/// The `n`th of `all` events, which go through the days as time goes by.
fn event(n: usize, all: usize, begin: Timestamp) -> Command {
    let (reference, note, expected_version) = (None, None, None);
    // Fibonacci hashing: every item has its share of every day, in no order.
    let mixed = (n as u64).wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 32;
    let item_id = ItemId(i64::try_from(mixed % ITEMS as u64).expect("small") + 1);
    let number = i64::try_from(n).expect("small");
    let passed = i128::from(number) * i128::from(DAYS * DAY_MICROS) / all.max(1) as i128;
    let passed = i64::try_from(passed).expect("a year");
    let occurred_at = Some(begin.plus_micros(passed));
    let movement = match n % 10 {
        0 | 1 => Movement::Batch,
        2 => Movement::SpecialOrder,
        3 => {
            let (kind, quantity_change) = (Kind::Waste, -1);
            return Command::Adjust(Adjust {
                item_id,
                kind,
                quantity_change,
                occurred_at,
                reference,
                note,
                expected_version,
            });
        }
        _ => Movement::Bakeoff,
    };
    let quantity = 1 + number % 5;
    Command::Record(Record {
        item_id,
        movement,
        quantity,
        occurred_at,
        reference,
        note,
        expected_version,
    })
}

async fn fill(ledger: &Ledger, events: usize, begin: Timestamp) {
    record(ledger, (0..ITEMS).map(item).collect()).await;
    let mut next = 0;
    while next < events {
        let end = events.min(next + 8_192);
        record(ledger, (next..end).map(|n| event(n, events, begin)).collect()).await;
        next = end;
    }
}

async fn timed<T>(work: impl Future<Output = T>) -> (Duration, T) {
    let begin = Instant::now();
    let done = work.await;
    (begin.elapsed(), done)
}

fn say(what: &str, took: Duration, events: u64) {
    let seconds = took.as_secs_f64();
    #[expect(clippy::cast_precision_loss, reason = "a rate for people")]
    let rate = events as f64 / seconds;
    println!("  {what:<52} {seconds:>8.3} s  {rate:>10.0} events/s");
}

/// How long single events wait for their answers until told to stop: the median and the longest.
async fn waits(ledger: Ledger, stop: Arc<AtomicBool>) -> (Duration, Duration) {
    let mut waits = Vec::new();
    while !stop.load(Ordering::Relaxed) {
        let now = Timestamp::now();
        waits.push(timed(record(&ledger, vec![event(0, 1, now)])).await.0);
    }
    waits.sort_unstable();
    (waits[waits.len() / 2], waits[waits.len() - 1])
}

async fn refreshed(ledger: &Ledger, what: &str, anew: bool) {
    let (took, report) = timed(ledger.refresh_summary(anew, &|_, _| ())).await;
    say(what, took, report.expect("refreshed").events);
}

async fn measure(url: &str, events: usize, set_business_day: impl AsyncFnOnce()) {
    let begin = Timestamp::now().plus_micros(-DAYS * DAY_MICROS);
    let store = open(url, Mode::Write).await.expect("a store");
    let tables = store.ledger(&LedgerName::default()).await.expect("a ledger");
    let ledger = Ledger::open(tables, Arc::new(SystemClock)).await.expect("opens");
    set_business_day().await;
    let (took, ()) = timed(fill(&ledger, events, begin)).await;
    say("recording, in requests of 8,192", took, events as u64);
    refreshed(&ledger, "refresh: all of them are new", false).await;
    let all = SummaryQuery { limit: usize::MAX, ..SummaryQuery::default() };
    let rows = ledger.store().daily_summary(&all).await.expect("reads").rows.len();
    println!("  rows of the summary: {rows}");
    for more in [1, 1_000, 50_000] {
        fill_more(&ledger, more).await;
        refreshed(&ledger, &format!("refresh: {more} more"), false).await;
    }
    refreshed(&ledger, "rebuild: cleared, and all of them again", true).await;
    let stop = Arc::new(AtomicBool::new(false));
    let writing = tokio::spawn(waits(ledger.clone(), Arc::clone(&stop)));
    tokio::time::sleep(Duration::from_secs(3)).await;
    stop.store(true, Ordering::Relaxed);
    let (median, longest) = writing.await.expect("joins");
    println!("  one event's wait, alone: median {median:?}, longest {longest:?}");
    stop.store(false, Ordering::Relaxed);
    let writing = tokio::spawn(waits(ledger.clone(), Arc::clone(&stop)));
    refreshed(&ledger, "rebuild, beside one writer", true).await;
    stop.store(true, Ordering::Relaxed);
    let (median, longest) = writing.await.expect("joins");
    println!("  one event's wait, beside it: median {median:?}, longest {longest:?}");
    ledger.close().await;
}

async fn fill_more(ledger: &Ledger, events: usize) {
    let now = Timestamp::now();
    for n in (0..events).step_by(8_192) {
        let end = events.min(n + 8_192);
        record(ledger, (n..end).map(|n| event(n, usize::MAX, now)).collect()).await;
    }
}

const VIEW: &str = "CREATE MATERIALIZED VIEW daily AS
    SELECT e.ledger_id,
      ((coalesce(e.occurred_at, e.created_at) AT TIME ZONE l.time_zone)
        - make_interval(hours => l.day_start_hour))::date AS day,
      e.item_id, e.reason, coalesce(e.kind, '') AS kind, count(*) AS events,
      sum(e.quantity_change)::bigint AS quantity_change
    FROM item_event_store AS e JOIN ledgers AS l USING (ledger_id) GROUP BY 1, 2, 3, 4, 5";

/// What PostgreSQL's own does with the same events. Only its owner may refresh it.
async fn measure_view(cluster: &Cluster, database: &str) {
    let owner = cluster.connect("postgres", database).await;
    let run = async |sql: &str| owner.batch_execute(sql).await.expect("done");
    run("ANALYZE").await;
    let count = "SELECT count(*) FROM item_event_store";
    let events: i64 = owner.query_one(count, &[]).await.expect("a count").get(0);
    let events = events.unsigned_abs();
    say("materialized view: made", timed(run(VIEW)).await.0, events);
    run("CREATE UNIQUE INDEX ON daily (ledger_id, day, item_id, reason, kind)").await;
    run("CREATE INDEX ON daily (ledger_id, item_id, day)").await;
    for (what, sql) in [
        ("materialized view: refreshed", "REFRESH MATERIALIZED VIEW daily"),
        ("… concurrently, after no event", "REFRESH MATERIALIZED VIEW CONCURRENTLY daily"),
    ] {
        say(what, timed(run(sql)).await.0, events);
    }
}

#[tokio::main]
async fn main() {
    let events = std::env::var("IES_BENCH_EVENTS").ok().and_then(|n| n.parse().ok());
    let events = events.unwrap_or(1_000_000);
    println!("{events} events of {ITEMS} items over {DAYS} days");
    let folder = tempfile::tempdir().expect("a folder");
    println!("SQLite");
    let in_vienna = "UPDATE ledgers SET time_zone = 'Europe/Vienna', day_start_hour = 4";
    let file = folder.path().join("main.db");
    measure(folder.path().to_str().expect("text"), events, async || {
        let shell = rusqlite::Connection::open(&file).expect("the ledger's file");
        shell.execute(in_vienna, []).expect("set");
    })
    .await;
    let cluster = Cluster::started();
    let database = cluster.new_database().await;
    println!("PostgreSQL");
    measure(&cluster.url("ies_app", &database), events, async || {
        let shell = cluster.connect("ies_app", &database).await;
        shell.batch_execute(in_vienna).await.expect("set");
    })
    .await;
    measure_view(cluster, &database).await;
}
