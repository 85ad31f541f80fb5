//! Reading an item's events along the links between them (see [`super::chain`]): from its last one
//! back, or from any earlier one that is reached in few steps.

use super::chain::{Chain, Links, linked_versions};
use super::reads::first;
use super::rows;
use super::statements::{EVENT_OF_ITEM, LAST_EVENT_ID, LAST_EVENT_ID_BY_SCAN, LINKS};
use crate::error::StoreError;
use crate::event::Event;
use crate::ids::{ItemId, Position};
use crate::inventory::Count;
use crate::query::{EventQuery, Order};
use crate::store::Result;
use crate::time::Timestamp;
use rusqlite::{Connection, OptionalExtension as _, Row};
use std::ops::ControlFlow;

/// Versions that are read at a time when an item's events are listed oldest first.
const CHUNK_EVENTS: i64 = 1_024;

/// One item's events.
#[derive(Clone, Copy)]
pub(super) struct History<'a> {
    conn: &'a Connection,
    item: ItemId,
    last: Position,
    /// What the row of the last event says: every way back begins there.
    newest: Option<Link>,
}

#[derive(Clone, Copy)]
struct Link {
    version: i64,
    links: Links,
}

impl<'a> History<'a> {
    /// The history of an item, from what `item_inventory` says is its last event. Where that row is
    /// missing, or names no event of the item, the whole log is searched.
    pub fn of(conn: &'a Connection, item: ItemId) -> Result<Self> {
        let stored: Option<Option<Position>> =
            first(conn, LAST_EVENT_ID, [item], |row| row.get(0))?;
        Self::from_last(conn, item, stored.map(Option::unwrap_or_default))
    }

    /// The same where that is known already: `None` for a row that is missing, the start for an
    /// item that had no event.
    pub fn from_last(conn: &'a Connection, item: ItemId, last: Option<Position>) -> Result<Self> {
        let mut history = Self { conn, item, last: last.unwrap_or_default(), newest: None };
        match last.map(|last| history.read_link(last)) {
            Some(Ok(newest)) => history.newest = newest,
            None | Some(Err(_)) => history.last = by_scan(conn, item)?,
        }
        Ok(history)
    }

    /// The chain that the item's next event is added to, if that event has this version.
    pub fn chain(&self, next_version: i64) -> Result<Chain> {
        let mut at = self.last;
        if !matches!(self.version(at), Ok(version) if version + 1 == next_version) {
            // The row of item_inventory names another event than the item's last.
            at = by_scan(self.conn, self.item)?;
        }
        let version = self.version(at)?;
        let mut roots = Vec::new();
        while at != Position::START {
            roots.push(at);
            at = self.link(at)?.links.jump;
        }
        Ok(Chain::with_roots(version, roots))
    }

    /// The item's last event at or before a position; the start when it had none yet.
    pub fn last_up_to(&self, position: Position) -> Result<Position> {
        let mut at = self.last;
        while at > position {
            at = self.link(at)?.links.towards(position);
        }
        Ok(at)
    }

    /// The item's count right after its last event at or before a position.
    pub fn count_at(&self, position: Position, item_created_at: Timestamp) -> Result<Count> {
        let mut count = Count::empty(item_created_at);
        self.back(self.last_up_to(position)?, |row| {
            count = count.after(rows::event(row)?.balance());
            Ok(ControlFlow::Break(()))
        })?;
        Ok(count)
    }

    /// Visits events from one on, each time the one before, until told to stop.
    pub fn back(
        &self,
        mut at: Position,
        mut visit: impl FnMut(&Row<'_>) -> rusqlite::Result<ControlFlow<()>>,
    ) -> Result<()> {
        let mut statement = self.conn.prepare_cached(EVENT_OF_ITEM)?;
        while at != Position::START {
            let visited = statement
                .query_row((at, self.item), |row| Ok((visit(row)?, row.get::<_, Position>(14)?)))
                .optional()?;
            let (flow, previous) = visited.ok_or_else(|| self.broken(at))?;
            if flow.is_break() || previous >= at {
                return Ok(());
            }
            at = previous;
        }
        Ok(())
    }

    /// The events after a position up to another that the query's filters admit.
    pub fn events(
        &self,
        after: Position,
        up_to: Position,
        query: &EventQuery,
    ) -> Result<Vec<Event>> {
        let newest = self.last_up_to(up_to)?;
        if query.order == Order::NewestFirst {
            return self.newest_first(newest, after, query, query.limit);
        }
        let (mut known, last) = (self.version(self.last_up_to(after)?)?, self.version(newest)?);
        let mut found = Vec::new();
        while known < last && found.len() < query.limit {
            let end = last.min(known + CHUNK_EVENTS);
            let mut chunk = self.newest_first(self.at_version(end)?, after, query, usize::MAX)?;
            chunk.retain(|event| event.version > known);
            found.extend(chunk.into_iter().rev());
            known = end;
        }
        found.truncate(query.limit);
        Ok(found)
    }

    fn newest_first(
        &self,
        from: Position,
        after: Position,
        query: &EventQuery,
        limit: usize,
    ) -> Result<Vec<Event>> {
        let mut found = Vec::new();
        if limit == 0 {
            return Ok(found);
        }
        self.back(from, |row| {
            let event = rows::event(row)?;
            if event.id <= after {
                return Ok(ControlFlow::Break(()));
            }
            if query.admits(&event) {
                found.push(event);
            }
            Ok(if found.len() < limit { ControlFlow::Continue(()) } else { ControlFlow::Break(()) })
        })?;
        Ok(found)
    }

    fn at_version(&self, version: i64) -> Result<Position> {
        let (mut at, mut now) = (self.last, self.version(self.last)?);
        while now > version {
            let Links { previous, middle, jump } = self.link(at)?.links;
            let (middle_version, jump_version) = linked_versions(now);
            (at, now) = if jump_version >= version {
                (jump, jump_version)
            } else if middle_version >= version {
                (middle, middle_version)
            } else {
                (previous, now - 1)
            };
        }
        Ok(at)
    }

    fn version(&self, at: Position) -> Result<i64> {
        if at == Position::START { Ok(0) } else { Ok(self.link(at)?.version) }
    }

    fn link(&self, at: Position) -> Result<Link> {
        match self.newest {
            Some(newest) if at == self.last => Ok(newest),
            _ => self.read_link(at)?.ok_or_else(|| self.broken(at)),
        }
    }

    /// `None` at the start, where there is no event.
    fn read_link(&self, at: Position) -> Result<Option<Link>> {
        if at == Position::START {
            return Ok(None);
        }
        let link = first(self.conn, LINKS, (at, self.item), |row| {
            let links = Links { previous: row.get(1)?, middle: row.get(2)?, jump: row.get(3)? };
            Ok(Link { version: row.get(0)?, links })
        })?;
        let sound = link.filter(|link| link.links.lead_back_from(at));
        sound.map(Some).ok_or_else(|| self.broken(at))
    }

    fn broken(&self, at: Position) -> StoreError {
        StoreError::Corrupt(format!("event {at} of item {} is missing or links badly", self.item))
    }
}

fn by_scan(conn: &Connection, item: ItemId) -> Result<Position> {
    let last: Option<Option<Position>> =
        first(conn, LAST_EVENT_ID_BY_SCAN, [item], |row| row.get(0))?;
    Ok(last.flatten().unwrap_or_default())
}
