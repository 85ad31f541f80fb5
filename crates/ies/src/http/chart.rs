//! The stock of an item by business day.

use super::extract::{Id, Json};
use super::ledgers::OpenLedger;
use super::problem::Problem;
use crate::wire;
use item_event_store::chart::ChartDay;
use item_event_store::ids::ItemId;

/// The stock over time.
pub async fn chart(
    OpenLedger(ledger): OpenLedger,
    Id(id): Id,
) -> Result<Json<wire::Chart>, Problem> {
    let missing = || Problem::item_not_found(id);
    let read = ledger.chart(ItemId(id)).await?;
    let chart = read.value.ok_or_else(missing)?;
    let row = ledger.store().inventory(ItemId(id), None).await?.value.ok_or_else(missing)?;
    Ok(Json(wire::Chart {
        position: read.position.0,
        item_id: id,
        name: row.item.name.to_string(),
        unit: row.item.unit.to_string(),
        days: chart.days.iter().map(day).collect(),
    }))
}

fn day(day: &ChartDay) -> wire::ChartDay {
    let [initial, batch, bakeoff, special_order, adjustment] = day.changes;
    wire::ChartDay {
        day: day.day.to_string(),
        opening: day.opening,
        initial,
        batch,
        bakeoff,
        special_order,
        adjustment,
        closing: day.closing,
        lowest: day.lowest,
    }
}
