//! `ies summary`: what changed on each business day.

use crate::cli::api::Api;
use crate::cli::exit::{Exit, Failure};
use crate::cli::log::Names;
use crate::cli::output::{Column, Output, many, numbers, pretty, signed, table, words};
use crate::cli::progress;
use crate::cli::transport::Access;
use crate::wire;
use hyper::Method;
use item_event_store::limits::PAGE_MAX;
use item_event_store::reason::{Kind, Sign};
use item_event_store::time::Day;

/// How often all pages are read again when the summary was refreshed between them.
const TRIES: usize = 5;

/// `ies summary`.
#[derive(Debug, clap::Args)]
pub struct Summary {
    /// An id, or sku:…; every item when absent
    item: Option<String>,
    /// The first business day: 2026-11-01
    #[arg(long, value_name = "DAY")]
    from: Option<Day>,
    /// The last business day
    #[arg(long, value_name = "DAY")]
    to: Option<Day>,
    /// Bring it up to the log's last position first
    #[arg(long)]
    refresh: bool,
    /// Make it from the log's beginning first
    #[arg(long, conflicts_with = "refresh")]
    rebuild: bool,
}

impl Summary {
    /// What the command needs the ledger for.
    pub fn access(&self) -> Access {
        if self.refresh || self.rebuild { Access::Write } else { Access::Read }
    }

    /// Refreshes it if that was asked for, and shows it.
    pub async fn run(self, api: &Api, output: Output) -> Result<Exit, Failure> {
        let item = match &self.item {
            Some(item) => Some(api.item_id(item).await?),
            None => None,
        };
        if self.refresh || self.rebuild {
            bring_up_to_date(api, output, self.rebuild).await?;
        }
        let mut query = Vec::new();
        query.extend(item.map(|id| ("item_id", id.to_string())));
        query.extend(self.from.map(|day| ("from", day.to_string())));
        query.extend(self.to.map(|day| ("to", day.to_string())));
        let all = every_sum(api, query).await?;
        if output.is_json() {
            output.print(&pretty(&all))?;
            return Ok(Exit::Ok);
        }
        let days = days(&all);
        let drawn = if let Some(id) = item {
            let answer: wire::ItemReply = api.get(&format!("/v1/items/{id}"), &[]).await?;
            let wire::Item { name, unit, .. } = answer.item;
            let rows = of_item(&days, all.opening.unwrap_or(0));
            format!("{name}, {unit} by business day\n{rows}")
        } else {
            let mut names = Names::default();
            let mut rows = Vec::with_capacity(days.len());
            for day in &days {
                rows.push(day.row_of(names.of(api, day.item_id).await?));
            }
            table(&COLUMNS, &rows)
        };
        output.print(&format!("{drawn}{}", up_to(&all)))?;
        Ok(Exit::Ok)
    }
}

async fn bring_up_to_date(api: &Api, output: Output, anew: bool) -> Result<(), Failure> {
    let (path, what) = if anew {
        ("/v1/summary/daily/rebuild", "rebuilding")
    } else {
        ("/v1/summary/daily/refresh", "refreshing")
    };
    let waiting = progress::waiting(output, what);
    let asked: Result<wire::RefreshReport, _> = api.write(Method::POST, path, &()).await;
    waiting.finish_and_clear();
    let report = asked?;
    let from = if report.rebuilt { " from the beginning" } else { "" };
    output.message(&format!("{} added{from}", many(report.events, "event")));
    Ok(())
}

/// Every row, page after page, all of them true up to one position.
pub async fn every_sum(
    api: &Api,
    mut query: Vec<(&str, String)>,
) -> Result<wire::DailySummaryPage, Failure> {
    const PATH: &str = "/v1/summary/daily";
    query.push(("limit", PAGE_MAX.to_string()));
    for _ in 0..TRIES {
        let mut all: wire::DailySummaryPage = api.get(PATH, &query).await?;
        let mut same = true;
        while let Some(cursor) = all.next_cursor.take().filter(|_| same) {
            let mut further = query.clone();
            further.push(("cursor", cursor));
            let page: wire::DailySummaryPage = api.get(PATH, &further).await?;
            same = page.position == all.position && page.time_zone == all.time_zone;
            all.summary.extend(page.summary);
            all.next_cursor = page.next_cursor;
        }
        if same {
            return Ok(all);
        }
    }
    Err(Failure::new(Exit::TryAgain, "the summary was refreshed while it was read")
        .hint("ask for fewer days, with --from and --to"))
}

/// A day of an item as the table shows it.
struct ItemDay<'a> {
    day: &'a str,
    item_id: i64,
    /// Initial, batch, bakeoff, special order, waste and its like, other adjustments.
    changes: [Option<i64>; 6],
    net: i64,
}

/// Rows come by day and item.
fn days(all: &wire::DailySummaryPage) -> Vec<ItemDay<'_>> {
    let mut days: Vec<ItemDay<'_>> = Vec::new();
    for sum in &all.summary {
        let (day, item_id) = (sum.day.as_str(), sum.item_id);
        if days.last().is_none_or(|last| (last.day, last.item_id) != (day, item_id)) {
            days.push(ItemDay { day, item_id, changes: [None; 6], net: 0 });
        }
        let today = days.last_mut().expect("the day was just pushed");
        *today.changes[column(sum)].get_or_insert(0) += sum.quantity_change;
        today.net += sum.quantity_change;
    }
    days
}

fn column(sum: &wire::DaySum) -> usize {
    match sum.reason.as_str() {
        "initial" => 0,
        "batch" => 1,
        "bakeoff" => 2,
        "special_order" => 3,
        _ => {
            let kind = sum.kind.as_ref().and_then(|kind| kind.parse::<Kind>().ok());
            if kind.is_some_and(|kind| kind.sign() == Sign::Out) { 4 } else { 5 }
        }
    }
}

const COLUMNS: [Column; 10] = [
    words("DAY"),
    numbers("ITEM"),
    words("NAME"),
    numbers("INITIAL"),
    numbers("BATCH"),
    numbers("BAKEOFF"),
    numbers("SPECIAL ORDER"),
    numbers("WASTE-LIKE"),
    numbers("OTHER"),
    numbers("NET"),
];

const COLUMNS_OF_ITEM: [Column; 10] = [
    words("DAY"),
    numbers("OPENING"),
    numbers("INITIAL"),
    numbers("BATCH"),
    numbers("BAKEOFF"),
    numbers("SPECIAL ORDER"),
    numbers("WASTE-LIKE"),
    numbers("OTHER"),
    numbers("NET"),
    numbers("CLOSING"),
];

impl ItemDay<'_> {
    fn changes(&self) -> impl Iterator<Item = String> {
        self.changes.iter().map(|change| change.map(signed).unwrap_or_default())
    }

    fn row_of(&self, name: String) -> Vec<String> {
        let mut row = vec![self.day.to_owned(), self.item_id.to_string(), name];
        row.extend(self.changes());
        row.push(signed(self.net));
        row
    }
}

fn of_item(days: &[ItemDay<'_>], opening: i64) -> String {
    let mut balance = opening;
    let row = |day: &ItemDay<'_>| {
        let mut row = vec![day.day.to_owned(), balance.to_string()];
        balance += day.net;
        row.extend(day.changes());
        row.extend([signed(day.net), balance.to_string()]);
        row
    };
    table(&COLUMNS_OF_ITEM, &days.iter().map(row).collect::<Vec<_>>())
}

fn up_to(all: &wire::DailySummaryPage) -> String {
    let later = u64::try_from(all.head_position - all.position).unwrap_or(0);
    let missing = if later == 0 {
        String::new()
    } else {
        format!("; {} later: --refresh", many(later, "event"))
    };
    format!("true up to position {}{missing}\n", all.position)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn a_page(head_position: i64) -> wire::DailySummaryPage {
        let sum = |day: &str, item_id, what: &str, quantity_change| {
            let adjustment = what.parse::<Kind>().is_ok();
            wire::DaySum {
                day: day.to_owned(),
                item_id,
                reason: if adjustment { "adjustment" } else { what }.to_owned(),
                kind: adjustment.then(|| what.to_owned()),
                events: 1,
                quantity_change,
            }
        };
        wire::DailySummaryPage {
            summary: vec![
                sum("2026-11-22", 1, "batch", 24),
                sum("2026-11-23", 1, "correction", -1),
                sum("2026-11-23", 1, "damage", -2),
                sum("2026-11-23", 1, "waste", -3),
                sum("2026-11-23", 1, "bakeoff", -10),
                sum("2026-11-23", 1, "special_order", -4),
                sum("2026-11-23", 2, "initial", 5),
            ],
            opening: None,
            next_cursor: None,
            position: 7,
            head_position,
            time_zone: "UTC".to_owned(),
            day_start_hour: 0,
        }
    }

    #[test]
    fn a_day_of_an_item_is_a_row() {
        let page = a_page(7);
        let days = days(&page);
        let row = |day: &ItemDay<'_>| day.row_of(format!("Item {}", day.item_id));
        let rows: Vec<_> = days.iter().map(row).collect();
        let expected = "\
DAY         ITEM  NAME    INITIAL  BATCH  BAKEOFF  SPECIAL ORDER  WASTE-LIKE  OTHER  NET
2026-11-22     1  Item 1             +24                                             +24
2026-11-23     1  Item 1                      -10             -4          -5     -1  -20
2026-11-23     2  Item 2       +5                                                     +5
";
        assert_eq!(table(&COLUMNS, &rows), expected);
        assert_eq!(up_to(&page), "true up to position 7\n");
        assert_eq!(up_to(&a_page(8)), "true up to position 7; 1 event later: --refresh\n");
    }

    #[test]
    fn an_item_s_days_go_on_from_the_opening() {
        let mut page = a_page(7);
        page.summary.pop();
        let expected = "\
DAY         OPENING  BATCH  BAKEOFF  SPECIAL ORDER  WASTE-LIKE  OTHER  NET  CLOSING
2026-11-22        3    +24                                             +24       27
2026-11-23       27             -10             -4          -5     -1  -20        7
";
        assert_eq!(of_item(&days(&page), 3), expected);
    }
}
