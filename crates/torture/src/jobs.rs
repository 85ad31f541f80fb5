//! Jobs side by side: campaigns and control runs wait for processes and disks most of the time, so
//! more of them run at once than there are processors.

use crate::check::{Promise, Violation};
use crate::report::Report;
use crate::run::Tally;
use anyhow::Result;
use indicatif::{MultiProgress, ProgressBar, ProgressStyle};
use std::num::NonZero;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Instant;

const PER_PROCESSOR: usize = 2;

type Work = dyn FnOnce(&ProgressBar) -> Result<Tally> + Send;

/// Something to be run.
pub struct Job {
    pub name: String,
    /// What runs it alone, with the same decisions.
    pub command: String,
    pub work: Box<Work>,
}

/// Runs jobs until there are no more, or until a promise was broken.
pub fn run(jobs: impl Iterator<Item = Job> + Send, report: &mut Report) -> Result<()> {
    let processors = std::thread::available_parallelism().map_or(1, NonZero::get);
    let (jobs, report) = (Mutex::new(jobs), Mutex::new(report));
    let display = MultiProgress::new();
    let style = ProgressStyle::with_template("{spinner} {elapsed:>4} {prefix:18} {wide_msg}")?;
    // The next one is not waited for by those that are busy with theirs.
    let next = || if lock(&report).is_broken() { None } else { lock(&jobs).next() };
    std::thread::scope(|scope| {
        for _ in 0..processors * PER_PROCESSOR {
            scope.spawn(|| {
                while let Some(job) = next() {
                    let bar = display.add(ProgressBar::new_spinner().with_style(style.clone()));
                    bar.set_prefix(job.name.clone());
                    let begun = Instant::now();
                    let tally = (job.work)(&bar).unwrap_or_else(|error| stuck(&error));
                    bar.finish_and_clear();
                    let line = format!("{:18} {tally} ({} s)", job.name, begun.elapsed().as_secs());
                    if display.println(&line).is_err() || display.is_hidden() {
                        eprintln!("{line}");
                    }
                    lock(&report).add(&job.name, &job.command, tally);
                }
            });
        }
    });
    Ok(())
}

/// A campaign that cannot go on has found something.
fn stuck(error: &anyhow::Error) -> Tally {
    let what = format!("it cannot go on: {error:#}");
    Tally { broken: vec![Violation::new(Promise::I11Errors, what)], ..Tally::default() }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
