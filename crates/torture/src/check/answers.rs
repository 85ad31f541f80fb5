//! Every answer that a client got against what became of its request.

use super::{Decided, Promise, Violation};
use crate::call::Call;
use crate::history::{Action, Answer, Op, Outcome};
use crate::load::BAKER;
use serde_json::Value;
use std::collections::HashMap;
use std::sync::Arc;

/// How many broken answers are worth telling.
const TELL: usize = 10;

pub fn check(
    ops: &[Op],
    keys: &HashMap<&str, Vec<(&Op, &Arc<Call>)>>,
    decided: &HashMap<&str, Decided>,
    broken: &mut Vec<Violation>,
) {
    let mut found = Vec::new();
    for op in ops {
        allowed(op, &mut found);
        if let Action::Write(call) = &op.action {
            judge(op, call, decided.get(call.key.as_str()), &mut found);
        }
    }
    for (key, calls) in keys {
        let first = |op: &Op| {
            let Answer::Reply { status, replayed, .. } = &op.answer else { return false };
            *status == 201 && !replayed
        };
        // A commit whose answer was lost is looked up by its keys: what is found is told as a
        // replay, also to the one who sent it first.
        let may_have_led = |(nth, (op, _)): (usize, &(&Op, &Arc<Call>))| match &op.answer {
            Answer::Reply { replayed: true, .. } => nth == 0,
            answer => answer.outcome() != Outcome::NotStarted,
        };
        if decided.contains_key(key) && !calls.iter().enumerate().any(may_have_led) {
            let told: Vec<_> = calls.iter().map(|(op, _)| &op.answer).collect();
            let what = format!("the key {key} is recorded, and was never told so: {told:?}");
            found.push(Violation::new(Promise::I2NoPhantom, what));
        }
        if calls.iter().filter(|(op, _)| first(op)).count() > 1 {
            let what = format!("the key {key} was answered as new more than once");
            found.push(Violation::new(Promise::I6OneEffect, what));
        }
    }
    broken.extend(found.into_iter().take(TELL));
}

/// Faults may cost an answer, or be answered by 503; nothing else.
fn allowed(op: &Op, broken: &mut Vec<Violation>) {
    if let Answer::Reply { status, body, .. } = &op.answer
        && *status >= 500
        && *status != 503
    {
        let what = format!("status {status}: {body}");
        broken.push(Violation::new(Promise::I11Errors, what));
    }
}

fn judge(op: &Op, call: &Call, decided: Option<&Decided>, broken: &mut Vec<Violation>) {
    let Answer::Reply { status, replayed, body } = &op.answer else { return };
    let mut is = |promise, what: &str| {
        let what = format!("the key {}: {what}; answer {status} {body}", call.key);
        broken.push(Violation::new(promise, what));
    };
    let forbidden = body["code"] == "forbidden_for_role";
    let may_not = call.actor.as_str() == BAKER && call.needs_manager();
    if forbidden != may_not && (forbidden || op.answer.is_definite()) {
        is(Promise::Access, if may_not { "a baker may not" } else { "they may" });
    }
    match (op.answer.outcome(), decided) {
        (_, _) if forbidden => {}
        (Outcome::Done, None) => is(Promise::I1Acknowledged, "acknowledged, but not recorded"),
        (Outcome::Rejected, None) => is(Promise::I1Acknowledged, "rejected, but not stored"),
        (Outcome::Done | Outcome::Rejected, Some(decided)) => {
            if call.hash() != decided.hash {
                if body["code"] != "idempotency_key_reused" {
                    is(Promise::I6OneEffect, "other content under a stored key");
                }
                return;
            }
            let due = if call.bulk { &decided.bulk_reply } else { &decided.reply };
            if let Some(difference) = difference(due, body) {
                is(Promise::I7Order, &format!("{difference}, where {due} was due"));
            }
            if op.answer.outcome() == Outcome::Done && *replayed != (body["replayed"] == true) {
                is(Promise::I6OneEffect, "header and body differ about a replay");
            }
        }
        (Outcome::NotStarted | Outcome::Unknown, _) => {}
    }
}

/// Where an answer is not what was due. Members that are not due may be there.
fn difference(due: &Value, found: &Value) -> Option<String> {
    match (due, found) {
        (Value::Object(due), Value::Object(found)) => due.iter().find_map(|(name, due)| {
            let found = found.get(name).unwrap_or(&Value::Null);
            difference(due, found).map(|inner| format!("{name}: {inner}"))
        }),
        (Value::Array(due), Value::Array(found)) if due.len() == found.len() => {
            due.iter().zip(found).find_map(|(due, found)| difference(due, found))
        }
        _ if due == found => None,
        _ => Some(format!("{found} instead of {due}")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_difference_is_found_wherever_it_is() {
        let due = json!({ "position": 3, "events": [{ "id": 3, "note": null }] });
        let same = json!({ "position": 3, "events": [{ "id": 3, "more": 1 }], "replayed": true });
        assert_eq!(difference(&due, &same), None);
        for other in [
            json!({ "position": 4, "events": [{ "id": 3 }] }),
            json!({ "position": 3, "events": [] }),
            json!({ "position": 3, "events": [{ "id": 3, "note": "x" }] }),
            json!(null),
        ] {
            assert!(difference(&due, &other).is_some(), "{other}");
        }
    }
}
