//! What each command does, or why it is refused, in the order of precedence.

use super::{Item, New, Trial, number};
use item_event_store::command::{
    Adjust, Command, Correct, CreateItem, EditItem, Expected, Movement, Record, SetInventory,
    SetKind,
};
use item_event_store::ids::ItemId;
use item_event_store::reason::{Kind, Reason};
use item_event_store::rejection::Rejection;
use item_event_store::time::Timestamp;

type Ruled = Result<(), Rejection>;

const LIMIT: i64 = 2_000_000_000;
const FIVE_MINUTES: i64 = 300_000_000;

impl Trial<'_> {
    pub(super) fn command(&mut self, command: &Command) -> Ruled {
        match command {
            Command::CreateItem(c) => self.create(c),
            Command::EditItem(c) => self.edit(c),
            Command::Record(c) => self.record(c),
            Command::Adjust(c) => self.adjust(c),
            Command::SetInventory(c) => self.set(c),
            Command::Correct(c) => self.correct(c),
        }
    }

    fn create(&mut self, c: &CreateItem) -> Ruled {
        if c.initial_quantity != 0 {
            positive(c.initial_quantity, "initial")?;
        }
        self.not_in_future(c.occurred_at)?;
        let sku = c.sku.as_ref().map(ToString::to_string);
        self.sku_free(sku.as_deref(), None)?;
        let item = self.add_item(Item {
            name: c.name.to_string(),
            sku,
            unit: c.unit.as_ref().map_or("piece".into(), ToString::to_string),
            allow_negative: c.allow_negative,
            archived: false,
            quantity: 0,
            version: 0,
            last_event: None,
            last_count: None,
        });
        self.touched.insert(item);
        self.model.revision += 1;
        if c.initial_quantity == 0 {
            return Ok(());
        }
        self.append(New {
            item,
            change: c.initial_quantity,
            why: (Reason::Initial, None),
            occurred: c.occurred_at,
            reference: c.reference.clone(),
            note: c.note.clone(),
            corrects: None,
        });
        Ok(())
    }

    fn edit(&mut self, c: &EditItem) -> Ruled {
        let item = self.find(c.item_id)?;
        let old = self.item(item).clone();
        if old.archived && c.archived != Some(false) {
            return Err(Rejection::ItemArchived { item_id: c.item_id.0 });
        }
        self.at_version(item, c.expected_version)?;
        let mut new = old.clone();
        if let Some(sku) = &c.sku {
            new.sku = sku.as_ref().map(ToString::to_string);
            self.sku_free(new.sku.as_deref(), Some(item))?;
        }
        if let Some(name) = &c.name {
            new.name = name.to_string();
        }
        if let Some(unit) = &c.unit {
            new.unit = unit.to_string();
        }
        new.allow_negative = c.allow_negative.unwrap_or(new.allow_negative);
        new.archived = c.archived.unwrap_or(new.archived);
        if new != old {
            *self.change_item(item) = new;
            self.model.revision += 1;
        }
        self.touched.insert(item);
        Ok(())
    }

    fn record(&mut self, c: &Record) -> Ruled {
        let reason = match c.movement {
            Movement::Batch => Reason::Batch,
            Movement::Bakeoff => Reason::Bakeoff,
            Movement::SpecialOrder => Reason::SpecialOrder,
        };
        positive(c.quantity, reason.as_str())?;
        self.not_in_future(c.occurred_at)?;
        let item = self.find_open(c.item_id)?;
        self.at_version(item, c.expected_version)?;
        let change = if reason == Reason::Batch { c.quantity } else { -c.quantity };
        self.balance(item, change)?;
        self.append(New {
            item,
            change,
            why: (reason, None),
            occurred: c.occurred_at,
            reference: c.reference.clone(),
            note: c.note.clone(),
            corrects: None,
        });
        Ok(())
    }

    fn adjust(&mut self, c: &Adjust) -> Ruled {
        let (kind, quantity) = (c.kind, c.quantity_change);
        if matches!(kind, Kind::Override | Kind::Count | Kind::Correction) {
            return Err(Rejection::KindNotAllowed { kind: kind.as_str().into() });
        }
        if quantity == 0 {
            return Err(Rejection::ZeroQuantity {});
        }
        let wrong = match kind {
            Kind::Waste | Kind::Damage | Kind::Expired | Kind::Sample => quantity > 0,
            Kind::Return => quantity < 0,
            _ => false,
        };
        if wrong {
            return Err(Rejection::InvalidSign { quantity, reason: kind.as_str().into() });
        }
        within(quantity, if kind == Kind::Return { 1 } else { -LIMIT })?;
        self.not_in_future(c.occurred_at)?;
        let item = self.find_open(c.item_id)?;
        self.at_version(item, c.expected_version)?;
        self.balance(item, quantity)?;
        self.append(New {
            item,
            change: quantity,
            why: (Reason::Adjustment, Some(kind)),
            occurred: c.occurred_at,
            reference: c.reference.clone(),
            note: c.note.clone(),
            corrects: None,
        });
        Ok(())
    }

    fn set(&mut self, c: &SetInventory) -> Ruled {
        if c.expected_quantity == Expected::Unstated {
            return Err(Rejection::ExpectedQuantityRequired {});
        }
        within(c.quantity, -LIMIT)?;
        let counted = match c.kind {
            SetKind::Count { counted_at } => counted_at,
            SetKind::Override => None,
        };
        self.not_in_future(counted)?;
        let item = self.find_open(c.item_id)?;
        self.at_version(item, c.expected_version)?;
        let now = self.item(item).quantity;
        if let Expected::Exactly(expected_quantity) = c.expected_quantity
            && expected_quantity != now
        {
            let (item_id, current_quantity) = (c.item_id.0, now);
            return Err(Rejection::ExpectedQuantityStale {
                item_id,
                current_quantity,
                expected_quantity,
            });
        }
        let mut then = now;
        if let Some(at) = counted {
            if let Some((last, when)) = self.item(item).last_count
                && at < when
            {
                let item_id = c.item_id.0;
                return Err(Rejection::BeforeLastCount { item_id, last_count_event_id: last });
            }
            then -= self.changes_after(item, at);
        }
        within(c.quantity, if self.item(item).allow_negative { -LIMIT } else { 0 })?;
        let change = c.quantity - then;
        let kind = if c.kind == SetKind::Override { Kind::Override } else { Kind::Count };
        if change == 0 && kind == Kind::Override {
            self.touched.insert(item);
            return Ok(());
        }
        self.balance(item, change)?;
        self.append(New {
            item,
            change,
            why: (Reason::Adjustment, Some(kind)),
            occurred: counted,
            reference: c.reference.clone(),
            note: c.note.clone(),
            corrects: None,
        });
        Ok(())
    }

    fn correct(&mut self, c: &Correct) -> Ruled {
        within(c.quantity_change, -LIMIT)?;
        let position = c.position.0;
        let index = usize::try_from(position - 1).unwrap_or(usize::MAX);
        let Some(original) = self.model.log.get(index).cloned() else {
            return Err(Rejection::EventNotFound { position });
        };
        let item = self.find_open(original.item_id)?;
        if let Some(kind @ (Kind::Count | Kind::Override | Kind::Correction)) = original.kind {
            return Err(Rejection::NotCorrectable { position, kind: kind.as_str().into() });
        }
        let (quantity, was) = (c.quantity_change, original.quantity_change);
        if quantity > 0 && was < 0 || quantity < 0 && was > 0 {
            let reason = original.kind.map_or(original.reason.as_str(), Kind::as_str).into();
            return Err(Rejection::InvalidSign { quantity, reason });
        }
        if let Some((last, _)) = self.item(item).last_count.filter(|(last, _)| *last > position) {
            let item_id = original.item_id.0;
            return Err(Rejection::BeforeLastCount { item_id, last_count_event_id: last });
        }
        let effective = was + self.model.corrected_by.get(&position).copied().unwrap_or(0);
        if quantity == effective {
            self.touched.insert(item);
            return Ok(());
        }
        self.balance(item, quantity - effective)?;
        self.append(New {
            item,
            change: quantity - effective,
            why: (Reason::Adjustment, Some(Kind::Correction)),
            occurred: Some(original.occurred_at.unwrap_or(original.created_at)),
            reference: original.reference,
            note: c.note.clone(),
            corrects: Some(position),
        });
        Ok(())
    }

    fn find(&self, id: ItemId) -> Result<usize, Rejection> {
        let index = usize::try_from(id.0 - 1).unwrap_or(usize::MAX);
        if index < self.model.items.len() {
            return Ok(index);
        }
        Err(Rejection::ItemNotFound { item_id: id.0 })
    }

    fn find_open(&self, id: ItemId) -> Result<usize, Rejection> {
        let item = self.find(id)?;
        if self.item(item).archived {
            return Err(Rejection::ItemArchived { item_id: id.0 });
        }
        Ok(item)
    }

    fn at_version(&self, item: usize, expected: Option<i64>) -> Ruled {
        let current_version = self.item(item).version;
        match expected {
            Some(expected_version) if expected_version != current_version => {
                let item_id = number(item);
                Err(Rejection::VersionMismatch { item_id, current_version, expected_version })
            }
            _ => Ok(()),
        }
    }

    fn not_in_future(&self, at: Option<Timestamp>) -> Ruled {
        match at {
            Some(at) if at.micros() - self.now.micros() > FIVE_MINUTES => {
                let (occurred_at, now) = (at.to_string(), self.now.to_string());
                Err(Rejection::OccurredInFuture { occurred_at, now })
            }
            _ => Ok(()),
        }
    }

    fn sku_free(&self, sku: Option<&str>, of: Option<usize>) -> Ruled {
        let Some(sku) = sku else { return Ok(()) };
        let owner = self.model.items.iter().position(|item| item.sku.as_deref() == Some(sku));
        match owner {
            Some(owner) if Some(owner) != of => {
                Err(Rejection::SkuTaken { sku: sku.to_owned(), item_id: number(owner) })
            }
            _ => Ok(()),
        }
    }

    fn balance(&self, item: usize, change: i64) -> Ruled {
        let (available, allow_negative) =
            (self.item(item).quantity, self.item(item).allow_negative);
        if change < 0 && available + change < 0 && !allow_negative {
            let item_id = number(item);
            return Err(Rejection::InsufficientStock { item_id, available, requested: -change });
        }
        within(available + change, -LIMIT)?;
        within(change, -LIMIT)
    }
}

fn positive(quantity: i64, reason: &str) -> Ruled {
    if quantity == 0 {
        return Err(Rejection::ZeroQuantity {});
    }
    if quantity < 0 {
        return Err(Rejection::InvalidSign { quantity, reason: reason.to_owned() });
    }
    within(quantity, 1)
}

fn within(quantity: i64, minimum: i64) -> Ruled {
    if (minimum..=LIMIT).contains(&quantity) {
        return Ok(());
    }
    Err(Rejection::QuantityOutOfRange { quantity, minimum, maximum: LIMIT })
}
