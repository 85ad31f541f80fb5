//! The report, and the record that longer runs add to. Figures are written by the tools, never by
//! hand.

use crate::run::Tally;
use anyhow::{Context as _, Result};
use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::Path;
use std::process::Command;

const RECORD: &str = "docs/reliability/record.tsv";
const PAGE: &str = "RELIABILITY.md";
const BEGIN: &str = "<!-- the record: written by ./torture record -->\n";
const END: &str = "<!-- the end of the record -->\n";

/// What the campaigns of a run did and found.
#[derive(Default)]
pub struct Report {
    lines: BTreeMap<String, Tally>,
}

impl Report {
    pub fn add(&mut self, campaign: &str, tally: Tally) {
        let line = self.lines.entry(campaign.to_owned()).or_default();
        for (what, n) in tally.counts {
            *line.counts.entry(what).or_default() += n;
        }
        line.broken.extend(tally.broken);
    }

    pub fn violations(&self) -> usize {
        self.lines.values().map(|tally| tally.broken.len()).sum()
    }

    /// For a person to judge.
    pub fn text(&self, seed: u64) -> String {
        let mut text = format!("seed {seed}\n");
        for (campaign, tally) in &self.lines {
            let _ = writeln!(text, "{campaign:20} {tally}");
            for broken in tally.broken.iter().take(5) {
                let _ = writeln!(text, "    {broken}");
            }
        }
        let verdict = match self.violations() {
            0 => "no promise was broken".to_owned(),
            n => format!("promises were broken {n} times; ./torture --seed {seed} shows it again"),
        };
        let _ = writeln!(text, "{verdict}");
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
