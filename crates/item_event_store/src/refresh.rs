//! Refreshing the daily summary: the log is read on from the position up to which the summary is
//! true, beside the writers, and added to it in short transactions. Whoever else refreshes it at
//! the same time takes some of the steps; no event is added twice.

use crate::error::StoreError;
use crate::ids::Position;
use crate::limits::SUMMARY_STEP_EVENTS;
use crate::query::{DailySummary, EventQuery, Order, SummaryQuery};
use crate::report::{Progress, RefreshReport};
use crate::settings::Settings;
use crate::store::{LedgerStore, SummaryStep};
use crate::summary::{Summary, SummaryRow, Sums};
use crate::time::BusinessDay;
use crate::writer::Queue;
use tokio::time::{Instant, sleep};

/// Brings the summary up to the position that the log has now. It is made anew, from the log's
/// beginning, when that is asked for, when it was made for other business days, or when it claims
/// more events than there are. The steps are the writer's to take, whose queue this is. After each
/// of them it rests so many times as long as the step took.
pub(crate) async fn refresh(
    store: &dyn LedgerStore,
    queue: &Queue,
    anew: bool,
    rests: u32,
    progress: Progress<'_>,
) -> Result<RefreshReport, StoreError> {
    let goal = store.head().await?.position;
    let (mut events, mut rebuilt) = (0, false);
    loop {
        let begun = Instant::now();
        let seen = store.daily_summary(&SummaryQuery::default()).await?;
        let position = seen.summary.position;
        let clear = seen.summary.clearing || must_begin_anew(&seen) || (anew && !rebuilt);
        if !clear && position >= goal {
            return Ok(RefreshReport { position, events, rebuilt });
        }
        if clear {
            let Settings { time_zone, day_start_hour, .. } = seen.head.settings;
            let clear = SummaryStep::Clear { time_zone, day_start_hour };
            rebuilt |= queue.step(seen.summary, clear).await?;
        } else {
            let (up_to, rows) = next_sums(store, &seen.summary, goal).await?;
            if queue.step(seen.summary, SummaryStep::Add { up_to, rows }).await? {
                events += (up_to.0 - position.0).unsigned_abs();
                progress(up_to.0.unsigned_abs(), goal.0.unsigned_abs());
            }
        }
        // A sleep of no time is one of a timer's tick.
        if rests > 0 {
            sleep(begun.elapsed() * rests).await;
        }
    }
}

fn must_begin_anew(seen: &DailySummary) -> bool {
    let (summary, settings) = (&seen.summary, &seen.head.settings);
    summary.time_zone != settings.time_zone
        || summary.day_start_hour != settings.day_start_hour
        || summary.position > seen.head.position
}

/// The sums of the next events, up to the goal at most, and the position of the last of them.
async fn next_sums(
    store: &dyn LedgerStore,
    summary: &Summary,
    goal: Position,
) -> Result<(Position, Vec<SummaryRow>), StoreError> {
    let business_day = BusinessDay::new(&summary.time_zone, summary.day_start_hour)
        .map_err(StoreError::Corrupt)?;
    let query = EventQuery {
        after: Some(summary.position),
        before: Some(goal.plus(1)),
        ..EventQuery::all(Order::OldestFirst, SUMMARY_STEP_EVENTS)
    };
    let events = store.events(&query).await?.value;
    let up_to = events.last().map(|event| event.id).ok_or_else(|| {
        let position = summary.position;
        StoreError::Corrupt(format!("no event comes after {position}, the head says {goal}"))
    })?;
    let mut sums = Sums::new(business_day);
    for event in &events {
        sums.add(event);
    }
    Ok((up_to, sums.rows()))
}
