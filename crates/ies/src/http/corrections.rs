//! What an event should have been.

use super::extract::{Id, Json, OptionalJson};
use super::problem::Problem;
use super::write::{Shape, Write};
use crate::wire;
use axum::response::Response;
use item_event_store::ids::Position;

/// Says what an event's change should have been.
pub async fn correct(
    write: Write,
    Id(position): Id,
    Json(body): Json<wire::Correct>,
) -> Result<Response, Problem> {
    let command = body.into_command(Position(position));
    write.execute_one(command, Shape::Events).await
}

/// Makes an event as if it had not been.
pub async fn void(
    write: Write,
    Id(position): Id,
    OptionalJson(body): OptionalJson<wire::Void>,
) -> Result<Response, Problem> {
    let command = body.into_command(Position(position));
    write.execute_one(command, Shape::Events).await
}
