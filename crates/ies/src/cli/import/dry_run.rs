//! `ies import --dry-run`: reads everything, writes nothing, and says what would happen.

use super::items::{self, Found, NoItem};
use super::line::{Ask, Fault, Line};
use super::reader::Chunk;
use crate::cli::api::Api;
use crate::cli::exit::Failure;
use crate::cli::output::{many, numbers, signed, table, words};
use crate::wire;
use item_event_store::limits::MAX_QUANTITY;
use serde::Serialize;
use std::collections::HashMap;

/// What would happen.
#[derive(Debug, Default, Serialize)]
pub struct Forecast {
    /// Lines read.
    pub lines: u64,
    /// Lines that are wrong.
    pub faults: u64,
    /// By item, in the order of their first lines.
    pub items: Vec<ItemForecast>,
}

/// What would happen to an item.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ItemForecast {
    /// The text of the file.
    pub item: String,
    /// The item; null when the import would make it.
    pub item_id: Option<i64>,
    /// Lines about it.
    pub events: u64,
    /// The count now.
    pub before: i64,
    /// The count then.
    pub after: i64,
    #[serde(skip)]
    allow_negative: bool,
}

/// Follows an import line by line.
pub struct DryRun<'a> {
    api: &'a Api,
    create: bool,
    places: HashMap<String, usize>,
    /// What is known so far.
    pub forecast: Forecast,
}

impl<'a> DryRun<'a> {
    /// Nothing was read yet.
    pub fn new(api: &'a Api, create: bool) -> Self {
        Self { api, create, places: HashMap::new(), forecast: Forecast::default() }
    }

    /// Follows a chunk, and answers everything that is wrong with it, by line.
    pub async fn follow(&mut self, chunk: Chunk) -> Result<Vec<Fault>, Failure> {
        self.forecast.lines += (chunk.lines.len() + chunk.faults.len()) as u64;
        let mut faults = chunk.faults;
        for line in &chunk.lines {
            let (column, message) = match self.item(line).await {
                Ok(place) => match apply(&mut self.forecast.items[place], &line.ask) {
                    Ok(()) => continue,
                    Err(message) => ("quantity", message),
                },
                Err(NoItem::Fault(message)) => ("item", message),
                Err(NoItem::Failed(failure)) => return Err(failure),
            };
            faults.push(Fault { line: line.number, column: Some(column), message });
        }
        faults.sort_by_key(|fault| fault.line);
        self.forecast.faults += faults.len() as u64;
        Ok(faults)
    }

    async fn item(&mut self, line: &Line) -> Result<usize, NoItem> {
        let initial = line.is_initial();
        if let Some(&place) = self.places.get(&line.item) {
            let begun = NoItem::Fault(items::begun(&line.item));
            return if initial { Err(begun) } else { Ok(place) };
        }
        let mut forecast = ItemForecast {
            item: line.item.clone(),
            item_id: None,
            events: 0,
            before: 0,
            after: 0,
            allow_negative: false,
        };
        match items::find(self.api, &line.item).await? {
            Found::There(item) => {
                let path = format!("/v1/items/{}/inventory", item.id);
                let now: wire::InventoryReply = self.api.get(&path, &[]).await?;
                forecast.item_id = Some(item.id);
                forecast.before = now.inventory.quantity;
                forecast.allow_negative = item.allow_negative;
                if initial {
                    items::check_beginning(self.api, line, &item).await?;
                }
                forecast.after = forecast.before;
            }
            Found::Unknown if initial || self.create => {}
            Found::Unknown => return Err(NoItem::Fault(items::unknown(&line.item))),
        }
        let place = self.forecast.items.len();
        self.places.insert(line.item.clone(), place);
        self.forecast.items.push(forecast);
        Ok(place)
    }
}

fn apply(item: &mut ItemForecast, ask: &Ask) -> Result<(), String> {
    let after = match *ask {
        // An item that is there has its beginning in its count.
        Ask::Initial(_) if item.item_id.is_some() => return Ok(()),
        Ask::Initial(quantity) | Ask::Set(quantity) => quantity,
        Ask::Change(change) => item.after + change,
    };
    if after < 0 && !item.allow_negative {
        return Err(format!("'{}' would have {} and fall to {after}", item.item, item.after));
    }
    if after.abs() > MAX_QUANTITY {
        return Err(format!("the count would be out of range: {after}"));
    }
    item.after = after;
    item.events += 1;
    Ok(())
}

/// The forecast for people.
pub fn show(forecast: &Forecast) -> String {
    let columns = [
        words("ITEM"),
        numbers("ID"),
        numbers("EVENTS"),
        numbers("COUNT NOW"),
        numbers("CHANGE"),
        numbers("COUNT THEN"),
    ];
    let row = |item: &ItemForecast| {
        vec![
            item.item.clone(),
            item.item_id.map_or("new".to_owned(), |id| id.to_string()),
            item.events.to_string(),
            item.before.to_string(),
            signed(item.after - item.before),
            item.after.to_string(),
        ]
    };
    let drawn = table(&columns, &forecast.items.iter().map(row).collect::<Vec<_>>());
    let lines = many(forecast.lines, "line");
    format!("{drawn}{lines}, {} wrong; nothing is recorded\n", forecast.faults)
}
