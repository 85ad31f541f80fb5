//! The book: a ledger's items and counts as the writer holds them in memory. A cache of what the
//! store says, thrown away whenever it may be wrong.

use crate::event::Balance;
use crate::ids::ItemId;
use crate::inventory::{Count, Inventory};
use crate::item::{Item, ItemChange};
use crate::text::Sku;
use rustc_hash::FxHashMap;
use std::collections::HashMap;
use std::sync::Arc;

/// One item and its count.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// The item.
    pub item: Arc<Item>,
    /// Its count.
    pub count: Count,
}

impl Entry {
    /// The entry as a row of the inventory.
    #[must_use]
    pub fn inventory(&self) -> Inventory {
        Inventory { item: Arc::clone(&self.item), count: self.count }
    }
}

/// All items and counts of a ledger, true at one position and one items revision.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Book {
    entries: FxHashMap<ItemId, Entry>,
    skus: HashMap<Sku, ItemId>,
    last_item_id: i64,
}

impl Book {
    /// The book that these rows make.
    #[must_use]
    pub fn load(rows: impl IntoIterator<Item = Inventory>) -> Self {
        let mut book = Self::default();
        for row in rows {
            let item_id = row.item.id;
            book.put_item(row.item);
            book.put_count(item_id, row.count);
        }
        book
    }

    /// The entry of an item.
    #[must_use]
    pub fn get(&self, item: ItemId) -> Option<&Entry> {
        self.entries.get(&item)
    }

    /// The item that has this stock keeping unit.
    #[must_use]
    pub fn item_with_sku(&self, sku: &Sku) -> Option<ItemId> {
        self.skus.get(sku).copied()
    }

    /// The number that the next item gets.
    #[must_use]
    pub fn next_item_id(&self) -> ItemId {
        ItemId(self.last_item_id + 1)
    }

    /// Takes over an event from the log. Never refuses: what is in the log is so. An event of an
    /// item that the book does not know is passed over.
    pub fn apply(&mut self, balance: Balance) {
        if let Some(entry) = self.entries.get_mut(&balance.item_id) {
            entry.count = entry.count.after(balance);
        }
    }

    /// Takes over a change of an item.
    pub fn apply_item_change(&mut self, change: &ItemChange) {
        self.put_item(Arc::new(change.item.clone()));
    }

    pub(crate) fn put_item(&mut self, item: Arc<Item>) {
        let (id, created_at) = (item.id, item.created_at);
        self.last_item_id = self.last_item_id.max(id.0);
        self.forget_sku(id);
        if let Some(sku) = &item.sku {
            self.skus.insert(sku.clone(), id);
        }
        match self.entries.get_mut(&id) {
            Some(entry) => entry.item = item,
            None => {
                self.entries.insert(id, Entry { item, count: Count::empty(created_at) });
            }
        }
    }

    pub(crate) fn put_count(&mut self, item: ItemId, count: Count) {
        if let Some(entry) = self.entries.get_mut(&item) {
            entry.count = count;
        }
    }

    /// Puts an entry back as it was before a rejected request; `None` if it did not exist.
    /// Undone newest first, so the number of an item that was not made is free again.
    pub(crate) fn restore(&mut self, item: ItemId, before: Option<Entry>) {
        self.forget_sku(item);
        match before {
            Some(entry) => {
                if let Some(sku) = &entry.item.sku {
                    self.skus.insert(sku.clone(), item);
                }
                self.entries.insert(item, entry);
            }
            None => {
                self.entries.remove(&item);
                if item.0 == self.last_item_id {
                    self.last_item_id -= 1;
                }
            }
        }
    }

    fn forget_sku(&mut self, item: ItemId) {
        if let Some(sku) = self.entries.get(&item).and_then(|entry| entry.item.sku.as_ref()) {
            let sku = sku.clone();
            self.skus.remove(&sku);
        }
    }
}
