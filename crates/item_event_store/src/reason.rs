//! Why a count changed: the five reasons, and the kinds of an adjustment.

use std::fmt;
use std::str::FromStr;

/// Why a count changed. Exactly these five.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Reason {
    /// The quantity an item began with. Positive, and only ever its first event.
    Initial,
    /// Made and put into the freezer. Positive.
    Batch,
    /// Taken out and baked. Negative.
    Bakeoff,
    /// Taken out for a customer's order. Negative.
    SpecialOrder,
    /// Anything else; its [`Kind`] says what. Never zero, but for a count that confirms the book.
    Adjustment,
}

/// Why an adjustment was made. The other four reasons have none.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Kind {
    /// A manager set the quantity.
    Override,
    /// The freezer was counted.
    Count,
    /// An earlier event was wrong.
    Correction,
    /// Thrown away.
    Waste,
    /// Damaged.
    Damage,
    /// Past its date.
    Expired,
    /// Given away to taste.
    Sample,
    /// Came back.
    Return,
    /// Moved to or from another place.
    Transfer,
    /// None of these.
    Other,
}

/// Which way a quantity may go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sign {
    /// Into stock: positive.
    In,
    /// Out of stock: negative.
    Out,
    /// Either way.
    Either,
}

impl Sign {
    /// Whether a change other than zero goes this way.
    #[must_use]
    pub fn admits(self, quantity_change: i64) -> bool {
        match self {
            Self::In => quantity_change > 0,
            Self::Out => quantity_change < 0,
            Self::Either => quantity_change != 0,
        }
    }
}

impl Reason {
    /// All five, in the order in which they are always listed.
    pub const ALL: [Self; 5] =
        [Self::Initial, Self::Batch, Self::Bakeoff, Self::SpecialOrder, Self::Adjustment];

    /// The name in the log, in SQL and in JSON.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Initial => "initial",
            Self::Batch => "batch",
            Self::Bakeoff => "bakeoff",
            Self::SpecialOrder => "special_order",
            Self::Adjustment => "adjustment",
        }
    }

    /// Which way a change for this reason goes.
    #[must_use]
    pub fn sign(self) -> Sign {
        match self {
            Self::Initial | Self::Batch => Sign::In,
            Self::Bakeoff | Self::SpecialOrder => Sign::Out,
            Self::Adjustment => Sign::Either,
        }
    }
}

impl Kind {
    /// All ten, in the order in which they are always listed.
    pub const ALL: [Self; 10] = [
        Self::Override,
        Self::Count,
        Self::Correction,
        Self::Waste,
        Self::Damage,
        Self::Expired,
        Self::Sample,
        Self::Return,
        Self::Transfer,
        Self::Other,
    ];

    /// The name in the log, in SQL and in JSON.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Override => "override",
            Self::Count => "count",
            Self::Correction => "correction",
            Self::Waste => "waste",
            Self::Damage => "damage",
            Self::Expired => "expired",
            Self::Sample => "sample",
            Self::Return => "return",
            Self::Transfer => "transfer",
            Self::Other => "other",
        }
    }

    /// Which way an adjustment of this kind goes.
    #[must_use]
    pub fn sign(self) -> Sign {
        match self {
            Self::Waste | Self::Damage | Self::Expired | Self::Sample => Sign::Out,
            Self::Return => Sign::In,
            Self::Override | Self::Count | Self::Correction | Self::Transfer | Self::Other => {
                Sign::Either
            }
        }
    }

    /// Whether the kind settles what the count is: an override or a count. A correction may not
    /// reach behind it.
    #[must_use]
    pub fn settles(self) -> bool {
        matches!(self, Self::Override | Self::Count)
    }
}

/// A text that names no reason or kind.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("unknown {what} '{found}': one of {known}")]
pub struct UnknownName {
    what: &'static str,
    found: String,
    known: String,
}

impl UnknownName {
    pub(crate) fn new(what: &'static str, found: &str, known: &[&str]) -> Self {
        Self { what, found: found.chars().take(40).collect(), known: known.join(", ") }
    }
}

impl FromStr for Reason {
    type Err = UnknownName;

    fn from_str(text: &str) -> Result<Self, UnknownName> {
        Self::ALL
            .into_iter()
            .find(|reason| reason.as_str() == text)
            .ok_or_else(|| UnknownName::new("reason", text, &Self::ALL.map(Self::as_str)))
    }
}

impl FromStr for Kind {
    type Err = UnknownName;

    fn from_str(text: &str) -> Result<Self, UnknownName> {
        Self::ALL
            .into_iter()
            .find(|kind| kind.as_str() == text)
            .ok_or_else(|| UnknownName::new("kind", text, &Self::ALL.map(Self::as_str)))
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_name_is_read_back() {
        for reason in Reason::ALL {
            assert_eq!(reason.as_str().parse(), Ok(reason));
        }
        for kind in Kind::ALL {
            assert_eq!(kind.as_str().parse(), Ok(kind));
        }
        assert!("".parse::<Reason>().is_err() && "Batch".parse::<Reason>().is_err());
    }
}
