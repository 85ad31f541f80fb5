//! The numbers and names that identify things. Each is a type of its own, so that none is passed
//! for another.

use crate::limits::{MAX_KEY_CHARS, MAX_LEDGER_NAME_CHARS};
use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

/// An item's number within its ledger: 1, 2, 3 …
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ItemId(pub i64);

/// An event's `id`: 1, 2, 3 … within its ledger, in commit order, without gaps. 0 is the place
/// before the first event. Stays below 2^53.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Position(pub i64);

impl Position {
    /// The place before the first event.
    pub const START: Self = Self(0);

    /// The position `n` events later.
    ///
    /// # Panics
    /// Never: no log in memory has 2^63 events.
    #[must_use]
    pub fn plus(self, n: usize) -> Self {
        Self(self.0 + i64::try_from(n).expect("a number of events fits 63 bits"))
    }
}

impl fmt::Display for ItemId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl fmt::Display for Position {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// Why a text is not an id or a name.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct InvalidId(pub(crate) String);

/// The name of one history of a ledger: 16 hex digits, drawn at random when the ledger is made,
/// and anew after a restore.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Epoch(Arc<str>);

impl Epoch {
    pub(crate) fn from_number(number: u64) -> Self {
        Self(format!("{number:016x}").into())
    }

    /// The 16 hex digits.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for Epoch {
    type Err = InvalidId;

    fn from_str(text: &str) -> Result<Self, InvalidId> {
        let hex = |b: u8| b.is_ascii_digit() || (b'a'..=b'f').contains(&b);
        if text.len() == 16 && text.bytes().all(hex) {
            Ok(Self(text.into()))
        } else {
            Err(InvalidId("an epoch is 16 lower-case hex digits".into()))
        }
    }
}

impl fmt::Display for Epoch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The client's name for one request: 1 to 200 visible ASCII characters, unique in a ledger for
/// ever.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct IdempotencyKey(Arc<str>);

impl IdempotencyKey {
    /// The text of the key.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for IdempotencyKey {
    type Err = InvalidId;

    fn from_str(text: &str) -> Result<Self, InvalidId> {
        if text.is_empty() || text.len() > MAX_KEY_CHARS {
            return Err(InvalidId(format!(
                "an idempotency key has 1 to {MAX_KEY_CHARS} characters"
            )));
        }
        if !text.bytes().all(|b| b.is_ascii_graphic()) {
            return Err(InvalidId("an idempotency key has visible ASCII characters only".into()));
        }
        Ok(Self(text.into()))
    }
}

impl fmt::Display for IdempotencyKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A ledger's name: lower-case letters, digits, `-` and `_`, beginning with a letter. It is a
/// file name on SQLite.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct LedgerName(Arc<str>);

impl LedgerName {
    /// The text of the name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl Default for LedgerName {
    /// `main`, the ledger that every store has.
    fn default() -> Self {
        Self("main".into())
    }
}

impl FromStr for LedgerName {
    type Err = InvalidId;

    fn from_str(text: &str) -> Result<Self, InvalidId> {
        let plain = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-' || b == b'_';
        let begins_with_letter = text.bytes().next().is_some_and(|b| b.is_ascii_lowercase());
        if begins_with_letter && text.len() <= MAX_LEDGER_NAME_CHARS && text.bytes().all(plain) {
            Ok(Self(text.into()))
        } else {
            Err(InvalidId(format!(
                "a ledger's name has 1 to {MAX_LEDGER_NAME_CHARS} lower-case letters, digits, \
                 '-' and '_', and begins with a letter"
            )))
        }
    }
}

impl fmt::Display for LedgerName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_has_visible_ascii_only_and_at_most_its_limit() {
        assert!("8e03978e-40d5-43e8".parse::<IdempotencyKey>().is_ok());
        assert!("k".repeat(MAX_KEY_CHARS).parse::<IdempotencyKey>().is_ok());
        for bad in ["", "a b", "a\nb", "ü", &"k".repeat(MAX_KEY_CHARS + 1)] {
            assert!(bad.parse::<IdempotencyKey>().is_err(), "{bad:?}");
        }
    }

    #[test]
    fn a_ledger_name_cannot_leave_its_folder() {
        assert!("main".parse::<LedgerName>().is_ok());
        assert!("north-2_b".parse::<LedgerName>().is_ok());
        assert!("a".repeat(MAX_LEDGER_NAME_CHARS).parse::<LedgerName>().is_ok());
        let long = "a".repeat(MAX_LEDGER_NAME_CHARS + 1);
        for bad in ["", "../x", "a/b", "A", "1a", ".", "a.b", "-a", &long] {
            assert!(bad.parse::<LedgerName>().is_err(), "{bad:?}");
        }
    }

    #[test]
    fn an_epoch_reads_back_what_it_prints() {
        let epoch = Epoch::random();
        assert_eq!(epoch.to_string().parse::<Epoch>(), Ok(epoch.clone()));
        assert_ne!(epoch, Epoch::random());
        assert!("XYZ".parse::<Epoch>().is_err());
    }
}
