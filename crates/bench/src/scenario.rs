//! The scenarios: each measures one question, alone or with all the others.

pub mod bulk;
mod count;
mod history;
mod post;
mod postgres;
mod read;
mod start;
mod upkeep;

use crate::bench::Bench;
use crate::page::Picture;
use crate::results::Record;
use anyhow::Result;

/// One question, how it is measured, and how the answer is shown.
pub struct Scenario {
    /// On the command line and in file names.
    pub name: &'static str,
    pub title: &'static str,
    /// What is done, by whom, and what counts.
    pub about: &'static str,
    pub measure: fn(&Bench, &mut Record) -> Result<()>,
    pub pictures: &'static [Picture],
}

/// All of them, in the order of the page.
pub const ALL: [Scenario; 8] = [
    post::SCENARIO,
    postgres::SCENARIO,
    bulk::SCENARIO,
    read::SCENARIO,
    history::SCENARIO,
    upkeep::SCENARIO,
    start::SCENARIO,
    count::SCENARIO,
];
