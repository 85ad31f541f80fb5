//! The n-th write, sync, truncation, creation, removal or renaming fails, for every n of a script
//! (F6, F7): what is acknowledged lasts, what is not known is found out, and the store opens again.

use super::simulate::{Machine, report};
use crate::check::{Promise, Violation};
use crate::random::Random;
use crate::run::{Run, Tally};
use crate::worker::{Holder, KINDS, Worker};
use anyhow::Result;
use serde_json::Value;
use std::path::Path;

const TICKS: u64 = 8;

/// Kinds of failure, each with what it applies to, and what a loss of power at the end keeps of
/// what was not synced. When a sync has failed, nothing must rest on what it did not do.
const HOWS: [(&str, &[&str], &str); 6] = [
    ("io", &["sync"], "nothing"),
    ("io", &KINDS, "any"),
    ("io-half", &["write"], "any"),
    ("space", &["write", "truncate", "create", "sync"], "any"),
    ("io-good", &["write", "sync"], "any"),
    ("late", &["read"], "any"),
];

/// The loop; `step` leaves out all but every so many n.
pub fn run(run: &Run, step: u64) -> Result<Tally> {
    let mut tally = Tally::default();
    for (how, kinds, keep) in HOWS {
        for kind in kinds {
            for nth in (1..).step_by(usize::try_from(step.max(1))?) {
                let seed = run.seed.to_string();
                let mut worker =
                    Worker::start(run, &["every", &seed, kind, &nth.to_string(), how, keep])?;
                let said: Value = serde_json::from_str(&worker.serve()?)?;
                if said["struck"] == 0 {
                    break;
                }
                report(&said, &format!("{kind} {nth} fails ({how}, {keep} is kept)"), &mut tally);
                tally.add("operations made to fail", 1);
                run.say(format!("every {kind} fails ({how}): {tally}"));
                if !tally.broken.is_empty() {
                    return Ok(tally);
                }
            }
        }
    }
    Ok(tally)
}

/// What a worker does: the script with one fault in it.
pub async fn work(disk: &Path, seed: u64, fault: [&str; 4]) -> Result<String> {
    let [kind, nth, how, keep] = fault;
    let nth = nth.parse()?;
    let mut machine = Machine::new(disk)?;
    Holder::arm(kind, nth, how)?;
    let mut struck = 0;
    let lived = async {
        let mut random = Random::new(seed);
        for tick in 0..TICKS {
            machine.set_clock(&mut random);
            machine.tick(&mut random, tick).await?;
            struck = struck.max(Holder::ask("struck")?.parse()?);
            if machine.has_failed() {
                machine.die().await?;
            }
        }
        machine.resolve().await?;
        machine.lose_power(nth, keep).await?;
        machine.settle().await
    };
    let broken = match lived.await {
        Ok((_, broken)) => broken,
        Err(error) => vec![Violation::new(Promise::I11Errors, format!("{error:#}"))],
    };
    let mut said = machine.said("", &broken);
    said["struck"] = u64::into(struck);
    Ok(said.to_string())
}
