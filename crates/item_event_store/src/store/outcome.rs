//! How the outcome of a request is written: compact JSON. What is left out is nothing.

use crate::ids::{ItemId, Position};
use crate::rejection::Rejected;
use crate::request::Outcome;
use serde::{Deserialize, Serialize};
use std::borrow::Cow;

/// The JSON. Its names are stable: rows are kept for ever.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Json<'a> {
    #[serde(default, skip_serializing_if = "is_zero")]
    events: usize,
    #[serde(default, skip_serializing_if = "is_start")]
    revisions: (i64, i64),
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    unchanged: Vec<(i64, Option<i64>)>,
    #[serde(skip_serializing_if = "Option::is_none")]
    rejected: Option<Cow<'a, Rejected>>,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes a reference")]
fn is_zero(n: &usize) -> bool {
    *n == 0
}

fn is_start(revisions: &(i64, i64)) -> bool {
    *revisions == (0, 0)
}

/// The text for an outcome.
pub(super) fn encode(outcome: &Outcome) -> String {
    let json = match outcome {
        Outcome::Recorded { events, item_revisions, unchanged } => Json {
            events: *events,
            revisions: *item_revisions,
            unchanged: unchanged.iter().map(|(item, last)| (item.0, last.map(|p| p.0))).collect(),
            rejected: None,
        },
        Outcome::Rejected(rejected) => Json {
            events: 0,
            revisions: (0, 0),
            unchanged: vec![],
            rejected: Some(Cow::Borrowed(rejected)),
        },
    };
    serde_json::to_string(&json).expect("numbers and text are JSON")
}

/// The outcome that a text says.
pub(super) fn decode(text: &str) -> serde_json::Result<Outcome> {
    let json: Json<'_> = serde_json::from_str(text)?;
    Ok(match json.rejected {
        Some(rejected) => Outcome::Rejected(rejected.into_owned()),
        None => Outcome::Recorded {
            events: json.events,
            item_revisions: json.revisions,
            unchanged: json
                .unchanged
                .into_iter()
                .map(|(item, last)| (ItemId(item), last.map(Position)))
                .collect(),
        },
    })
}

/// What a text says of the log: the number of events, and the changes of items unless rejected.
pub(super) fn trace(text: &str) -> serde_json::Result<(usize, Option<(i64, i64)>)> {
    Ok(match decode(text)? {
        Outcome::Recorded { events, item_revisions, .. } => (events, Some(item_revisions)),
        Outcome::Rejected(_) => (0, None),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rejection::Rejection;

    #[test]
    fn every_outcome_reads_back_as_it_was() {
        let mut outcomes: Vec<Outcome> = Rejection::examples()
            .into_iter()
            .map(|rejection| Outcome::Rejected(Rejected { line: 2, rejection }))
            .collect();
        for (events, item_revisions) in [(0, (0, 0)), (1, (7, 7)), (8_192, (3, 9))] {
            for unchanged in [vec![], vec![(ItemId(1), None), (ItemId(2), Some(Position(5)))]] {
                outcomes.push(Outcome::Recorded { events, item_revisions, unchanged });
            }
        }
        for outcome in outcomes {
            let text = encode(&outcome);
            assert_eq!(decode(&text).expect("JSON"), outcome);
            let left = match &outcome {
                Outcome::Recorded { events, item_revisions, .. } => {
                    (*events, Some(*item_revisions))
                }
                Outcome::Rejected(_) => (0, None),
            };
            assert_eq!(trace(&text).expect("JSON"), left);
        }
    }

    #[test]
    fn what_is_nothing_is_left_out() {
        let outcome = Outcome::Recorded { events: 1, item_revisions: (2, 2), unchanged: vec![] };
        assert_eq!(encode(&outcome), r#"{"events":1,"revisions":[2,2]}"#);
    }
}
