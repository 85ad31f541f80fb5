//! `POST /v1/events`: many commands in one request, all of them recorded or none. A JSON array, or
//! JSON Lines with a command per line.

pub mod commands;

use super::body::read_into;
use super::extract::{Query, media_type};
use super::limits::BULK_BODY_BYTES;
use super::problem::{Problem, kinds};
use super::write::{Shape, Write};
use axum::extract::Request;
use axum::response::Response;
use commands::{Commands, Form};
use serde::Deserialize;

/// What the answer shows.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Wanted {
    #[serde(rename = "return")]
    what: Option<Return>,
}

#[derive(PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Return {
    Events,
}

/// Records many commands.
pub async fn record_many(
    write: Write,
    Query(wanted): Query<Wanted>,
    request: Request,
) -> Result<Response, Problem> {
    let (parts, body) = request.into_parts();
    let form = match media_type(&parts.headers).as_deref() {
        Some("application/json") => Form::Array,
        Some("application/jsonl" | "application/x-ndjson") => Form::Lines,
        _ => {
            let detail = "send Content-Type: application/json or application/jsonl";
            return Err(Problem::new(&kinds::MEDIA_TYPE, detail));
        }
    };
    let commands = Commands::written_as(form);
    let commands = read_into(&parts.headers, body, BULK_BODY_BYTES, commands).await?.end()?;
    let shape = Shape::Bulk { events: wanted.what == Some(Return::Events) };
    write.execute(commands, shape).await
}
