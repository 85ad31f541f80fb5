//! What happens to stock: batches, bakeoffs, special orders, adjustments.

use super::extract::{Id, Json};
use super::headers::IfMatch;
use super::problem::Problem;
use super::write::{Shape, Write};
use crate::wire;
use axum::response::Response;
use item_event_store::command::Movement;
use item_event_store::ids::ItemId;

/// Into the freezer.
pub async fn batch(
    write: Write,
    Id(id): Id,
    IfMatch(version): IfMatch,
    Json(body): Json<wire::Record>,
) -> Result<Response, Problem> {
    let command = body.into_command(ItemId(id), Movement::Batch, version);
    write.execute_one(command, Shape::Events).await
}

/// Out, to be baked.
pub async fn bakeoff(
    write: Write,
    Id(id): Id,
    IfMatch(version): IfMatch,
    Json(body): Json<wire::Record>,
) -> Result<Response, Problem> {
    let command = body.into_command(ItemId(id), Movement::Bakeoff, version);
    write.execute_one(command, Shape::Events).await
}

/// Out, for a customer.
pub async fn order(
    write: Write,
    Id(id): Id,
    IfMatch(version): IfMatch,
    Json(body): Json<wire::Record>,
) -> Result<Response, Problem> {
    let command = body.into_command(ItemId(id), Movement::SpecialOrder, version);
    write.execute_one(command, Shape::Events).await
}

/// Anything else, signed. Which role a kind needs says the library.
pub async fn adjust(
    write: Write,
    Id(id): Id,
    IfMatch(version): IfMatch,
    Json(body): Json<wire::Adjust>,
) -> Result<Response, Problem> {
    let command = body.into_command(ItemId(id), version);
    write.execute_one(command, Shape::Events).await
}
