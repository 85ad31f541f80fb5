//! The daily summary against the log: every row is the sum of its day's events up to the summary's
//! position. What is in the log cannot change, so the rows are read first and the events later.

use super::Findings;
use crate::error::StoreError;
use crate::event::Event;
use crate::ids::Position;
use crate::query::{DailySummary, SummaryQuery};
use crate::store::LedgerStore;
use crate::summary::{DaySum, SummaryKey, SummaryRow, Sums};
use crate::time::BusinessDay;
use std::collections::BTreeMap;

pub(super) struct SummaryCheck {
    stored: DailySummary,
    /// What the log says; a sentence when the summary's days cannot be told.
    logged: Result<Sums, String>,
}

impl SummaryCheck {
    /// Reads the summary.
    pub async fn begin(store: &dyn LedgerStore) -> Result<Self, StoreError> {
        let all = SummaryQuery { limit: usize::MAX, ..SummaryQuery::default() };
        let stored = store.daily_summary(&all).await?;
        let summary = &stored.summary;
        let business_day = BusinessDay::new(&summary.time_zone, summary.day_start_hour);
        Ok(Self { logged: business_day.map(Sums::new), stored })
    }

    /// Adds the next events of the log.
    pub fn page(&mut self, events: &[Event]) {
        let position = self.stored.summary.position;
        if let Ok(sums) = &mut self.logged {
            events.iter().filter(|event| event.id <= position).for_each(|event| sums.add(event));
        }
    }

    /// Compares it with the log, whose last event is at `last`.
    pub fn compare(self, last: Position, findings: &mut Findings) {
        let position = self.stored.summary.position;
        let mut add = |item_id, detail| findings.add("summary_differs", item_id, None, detail);
        if position > last {
            add(None, format!("the summary says up to {position}, the last event is {last}"));
        }
        let sums = match self.logged {
            Ok(sums) => sums,
            Err(why) => return add(None, why),
        };
        let mut rows: BTreeMap<SummaryKey, (DaySum, DaySum)> = BTreeMap::new();
        for SummaryRow { key, sum } in self.stored.rows {
            rows.entry(key).or_default().0 = sum;
        }
        for SummaryRow { key, sum } in sums.rows() {
            rows.entry(key).or_default().1 = sum;
        }
        for (key, (stored, logged)) in rows.iter().filter(|(_, (stored, logged))| stored != logged)
        {
            let what = key.kind.map_or_else(|| key.reason.to_string(), |kind| kind.to_string());
            let (stored, logged) = (say(stored), say(logged));
            let detail = format!("{} {what}: the summary says {stored}, the log {logged}", key.day);
            add(Some(key.item_id), detail);
        }
    }
}

fn say(sum: &DaySum) -> String {
    format!("{:+} in {} events", sum.quantity_change, sum.events)
}
