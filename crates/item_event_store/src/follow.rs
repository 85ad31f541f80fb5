//! Following: every event once, in order, from a cursor on; first what is stored, then what comes.

use crate::error::{FollowError, StoreError};
use crate::event::Event;
use crate::ids::{Epoch, Position};
use crate::ledger::Ledger;
use crate::limits::{FOLLOW_POLL, PAGE_MAX};
use crate::query::{EventQuery, Order};
use crate::store::Listening;
use std::fmt;
use std::str::FromStr;
use std::time::Duration;
use tokio::sync::watch;

/// A place in one history of a ledger: `epoch-position-tag`, the tag being [`Event::tag`] of the
/// event at that position, or eight zeros at the start.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cursor {
    /// The history.
    pub epoch: Epoch,
    /// The last event that was seen.
    pub position: Position,
    /// Its tag.
    pub tag: String,
}

/// A text that is no cursor.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a cursor is epoch-position-tag, as the ledger gave it")]
pub struct InvalidCursor;

impl Cursor {
    const START_TAG: &str = "00000000";

    /// The place before the first event of a history.
    #[must_use]
    pub fn start(epoch: Epoch) -> Self {
        Self { epoch, position: Position::START, tag: Self::START_TAG.into() }
    }

    /// The place right after an event.
    #[must_use]
    pub fn at(epoch: Epoch, event: &Event) -> Self {
        Self { epoch, position: event.id, tag: event.tag() }
    }
}

impl fmt::Display for Cursor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{}-{}", self.epoch, self.position, self.tag)
    }
}

impl FromStr for Cursor {
    type Err = InvalidCursor;

    fn from_str(text: &str) -> Result<Self, InvalidCursor> {
        let mut parts = text.split('-');
        let (Some(epoch), Some(position), Some(tag), None) =
            (parts.next(), parts.next(), parts.next(), parts.next())
        else {
            return Err(InvalidCursor);
        };
        let digits = !position.is_empty() && position.bytes().all(|b| b.is_ascii_digit());
        let hex = tag.len() == 8 && tag.bytes().all(|b| b.is_ascii_hexdigit());
        if !digits || !hex {
            return Err(InvalidCursor);
        }
        Ok(Self {
            epoch: epoch.parse().map_err(|_| InvalidCursor)?,
            position: Position(position.parse().map_err(|_| InvalidCursor)?),
            tag: tag.into(),
        })
    }
}

/// Gives the events of one history in order, each once. Holds no place in memory while it waits,
/// and keeps its ledger open.
pub struct Follower {
    ledger: Ledger,
    rung: watch::Receiver<()>,
    _listening: Option<Listening>,
    poll: Duration,
    epoch: Epoch,
    position: Position,
}

impl Follower {
    pub(crate) async fn from_position(
        ledger: Ledger,
        position: Position,
    ) -> Result<Self, FollowError> {
        let (rung, listening) = (ledger.bell().subscribe(), ledger.listen());
        let head = ledger.store().head().await?;
        if position > head.position {
            return Err(diverged("the position is beyond the last event", head.position));
        }
        Ok(Self {
            ledger,
            rung,
            _listening: listening,
            poll: FOLLOW_POLL,
            epoch: head.epoch,
            position,
        })
    }

    pub(crate) async fn from_cursor(ledger: Ledger, cursor: &Cursor) -> Result<Self, FollowError> {
        let follower = Self::from_position(ledger, cursor.position).await?;
        if follower.epoch != cursor.epoch {
            let head = follower.ledger.store().head().await?;
            return Err(diverged("the ledger has begun another epoch", head.position));
        }
        let tag = if cursor.position == Position::START {
            Cursor::START_TAG.to_owned()
        } else {
            let event = follower.ledger.store().event(cursor.position).await?;
            event.value.map(|event| event.tag()).unwrap_or_default()
        };
        if tag != cursor.tag {
            let head = follower.ledger.store().head().await?;
            return Err(diverged("the event at the cursor is another one", head.position));
        }
        Ok(follower)
    }

    /// How long it waits at most before it looks for itself: [`FOLLOW_POLL`] unless said here.
    #[must_use]
    pub fn polling_every(self, poll: Duration) -> Self {
        Self { poll, ..self }
    }

    /// The next events: at least one, at most a page. Waits until there is one. Hints of the writer
    /// and of other programs shorten the wait; losing one costs only delay. Dropping the future
    /// loses nothing.
    ///
    /// # Errors
    /// [`FollowError::HistoryDiverged`] when another history of the ledger goes on meanwhile (a
    /// restore, a failover), or when the store cannot be read.
    pub async fn next(&mut self) -> Result<Vec<Event>, FollowError> {
        loop {
            // What is committed from here on rings again.
            self.rung.borrow_and_update();
            let query = EventQuery {
                after: Some(self.position),
                ..EventQuery::all(Order::OldestFirst, PAGE_MAX)
            };
            let page = self.ledger.store().events(&query).await?;
            // A new epoch is there before its first event: none of those is in the page.
            self.check_history().await?;
            if let Some(last) = page.value.last() {
                let expected = self.position.plus(page.value.len());
                if last.id != expected {
                    let found = format!("position {} where {expected} was due", last.id);
                    return Err(StoreError::Corrupt(found).into());
                }
                self.position = last.id;
                return Ok(page.value);
            }
            // The bell is held: it rings, or the time is up.
            let _ = tokio::time::timeout(self.poll, self.rung.changed()).await;
        }
    }

    /// The cursor that resumes right after an event.
    #[must_use]
    pub fn cursor(&self, event: &Event) -> Cursor {
        Cursor::at(self.epoch.clone(), event)
    }

    async fn check_history(&self) -> Result<(), FollowError> {
        let head = self.ledger.store().head().await?;
        if head.epoch != self.epoch {
            return Err(diverged("the ledger has begun another epoch", head.position));
        }
        if head.position < self.position {
            return Err(diverged("the log is shorter than it was", head.position));
        }
        Ok(())
    }
}

fn diverged(reason: &str, position: Position) -> FollowError {
    FollowError::HistoryDiverged { reason: reason.to_owned(), position }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cursor_reads_back_what_it_prints() {
        let start = Cursor::start(Epoch::random());
        assert_eq!(start.to_string().parse::<Cursor>(), Ok(start));
        for bad in [
            "",
            "1",
            "0123456789abcdef-1",
            "0123456789abcdef-x-00000000",
            "0123456789abcdef-1-0000000",
            "0123456789abcdef-1-00000000-",
            "0123456789abcdef-99999999999999999999-00000000",
            "0123456789abcdef--1-00000000",
        ] {
            assert_eq!(bad.parse::<Cursor>(), Err(InvalidCursor), "{bad}");
        }
    }
}
