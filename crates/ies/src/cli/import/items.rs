//! Which item a text of the file means, and the making of items that are not there yet. Made so
//! that a second run, or one after a crash in the middle, finds what the first one made:
//!
//! - an `initial` line looks first: an item that began exactly as the line says is the one that an
//!   earlier run made; an item that began otherwise is an error;
//! - what is made is made under a key of the file and the text, so that an item that was renamed
//!   or archived since is found by its replay and not made again.

use super::line::Line;
use crate::cli::api::{Api, CallError, hex};
use crate::cli::exit::{Exit, Failure};
use crate::wire;
use bytes::Bytes;
use sha2::{Digest as _, Sha256};
use std::collections::{HashMap, HashSet};

/// The items of an import, each asked for once.
pub struct Items<'a> {
    api: &'a Api,
    known: HashMap<String, i64>,
    to_make: HashSet<String>,
    create: bool,
    key: String,
    /// How many were made in this run.
    pub made: u64,
}

/// An item of an `initial` or other line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Found {
    /// It is there.
    There(Box<wire::Item>),
    /// It is not.
    Unknown,
}

/// Why a line's item cannot be told.
pub enum NoItem {
    /// The line is wrong about it.
    Fault(String),
    /// The service could not say.
    Failed(Failure),
}

impl From<Failure> for NoItem {
    fn from(failure: Failure) -> Self {
        Self::Failed(failure)
    }
}

impl<'a> Items<'a> {
    /// Nothing is known yet. `key` names the file; `create` makes items that are unknown.
    pub fn new(api: &'a Api, key: String, create: bool) -> Self {
        Self { api, known: HashMap::new(), to_make: HashSet::new(), create, key, made: 0 }
    }

    /// Looks whether a line's item is there or is to be made, and makes nothing yet, so that the
    /// lines of a request can all be judged first.
    pub async fn look(&mut self, line: &Line) -> Result<(), NoItem> {
        let initial = line.is_initial();
        if self.known.contains_key(&line.item) || self.to_make.contains(&line.item) {
            return if initial { Err(NoItem::Fault(begun(&line.item))) } else { Ok(()) };
        }
        match find(self.api, &line.item).await? {
            Found::There(item) => {
                if initial {
                    check_beginning(self.api, line, &item).await?;
                }
                self.known.insert(line.item.clone(), item.id);
            }
            Found::Unknown if initial || self.create => {
                self.to_make.insert(line.item.clone());
            }
            Found::Unknown => return Err(NoItem::Fault(unknown(&line.item))),
        }
        Ok(())
    }

    /// The request is not sent: what it would have made is unknown again.
    pub fn forget(&mut self) {
        self.to_make.clear();
    }

    /// The item of a line that was looked at, made if it is to be made. Says whether the line's
    /// `initial` event is new.
    pub async fn resolve(&mut self, line: &Line) -> Result<(i64, bool), NoItem> {
        if let Some(&id) = self.known.get(&line.item) {
            return Ok((id, false));
        }
        let (id, new) = self.make(line).await?;
        self.to_make.remove(&line.item);
        self.known.insert(line.item.clone(), id);
        Ok((id, new && line.is_initial()))
    }

    async fn make(&mut self, line: &Line) -> Result<(i64, bool), NoItem> {
        let key = format!("{}-item-{}", self.key, hex(&Sha256::digest(&line.item)[..16]));
        let body = serde_json::to_vec(&line.creation())
            .map_err(|error| Failure::new(Exit::Bug, error.to_string()))?;
        let answer = match super::send::patiently(self.api, &key, Bytes::from(body)).await {
            Ok(answer) => answer,
            Err(CallError::Refused(refusal)) if refusal.exit != Exit::TryAgain => {
                return Err(NoItem::Fault(refusal.failure().message));
            }
            Err(error) => return Err(Failure::from(error).into()),
        };
        let row = answer.inventory.first();
        let row = row.ok_or_else(|| Failure::new(Exit::Bug, "a new item has no count"))?;
        self.made += u64::from(!answer.replayed);
        Ok((row.item_id, !answer.replayed))
    }
}

/// The message for an `initial` line that is not the first about its item.
pub fn begun(text: &str) -> String {
    format!("an earlier line is about '{text}': an initial line comes first")
}

/// The message for a text that means no item.
pub fn unknown(text: &str) -> String {
    format!("'{text}' is no sku and no item's name; --create-items makes what is unknown")
}

/// Looks for an item: by its sku, else the only unarchived one of that name.
pub async fn find(api: &Api, text: &str) -> Result<Found, NoItem> {
    // A longer text is no sku, and asking for it would be refused.
    if text.chars().count() <= item_event_store::limits::MAX_SKU_CHARS {
        let by_sku: wire::ItemPage = api.get("/v1/items", &[("sku", text.to_owned())]).await?;
        if let Some(item) = by_sku.items.into_iter().next() {
            return Ok(Found::There(Box::new(item)));
        }
    }
    let query =
        [("name", text.to_owned()), ("archived", "false".to_owned()), ("limit", "2".to_owned())];
    let mut by_name: wire::ItemPage = api.get("/v1/items", &query).await?;
    match (by_name.items.pop(), by_name.items.pop()) {
        (None, _) => Ok(Found::Unknown),
        (Some(item), None) => Ok(Found::There(Box::new(item))),
        (Some(_), Some(_)) => {
            Err(NoItem::Fault(format!("'{text}' is the name of several items: use a sku")))
        }
    }
}

/// Whether an item that is there began as an `initial` line says.
pub async fn check_beginning(api: &Api, line: &Line, item: &wire::Item) -> Result<(), NoItem> {
    let path = format!("/v1/items/{}/events", item.id);
    let query = [("order", "oldest".to_owned()), ("limit", "1".to_owned())];
    let first: wire::EventPage = api.get(&path, &query).await?;
    if first.events.first().is_some_and(|first| line.began_as(first)) {
        return Ok(());
    }
    Err(NoItem::Fault(format!(
        "'{}' is there already (item {}) and began otherwise: an initial line makes its item",
        line.item, item.id
    )))
}
