//! What SQLite finds wrong with a file, and what somebody did to its schema.

use super::migrations::{self, LEDGER};
use super::reads::all;
use super::statements::SCHEMA_OBJECTS;
use crate::store::Result;
use rusqlite::Connection;
use std::collections::BTreeMap;

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
