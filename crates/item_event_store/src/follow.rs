//! Following: every event once, in order, from a cursor on; first what is stored, then what comes.

use crate::event::Event;
use crate::ids::{Epoch, Position};
use std::fmt;
use std::str::FromStr;

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
