//! Every write: commands in, one of the four answers out. The only place of the service that
//! calls [`Ledger::execute`].

use super::Service;
use super::auth::Identity;
use super::extract::Json;
use super::headers::Key;
use super::ledgers::OpenLedger;
use super::problem::{Problem, kinds};
use crate::wire;
use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use axum::http::{HeaderName, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use item_event_store::Ledger;
use item_event_store::access::Caller;
use item_event_store::command::{Command, Request};
use item_event_store::ids::IdempotencyKey;
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

/// Who writes to which ledger, under which key.
pub struct Write {
    caller: Caller,
    key: IdempotencyKey,
    ledger: Ledger,
}

impl FromRequestParts<Service> for Write {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, service: &Service) -> Result<Self, Problem> {
        let Identity { caller, .. } = Identity::from_request_parts(parts, service).await?;
        let Key(key) = Key::from_request_parts(parts, service).await?;
        let OpenLedger(ledger) = OpenLedger::from_request_parts(parts, service).await?;
        Ok(Self { caller, key, ledger })
    }
}

impl Write {
    /// Has one command executed.
    pub async fn execute_one(
        self,
        command: Result<Command, wire::InvalidMember>,
        shape: Shape,
    ) -> Result<Response, Problem> {
        let command = command.map_err(Problem::invalid_member)?;
        self.execute(vec![command], shape).await
    }

    /// Has commands executed, all or none.
    pub async fn execute(self, commands: Vec<Command>, shape: Shape) -> Result<Response, Problem> {
        let Caller { actor, role } = self.caller;
        let request = Request::new(self.key, actor, commands)
            .map_err(|error| Problem::new(&kinds::COMMAND_COUNT, error.to_string()))?;
        match self.ledger.execute(request, role).await {
            Ok(Answer::Recorded(recorded)) => Ok(answer(&recorded, shape)),
            Ok(Answer::Rejected { replayed, rejected }) => {
                let problem = shape.problem(rejected.into());
                Err(if replayed { problem.header(REPLAYED, TRUE) } else { problem })
            }
            Err(error) => Err(shape.problem(error.into())),
        }
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
