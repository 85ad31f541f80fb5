//! Text that a caller may write: never empty, no control characters, never longer than its limit.

use crate::limits::{
    MAX_ACTOR_CHARS, MAX_NAME_CHARS, MAX_NOTE_CHARS, MAX_REFERENCE_CHARS, MAX_SKU_CHARS,
    MAX_UNIT_CHARS,
};
use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

/// Text of 1 to `MAX` characters without control characters and without white space at its ends.
/// Cheap to clone.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Text<const MAX: usize>(Arc<str>);

/// An item's name.
pub type Name = Text<MAX_NAME_CHARS>;
/// An item's stock keeping unit: unique within its ledger.
pub type Sku = Text<MAX_SKU_CHARS>;
/// What an item is counted in: `piece`, `tray`, `g` …
pub type Unit = Text<MAX_UNIT_CHARS>;
/// The outside document that an event belongs to: an order number, a URI.
pub type Reference = Text<MAX_REFERENCE_CHARS>;
/// A sentence for the people who read the log.
pub type Note = Text<MAX_NOTE_CHARS>;
/// Who did it: an opaque id.
pub type Actor = Text<MAX_ACTOR_CHARS>;

/// Why a text is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidText {
    /// Nothing, or white space only.
    #[error("must not be empty")]
    Empty,
    /// White space at the beginning or the end.
    #[error("must not begin or end with white space")]
    Untrimmed,
    /// A control character, a line break among them.
    #[error("must not contain control characters")]
    Control,
    /// More than `max` characters.
    #[error("must not be longer than {max} characters")]
    TooLong {
        /// The limit, in characters.
        max: usize,
    },
}

impl<const MAX: usize> Text<MAX> {
    /// The text itself.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Text that was accepted when it was written: a stored row is never judged again.
    pub(crate) fn stored(text: &str) -> Self {
        Self(text.into())
    }
}

impl<const MAX: usize> FromStr for Text<MAX> {
    type Err = InvalidText;

    fn from_str(text: &str) -> Result<Self, InvalidText> {
        if text.trim().is_empty() {
            Err(InvalidText::Empty)
        } else if text.trim().len() != text.len() {
            Err(InvalidText::Untrimmed)
        } else if text.chars().any(char::is_control) {
            Err(InvalidText::Control)
        } else if text.len() > MAX && text.chars().count() > MAX {
            Err(InvalidText::TooLong { max: MAX })
        } else {
            Ok(Self(text.into()))
        }
    }
}

impl<const MAX: usize> fmt::Display for Text<MAX> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_is_checked_at_its_edges() {
        assert!("Croissant".parse::<Name>().is_ok());
        assert!("é".repeat(MAX_NAME_CHARS).parse::<Name>().is_ok());
        assert_eq!(
            "é".repeat(MAX_NAME_CHARS + 1).parse::<Name>(),
            Err(InvalidText::TooLong { max: MAX_NAME_CHARS })
        );
        assert_eq!("  ".parse::<Name>(), Err(InvalidText::Empty));
        assert_eq!(" a".parse::<Name>(), Err(InvalidText::Untrimmed));
        assert_eq!("a\0b".parse::<Name>(), Err(InvalidText::Control));
        assert_eq!("a\r\nb".parse::<Name>(), Err(InvalidText::Control));
        assert_eq!("a\u{1b}[31m".parse::<Name>(), Err(InvalidText::Control));
    }
}
