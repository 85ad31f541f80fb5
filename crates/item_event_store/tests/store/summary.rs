//! The daily summary: true up to its position, by the ledger's business days, each event once.

use crate::backend::{
    TestLedger, adjust, at, bakeoff, bakeoff_at, batch, correct, set, special_order,
};
use crate::model::Random;
use item_event_store::Ledger;
use item_event_store::access::Role;
use item_event_store::clock::SystemClock;
use item_event_store::command::{Expected, SetKind};
use item_event_store::error::StoreError;
use item_event_store::ids::{ItemId, LedgerName, Position};
use item_event_store::limits::{SUMMARY_STEP_EVENTS, SUMMARY_STEP_ROWS};
use item_event_store::query::{DailySummary, SummaryQuery};
use item_event_store::reason::{Kind, Reason};
use item_event_store::report::RefreshReport;
use item_event_store::store::SummaryStep;
use item_event_store::summary::{SummaryKey, SummaryRow};
use item_event_store::time::{BusinessDay, Day};
use std::collections::BTreeMap;
use std::sync::Mutex;

pub fn everything() -> SummaryQuery {
    SummaryQuery { limit: 1_000_000, ..SummaryQuery::default() }
}

pub async fn read(t: &TestLedger, query: &SummaryQuery) -> DailySummary {
    t.ledger().store().daily_summary(query).await.expect("reads")
}

pub async fn refresh(t: &TestLedger) -> RefreshReport {
    t.ledger().refresh_summary(false, &|_, _| ()).await.expect("refreshed")
}

async fn rebuild(t: &TestLedger) -> RefreshReport {
    t.ledger().refresh_summary(true, &|_, _| ()).await.expect("refreshed")
}

/// `2026-11-23 1 waste: 2 -3`: day, item, reason or kind, events and their sum.
fn said(row: &SummaryRow) -> String {
    let what = row.key.kind.map_or(row.key.reason.as_str(), Kind::as_str);
    let (key, sum) = (row.key, row.sum);
    format!("{} {} {what}: {} {:+}", key.day, key.item_id, sum.events, sum.quantity_change)
}

pub async fn rows(t: &TestLedger) -> Vec<String> {
    read(t, &everything()).await.rows.iter().map(said).collect()
}

fn day(text: &str) -> Day {
    text.parse().expect("a day")
}

fn set_business_day(t: &TestLedger, time_zone: &str, day_start_hour: i8) {
    let sql =
        format!("UPDATE ledgers SET time_zone = '{time_zone}', day_start_hour = {day_start_hour}");
    t.backend.shell().run(&sql).expect("set");
}

pub async fn it_is_true_up_to_its_position(t: &TestLedger) {
    let empty = read(t, &everything()).await;
    assert_eq!((empty.summary.position, empty.rows.len()), (Position::START, 0));
    let item = t.item("Croissant", 10).await;
    t.all(vec![batch(item, 24), bakeoff(item, 6), bakeoff(item, 1)]).await;
    let not_yet = read(t, &everything()).await;
    assert_eq!((not_yet.summary.position, not_yet.head.position), (Position::START, Position(4)));
    assert!(not_yet.rows.is_empty());
    let report = refresh(t).await;
    assert_eq!(report, RefreshReport { position: Position(4), events: 4, rebuilt: false });
    t.one(adjust(item, Kind::Waste, -2)).await;
    let then = read(t, &everything()).await;
    assert_eq!((then.summary.position, then.head.position), (Position(4), Position(5)));
    let shown: Vec<_> = then.rows.iter().map(said).collect();
    assert_eq!(
        shown,
        ["2026-11-23 1 bakeoff: 2 -7", "2026-11-23 1 batch: 1 +24", "2026-11-23 1 initial: 1 +10"]
    );
    refresh(t).await;
    assert_eq!(rows(t).await[0], "2026-11-23 1 waste: 1 -2");
    let read_only = Ledger::read_only(t.store().ledger(&LedgerName::default()).await.expect("one"));
    let refused = read_only.refresh_summary(false, &|_, _| ()).await;
    assert_eq!(refused, Err(StoreError::ReadOnly));
}

pub async fn a_refresh_goes_on_where_the_last_one_stopped(t: &TestLedger) {
    let item = t.item("Croissant", 10).await;
    for round in 1..=4 {
        t.all(vec![batch(item, 3), bakeoff(item, 1)]).await;
        let report = refresh(t).await;
        assert_eq!(report.events, if round == 1 { 3 } else { 2 });
        assert_eq!(refresh(t).await, RefreshReport { events: 0, ..report }, "nothing twice");
        t.reopen().await;
    }
    let before = read(t, &everything()).await;
    assert_eq!(before.rows.iter().map(|row| row.sum.events).sum::<i64>(), 9);
    let report = rebuild(t).await;
    assert_eq!(report, RefreshReport { position: Position(9), events: 9, rebuilt: true });
    assert_eq!(read(t, &everything()).await, before, "from the beginning it is the same");
}

pub async fn late_events_and_corrections_land_on_their_day(t: &TestLedger) {
    let item = t.item("Croissant", 30).await;
    t.one(bakeoff(item, 4)).await;
    refresh(t).await;
    t.clock.set(at("2026-11-25T05:00:00Z"));
    t.one(bakeoff_at(item, 6, "2026-11-21T09:00:00Z")).await;
    t.one(correct(Position(2), -5)).await;
    t.one(correct(Position(3), 0)).await;
    t.one(set(
        item,
        SetKind::Count { counted_at: Some(at("2026-11-24T05:00:00Z")) },
        20,
        Expected::Any,
    ))
    .await;
    assert_eq!(refresh(t).await.events, 4);
    assert_eq!(
        rows(t).await,
        [
            "2026-11-21 1 correction: 1 +6",
            "2026-11-21 1 bakeoff: 1 -6",
            "2026-11-23 1 correction: 1 -1",
            "2026-11-23 1 bakeoff: 1 -4",
            "2026-11-23 1 initial: 1 +30",
            "2026-11-24 1 count: 1 -5",
        ]
    );
    let chart = t.ledger().chart(item).await.expect("reads").value.expect("an item");
    assert_eq!(chart.days.last().expect("a day").closing, t.quantity(item).await);
}

pub async fn business_days_follow_the_zone_and_the_hour(t: &TestLedger) {
    t.clock.set(at("2027-01-01T00:00:00Z"));
    let item = t.item("Croissant", 1_000).await;
    // Just before and at four o'clock in Vienna: on an ordinary day, after the clocks went forward
    // and after they went back.
    for time in [
        "2026-03-28T02:59:59Z",
        "2026-03-28T03:00:00Z",
        "2026-03-29T01:59:59Z",
        "2026-03-29T02:00:00Z",
        "2026-10-25T02:59:59.999999Z",
        "2026-10-25T03:00:00Z",
    ] {
        t.one(bakeoff_at(item, 1, time)).await;
    }
    let mut seen = BTreeMap::new();
    for (zone, hour) in
        [("Europe/Vienna", 4), ("UTC", 0), ("Asia/Kolkata", 0), ("Pacific/Kiritimati", 23)]
    {
        set_business_day(t, zone, hour);
        refresh(t).await;
        let read = read(t, &everything()).await;
        assert_eq!((read.summary.time_zone.as_str(), read.summary.day_start_hour), (zone, hour));
        let bakeoffs = read.rows.iter().filter(|row| row.key.reason == Reason::Bakeoff);
        let days: Vec<_> = bakeoffs.map(|row| (row.key.day.to_string(), row.sum.events)).collect();
        seen.insert(zone, days);
    }
    let days = |days: &[(&str, i64)]| -> Vec<_> {
        days.iter().map(|(day, events)| ((*day).to_owned(), *events)).collect()
    };
    let vienna = [
        ("2026-03-27", 1),
        ("2026-03-28", 2),
        ("2026-03-29", 1),
        ("2026-10-24", 1),
        ("2026-10-25", 1),
    ];
    assert_eq!(seen["Europe/Vienna"], days(&vienna));
    let utc = days(&[("2026-03-28", 2), ("2026-03-29", 2), ("2026-10-25", 2)]);
    assert_eq!(seen["UTC"], utc);
    assert_eq!(seen["Asia/Kolkata"], utc);
    // Fourteen hours ahead, and the day of the 28th begins late in the evening.
    let kiritimati = days(&[("2026-03-27", 2), ("2026-03-28", 2), ("2026-10-24", 2)]);
    assert_eq!(seen["Pacific/Kiritimati"], kiritimati);
}

pub async fn another_zone_or_hour_makes_it_anew(t: &TestLedger) {
    let item = t.item("Croissant", 10).await;
    t.one(bakeoff_at(item, 1, "2026-11-22T23:30:00Z")).await;
    refresh(t).await;
    assert_eq!(rows(t).await, ["2026-11-22 1 bakeoff: 1 -1", "2026-11-23 1 initial: 1 +10"]);
    set_business_day(t, "Europe/Vienna", 0);
    let stale = read(t, &everything()).await;
    assert_eq!(stale.summary.time_zone, "UTC", "it says what it was made for");
    assert_eq!(refresh(t).await, RefreshReport { position: Position(2), events: 2, rebuilt: true });
    assert_eq!(rows(t).await, ["2026-11-23 1 bakeoff: 1 -1", "2026-11-23 1 initial: 1 +10"]);
    set_business_day(t, "Europe/Vienna", 3);
    assert!(refresh(t).await.rebuilt);
    assert_eq!(rows(t).await, ["2026-11-22 1 bakeoff: 1 -1", "2026-11-23 1 initial: 1 +10"]);
    assert!(!refresh(t).await.rebuilt);
}

pub async fn rows_are_filtered_and_paged(t: &TestLedger) {
    let items = [t.item("Croissant", 100).await, t.item("Baguette", 100).await];
    for (item, day) in [(0, 21), (1, 21), (0, 22), (1, 23)] {
        let time = format!("2026-11-{day}T02:00:00Z");
        t.one(bakeoff_at(items[item], 1, &time)).await;
    }
    t.all(vec![adjust(items[0], Kind::Waste, -1), adjust(items[1], Kind::Damage, -2)]).await;
    refresh(t).await;
    let all = read(t, &everything()).await.rows;
    assert_eq!(
        all.iter().map(said).collect::<Vec<_>>(),
        [
            "2026-11-21 1 bakeoff: 1 -1",
            "2026-11-21 2 bakeoff: 1 -1",
            "2026-11-22 1 bakeoff: 1 -1",
            "2026-11-23 1 waste: 1 -1",
            "2026-11-23 1 initial: 1 +100",
            "2026-11-23 2 damage: 1 -2",
            "2026-11-23 2 bakeoff: 1 -1",
            "2026-11-23 2 initial: 1 +100",
        ]
    );
    let admits = |query: &SummaryQuery, key: &SummaryKey| {
        query.item.is_none_or(|item| item == key.item_id)
            && query.from.is_none_or(|from| from <= key.day)
            && query.to.is_none_or(|to| key.day <= to)
            && query.reason.is_none_or(|reason| reason == key.reason)
            && query.kind.is_none_or(|kind| Some(kind) == key.kind)
    };
    for item in [None, Some(items[0]), Some(items[1]), Some(ItemId(9))] {
        for (from, to) in [
            (None, None),
            (Some(day("2026-11-22")), None),
            (None, Some(day("2026-11-22"))),
            (Some(day("2026-11-22")), Some(day("2026-11-22"))),
            (Some(day("2026-11-23")), Some(day("2026-11-22"))),
        ] {
            for (reason, kind) in [
                (None, None),
                (Some(Reason::Bakeoff), None),
                (None, Some(Kind::Waste)),
                (Some(Reason::Adjustment), Some(Kind::Damage)),
                (Some(Reason::Batch), Some(Kind::Waste)),
            ] {
                for limit in [1, 3, 100] {
                    let query = SummaryQuery { item, from, to, reason, kind, limit, after: None };
                    let expected: Vec<_> =
                        all.iter().filter(|row| admits(&query, &row.key)).copied().collect();
                    assert_eq!(paged(t, query.clone()).await, expected, "{query:?}");
                }
            }
        }
    }
}

/// All pages of a list.
async fn paged(t: &TestLedger, mut query: SummaryQuery) -> Vec<SummaryRow> {
    let mut all = Vec::new();
    loop {
        let page = read(t, &query).await.rows;
        assert!(page.len() <= query.limit);
        let Some(last) = page.last() else { return all };
        query.after = Some(last.key);
        all.extend(page);
    }
}

pub async fn the_opening_is_the_balance_before_the_first_day(t: &TestLedger) {
    let items = [t.item("Croissant", 100).await, t.item("Baguette", 100).await];
    for (item, day) in [(0, 19), (0, 21), (1, 21), (0, 22)] {
        t.one(bakeoff_at(items[item], 7, &format!("2026-11-{day}T02:00:00Z"))).await;
    }
    refresh(t).await;
    assert_eq!(read(t, &everything()).await.opening, None);
    for item in items {
        let whole = SummaryQuery { item: Some(item), ..everything() };
        assert_eq!(read(t, &whole).await.opening, Some(0));
        let chart = t.ledger().chart(item).await.expect("reads").value.expect("an item");
        for shown in chart.days {
            let query =
                SummaryQuery { from: Some(shown.day), to: Some(shown.day), ..whole.clone() };
            let read = read(t, &query).await;
            let net: i64 = read.rows.iter().map(|row| row.sum.quantity_change).sum();
            let opening = read.opening.expect("of an item");
            assert_eq!((opening, opening + net), (shown.opening, shown.closing), "{}", shown.day);
        }
        let later = SummaryQuery { from: Some(day("2027-01-01")), ..whole };
        assert_eq!(read(t, &later).await.opening, Some(t.quantity(item).await));
    }
}

/// Records so many batches of one piece.
async fn record(t: &TestLedger, item: ItemId, events: usize) {
    let most = item_event_store::limits::MAX_REQUEST_COMMANDS;
    let mut left = events;
    while left > 0 {
        let some = left.min(most);
        t.all(vec![batch(item, 1); some]).await;
        left -= some;
    }
}

pub async fn events_are_added_in_bounded_steps(t: &TestLedger) {
    let item = t.item("Croissant", 0).await;
    for (more, steps) in [(SUMMARY_STEP_EVENTS, 1), (SUMMARY_STEP_EVENTS + 1, 2)] {
        record(t, item, more).await;
        let seen = Mutex::new(Vec::new());
        let progress = |done, all| seen.lock().expect("unpoisoned").push((done, all));
        let report = t.ledger().refresh_summary(false, &progress).await.expect("refreshed");
        assert_eq!(report.events, more as u64);
        let seen = seen.into_inner().expect("unpoisoned");
        assert_eq!(seen.len(), steps, "{seen:?}");
        assert_eq!(seen.last().expect("a step").0, report.position.0.unsigned_abs());
    }
    let all = 2 * SUMMARY_STEP_EVENTS + 1;
    let sum = read(t, &everything()).await.rows[0].sum;
    assert_eq!((sum.events.unsigned_abs(), sum.quantity_change), (all as u64, sum.events));
}

pub async fn rows_are_cleared_in_bounded_steps(t: &TestLedger) {
    let item = t.item("Croissant", 1_000_000).await;
    let days = |first: usize, count: usize| {
        (first..first + count).map(move |n| {
            let n = i32::try_from(n).expect("a number of days");
            bakeoff_at(item, 1, &format!("{}T12:00:00Z", Day::from_number(n)))
        })
    };
    t.all(days(0, SUMMARY_STEP_ROWS - 1).collect()).await;
    refresh(t).await;
    let store = t.ledger();
    let clear = SummaryStep::Clear { time_zone: "UTC".into(), day_start_hour: 0 };
    let step = async |clear: &SummaryStep| {
        let seen = read(t, &SummaryQuery::default()).await.summary;
        assert!(store.store().step_summary(&seen, clear.clone()).await.expect("taken"));
        read(t, &everything()).await
    };
    let at_the_edge = step(&clear).await;
    assert_eq!((at_the_edge.summary.position, at_the_edge.summary.clearing), (Position(0), false));
    t.all(days(SUMMARY_STEP_ROWS - 1, 1).collect()).await;
    refresh(t).await;
    let beyond = step(&clear).await;
    assert!(beyond.summary.clearing);
    assert!(beyond.rows.is_empty(), "what is left of it counts as nothing");
    let of_item = SummaryQuery { item: Some(item), from: Some(day("2026-01-01")), ..everything() };
    assert_eq!(read(t, &of_item).await.opening, Some(0));
    let report = t.ledger().verify(false, &|_, _| ()).await.expect("verifies");
    assert!(report.clean(), "{:#?}", report.findings);
    assert!(refresh(t).await.rebuilt, "whoever comes next goes on");
    assert_eq!(read(t, &everything()).await.rows.len(), SUMMARY_STEP_ROWS + 1);
}

pub async fn a_step_on_what_is_no_longer_so_is_not_taken(t: &TestLedger) {
    let item = t.item("Croissant", 10).await;
    let seen = read(t, &everything()).await.summary;
    refresh(t).await;
    let before = read(t, &everything()).await;
    let again = SummaryStep::Add { up_to: Position(1), rows: before.rows.clone() };
    let clear = SummaryStep::Clear { time_zone: "UTC".into(), day_start_hour: 0 };
    for step in [again, clear] {
        let taken = t.ledger().store().step_summary(&seen, step).await.expect("tried");
        assert!(!taken);
        assert_eq!(read(t, &everything()).await, before);
    }
    t.one(batch(item, 1)).await;
    refresh(t).await;
}

pub async fn two_that_refresh_at_once_add_every_event_once(t: &TestLedger) {
    let item = t.item("Croissant", 0).await;
    // On SQLite a store has one process that writes: there it is two callers of one ledger.
    let other = if t.backend.words().backend == "sqlite" {
        t.ledger()
    } else {
        let store = t.backend.open().await;
        let tables = store.ledger(&LedgerName::default()).await.expect("a ledger");
        Ledger::open(tables, std::sync::Arc::new(SystemClock)).await.expect("opens")
    };
    for round in 0..20 {
        t.all(vec![batch(item, 1); 500]).await;
        let ledger = t.ledger();
        let anew = round % 7 == 3;
        let (one, two) = tokio::join!(
            ledger.refresh_summary(anew, &|_, _| ()),
            other.refresh_summary(anew, &|_, _| ()),
        );
        let (one, two) = (one.expect("refreshed"), two.expect("refreshed"));
        let position = Position(500 * (round + 1));
        assert_eq!((one.position, two.position), (position, position));
        let read = read(t, &everything()).await;
        assert_eq!(read.summary.position, position);
        assert_eq!(read.rows.iter().map(|row| row.sum.events).sum::<i64>(), position.0);
    }
}

pub async fn it_is_refreshed_while_the_ledger_is_written_to(t: &TestLedger) {
    let item = t.item("Croissant", 0).await;
    let requests: Vec<_> = (0..200).map(|_| t.request(vec![batch(item, 1); 50])).collect();
    let ledger = t.ledger();
    let writing = tokio::spawn(async move {
        for request in requests {
            ledger.execute(request, Role::Baker).await.expect("recorded");
        }
    });
    let mut last = Position::START;
    while !writing.is_finished() {
        let report = refresh(t).await;
        assert!(report.position >= last);
        last = report.position;
        let read = read(t, &everything()).await;
        let events: i64 = read.rows.iter().map(|row| row.sum.events).sum();
        assert_eq!(events, read.summary.position.0);
    }
    writing.await.expect("joins");
    assert_eq!(refresh(t).await.position, Position(10_000));
}

pub async fn what_is_wrong_is_found_and_mended(t: &TestLedger) {
    let item = t.item("Croissant", 10).await;
    t.all(vec![batch(item, 24), special_order(item, 3)]).await;
    refresh(t).await;
    let right = read(t, &everything()).await;
    for (damage, found) in [
        ("UPDATE item_daily_summary SET quantity_change = 25 WHERE reason = 'batch'", "batch"),
        ("UPDATE item_daily_summary SET events = 2 WHERE reason = 'initial'", "initial"),
        ("DELETE FROM item_daily_summary WHERE reason = 'special_order'", "special_order"),
        (
            "INSERT INTO item_daily_summary (day, item_id, reason, kind, events, quantity_change)
             VALUES ('2026-11-24', 77, 'adjustment', 'waste', 1, -5)",
            "waste",
        ),
        ("UPDATE item_daily_summary SET day = '2026-11-22' WHERE reason = 'batch'", "2026-11-22"),
        ("UPDATE summaries SET position = 2", "special_order"),
        ("UPDATE summaries SET position = 9", "up to 9"),
        ("UPDATE summaries SET time_zone = 'Nowhere/None'", "Nowhere/None"),
    ] {
        t.backend.tamper(damage);
        let report = t.ledger().verify(false, &|_, _| ()).await.expect("verifies");
        let findings = &report.findings;
        assert!(findings.iter().all(|finding| finding.code == "summary_differs"), "{findings:#?}");
        let named = findings.iter().any(|finding| finding.detail.contains(found));
        assert!(named, "{damage}: {findings:#?}");
        assert!(rebuild(t).await.rebuilt);
        assert_eq!(read(t, &everything()).await, right, "{damage}");
    }
}

/// What the log adds up to, as plainly as can be.
async fn plain_fold(t: &TestLedger, up_to: Position, days: &BusinessDay) -> Vec<String> {
    let mut sums: BTreeMap<(Day, i64, &str, &str), (i64, i64)> = BTreeMap::new();
    for event in t.log().await.iter().filter(|event| event.id <= up_to) {
        let kind = event.kind.map_or("", Kind::as_str);
        let day = days.day_of(event.occurred_at.unwrap_or(event.created_at));
        let sum = sums.entry((day, event.item_id.0, event.reason.as_str(), kind)).or_default();
        *sum = (sum.0 + 1, sum.1 + event.quantity_change);
    }
    let mut said = Vec::new();
    for ((day, item, reason, kind), (events, change)) in sums {
        let what = if kind.is_empty() { reason } else { kind };
        said.push(format!("{day} {item} {what}: {events} {change:+}"));
    }
    said
}

pub async fn it_is_what_a_plain_fold_says(t: &TestLedger) {
    let seed = crate::model::seed();
    let mut random = Random(seed);
    let mut business_day = ("UTC", 0);
    let mut now = at(crate::backend::MORNING);
    let items = [t.item("Croissant", 100_000).await, t.item("Baguette", 100_000).await];
    for _ in 0..300 {
        let item = items[usize::try_from(random.below(2)).expect("small")];
        let amount = i64::try_from(random.below(9) + 1).expect("small");
        let late = i64::try_from(random.below(200)).expect("small") * 3_600_000_000;
        let head = t.ledger().store().head().await.expect("reads").position;
        let some = Position(i64::try_from(random.below(head.0.unsigned_abs())).expect("small") + 1);
        let command = match random.below(8) {
            0 | 1 => batch(item, amount),
            2 => bakeoff(item, amount),
            3 => bakeoff_at(item, amount, &now.plus_micros(-late).to_string()),
            4 => special_order(item, amount),
            5 => adjust(item, Kind::Waste, -amount),
            6 => adjust(item, Kind::Transfer, amount),
            _ => correct(some, 0),
        };
        // Some corrections are refused: that is for others to judge.
        t.try_all(vec![command]).await.expect("an answer");
        match random.below(12) {
            0 => {
                now = now.plus_micros(late / 5);
                t.clock.set(now);
            }
            1 if random.below(4) == 0 => {
                let zones = [("UTC", 0), ("Europe/Vienna", 4), ("America/St_Johns", 2)];
                business_day = zones[usize::try_from(random.below(3)).expect("small")];
                set_business_day(t, business_day.0, business_day.1);
                refresh(t).await;
            }
            2 | 3 => {
                refresh(t).await;
            }
            4 if random.below(3) == 0 => {
                rebuild(t).await;
            }
            _ => {}
        }
        if random.below(10) == 0 {
            let read = read(t, &everything()).await;
            let days = BusinessDay::new(business_day.0, business_day.1).expect("a zone");
            let expected = plain_fold(t, read.summary.position, &days).await;
            let shown: Vec<_> = read.rows.iter().map(said).collect();
            assert_eq!(shown, expected, "seed {seed}");
        }
    }
}
