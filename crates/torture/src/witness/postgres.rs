//! The witness of a PostgreSQL ledger, read at one moment by a connection of our own.

use super::{COUNTS, CountRow, EVENTS, ITEMS, ItemRow, REQUESTS, RequestRow, Witness};
use anyhow::{Context as _, Result, anyhow};
use item_event_store::event::Event;
use item_event_store::ids::{ItemId, Position};
use item_event_store::time::Timestamp;
use tokio_postgres::{Client, Row};

/// Reads a ledger.
pub async fn read(client: &Client, ledger: &str) -> Result<Witness> {
    client.batch_execute("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY").await?;
    let head = "SELECT position FROM ledgers WHERE ledger_id = $1";
    let position = client.query_one(head, &[&ledger]).await?;
    let witness = Witness {
        position: position.get(0),
        requests: all(client, ledger, REQUESTS, "requests", "id", request).await?,
        events: all(client, ledger, EVENTS, "item_event_store", "id", event).await?,
        counts: all(client, ledger, COUNTS, "item_inventory", "item_id", count).await?,
        items: all(client, ledger, ITEMS, "items", "id", item).await?,
        item_changes: {
            let sql = "SELECT count(*) FROM item_changes WHERE ledger_id = $1";
            client.query_one(sql, &[&ledger]).await?.get(0)
        },
        storage: Vec::new(),
    };
    client.batch_execute("ROLLBACK").await?;
    Ok(witness)
}

async fn all<T>(
    client: &Client,
    ledger: &str,
    columns: &str,
    table: &str,
    order: &str,
    read: fn(&Row) -> Result<T>,
) -> Result<Vec<T>> {
    // Times as microseconds, whole numbers as the widest.
    let columns = columns.split(", ").map(|column| match column {
        "created_at" | "occurred_at" | "archived_at" => {
            format!("(extract(epoch FROM {column}) * 1000000)::bigint")
        }
        "quantity_change" | "quantity_after" | "quantity" | "id" | "item_id" => {
            format!("{column}::bigint")
        }
        other => other.to_owned(),
    });
    let columns = columns.collect::<Vec<_>>().join(", ");
    let sql = format!("SELECT {columns} FROM {table} WHERE ledger_id = $1 ORDER BY {order}");
    let rows = client.query(&sql, &[&ledger]).await.with_context(|| sql.clone())?;
    rows.iter().map(read).collect()
}

#[expect(clippy::unnecessary_wraps, reason = "one of several readers")]
fn request(row: &Row) -> Result<RequestRow> {
    Ok(RequestRow {
        id: row.get(0),
        key: row.get(1),
        hash: row.get(2),
        created_at: Timestamp::from_micros(row.get(3)),
        position: row.get(4),
    })
}

fn parse<T: std::str::FromStr>(row: &Row, column: usize) -> Result<Option<T>> {
    let text: Option<&str> = row.get(column);
    let parse = |text: &str| text.parse().map_err(|_| anyhow!("damaged: {text}"));
    text.map(parse).transpose()
}

fn event(row: &Row) -> Result<Event> {
    Ok(Event {
        id: Position(row.get(0)),
        item_id: ItemId(row.get(1)),
        version: row.get(2),
        quantity_change: row.get(3),
        quantity_after: row.get(4),
        reason: parse(row, 5)?.context("no reason")?,
        kind: parse(row, 6)?,
        occurred_at: row.get::<_, Option<i64>>(7).map(Timestamp::from_micros),
        created_at: Timestamp::from_micros(row.get(8)),
        actor: parse(row, 9)?,
        reference: parse(row, 10)?,
        note: parse(row, 11)?,
        corrects_event_id: row.get::<_, Option<i64>>(12).map(Position),
        request_id: row.get(13),
    })
}

#[expect(clippy::unnecessary_wraps, reason = "one of several readers")]
fn count(row: &Row) -> Result<CountRow> {
    Ok(CountRow {
        item_id: row.get(0),
        quantity: row.get(1),
        version: row.get(2),
        last_event_id: row.get(3),
    })
}

#[expect(clippy::unnecessary_wraps, reason = "one of several readers")]
fn item(row: &Row) -> Result<ItemRow> {
    Ok(ItemRow {
        id: row.get(0),
        name: row.get(1),
        sku: row.get(2),
        unit: row.get(3),
        allow_negative: row.get(4),
        archived: row.get::<_, Option<i64>>(5).is_some(),
    })
}
