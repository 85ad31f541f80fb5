//! Canonical hashing: fields in a fixed order, each with its length, so that no two contents
//! share an encoding.

use crate::command::{Command, Expected, Request, SetKind};
use crate::text::Text;
use crate::time::Timestamp;
use sha2::Digest as _;
use std::fmt::Write as _;

/// SHA-256 over a sequence of fields.
pub(crate) struct Digest(sha2::Sha256);

impl Digest {
    /// Begins with the name of what is hashed and the version of its encoding.
    pub fn new(domain: &str) -> Self {
        let mut digest = Self(sha2::Sha256::new());
        digest.text(domain);
        digest
    }

    pub fn int(&mut self, value: i64) -> &mut Self {
        self.0.update(value.to_be_bytes());
        self
    }

    pub fn text(&mut self, value: &str) -> &mut Self {
        self.0.update((value.len() as u64).to_be_bytes());
        self.0.update(value);
        self
    }

    pub fn optional_int(&mut self, value: Option<i64>) -> &mut Self {
        self.0.update([u8::from(value.is_some())]);
        if let Some(value) = value {
            self.int(value);
        }
        self
    }

    pub fn optional_text(&mut self, value: Option<&str>) -> &mut Self {
        self.0.update([u8::from(value.is_some())]);
        if let Some(value) = value {
            self.text(value);
        }
        self
    }

    fn optional<const MAX: usize>(&mut self, value: Option<&Text<MAX>>) -> &mut Self {
        self.optional_text(value.map(Text::as_str))
    }

    fn time(&mut self, value: Option<Timestamp>) -> &mut Self {
        self.optional_int(value.map(Timestamp::micros))
    }

    pub fn finish(self) -> [u8; 32] {
        self.0.finalize().into()
    }

    /// The first 8 hex digits.
    pub fn tag(self) -> String {
        self.finish()[..4].iter().fold(String::with_capacity(8), |mut tag, byte| {
            let _ = write!(tag, "{byte:02x}");
            tag
        })
    }
}

impl Request {
    /// The SHA-256 of who asks and what is asked for. The same key with another hash is a
    /// rejection.
    #[must_use]
    pub fn hash(&self) -> [u8; 32] {
        let mut digest = Digest::new("item_event_store request 1");
        digest.text(self.actor.as_str());
        for command in &self.commands {
            add_command(&mut digest, command);
        }
        digest.finish()
    }
}

fn add_command(digest: &mut Digest, command: &Command) {
    match command {
        Command::CreateItem(c) => {
            digest.int(1).text(c.name.as_str()).optional(c.sku.as_ref()).optional(c.unit.as_ref());
            digest.int(c.initial_quantity).int(i64::from(c.allow_negative)).time(c.occurred_at);
            digest.optional(c.reference.as_ref()).optional(c.note.as_ref());
        }
        Command::EditItem(c) => {
            digest.int(2).int(c.item_id.0).optional(c.name.as_ref()).optional(c.unit.as_ref());
            digest.int(i64::from(c.sku.is_some()));
            digest.optional(c.sku.as_ref().and_then(Option::as_ref));
            digest.optional_int(c.allow_negative.map(i64::from));
            digest.optional_int(c.archived.map(i64::from)).optional_int(c.expected_version);
        }
        Command::Record(c) => {
            digest.int(3).int(c.item_id.0).text(c.movement.reason().as_str()).int(c.quantity);
            digest.time(c.occurred_at).optional(c.reference.as_ref()).optional(c.note.as_ref());
            digest.optional_int(c.expected_version);
        }
        Command::Adjust(c) => {
            digest.int(4).int(c.item_id.0).text(c.kind.as_str()).int(c.quantity_change);
            digest.time(c.occurred_at).optional(c.reference.as_ref()).optional(c.note.as_ref());
            digest.optional_int(c.expected_version);
        }
        Command::SetInventory(c) => {
            digest.int(5).int(c.item_id.0).int(c.quantity);
            match c.kind {
                SetKind::Override => digest.int(0),
                SetKind::Count { counted_at } => digest.int(1).time(counted_at),
            };
            match c.expected_quantity {
                Expected::Unstated => digest.int(0),
                Expected::Any => digest.int(1),
                Expected::Exactly(quantity) => digest.int(2).int(quantity),
            };
            digest.optional(c.reference.as_ref()).optional(c.note.as_ref());
            digest.optional_int(c.expected_version);
        }
        Command::Correct(c) => {
            digest.int(6).int(c.position.0).int(c.quantity_change).optional(c.note.as_ref());
        }
    }
}
