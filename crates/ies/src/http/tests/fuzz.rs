//! Fuzz targets: the parsers of what comes over HTTP, each with what must be true of what it takes.

use super::super::body::Sink as _;
use super::super::bulk::commands::{Commands, Form, parse};
use super::super::page::Page;
use super::super::{headers, stream};
use crate::fuzz::fuzz;
use crate::wire;
use axum::http::HeaderValue;
use item_event_store::follow::Cursor;
use item_event_store::ids::IdempotencyKey;
use item_event_store::token;

fn text(input: &[u8]) -> Option<&str> {
    std::str::from_utf8(input).ok()
}

/// What is taken is the same in pieces, whatever their size, and written in the other form.
fn commands_of(form: Form, input: &[u8], whole: fn(&[u8]) -> Option<Vec<wire::Command>>) -> bool {
    let taken = parse(form, input);
    for size in [1, 2, 3, 5, 8, 13, 21, 34] {
        let mut commands = Commands::written_as(form);
        let pieces = input.chunks(size).try_for_each(|piece| commands.take(piece));
        let again = pieces.and_then(|()| commands.end());
        assert_eq!(again.as_ref().ok(), taken.as_ref().ok(), "in pieces of {size}");
    }
    let Ok(taken) = taken else { return false };
    let written = whole(input).expect("JSON");
    let lines: Vec<_> =
        written.iter().map(|one| serde_json::to_string(one).expect("JSON")).collect();
    for (form, text) in
        [(Form::Lines, lines.join("\n")), (Form::Array, format!("[{}]", lines.join(",")))]
    {
        let again = parse(form, text.as_bytes()).expect("its own");
        assert_eq!(again, taken, "{form:?}");
    }
    true
}

/// Commands as JSON.
#[test]
fn command_json() {
    fuzz("command_json", |input| {
        commands_of(Form::Array, input, |text| serde_json::from_slice(text).ok())
    });
}

/// Commands as JSON Lines.
#[test]
fn command_lines() {
    fuzz("command_lines", |input| {
        commands_of(Form::Lines, input, |text| {
            let lines = std::str::from_utf8(text).ok()?.lines();
            lines.map(|line| serde_json::from_str(line).ok()).collect()
        })
    });
}

/// The cursor of a list: what is taken was given out for these filters.
#[test]
fn list_cursor() {
    fuzz("list_cursor", |input| {
        let Some(cursor) = text(input) else { return false };
        let filters = ("batch", 1_i64);
        if let Ok(page) = Page::<i64>::new("events", &filters, None, Some(cursor)) {
            let last = page.after.expect("a place");
            let next = page.cut(&mut vec![(); page.rows()], |()| last).expect("another page");
            let again = Page::<i64>::new("events", &filters, None, Some(&next));
            assert!(again.is_ok_and(|again| again.after == page.after));
            return true;
        }
        assert!(Page::<i64>::new("items", &filters, None, Some(cursor)).is_err());
        false
    });
}

/// The cursor of a follower: what is taken is written as it was read.
#[test]
fn last_event_id() {
    fuzz("last_event_id", |input| {
        let Some(cursor) = text(input) else { return false };
        let _ = stream::start(Some(cursor), None);
        let Ok(parsed) = cursor.parse::<Cursor>() else { return false };
        assert_eq!(parsed.to_string().parse::<Cursor>(), Ok(parsed));
        true
    });
}

/// A token as it is presented: only its one form is one.
#[test]
fn authorization() {
    fuzz("authorization", |input| {
        let Some(presented) = text(input) else { return false };
        if token::hash_presented(presented).is_none() {
            return false;
        }
        assert_eq!(presented.len(), 68, "ies_ and 64 digits");
        assert!(presented.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_'));
        true
    });
}

/// A key in its header: what is taken can be sent again, quoted.
#[test]
fn idempotency_key() {
    fuzz("idempotency_key", |input| {
        let Ok(header) = HeaderValue::from_bytes(input) else { return false };
        let Ok(sent) = header.to_str() else { return false };
        let Ok(key) = headers::parse_key(sent) else { return false };
        let quoted = key.to_string().replace('\\', "\\\\").replace('"', "\\\"");
        let again = headers::parse_key(&format!("\"{quoted}\"")).expect("quoted");
        assert_eq!(again, key);
        key.as_str().parse::<IdempotencyKey>().is_ok()
    });
}
