//! Fuzz targets: the parsers of what comes over HTTP, each with what must be true of what it takes.

use super::super::page::Page;
use super::super::{bulk, headers, stream};
use crate::fuzz::fuzz;
use axum::http::HeaderValue;
use item_event_store::follow::Cursor;
use item_event_store::ids::IdempotencyKey;
use item_event_store::token;

fn text(input: &[u8]) -> Option<&str> {
    std::str::from_utf8(input).ok()
}

/// Commands as JSON: what is taken is the same as one array and as lines.
#[test]
fn command_json() {
    fuzz("command_json", |input| {
        let Ok(commands) = bulk::parse_array(input) else { return false };
        let lines: Vec<_> =
            commands.iter().map(|one| serde_json::to_string(one).expect("JSON")).collect();
        let again = bulk::parse_lines(lines.join("\n").as_bytes()).expect("lines of its own");
        assert_eq!(format!("{commands:?}"), format!("{again:?}"));
        bulk::to_commands(commands).is_ok()
    });
}

/// Commands as JSON Lines.
#[test]
fn command_lines() {
    fuzz("command_lines", |input| {
        let Ok(commands) = bulk::parse_lines(input) else { return false };
        let array = serde_json::to_vec(&commands).expect("JSON");
        let again = bulk::parse_array(&array).expect("an array of its own");
        assert_eq!(format!("{commands:?}"), format!("{again:?}"));
        bulk::to_commands(commands).is_ok()
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
