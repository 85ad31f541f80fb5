//! Inserting rows, many to a statement.

use crate::store::Result;
use rusqlite::types::ToSql;
use rusqlite::{CachedStatement, Connection};

/// The rows of a statement that writes many.
const ROWS: usize = 32;

/// The cells of a statement's rows, one after another.
pub(super) struct Cells<'a> {
    statement: CachedStatement<'a>,
    next: usize,
}

impl<'a> Cells<'a> {
    fn of(conn: &'a Connection, sql: &str) -> Result<Self> {
        Ok(Self { statement: conn.prepare_cached(sql)?, next: 1 })
    }

    /// Inlined, as it is called for each cell: without it an event takes a hundredth more.
    #[inline]
    pub(super) fn put(&mut self, cell: impl ToSql) -> rusqlite::Result<()> {
        self.statement.raw_bind_parameter(self.next, cell)?;
        self.next += 1;
        Ok(())
    }

    /// Puts what the statement does not have in this place since it ran last: binding costs more
    /// than comparing, and most of a log's rows are alike.
    #[inline]
    pub(super) fn put_new<T: ToSql + PartialEq>(
        &mut self,
        before: Option<T>,
        cell: T,
    ) -> rusqlite::Result<()> {
        if before.is_some_and(|before| before == cell) {
            self.next += 1;
            return Ok(());
        }
        self.put(cell)
    }

    /// Runs the statement, and begins anew.
    fn run(&mut self) -> Result<()> {
        self.next = 1;
        self.statement.raw_execute()?;
        Ok(())
    }
}

/// Inserts rows by two statements: one that takes [`ROWS`] of them, one for the rest. A row is put
/// with the one that was in its place before, if there was one.
pub(super) fn insert<R>(
    conn: &Connection,
    (many, one): (&str, &str),
    rows: &[R],
    mut put: impl FnMut(&mut Cells<'_>, &R, Option<&R>) -> Result<()>,
) -> Result<()> {
    let (full, rest) = rows.as_chunks::<ROWS>();
    for (sql, chunks) in [(many, full.as_flattened().chunks(ROWS)), (one, rest.chunks(1))] {
        if chunks.len() == 0 {
            continue;
        }
        let mut cells = Cells::of(conn, sql)?;
        let mut before: &[R] = &[];
        for chunk in chunks {
            for (place, row) in chunk.iter().enumerate() {
                put(&mut cells, row, before.get(place))?;
            }
            cells.run()?;
            before = chunk;
        }
    }
    Ok(())
}
