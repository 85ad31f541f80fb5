//! One line of an import: read, judged as far as it can be on its own, and turned into a command.

use crate::wire;
use item_event_store::limits::MAX_QUANTITY;
use item_event_store::reason::{Kind, Reason};
use item_event_store::text::{Name, Note, Reference};
use item_event_store::time::Timestamp;

/// The columns, in the order in which they are documented. JSON Lines have the same members.
pub const COLUMNS: [&str; 7] =
    ["item", "reason", "quantity", "occurred_at", "reference", "note", "kind"];

/// What is wrong, and where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// The line of the file, counted from 1.
    pub line: u64,
    /// The column, where it is one.
    pub column: Option<&'static str>,
    /// One sentence.
    pub message: String,
}

impl std::fmt::Display for Fault {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "line {}", self.line)?;
        if let Some(column) = self.column {
            let number = COLUMNS.iter().position(|&name| name == column).map_or(0, |at| at + 1);
            write!(f, ", column {number} ({column})")?;
        }
        write!(f, ": {}", self.message)
    }
}

/// A line as it stands in the file; what is empty is absent.
#[derive(Clone, Debug, Default, PartialEq, Eq, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Raw {
    pub item: String,
    pub reason: String,
    pub quantity: i64,
    #[serde(default)]
    pub occurred_at: Option<String>,
    #[serde(default)]
    pub reference: Option<String>,
    #[serde(default)]
    pub note: Option<String>,
    #[serde(default)]
    pub kind: Option<String>,
}

/// What a line asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Ask {
    /// The item with its first stock.
    Initial(i64),
    /// A change, signed as it will stand in the log.
    Change(i64),
    /// An absolute quantity.
    Set(i64),
}

/// A line that is right as far as it can be told without the ledger.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line {
    /// The line of the file, counted from 1.
    pub number: u64,
    /// The text that names the item.
    pub item: String,
    /// What it asks for.
    pub ask: Ask,
    raw: Raw,
}

impl Line {
    /// Judges a line.
    pub fn new(number: u64, raw: Raw) -> Result<Self, Fault> {
        let fault = |column, message| Fault { line: number, column: Some(column), message };
        raw.item.parse::<Name>().map_err(|error| fault("item", error.to_string()))?;
        let reason: Reason =
            raw.reason.parse().map_err(|error| fault("reason", format!("{error}")))?;
        if let Some(time) = &raw.occurred_at {
            time.parse::<Timestamp>().map_err(|error| fault("occurred_at", error.to_string()))?;
        }
        if let Some(text) = &raw.reference {
            text.parse::<Reference>().map_err(|error| fault("reference", error.to_string()))?;
        }
        if let Some(text) = &raw.note {
            text.parse::<Note>().map_err(|error| fault("note", error.to_string()))?;
        }
        let ask = ask(reason, &raw).map_err(|(column, message)| fault(column, message))?;
        Ok(Self { number, item: raw.item.clone(), ask, raw })
    }

    /// Whether it makes its item.
    pub fn is_initial(&self) -> bool {
        matches!(self.ask, Ask::Initial(_))
    }

    /// The command, once it is known which item is meant. An `initial` line has none: it makes its
    /// item.
    pub fn command(&self, item_id: i64) -> Option<wire::Command> {
        let common = wire::Command {
            item_id: Some(item_id),
            reference: self.raw.reference.clone(),
            note: self.raw.note.clone(),
            ..wire::Command::default()
        };
        let time = self.raw.occurred_at.clone();
        let kind = self.raw.kind.clone();
        match self.ask {
            Ask::Initial(_) => None,
            Ask::Change(change) if self.raw.reason == "adjustment" => Some(wire::Command {
                command: "adjustment".to_owned(),
                quantity_change: Some(change),
                occurred_at: time,
                kind,
                ..common
            }),
            Ask::Change(_) => Some(wire::Command {
                command: self.raw.reason.clone(),
                quantity: Some(self.raw.quantity),
                occurred_at: time,
                ..common
            }),
            Ask::Set(quantity) => Some(wire::Command {
                command: "set_inventory".to_owned(),
                quantity: Some(quantity),
                expected_quantity: Some(None),
                counted_at: time,
                kind,
                ..common
            }),
        }
    }

    /// The command that makes the line's item: with its beginning, if the line says one.
    pub fn creation(&self) -> wire::Command {
        let creation = wire::Command {
            command: "create_item".to_owned(),
            name: Some(self.item.clone()),
            ..wire::Command::default()
        };
        if !self.is_initial() {
            return creation;
        }
        wire::Command {
            initial_quantity: Some(self.raw.quantity),
            occurred_at: self.raw.occurred_at.clone(),
            reference: self.raw.reference.clone(),
            note: self.raw.note.clone(),
            ..creation
        }
    }

    /// Whether an item's first event is the beginning that this line says: then an earlier run of
    /// the same import has made it.
    pub fn began_as(&self, first: &wire::Event) -> bool {
        let same_time = |a: &Option<String>, b: &Option<String>| match (a, b) {
            (Some(a), Some(b)) => a.parse::<Timestamp>().ok() == b.parse::<Timestamp>().ok(),
            (None, None) => true,
            _ => false,
        };
        first.reason == "initial"
            && first.quantity_change == self.raw.quantity
            && first.reference == self.raw.reference
            && first.note == self.raw.note
            && same_time(&first.occurred_at, &self.raw.occurred_at)
    }
}

type Complaint = (&'static str, String);

fn ask(reason: Reason, raw: &Raw) -> Result<Ask, Complaint> {
    let quantity = raw.quantity;
    if !(-MAX_QUANTITY..=MAX_QUANTITY).contains(&quantity) {
        return Err(("quantity", format!("is out of range: at most {MAX_QUANTITY}")));
    }
    match (reason, &raw.kind) {
        (Reason::Adjustment, None) => Err(("kind", "an adjustment needs a kind".to_owned())),
        (Reason::Adjustment, Some(kind)) => {
            adjustment(kind.parse().map_err(|error| ("kind", format!("{error}")))?, raw)
        }
        (_, Some(_)) => Err(("kind", "only an adjustment has a kind".to_owned())),
        (_, None) if quantity <= 0 => {
            Err(("quantity", format!("must be positive for {reason}: its sign is known")))
        }
        (Reason::Initial, None) => Ok(Ask::Initial(quantity)),
        (Reason::Batch, None) => Ok(Ask::Change(quantity)),
        (Reason::Bakeoff | Reason::SpecialOrder, None) => Ok(Ask::Change(-quantity)),
    }
}

fn adjustment(kind: Kind, raw: &Raw) -> Result<Ask, Complaint> {
    let quantity = raw.quantity;
    match kind {
        Kind::Correction => Err((
            "kind",
            "a correction names an event of the log, and cannot be imported".to_owned(),
        )),
        Kind::Override if raw.occurred_at.is_some() => {
            Err(("occurred_at", "an override holds from when it is recorded".to_owned()))
        }
        Kind::Override | Kind::Count => Ok(Ask::Set(quantity)),
        _ if quantity == 0 => Err(("quantity", "is zero and would change nothing".to_owned())),
        _ if !kind.sign().admits(quantity) => {
            Err(("quantity", format!("has the wrong sign for {kind}")))
        }
        _ => Ok(Ask::Change(quantity)),
    }
}

#[cfg(test)]
pub mod tests {
    use super::*;

    pub fn raw(reason: &str, quantity: i64, kind: Option<&str>) -> Raw {
        Raw {
            item: "Croissant".to_owned(),
            reason: reason.to_owned(),
            quantity,
            kind: kind.map(str::to_owned),
            ..Raw::default()
        }
    }

    #[test]
    fn a_line_becomes_the_command_of_its_endpoint() {
        let command = |raw| Line::new(2, raw).expect("a line").command(7).expect("a command");
        let batch = command(raw("batch", 24, None));
        assert_eq!((batch.command.as_str(), batch.quantity), ("batch", Some(24)));
        assert_eq!(batch.item_id, Some(7));
        let waste = command(raw("adjustment", -2, Some("waste")));
        assert_eq!((waste.command.as_str(), waste.quantity_change), ("adjustment", Some(-2)));
        let count = command(raw("adjustment", 12, Some("count")));
        assert_eq!((count.command.as_str(), count.quantity), ("set_inventory", Some(12)));
        assert_eq!(count.expected_quantity, Some(None));
        let initial = Line::new(2, raw("initial", 10, None)).expect("a line");
        assert_eq!(initial.command(7), None);
        assert_eq!(initial.creation().initial_quantity, Some(10));
    }

    #[test]
    fn what_is_wrong_with_a_line_is_named_with_its_column() {
        let table = [
            (raw("batch", 0, None), "quantity"),
            (raw("bakeoff", -3, None), "quantity"),
            (raw("batch", MAX_QUANTITY + 1, None), "quantity"),
            (raw("batch", i64::MIN, None), "quantity"),
            (raw("adjustment", -MAX_QUANTITY - 1, Some("other")), "quantity"),
            (raw("adjustment", i64::MIN, Some("other")), "quantity"),
            (raw("sale", 3, None), "reason"),
            (raw("batch", 3, Some("waste")), "kind"),
            (raw("adjustment", 3, None), "kind"),
            (raw("adjustment", 3, Some("waste")), "quantity"),
            (raw("adjustment", 0, Some("other")), "quantity"),
            (raw("adjustment", 3, Some("correction")), "kind"),
            (raw("adjustment", 3, Some("lost")), "kind"),
            (Raw { item: " ".into(), ..raw("batch", 3, None) }, "item"),
            (Raw { note: Some("a\nb".into()), ..raw("batch", 3, None) }, "note"),
            (Raw { occurred_at: Some("Monday".into()), ..raw("batch", 3, None) }, "occurred_at"),
        ];
        for (raw, column) in table {
            let fault = Line::new(9, raw.clone()).expect_err("a fault");
            assert_eq!(fault.column, Some(column), "{raw:?}");
        }
        let fault = Line::new(9, raw("batch", 0, None)).expect_err("a fault");
        assert_eq!(
            fault.to_string(),
            "line 9, column 3 (quantity): must be positive for batch: its sign is known"
        );
    }

    #[test]
    fn the_beginning_of_an_item_is_recognised() {
        let mut raw = raw("initial", 10, None);
        raw.occurred_at = Some("2026-11-23T06:00:00+01:00".to_owned());
        let line = Line::new(2, raw).expect("a line");
        let mut first = crate::cli::text::tests::an_event(1, "initial", None, 10);
        assert!(!line.began_as(&first));
        first.occurred_at = Some("2026-11-23T05:00:00.000000Z".to_owned());
        assert!(line.began_as(&first));
        first.quantity_change = 11;
        assert!(!line.began_as(&first));
    }
}
