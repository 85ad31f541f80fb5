//! Every write: commands in, one of the four answers out. The only place of the service that
//! calls [`item_event_store::ledger::Ledger::execute`].

use super::Service;
use super::auth::Identity;
use super::headers::Key;
use super::problem::{Problem, kinds};
use crate::wire;
use axum::Json;
use axum::http::{HeaderName, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use item_event_store::command::{Command, Request};
use item_event_store::request::{Answer, Recorded};

const REPLAYED: HeaderName = HeaderName::from_static("idempotency-replayed");

/// What a write's answer shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shape {
    /// The events and counts.
    Events,
    /// The same, and the item.
    Item,
    /// Of many commands: the counts, and the events if they were asked for.
    Bulk {
        /// Whether they were.
        events: bool,
    },
}

/// Has one command executed.
pub async fn execute_one(
    service: &Service,
    identity: Identity,
    key: Key,
    command: Result<Command, wire::InvalidMember>,
    shape: Shape,
) -> Result<Response, Problem> {
    let command = command.map_err(Problem::invalid_member)?;
    execute(service, identity, key, vec![command], shape).await
}

/// Has commands executed, all or none.
pub async fn execute(
    service: &Service,
    identity: Identity,
    Key(key): Key,
    commands: Vec<Command>,
    shape: Shape,
) -> Result<Response, Problem> {
    let request = Request::new(key, identity.caller.actor, commands)
        .map_err(|error| Problem::new(&kinds::COMMAND_COUNT, error.to_string()))?;
    match service.ledger.execute(request, identity.caller.role).await {
        Ok(Answer::Recorded(recorded)) => Ok(answer(&recorded, shape)),
        Ok(Answer::Rejected { replayed, rejected }) => {
            let problem = shape.problem(rejected.into());
            Err(if replayed { problem.header(REPLAYED, TRUE) } else { problem })
        }
        Err(error) => Err(shape.problem(error.into())),
    }
}

const TRUE: HeaderValue = HeaderValue::from_static("true");

impl Shape {
    /// A line is said only where there can be several.
    fn problem(self, problem: Problem) -> Problem {
        if matches!(self, Self::Bulk { .. }) { problem } else { problem.without_line() }
    }
}

fn answer(recorded: &Recorded, shape: Shape) -> Response {
    let events = &recorded.events;
    let range = events.first().zip(events.last());
    let range = range.map(|(first, last)| wire::Range { first: first.id.0, last: last.id.0 });
    let item = if shape == Shape::Item { recorded.items.first() } else { None };
    let shown = shape != Shape::Bulk { events: false };
    let body = wire::Recorded {
        position: recorded.position.0,
        replayed: recorded.replayed,
        item: item.map(|item| item.as_ref().into()),
        range,
        events: shown.then(|| events.iter().map(Into::into).collect()),
        inventory: recorded.inventory.iter().map(Into::into).collect(),
    };
    let status = if recorded.replayed { StatusCode::OK } else { StatusCode::CREATED };
    let mut response = (status, Json(body)).into_response();
    let headers = response.headers_mut();
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    if recorded.replayed {
        headers.insert(REPLAYED, TRUE);
    }
    response
}
