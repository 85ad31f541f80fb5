//! The report, and the record that longer runs add to. Figures are written by the tools, never by
//! hand.

use crate::check::{Promise, Violation};
use crate::run::Tally;
use anyhow::{Context as _, Result};
use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::Path;
use std::process::Command;
use std::time::Instant;

const RECORD: &str = "docs/reliability/record.tsv";
const PAGE: &str = "RELIABILITY.md";
const BEGIN: &str = "<!-- the record: written by ./torture record -->\n";
const END: &str = "<!-- the end of the record -->\n";
/// How many violations of a campaign are worth telling.
const TELL: usize = 5;

/// What the jobs of a run did and found.
pub struct Report {
    begun: Instant,
    lines: BTreeMap<String, Tally>,
    /// What shows each violation again, with the first of them.
    again: Vec<String>,
}

impl Default for Report {
    fn default() -> Self {
        Self { begun: Instant::now(), lines: BTreeMap::new(), again: Vec::new() }
    }
}

impl Report {
    pub fn add(&mut self, name: &str, command: &str, tally: Tally) {
        if !tally.broken.is_empty() {
            self.again.push(format!("./torture {command}"));
        }
        let line = self.lines.entry(name.to_owned()).or_default();
        for (what, n) in tally.counts {
            *line.counts.entry(what).or_default() += n;
        }
        line.broken.extend(tally.broken);
        line.caught.extend(tally.caught);
        line.missed.extend(tally.missed);
    }

    pub fn is_broken(&self) -> bool {
        self.lines.values().any(|tally| !tally.broken.is_empty())
    }

    /// No promise was broken, and every mistake that was made on purpose was found.
    pub fn is_good(&self) -> bool {
        !self.is_broken() && self.lines.values().all(|tally| tally.missed.is_empty())
    }

    /// For a person to judge.
    pub fn text(&self, seed: u64) -> String {
        let mut text = format!("\nWhat was done, by seed {seed}\n");
        for (name, tally) in &self.lines {
            for (what, n) in &tally.counts {
                let _ = writeln!(text, "  {name:18} {n:>10} {what}");
            }
        }
        let _ =
            writeln!(text, "\nWhat was checked after each fault (RELIABILITY.md says it in full)");
        for promise in Promise::ALL {
            let of = |broken: &&Violation| broken.promise == promise;
            let broken: usize =
                self.lines.values().map(|tally| tally.broken.iter().filter(of).count()).sum();
            let (name, says) = promise.says();
            let verdict =
                if broken == 0 { "held".into() } else { format!("BROKEN {broken} times") };
            let _ = writeln!(text, "  {name:7} {says:52} {verdict}");
        }
        let tallies = || self.lines.values();
        for broken in tallies().flat_map(|tally| tally.broken.iter().take(TELL)) {
            let _ = writeln!(text, "\n{broken}");
        }
        for command in &self.again {
            let _ = writeln!(text, "\nShown again by: {command}");
        }
        let caught: Vec<_> = tallies().flat_map(|tally| &tally.caught).collect();
        let missed: Vec<_> = tallies().flat_map(|tally| &tally.missed).collect();
        if !caught.is_empty() || !missed.is_empty() {
            let _ = writeln!(text, "\nMistakes that were made on purpose");
        }
        let said = caught.iter().map(|bug| ("caught", bug));
        for (how, bug) in said.chain(missed.iter().map(|bug| ("MISSED", bug))) {
            let _ = writeln!(text, "  {how} {bug}");
        }
        let broken: usize = tallies().map(|tally| tally.broken.len()).sum();
        let seconds = self.begun.elapsed().as_secs();
        let _ = writeln!(
            text,
            "\n{broken} violations, {} mistakes caught, {} missed, in {} min {} s",
            caught.len(),
            missed.len(),
            seconds / 60,
            seconds % 60
        );
        text
    }

    /// Adds the figures to the record, and writes its sums into the page.
    pub fn record(&self, seed: u64, command: &str) -> Result<()> {
        let output = |arguments: &[&str]| {
            let output = Command::new(arguments[0]).args(&arguments[1..]).output();
            let output = output.with_context(|| format!("running {arguments:?}"))?;
            anyhow::Ok(String::from_utf8_lossy(&output.stdout).trim().to_owned())
        };
        let commit = output(&["git", "rev-parse", "--short=10", "HEAD"])?;
        let date = output(&["date", "-u", "+%Y-%m-%d"])?;
        let mut record = std::fs::read_to_string(RECORD).unwrap_or_else(|_| HEAD.to_owned());
        for (campaign, tally) in &self.lines {
            let violations = tally.broken.len();
            for (what, n) in &tally.counts {
                let _ = writeln!(
                    record,
                    "{date}\t{commit}\t{seed}\t{command}\t{campaign}\t{what}\t{n}\t{violations}"
                );
            }
        }
        if let Some(folder) = Path::new(RECORD).parent() {
            std::fs::create_dir_all(folder)?;
        }
        std::fs::write(RECORD, &record)?;
        let page = std::fs::read_to_string(PAGE).context(PAGE)?;
        let (before, rest) = page.split_once(BEGIN).context("the page has a place for it")?;
        let (_, after) = rest.split_once(END).context("the record has an end")?;
        std::fs::write(PAGE, format!("{before}{BEGIN}{}{END}{after}", sums(&record)))?;
        Ok(())
    }
}

const HEAD: &str = "date\tcommit\tseed\tcommand\tcampaign\twhat\tfigure\tviolations\n";

/// The sums of a record, as a table.
fn sums(record: &str) -> String {
    let mut sums: BTreeMap<(&str, &str), (u64, u64)> = BTreeMap::new();
    for line in record.lines().skip(1) {
        let cells: Vec<&str> = line.split('\t').collect();
        let [_, _, _, _, campaign, what, figure, violations] = cells[..] else { continue };
        let sum = sums.entry((campaign, what)).or_default();
        sum.0 += figure.parse::<u64>().unwrap_or(0);
        sum.1 += violations.parse::<u64>().unwrap_or(0);
    }
    let mut table: String =
        "| campaign | what | all runs together | violations |\n|---|---|---|---|\n".into();
    for ((campaign, what), (figure, violations)) in sums {
        let _ = writeln!(table, "| {campaign} | {what} | {figure} | {violations} |");
    }
    table
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn runs_add_up() {
        let line = |n: u64| format!("2026-11-26\tabc\t1\tci\tkill sqlite\tkills\t{n}\t0\n");
        let table = sums(&format!("{HEAD}{}{}", line(3), line(4)));
        assert!(table.contains("| kill sqlite | kills | 7 | 0 |"), "{table}");
    }
}
