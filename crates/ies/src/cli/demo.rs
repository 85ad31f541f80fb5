//! `ies serve --demo`: a small bakery of 30 days, so that a newcomer has something to look at. The
//! same days give the same bakery: chance comes from a fixed seed, and the clock is set along.

mod chance;
mod plan;

use crate::cli::exit::{Exit, Failure};
use item_event_store::clock::SetClock;
use item_event_store::command::Request;
use item_event_store::ids::Position;
use item_event_store::ledger::Ledger;
use item_event_store::request::Answer;
use item_event_store::store::LedgerStore;
use item_event_store::time::Timestamp;
use plan::{DAY, plan};
use std::sync::Arc;

/// Fills a ledger in which nothing has happened yet, and says what it did.
pub async fn fill(tables: &Arc<dyn LedgerStore>) -> Result<String, Failure> {
    let head = tables.head().await?;
    if head.position != Position::START || head.items_revision > 0 {
        return Ok(format!(
            "the store is not empty (position {}), so the demo leaves it as it is",
            head.position
        ));
    }
    let today = Timestamp::from_micros(Timestamp::now().micros().div_euclid(DAY) * DAY);
    let moments = plan(today);
    let clock = Arc::new(SetClock::new(moments.first().map_or(today, |moment| moment.at)));
    let ledger = Ledger::open(Arc::clone(tables), Arc::<SetClock>::clone(&clock)).await?;
    let filled = record(&ledger, &clock, moments).await;
    let refreshed = ledger.refresh_summary(false, &|_, _| ()).await;
    ledger.close().await;
    let position = filled?;
    refreshed?;
    Ok(format!("the demo bakery is there: 30 days, {position} events"))
}

async fn record(
    ledger: &Ledger,
    clock: &SetClock,
    moments: Vec<plan::Moment>,
) -> Result<Position, Failure> {
    let bug = |what: String| Failure::new(Exit::Bug, format!("the demo bakery: {what}"));
    let mut position = Position::START;
    for (number, moment) in moments.into_iter().enumerate() {
        clock.set(moment.at);
        let key = format!("demo-{number}").parse().map_err(|error| bug(format!("{error}")))?;
        let actor = moment.actor.parse().map_err(|error| bug(format!("{error}")))?;
        let request = Request::new(key, actor, moment.commands).map_err(|e| bug(e.to_string()))?;
        match ledger.execute(request, moment.role).await {
            Ok(Answer::Recorded(recorded)) => position = recorded.position,
            Ok(Answer::Rejected { rejected, .. }) => return Err(bug(rejected.to_string())),
            Err(error) => return Err(Failure::new(Exit::Io, error.to_string())),
        }
    }
    Ok(position)
}
