//! The commands that record: movements, adjustments, counts, corrections.

use crate::cli::api::Api;
use crate::cli::exit::{Exit, Failure};
use crate::cli::output::Output;
use crate::cli::text;
use crate::wire;
use clap::{Subcommand, ValueEnum};
use hyper::Method;
use item_event_store::time::Timestamp;
use serde::Serialize;
use std::str::FromStr;

/// The movements, which take a positive quantity and know their sign.
#[derive(Debug, Subcommand)]
pub enum Record {
    /// Made and put into the freezer
    Batch(Movement),
    /// Taken out and baked
    Bakeoff(Movement),
    /// Taken out for a customer's order
    SpecialOrder(Movement),
}

/// `ies record … ITEM QUANTITY`.
#[derive(Debug, clap::Args)]
pub struct Movement {
    /// An id, or sku:…
    item: String,
    /// How much, positive
    #[arg(allow_negative_numbers = true)]
    quantity: i64,
    #[command(flatten)]
    about: About,
}

/// What may be said about any event.
#[derive(Debug, clap::Args)]
pub struct About {
    /// When it happened, if not just now
    #[arg(long, value_name = "TIME")]
    occurred_at: Option<Timestamp>,
    /// The outside document: an order number, a URI
    #[arg(long)]
    reference: Option<String>,
    /// For the people who read the log
    #[arg(long)]
    note: Option<String>,
}

/// `ies adjust`.
#[derive(Debug, clap::Args)]
pub struct Adjust {
    /// An id, or sku:…
    item: String,
    /// By how much, signed: -2
    #[arg(allow_negative_numbers = true)]
    change: i64,
    /// Why
    #[arg(long, value_enum)]
    kind: AdjustKind,
    #[command(flatten)]
    about: About,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum AdjustKind {
    Waste,
    Damage,
    Expired,
    Sample,
    Return,
    Transfer,
    Other,
}

/// `ies set`.
#[derive(Debug, clap::Args)]
pub struct Set {
    /// An id, or sku:…
    item: String,
    /// What the count is to be
    #[arg(allow_negative_numbers = true)]
    quantity: i64,
    /// The count as you know it, or `any` for whatever it is
    #[arg(long, value_name = "N|any", allow_negative_numbers = true)]
    expected: Expected,
    /// A manager's word, or what was counted
    #[arg(long, value_enum)]
    kind: SetKind,
    /// When it was counted, if not just now; only with --kind count
    #[arg(long, value_name = "TIME")]
    counted_at: Option<Timestamp>,
    /// The outside document
    #[arg(long)]
    reference: Option<String>,
    /// For the people who read the log
    #[arg(long)]
    note: Option<String>,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum SetKind {
    Override,
    Count,
}

/// What the caller believes the count is; `None` is whatever it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Expected(Option<i64>);

impl FromStr for Expected {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if text == "any" {
            return Ok(Self(None));
        }
        text.parse().map(|count| Self(Some(count))).map_err(|_| "must be a number, or 'any'")
    }
}

/// `ies correct`.
#[derive(Debug, clap::Args)]
pub struct Correct {
    /// The event
    position: i64,
    /// What its change should have been, signed as in the log: -5 for a bakeoff of 5
    #[arg(allow_negative_numbers = true)]
    change: i64,
    /// For the people who read the log
    #[arg(long)]
    note: Option<String>,
}

/// `ies void`.
#[derive(Debug, clap::Args)]
pub struct Void {
    /// The event
    position: i64,
    /// For the people who read the log
    #[arg(long)]
    note: Option<String>,
}

async fn send<B: Serialize>(
    api: &Api,
    output: Output,
    method: Method,
    path: &str,
    body: &B,
) -> Result<Exit, Failure> {
    let answer: wire::Recorded = api.write(method, path, body).await?;
    output.show(&answer, text::recorded)?;
    Ok(Exit::Ok)
}

impl Record {
    /// Records it.
    pub async fn run(self, api: &Api, output: Output) -> Result<Exit, Failure> {
        let (path, movement) = match self {
            Self::Batch(movement) => ("batches", movement),
            Self::Bakeoff(movement) => ("bakeoffs", movement),
            Self::SpecialOrder(movement) => ("special-orders", movement),
        };
        let id = api.item_id(&movement.item).await?;
        let body = wire::Record {
            quantity: movement.quantity,
            occurred_at: movement.about.occurred_at.map(|at| at.to_string()),
            reference: movement.about.reference,
            note: movement.about.note,
        };
        send(api, output, Method::POST, &format!("/v1/items/{id}/{path}"), &body).await
    }
}

impl Adjust {
    /// Records it.
    pub async fn run(self, api: &Api, output: Output) -> Result<Exit, Failure> {
        let id = api.item_id(&self.item).await?;
        let body = wire::Adjust {
            quantity_change: self.change,
            kind: name(&self.kind),
            occurred_at: self.about.occurred_at.map(|at| at.to_string()),
            reference: self.about.reference,
            note: self.about.note,
        };
        send(api, output, Method::POST, &format!("/v1/items/{id}/adjustments"), &body).await
    }
}

impl Set {
    /// Records it.
    pub async fn run(self, api: &Api, output: Output) -> Result<Exit, Failure> {
        let id = api.item_id(&self.item).await?;
        let body = wire::SetInventory {
            quantity: self.quantity,
            expected_quantity: Some(self.expected.0),
            kind: name(&self.kind),
            counted_at: self.counted_at.map(|at| at.to_string()),
            reference: self.reference,
            note: self.note,
        };
        send(api, output, Method::PUT, &format!("/v1/items/{id}/inventory"), &body).await
    }
}

impl Correct {
    /// Records it.
    pub async fn run(self, api: &Api, output: Output) -> Result<Exit, Failure> {
        let body = wire::Correct { quantity_change: self.change, note: self.note };
        let path = format!("/v1/events/{}/correct", self.position);
        send(api, output, Method::POST, &path, &body).await
    }
}

impl Void {
    /// Records it.
    pub async fn run(self, api: &Api, output: Output) -> Result<Exit, Failure> {
        let body = wire::Void { note: self.note };
        let path = format!("/v1/events/{}/void", self.position);
        send(api, output, Method::POST, &path, &body).await
    }
}

/// The name that a value has on the command line, which is the API's too.
fn name<T: ValueEnum>(value: &T) -> String {
    value.to_possible_value().map(|name| name.get_name().to_owned()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_expected_is_a_number_or_any() {
        assert_eq!("any".parse(), Ok(Expected(None)));
        assert_eq!("-4".parse(), Ok(Expected(Some(-4))));
        assert!("".parse::<Expected>().is_err());
    }

    #[test]
    fn kinds_have_the_names_of_the_log() {
        for kind in AdjustKind::value_variants() {
            assert!(name(kind).parse::<item_event_store::reason::Kind>().is_ok());
        }
    }
}
