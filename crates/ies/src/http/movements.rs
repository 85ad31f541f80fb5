//! What happens to stock: batches, bakeoffs, special orders, adjustments.

use super::Service;
use super::auth::Identity;
use super::extract::{Id, Json};
use super::headers::{IfMatch, Key};
use super::problem::Problem;
use super::write::{Shape, execute_one};
use crate::wire;
use axum::extract::State;
use axum::response::Response;
use item_event_store::command::Movement;
use item_event_store::ids::ItemId;

/// Into the freezer.
pub async fn batch(
    State(service): State<Service>,
    identity: Identity,
    key: Key,
    Id(id): Id,
    IfMatch(version): IfMatch,
    Json(body): Json<wire::Record>,
) -> Result<Response, Problem> {
    let command = body.into_command(ItemId(id), Movement::Batch, version);
    execute_one(&service, identity, key, command, Shape::Events).await
}

/// Out, to be baked.
pub async fn bakeoff(
    State(service): State<Service>,
    identity: Identity,
    key: Key,
    Id(id): Id,
    IfMatch(version): IfMatch,
    Json(body): Json<wire::Record>,
) -> Result<Response, Problem> {
    let command = body.into_command(ItemId(id), Movement::Bakeoff, version);
    execute_one(&service, identity, key, command, Shape::Events).await
}

/// Out, for a customer.
pub async fn order(
    State(service): State<Service>,
    identity: Identity,
    key: Key,
    Id(id): Id,
    IfMatch(version): IfMatch,
    Json(body): Json<wire::Record>,
) -> Result<Response, Problem> {
    let command = body.into_command(ItemId(id), Movement::SpecialOrder, version);
    execute_one(&service, identity, key, command, Shape::Events).await
}

/// Anything else, signed. Which role a kind needs says the library.
pub async fn adjust(
    State(service): State<Service>,
    identity: Identity,
    key: Key,
    Id(id): Id,
    IfMatch(version): IfMatch,
    Json(body): Json<wire::Adjust>,
) -> Result<Response, Problem> {
    let command = body.into_command(ItemId(id), version);
    execute_one(&service, identity, key, command, Shape::Events).await
}
