//! `ies item`: make, list, show and edit items.

use crate::cli::api::Api;
use crate::cli::exit::{Exit, Failure};
use crate::cli::output::{Output, numbers, or_empty, short_time, table, words};
use crate::cli::text;
use crate::cli::transport::Access;
use crate::wire;
use clap::Subcommand;
use hyper::Method;
use item_event_store::limits::PAGE_MAX;
use item_event_store::time::Timestamp;

/// The commands of `ies item`.
#[derive(Debug, Subcommand)]
pub enum Item {
    /// Make an item, with the stock there is already
    Add(Add),
    /// List the items
    List {
        /// The archived ones instead
        #[arg(long)]
        archived: bool,
        /// Only items of exactly this name
        #[arg(long)]
        name: Option<String>,
    },
    /// Show one item
    Show {
        /// An id, or sku:…
        item: String,
    },
    /// Give an item another name
    Rename {
        /// An id, or sku:…
        item: String,
        /// The new name
        name: String,
    },
    /// Archive an item: it takes no more events
    Archive {
        /// An id, or sku:…
        item: String,
        /// Bring it back instead
        #[arg(long)]
        undo: bool,
    },
}

/// `ies item add`.
#[derive(Debug, clap::Args)]
pub struct Add {
    /// What people call it
    name: String,
    /// What machines call it; unique
    #[arg(long)]
    sku: Option<String>,
    /// What it is counted in [default: piece]
    #[arg(long)]
    unit: Option<String>,
    /// How many there are already
    #[arg(long, value_name = "QUANTITY", allow_negative_numbers = true)]
    initial: Option<i64>,
    /// Let the count fall below zero
    #[arg(long)]
    allow_negative: bool,
    /// When the initial stock was there
    #[arg(long, value_name = "TIME")]
    occurred_at: Option<Timestamp>,
    /// The outside document of the initial stock
    #[arg(long)]
    reference: Option<String>,
    /// A note on the initial stock
    #[arg(long)]
    note: Option<String>,
}

impl Item {
    /// What the command needs the ledger for.
    pub fn access(&self) -> Access {
        match self {
            Self::List { .. } | Self::Show { .. } => Access::Read,
            Self::Add(_) | Self::Rename { .. } | Self::Archive { .. } => Access::Write,
        }
    }

    /// Does it.
    pub async fn run(self, api: &Api, output: Output) -> Result<Exit, Failure> {
        match self {
            Self::Add(add) => add.run(api, output).await,
            Self::List { archived, name } => list(api, output, archived, name).await,
            Self::Show { item } => show(api, output, &item).await,
            Self::Rename { item, name } => {
                let edit = wire::EditItem { name: Some(name), ..wire::EditItem::default() };
                change(api, output, &item, &edit).await
            }
            Self::Archive { item, undo } => {
                let edit = wire::EditItem { archived: Some(!undo), ..wire::EditItem::default() };
                change(api, output, &item, &edit).await
            }
        }
    }
}

impl Add {
    async fn run(self, api: &Api, output: Output) -> Result<Exit, Failure> {
        let body = wire::CreateItem {
            name: self.name,
            sku: self.sku,
            unit: self.unit,
            initial_quantity: self.initial,
            allow_negative: self.allow_negative.then_some(true),
            occurred_at: self.occurred_at.map(|at| at.to_string()),
            reference: self.reference,
            note: self.note,
        };
        let answer: wire::Recorded = api.write(Method::POST, "/v1/items", &body).await?;
        output.show(&answer, |answer| {
            let made = answer.item.as_ref().map(text::item).unwrap_or_default();
            format!("{made}\n{}", text::recorded(answer))
        })?;
        Ok(Exit::Ok)
    }
}

async fn list(
    api: &Api,
    output: Output,
    archived: bool,
    name: Option<String>,
) -> Result<Exit, Failure> {
    let mut query = vec![("archived", archived.to_string()), ("limit", PAGE_MAX.to_string())];
    query.extend(name.map(|name| ("name", name)));
    let mut all: wire::ItemPage = api.get("/v1/items", &query).await?;
    while let Some(cursor) = all.next_cursor.take() {
        let mut further = query.clone();
        further.push(("cursor", cursor));
        let page: wire::ItemPage = api.get("/v1/items", &further).await?;
        all.items.extend(page.items);
        all.next_cursor = page.next_cursor;
        all.position = page.position;
    }
    output.show(&all, |all| {
        let columns = [
            numbers("ITEM"),
            words("SKU"),
            words("NAME"),
            words("UNIT"),
            words("NEGATIVE"),
            words("ARCHIVED (UTC)"),
        ];
        let rows: Vec<_> = all.items.iter().map(item_row).collect();
        table(&columns, &rows)
    })?;
    Ok(Exit::Ok)
}

fn item_row(item: &wire::Item) -> Vec<String> {
    vec![
        item.id.to_string(),
        or_empty(item.sku.as_ref()),
        item.name.clone(),
        item.unit.clone(),
        if item.allow_negative { "allowed".to_owned() } else { String::new() },
        item.archived_at.as_deref().map(short_time).unwrap_or_default(),
    ]
}

async fn show(api: &Api, output: Output, item: &str) -> Result<Exit, Failure> {
    let id = api.item_id(item).await?;
    let answer: wire::ItemReply = api.get(&format!("/v1/items/{id}"), &[]).await?;
    output.show(&answer, |answer| lines(&answer.item))?;
    Ok(Exit::Ok)
}

fn lines(item: &wire::Item) -> String {
    let archived = item.archived_at.as_deref().map(short_time);
    let rows = [
        ("unit", item.unit.clone()),
        ("below zero", if item.allow_negative { "allowed" } else { "not allowed" }.to_owned()),
        ("made", short_time(&item.created_at)),
        ("last changed", short_time(&item.updated_at)),
        ("archived", archived.unwrap_or_else(|| "no".to_owned())),
    ];
    let rows = rows.iter().map(|(name, value)| format!("  {name:<13}{value}\n"));
    format!("{}\n{}", text::item(item), rows.collect::<String>())
}

async fn change(
    api: &Api,
    output: Output,
    item: &str,
    edit: &wire::EditItem,
) -> Result<Exit, Failure> {
    let id = api.item_id(item).await?;
    let answer: wire::Recorded = api.write(Method::PATCH, &format!("/v1/items/{id}"), edit).await?;
    output.show(&answer, |answer| {
        let Some(item) = &answer.item else { return text::recorded(answer) };
        let state = if item.archived_at.is_some() { ", archived" } else { "" };
        format!("{}{state}\n", text::item(item))
    })?;
    Ok(Exit::Ok)
}
