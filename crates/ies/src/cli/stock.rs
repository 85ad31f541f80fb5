//! `ies stock` and `ies explain`: how many there are, and why.

use crate::cli::api::Api;
use crate::cli::exit::{Exit, Failure};
use crate::cli::output::{Output, numbers, or_empty, short_time, signed, table, words};
use crate::cli::text;
use crate::wire;
use item_event_store::limits::PAGE_MAX;
use std::fmt::Write as _;

/// `ies stock`.
#[derive(Debug, clap::Args)]
pub struct Stock {
    /// An id, or sku:…; every item when absent
    item: Option<String>,
    /// A position (7) or a time: the counts as they were right after it was recorded
    #[arg(long, value_name = "POSITION|TIME")]
    as_of: Option<String>,
}

/// `ies explain`.
#[derive(Debug, clap::Args)]
pub struct Explain {
    /// An id, or sku:…
    item: String,
}

impl Stock {
    /// Shows it.
    pub async fn run(self, api: &Api, output: Output) -> Result<Exit, Failure> {
        let query: Vec<_> = self.as_of.map(|as_of| ("as_of", as_of)).into_iter().collect();
        if let Some(item) = &self.item {
            let id = api.item_id(item).await?;
            let path = format!("/v1/items/{id}/inventory");
            let answer: wire::InventoryReply = api.get(&path, &query).await?;
            output.show(&answer, |answer| {
                counts(std::slice::from_ref(&answer.inventory), answer.position)
            })?;
        } else {
            let all = every_count(api, query).await?;
            output.show(&all, |all| counts(&all.inventory, all.position))?;
        }
        Ok(Exit::Ok)
    }
}

/// Every count, page after page.
pub async fn every_count(
    api: &Api,
    mut query: Vec<(&str, String)>,
) -> Result<wire::InventoryPage, Failure> {
    query.push(("limit", PAGE_MAX.to_string()));
    let mut all: wire::InventoryPage = api.get("/v1/inventory", &query).await?;
    if all.next_cursor.is_some() && !query.iter().any(|(name, _)| *name == "as_of") {
        // Events are recorded between the pages; as of one position they agree nevertheless.
        query.push(("as_of", all.position.to_string()));
        all = api.get("/v1/inventory", &query).await?;
    }
    while let Some(cursor) = all.next_cursor.take() {
        let mut further = query.clone();
        further.push(("cursor", cursor));
        let page: wire::InventoryPage = api.get("/v1/inventory", &further).await?;
        all.inventory.extend(page.inventory);
        all.next_cursor = page.next_cursor;
        all.position = page.position;
    }
    Ok(all)
}

fn counts(rows: &[wire::Inventory], position: i64) -> String {
    let columns = [
        numbers("ITEM"),
        words("SKU"),
        words("NAME"),
        numbers("QUANTITY"),
        words("UNIT"),
        words("LAST EVENT (UTC)"),
    ];
    let row = |row: &wire::Inventory| {
        vec![
            row.item_id.to_string(),
            or_empty(row.sku.as_ref()),
            row.name.clone(),
            row.quantity.to_string(),
            row.unit.clone(),
            row.last_event_id.map(|_| short_time(&row.updated_at)).unwrap_or_default(),
        ]
    };
    let drawn = table(&columns, &rows.iter().map(row).collect::<Vec<_>>());
    format!("{drawn}at position {position}\n")
}

impl Explain {
    /// Shows it.
    pub async fn run(self, api: &Api, output: Output) -> Result<Exit, Failure> {
        let id = api.item_id(&self.item).await?;
        let path = format!("/v1/items/{id}/inventory/explain");
        let answer: wire::Explanation = api.get(&path, &[]).await?;
        output.show(&answer, explanation)?;
        Ok(Exit::Ok)
    }
}

fn explanation(answer: &wire::Explanation) -> String {
    let row = &answer.inventory;
    let mut out =
        format!("{}: {} {} at position {}\n\n", row.name, row.quantity, row.unit, answer.position);
    out += &sums(answer);
    if let Some(count) = &answer.last_count {
        let kind = count.kind.as_deref().unwrap_or(&count.reason);
        let _ = writeln!(
            out,
            "\nlast set to {} by {kind} at position {}{}",
            count.quantity_after,
            count.id,
            when_and_who(count)
        );
    }
    section(&mut out, "corrections", &answer.corrections);
    section(&mut out, "last events", &answer.last_events);
    if !answer.warnings.is_empty() {
        out.push('\n');
    }
    for warning in &answer.warnings {
        let _ = writeln!(out, "warning: {} ({})", warning.detail, warning.code);
    }
    out
}

fn sums(answer: &wire::Explanation) -> String {
    let columns = [words("REASON"), words("KIND"), numbers("EVENTS"), numbers("CHANGE")];
    let line = |sum: &wire::ReasonSum| {
        vec![
            sum.reason.clone(),
            or_empty(sum.kind.as_ref()),
            sum.events.to_string(),
            signed(sum.quantity_change),
        ]
    };
    let mut lines: Vec<_> = answer.sums.iter().map(line).collect();
    let events: i64 = answer.sums.iter().map(|sum| sum.events).sum();
    lines.push(vec![
        "together".to_owned(),
        String::new(),
        events.to_string(),
        answer.total.to_string(),
    ]);
    table(&columns, &lines)
}

fn section(out: &mut String, title: &str, events: &[wire::Event]) {
    if events.is_empty() {
        return;
    }
    let _ = writeln!(out, "\n{title}");
    let columns =
        [numbers("POSITION"), words("WHAT"), numbers("COUNT"), words("WHEN (UTC)"), words("WHO")];
    let row = |event: &wire::Event| {
        vec![
            event.id.to_string(),
            text::event(event),
            event.quantity_after.to_string(),
            when(event),
            or_empty(event.actor.as_ref()),
        ]
    };
    *out += &table(&columns, &events.iter().map(row).collect::<Vec<_>>());
}

/// When an event happened; when that was not said, when it was recorded.
pub fn when(event: &wire::Event) -> String {
    short_time(event.occurred_at.as_ref().unwrap_or(&event.created_at))
}

fn when_and_who(event: &wire::Event) -> String {
    let who = event.actor.as_ref().map(|actor| format!(" by {actor}")).unwrap_or_default();
    format!(", {}{who}", when(event))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::text::tests::{a_count, an_event};

    #[test]
    fn an_explanation_adds_up_in_front_of_the_reader() {
        let sum = |reason: &str, kind: Option<&str>, events, quantity_change| wire::ReasonSum {
            reason: reason.to_owned(),
            kind: kind.map(str::to_owned),
            events,
            quantity_change,
        };
        let answer = wire::Explanation {
            position: 3,
            inventory: a_count(28),
            sums: vec![sum("batch", None, 1, 30), sum("adjustment", Some("waste"), 1, -2)],
            total: 28,
            last_count: None,
            last_events: vec![an_event(3, "adjustment", Some("waste"), -2)],
            corrections: Vec::new(),
            warnings: vec![wire::Warning { code: "never_counted".into(), detail: "Why?".into() }],
        };
        let expected = "\
Croissant: 28 piece at position 3

REASON      KIND   EVENTS  CHANGE
batch                   1     +30
adjustment  waste       1      -2
together                2      28

last events
POSITION  WHAT      COUNT  WHEN (UTC)           WHO
       3  waste -2     28  2026-11-23 05:00:00  cli

warning: Why? (never_counted)
";
        assert_eq!(explanation(&answer), expected);
    }

    #[test]
    fn counts_say_at_which_position_they_are_true() {
        let expected = "\
ITEM  SKU    NAME       QUANTITY  UNIT   LAST EVENT (UTC)
   1  CR-01  Croissant        28  piece  2026-11-23 05:00:00
at position 2
";
        assert_eq!(counts(&[a_count(28)], 2), expected);
    }
}
