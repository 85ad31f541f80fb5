//! Sends the requests of an import: under keys that follow from the file, so that the same file
//! again records nothing twice, and with patience where the service asks for it.

use super::line::{Fault, Line};
use crate::cli::api::{Api, CallError, Refusal};
use crate::cli::exit::{Exit, Failure};
use crate::wire;
use bytes::Bytes;
use std::time::Duration;

/// How often a request is sent again that was not started, or whose outcome is unknown.
const TRIES: usize = 10;
/// How long to wait when the service does not say.
const PAUSE: Duration = Duration::from_secs(1);
/// The longest wait the service may ask for.
const LONGEST_PAUSE_SECONDS: u64 = 30;

/// What became of a request.
pub enum Sent {
    /// It is in the log, now or since an earlier run.
    Recorded(Box<wire::Recorded>),
    /// The business says no, and why.
    Rejected(Box<Refusal>),
}

/// Sends a request again until it is answered: the same key never records twice.
pub async fn patiently(api: &Api, key: &str, body: Bytes) -> Result<wire::Recorded, CallError> {
    let mut tries = 1;
    loop {
        match api.bulk(key, body.clone()).await {
            Err(CallError::Refused(refusal)) if worth_another_try(&refusal) && tries < TRIES => {
                let asked = refusal.retry_after.map(|seconds| seconds.min(LONGEST_PAUSE_SECONDS));
                tokio::time::sleep(asked.map_or(PAUSE, Duration::from_secs)).await;
                tries += 1;
            }
            answer => return answer,
        }
    }
}

/// A full disk is not empty in a minute; a busy ledger is free in a moment.
fn worth_another_try(refusal: &Refusal) -> bool {
    refusal.exit == Exit::TryAgain && refusal.problem.code != "storage_full"
}

/// Sends the commands of a chunk. A rejection is stored with its key for ever; when it was stored
/// by an earlier run, the ledger may have changed since, so the next key in the row is tried. The
/// row ends at the first key that was never sent or that was recorded, so nothing is sent twice.
pub async fn send(api: &Api, key: &str, body: &Bytes) -> Result<Sent, Failure> {
    let mut attempt = 1_u32;
    loop {
        let attempted = if attempt == 1 { key.to_owned() } else { format!("{key}-{attempt}") };
        match patiently(api, &attempted, body.clone()).await {
            Ok(recorded) => return Ok(Sent::Recorded(Box::new(recorded))),
            Err(CallError::Refused(refusal)) if refusal.replayed => attempt += 1,
            Err(CallError::Refused(refusal)) if refusal.exit == Exit::No => {
                return Ok(Sent::Rejected(refusal));
            }
            Err(error) => {
                return Err(Failure::from(error)
                    .hint("the same command again goes on here and records nothing twice"));
            }
        }
    }
}

/// Which line a rejection is about, and what is wrong with it. `commands` are the lines that
/// became commands, in order.
pub fn fault(refusal: &Refusal, commands: &[&Line], first: u64) -> Fault {
    let problem = &refusal.problem;
    let line = problem.line.and_then(|line| commands.get(line.checked_sub(1)?));
    let column = match problem.code.as_str() {
        "insufficient_stock" | "quantity_out_of_range" | "zero_quantity" | "invalid_sign" => {
            Some("quantity")
        }
        "item_not_found" | "item_archived" => Some("item"),
        "occurred_in_future" | "before_last_count" => Some("occurred_at"),
        _ => None,
    };
    let said = if problem.detail.is_empty() { &problem.title } else { &problem.detail };
    let message = if problem.code == "idempotency_key_reused" {
        "this file was imported by another actor, or its items meant others then: nothing of it \
         is recorded again"
            .to_owned()
    } else {
        format!("{said} ({})", problem.code)
    };
    Fault { line: line.map_or(first, |line| line.number), column, message }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::api::Problem;
    use crate::cli::import::line::tests::raw;

    #[test]
    fn a_rejection_names_the_line_of_the_file() {
        let lines = [10, 12].map(|number| Line::new(number, raw("bakeoff", 6, None)).expect("ok"));
        let problem = Problem {
            line: Some(2),
            code: "insufficient_stock".into(),
            detail: "item 1 has 2, 6 requested".into(),
            ..Problem::default()
        };
        let refusal = Refusal { exit: Exit::No, problem, retry_after: None, replayed: false };
        let found = fault(&refusal, &lines.iter().collect::<Vec<_>>(), 10);
        assert_eq!(
            found.to_string(),
            "line 12, column 3 (quantity): item 1 has 2, 6 requested (insufficient_stock)"
        );
    }
}
