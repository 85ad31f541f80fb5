//! What an event should have been.

use super::Service;
use super::auth::Identity;
use super::extract::{Id, Json, OptionalJson};
use super::headers::Key;
use super::problem::Problem;
use super::write::{Shape, execute_one};
use crate::wire;
use axum::extract::State;
use axum::response::Response;
use item_event_store::ids::Position;

/// Says what an event's change should have been.
pub async fn correct(
    State(service): State<Service>,
    identity: Identity,
    key: Key,
    Id(position): Id,
    Json(body): Json<wire::Correct>,
) -> Result<Response, Problem> {
    let command = body.into_command(Position(position));
    execute_one(&service, identity, key, command, Shape::Events).await
}

/// Makes an event as if it had not been.
pub async fn void(
    State(service): State<Service>,
    identity: Identity,
    key: Key,
    Id(position): Id,
    OptionalJson(body): OptionalJson<wire::Void>,
) -> Result<Response, Problem> {
    let command = body.into_command(Position(position));
    execute_one(&service, identity, key, command, Shape::Events).await
}
