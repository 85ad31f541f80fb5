//! The witness of a SQLite ledger: its file, read beside a running server or without one.

use super::{COUNTS, CountRow, EVENTS, ITEMS, ItemRow, REQUESTS, RequestRow, Witness};
use anyhow::{Context as _, Result};
use item_event_store::event::Event;
use item_event_store::ids::{ItemId, Position};
use item_event_store::time::Timestamp;
use rusqlite::{Connection, OpenFlags, Row};
use std::path::Path;

/// Reads a ledger's file.
pub fn read(file: &Path) -> Result<Witness> {
    let conn = Connection::open_with_flags(file, OpenFlags::SQLITE_OPEN_READ_ONLY)
        .with_context(|| format!("opening {}", file.display()))?;
    conn.busy_timeout(std::time::Duration::from_secs(10))?;
    conn.execute_batch("BEGIN")?;
    let witness = Witness {
        position: conn.query_row("SELECT position FROM ledgers", [], |row| row.get(0))?,
        requests: all(&conn, &format!("SELECT {REQUESTS} FROM requests ORDER BY id"), request)?,
        events: all(&conn, &format!("SELECT {EVENTS} FROM item_event_store ORDER BY id"), event)?,
        counts: all(
            &conn,
            &format!("SELECT {COUNTS} FROM item_inventory ORDER BY item_id"),
            count,
        )?,
        items: all(&conn, &format!("SELECT {ITEMS} FROM items ORDER BY id"), item)?,
        item_changes: conn.query_row("SELECT count(*) FROM item_changes", [], |row| row.get(0))?,
        storage: storage(&conn)?,
    };
    conn.execute_batch("ROLLBACK")?;
    Ok(witness)
}

fn all<T>(
    conn: &Connection,
    sql: &str,
    read: impl FnMut(&Row<'_>) -> rusqlite::Result<T>,
) -> Result<Vec<T>> {
    let mut statement = conn.prepare(sql)?;
    let rows = statement.query_map([], read)?.collect::<rusqlite::Result<_>>();
    rows.with_context(|| sql.to_owned())
}

fn storage(conn: &Connection) -> Result<Vec<String>> {
    let mut faults = all(conn, "PRAGMA integrity_check", |row| row.get::<_, String>(0))?;
    faults.retain(|fault| fault != "ok");
    let stray = |row: &Row<'_>| {
        let (table, id): (String, Option<i64>) = (row.get(0)?, row.get(1)?);
        Ok(format!("a row of {table} refers to nothing: {id:?}"))
    };
    faults.extend(all(conn, "PRAGMA foreign_key_check", stray)?);
    Ok(faults)
}

fn request(row: &Row<'_>) -> rusqlite::Result<RequestRow> {
    Ok(RequestRow {
        id: row.get(0)?,
        key: row.get(1)?,
        hash: row.get(2)?,
        created_at: Timestamp::from_micros(row.get(3)?),
        position: row.get(4)?,
    })
}

/// A text of a table that is read by `FromStr`; what does not parse is damage.
fn parse<T: std::str::FromStr>(row: &Row<'_>, column: usize) -> rusqlite::Result<Option<T>> {
    let text: Option<String> = row.get(column)?;
    let parse = |text: String| text.parse().map_err(|_| damage(column, &text));
    text.map(parse).transpose()
}

/// A text that people wrote; in quotes where nobody could have: it differs, and can be read.
fn text<T: std::str::FromStr>(row: &Row<'_>, column: usize) -> rusqlite::Result<Option<T>> {
    let text: Option<String> = row.get(column)?;
    let parse = |text: String| {
        let parsed = text.parse().or_else(|_| format!("{text:?}").parse());
        parsed.map_err(|_| damage(column, &text))
    };
    text.map(parse).transpose()
}

fn damage(column: usize, text: &str) -> rusqlite::Error {
    let kind = rusqlite::types::Type::Text;
    rusqlite::Error::FromSqlConversionFailure(column, kind, format!("damaged: {text}").into())
}

fn event(row: &Row<'_>) -> rusqlite::Result<Event> {
    Ok(Event {
        id: Position(row.get(0)?),
        item_id: ItemId(row.get(1)?),
        version: row.get(2)?,
        quantity_change: row.get(3)?,
        quantity_after: row.get(4)?,
        reason: parse(row, 5)?.ok_or_else(|| damage(5, "nothing"))?,
        kind: parse(row, 6)?,
        occurred_at: row.get::<_, Option<i64>>(7)?.map(Timestamp::from_micros),
        created_at: Timestamp::from_micros(row.get(8)?),
        actor: text(row, 9)?,
        reference: text(row, 10)?,
        note: text(row, 11)?,
        corrects_event_id: row.get::<_, Option<i64>>(12)?.map(Position),
        request_id: row.get(13)?,
    })
}

fn count(row: &Row<'_>) -> rusqlite::Result<CountRow> {
    Ok(CountRow {
        item_id: row.get(0)?,
        quantity: row.get(1)?,
        version: row.get(2)?,
        last_event_id: row.get(3)?,
    })
}

fn item(row: &Row<'_>) -> rusqlite::Result<ItemRow> {
    Ok(ItemRow {
        id: row.get(0)?,
        name: row.get(1)?,
        sku: row.get(2)?,
        unit: row.get(3)?,
        allow_negative: row.get(4)?,
        archived: row.get::<_, Option<i64>>(5)?.is_some(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use item_event_store::text::Note;

    #[test]
    fn a_text_that_nobody_could_have_written_can_be_read_and_differs() {
        let conn = Connection::open_in_memory().expect("memory");
        for (sql, expected) in [
            ("SELECT NULL", None),
            ("SELECT 'order 17'", Some("order 17")),
            ("SELECT 'order ' || char(17)", Some(r#""order \u{11}""#)),
            ("SELECT 'order '", Some(r#""order ""#)),
        ] {
            let read = conn.query_row(sql, [], |row| text::<Note>(row, 0)).expect("a text");
            assert_eq!(read.as_ref().map(Note::as_str), expected);
        }
    }
}
