//! `POST /v1/events`: many commands in one request, all of them recorded or none. A JSON array, or
//! JSON Lines with a command per line.

use super::extract::{Object, Query, from_json, media_type, read};
use super::limits::BULK_BODY_BYTES;
use super::problem::{Problem, kinds};
use super::write::{Shape, Write};
use crate::wire;
use axum::extract::Request;
use axum::response::Response;
use item_event_store::command::{Command, CommandCount};
use item_event_store::limits::MAX_REQUEST_COMMANDS;
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
    let parse = match media_type(&parts.headers).as_deref() {
        Some("application/json") => parse_array,
        Some("application/jsonl" | "application/x-ndjson") => parse_lines,
        _ => {
            let detail = "send Content-Type: application/json or application/jsonl";
            return Err(Problem::new(&kinds::MEDIA_TYPE, detail));
        }
    };
    let bytes = read(&parts.headers, body, BULK_BODY_BYTES).await?;
    let commands = parse(&bytes)?;
    let shape = Shape::Bulk { events: wanted.what == Some(Return::Events) };
    write.execute(to_commands(commands)?, shape).await
}

pub fn parse_array(bytes: &[u8]) -> Result<Vec<wire::Command>, Problem> {
    // The reader that can name what is wrong is slower, so it is asked only when something is.
    let commands: Vec<Object<_>> = serde_json::from_slice(bytes).or_else(|_| from_json(bytes))?;
    Ok(commands.into_iter().map(|Object(command)| command).collect())
}

pub fn parse_lines(bytes: &[u8]) -> Result<Vec<wire::Command>, Problem> {
    let text = bytes.strip_suffix(b"\n").unwrap_or(bytes);
    if text.is_empty() {
        return Ok(Vec::new());
    }
    let mut commands = Vec::new();
    for (index, line) in text.split(|byte| *byte == b'\n').enumerate() {
        if index == MAX_REQUEST_COMMANDS {
            let lines = text.split(|byte| *byte == b'\n').count();
            return Err(Problem::new(&kinds::COMMAND_COUNT, CommandCount(lines).to_string()));
        }
        let command = serde_json::from_slice(line).or_else(|_| from_json(line));
        let Object(command) = command.map_err(|problem| problem.in_element(index))?;
        commands.push(command);
    }
    Ok(commands)
}

pub fn to_commands(commands: Vec<wire::Command>) -> Result<Vec<Command>, Problem> {
    let commands = commands.into_iter().enumerate();
    let convert = |(index, command): (usize, wire::Command)| {
        let error = |error: wire::InvalidMember| {
            Problem::invalid_member(error.in_element(index)).line(index + 1)
        };
        command.into_command().map_err(error)
    };
    commands.map(convert).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const VOID: &str = r#"{"command":"void","position":1}"#;

    fn fault(result: Result<Vec<wire::Command>, Problem>) -> (Option<usize>, String) {
        let problem = result.and_then(to_commands).expect_err("a fault").to_wire();
        let pointer = problem.errors.first().map(|error| error.pointer.clone());
        (problem.line, pointer.unwrap_or_default())
    }

    #[test]
    fn lines_and_arrays_say_the_same() {
        let lines = format!("{VOID}\n{VOID}\r\n{VOID}");
        let array = format!("[{VOID},{VOID},{VOID}]");
        let from_lines = parse_lines(lines.as_bytes()).expect("lines");
        assert_eq!(from_lines, parse_array(array.as_bytes()).expect("an array"));
        assert_eq!(parse_lines(format!("{lines}\n").as_bytes()).expect("lines"), from_lines);
        assert!(parse_lines(b"").expect("nothing").is_empty());
        assert!(parse_lines(b"\n").expect("nothing").is_empty());
    }

    #[test]
    fn a_fault_names_its_line() {
        let wrong = r#"{"command":"void","position":1,"quantity":2}"#;
        let expected = (Some(3), "/2/quantity".to_owned());
        assert_eq!(fault(parse_lines(format!("{VOID}\n{VOID}\n{wrong}").as_bytes())), expected);
        assert_eq!(fault(parse_array(format!("[{VOID},{VOID},{wrong}]").as_bytes())), expected);

        let unknown = r#"{"command":"void","position":1,"role":"admin"}"#;
        let expected = (Some(2), "/1/role".to_owned());
        assert_eq!(fault(parse_lines(format!("{VOID}\n{unknown}").as_bytes())), expected);
        assert_eq!(fault(parse_array(format!("[{VOID},{unknown}]").as_bytes())), expected);

        assert_eq!(fault(parse_array(format!("[{VOID},[\"void\"]]").as_bytes())).0, Some(2));
        assert_eq!(fault(parse_lines(format!("{VOID}\n\n{VOID}").as_bytes())).0, Some(2));
        assert_eq!(fault(parse_lines(format!("{VOID}\n{{").as_bytes())).0, Some(2));
    }

    #[test]
    fn more_lines_than_a_request_may_have_are_refused() {
        let lines = |n: usize| vec![VOID; n].join("\n");
        assert!(parse_lines(lines(MAX_REQUEST_COMMANDS).as_bytes()).is_ok());
        let problem =
            parse_lines(lines(MAX_REQUEST_COMMANDS + 1).as_bytes()).expect_err("too many");
        assert_eq!(problem.to_wire().code, "command_count");
    }
}
