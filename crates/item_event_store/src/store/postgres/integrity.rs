//! What somebody did to the guards, and rows that have lost what they belong to or that the head
//! does not know.

use super::migrations;
use super::reads::Reader;
use super::rows::Cells;
use super::statements::{BEYOND_HEAD, GUARDS, ORPHANS};
use crate::store::Result;
use tokio_postgres::Row;

/// Every guard that the migrations make. Where the tables are distributed there is none.
const TRIGGERS: &[&str] = &[
    "item_changes_insert",
    "item_changes_update",
    "item_daily_summary_delete",
    "item_daily_summary_insert",
    "item_daily_summary_truncate",
    "item_daily_summary_update",
    "item_event_store_complete",
    "item_event_store_delete",
    "item_event_store_inserted",
    "item_event_store_update",
    "item_inventory_delete",
    "item_inventory_insert",
    "item_inventory_moved",
    "item_inventory_truncate",
    "item_inventory_update",
    "items_complete",
    "items_delete",
    "items_insert",
    "items_insert_explained",
    "items_update",
    "items_update_moved",
    "ledgers_delete",
    "ledgers_insert",
    "ledgers_update",
    "requests_insert",
    "requests_update",
    "summaries_delete",
    "summaries_insert",
    "summaries_update",
];

/// One sentence a fault.
pub(super) async fn faults(reader: &Reader<'_>) -> Result<Vec<String>> {
    let guard = |row: &Row| Ok((Cells(row).get::<String>(0)?, Cells(row).get::<bool>(1)?));
    let found = reader.all(GUARDS, &[], guard).await?;
    let guards = if migrations::are_distributed(reader.conn()).await? { &[] } else { TRIGGERS };
    let mut faults = Vec::new();
    for expected in guards {
        match found.iter().find(|(name, _)| name == expected) {
            None => faults.push(format!("the trigger {expected} is missing")),
            Some((_, false)) => faults.push(format!("the trigger {expected} is not in force")),
            Some((_, true)) => {}
        }
    }
    let strange = found.iter().filter(|(name, _)| !guards.contains(&name.as_str()));
    faults.extend(strange.map(|(name, _)| format!("the trigger {name} is not ours")));
    for stray in [ORPHANS, BEYOND_HEAD] {
        faults.extend(reader.all(stray, &[&reader.ledger()], |row| Cells(row).get(0)).await?);
    }
    Ok(faults)
}
