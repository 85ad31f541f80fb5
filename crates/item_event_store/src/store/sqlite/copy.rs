//! Backup and restore: whole copies of a ledger's file. A copy gets its name when it is complete,
//! checked and on stable storage, so a copy that was interrupted is never taken for one.

use super::files::{self, Folder};
use super::migrations::{self, LEDGER};
use super::statements::SET_EPOCH;
use super::{connection, integrity, reads};
use crate::error::StoreError;
use crate::failpoint::failpoint;
use crate::ids::{Epoch, LedgerName};
use crate::store::{Head, Mode, Result};
use rusqlite::backup::Backup;
use rusqlite::{Connection, OpenFlags};
use std::path::Path;
use std::time::Duration;

/// In one step: the copy is one snapshot of the source, and its writer is never in the way.
const PAGES_PER_STEP: i32 = i32::MAX;
const RETRY_AFTER: Duration = Duration::from_millis(20);

/// Copies the ledger at `from`, which may be written to meanwhile, into a new file.
pub(super) fn backup(from: &Path, to: &Path) -> Result<Head> {
    files::make_whole(to, |partial| {
        copy(from, partial)?;
        let conn = Connection::open_with_flags(partial, OpenFlags::SQLITE_OPEN_READ_WRITE)?;
        // One file that needs no other beside it.
        conn.pragma_update_and_check(None, "journal_mode", "DELETE", |_| Ok(()))?;
        check(&conn, "the ledger")?;
        reads::head(&conn)
    })
}

/// Makes a ledger from a file that [`backup`] wrote, with a new epoch.
pub(super) fn restore(folder: &Folder, name: &LedgerName, from: &Path) -> Result<Head> {
    if folder.mode() == Mode::Read {
        return Err(StoreError::ReadOnly);
    }
    files::make_whole(&folder.ledger(name)?, |partial| {
        copy(from, partial)?;
        let mut conn = connection::open_writer(partial)?;
        migrations::migrate(&mut conn, LEDGER, |_| Ok(()))?;
        check(&conn, &from.display().to_string())?;
        conn.execute(SET_EPOCH, (name.as_str(), Epoch::random()))?;
        reads::head(&conn)
    })
}

fn copy(from: &Path, to: &Path) -> Result<()> {
    if !from.is_file() {
        return Err(StoreError::NotFound(format!("there is no file {}", from.display())));
    }
    let source = connection::open_reader(from)?;
    let mut target = Connection::open_with_flags(to, OpenFlags::SQLITE_OPEN_READ_WRITE)?;
    Backup::new(&source, &mut target)?.run_to_completion(PAGES_PER_STEP, RETRY_AFTER, None)?;
    failpoint!("after_copy");
    Ok(())
}

fn check(conn: &Connection, what: &str) -> Result<()> {
    migrations::check_current(conn, LEDGER)?;
    match integrity::faults(conn)?.first() {
        None => Ok(()),
        Some(fault) => Err(StoreError::Corrupt(format!("{what}: {fault}"))),
    }
}
