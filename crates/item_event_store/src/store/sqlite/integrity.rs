//! What SQLite finds wrong with a file, what somebody did to its schema, and rows that the head
//! does not know.

use super::chain::{Chain, Links};
use super::migrations::{self, LEDGER};
use super::reads::all;
use super::statements::{ALL_LINKS, BEYOND_HEAD, SCHEMA_OBJECTS};
use crate::ids::{ItemId, Position};
use crate::store::Result;
use rusqlite::Connection;
use rustc_hash::FxHashMap;
use std::collections::BTreeMap;

/// Bad links that are told one by one.
const MAX_BAD_LINKS: usize = 50;

/// One sentence a fault. Reads everything.
pub(super) fn faults(conn: &Connection) -> Result<Vec<String>> {
    let mut faults = schema_faults(conn)?;
    let pages: Vec<String> = all(conn, "PRAGMA integrity_check", [], |row| row.get(0))?;
    faults.extend(pages.into_iter().filter(|line| line != "ok"));
    let orphans = all(conn, "PRAGMA foreign_key_check", [], |row| {
        let (table, row, parent): (String, Option<i64>, String) =
            (row.get(0)?, row.get(1)?, row.get(2)?);
        Ok(format!("row {} of {table} has no row of {parent}", row.unwrap_or_default()))
    })?;
    faults.extend(orphans);
    faults.extend(all(conn, BEYOND_HEAD, [], |row| row.get::<_, String>(0))?);
    faults.extend(bad_links(conn)?);
    Ok(faults)
}

/// Events whose links are not those that the events before them give.
fn bad_links(conn: &Connection) -> Result<Vec<String>> {
    let mut chains: FxHashMap<ItemId, Chain> = FxHashMap::default();
    let mut faults = Vec::new();
    let mut statement = conn.prepare_cached(ALL_LINKS)?;
    let mut rows = statement.query([])?;
    while let Some(row) = rows.next()? {
        let (id, item): (Position, ItemId) = (row.get(0)?, row.get(1)?);
        let found = Links { previous: row.get(2)?, middle: row.get(3)?, jump: row.get(4)? };
        let due = chains.entry(item).or_default().push(id);
        if found != due && faults.len() < MAX_BAD_LINKS {
            faults.push(format!("event {id} of item {item} links to {found}, not to {due}"));
        }
    }
    Ok(faults)
}

/// Where the schema is not what the migrations make: a guard that was dropped, a table too many.
fn schema_faults(conn: &Connection) -> Result<Vec<String>> {
    let mut expected = Connection::open_in_memory()?;
    migrations::migrate(&mut expected, LEDGER, |_| Ok(()))?;
    let (expected, mut found) = (objects(&expected)?, objects(conn)?);
    let mut faults = Vec::new();
    for (object, sql) in expected {
        match found.remove(&object) {
            None => faults.push(format!("the {} {} is missing", object.0, object.1)),
            Some(other) if other != sql => {
                faults.push(format!("the {} {} was changed", object.0, object.1));
            }
            Some(_) => {}
        }
    }
    faults.extend(found.keys().map(|(kind, name)| format!("the {kind} {name} is not ours")));
    Ok(faults)
}

/// The text of each object, by its type and name.
fn objects(conn: &Connection) -> Result<BTreeMap<(String, String), Option<String>>> {
    let rows = all(conn, SCHEMA_OBJECTS, [], |row| Ok(((row.get(0)?, row.get(1)?), row.get(2)?)))?;
    Ok(rows.into_iter().collect())
}
