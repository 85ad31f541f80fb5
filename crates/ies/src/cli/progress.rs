//! Progress for long work: only for a person who watches.

use crate::cli::output::Output;
use indicatif::{ProgressBar, ProgressStyle};
use std::time::Duration;

/// How often a spinner turns.
const TURN: Duration = Duration::from_millis(100);

/// For work whose length is not known.
pub fn waiting(output: Output, what: &'static str) -> ProgressBar {
    if !output.shows_progress() {
        return ProgressBar::hidden();
    }
    let bar = ProgressBar::new_spinner().with_message(what);
    bar.enable_steady_tick(TURN);
    bar
}

/// For a file that is read from its beginning to its end.
pub fn reading(output: Output, what: &'static str, bytes: u64) -> ProgressBar {
    if !output.shows_progress() {
        return ProgressBar::hidden();
    }
    let template = "{msg} {bar:30} {percent:>3}%, {bytes_per_sec}, {eta} to go";
    let style =
        ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar());
    ProgressBar::new(bytes).with_style(style).with_message(what)
}

/// For things that are counted as they are written.
pub fn counting(output: Output, what: &'static str) -> ProgressBar {
    if !output.shows_progress() {
        return ProgressBar::hidden();
    }
    let style = ProgressStyle::with_template("{spinner} {human_pos} {msg}, {per_sec}")
        .unwrap_or_else(|_| ProgressStyle::default_spinner());
    ProgressBar::new_spinner().with_style(style).with_message(what)
}
