//! `ies verify` and `ies rebuild`: the proof that log and counts agree, and the way back when they
//! do not.

use crate::cli::api::Api;
use crate::cli::exit::{Exit, Failure};
use crate::cli::output::{Output, many, numbers, table, words};
use crate::cli::progress;
use crate::wire;
use hyper::Method;
use std::fmt::Write as _;

/// `ies verify`.
#[derive(Debug, clap::Args)]
pub struct Verify {
    /// Leave out the storage's own check of itself, which reads everything
    #[arg(long)]
    skip_storage_check: bool,
}

/// `ies rebuild`.
#[derive(Debug, clap::Args)]
pub struct Rebuild {
    /// An id, or sku:…; every item when absent
    item: Option<String>,
}

impl Verify {
    /// Verifies; the answer is no when something is wrong.
    pub async fn run(self, api: &Api, output: Output) -> Result<Exit, Failure> {
        let storage = self.skip_storage_check.then_some(false);
        let waiting = progress::waiting(output, "verifying");
        let asked = api.write(Method::POST, "/v1/verify", &wire::Verify { storage }).await;
        waiting.finish_and_clear();
        let report: wire::VerifyReport = asked?;
        output.show(&report, verified)?;
        Ok(if report.clean { Exit::Ok } else { Exit::No })
    }
}

fn verified(report: &wire::VerifyReport) -> String {
    let found = report.findings.len() as u64 + report.findings_left_out;
    let verdict =
        if report.clean { "log and counts agree".to_owned() } else { format!("{found} found") };
    let storage = if report.storage_checked { ", storage checked" } else { "" };
    let mut out = format!(
        "{verdict}: {} of {} up to position {}{storage}\n",
        many(report.events, "event"),
        many(report.items, "item"),
        report.position
    );
    if !report.findings.is_empty() {
        let columns = [words("FINDING"), numbers("ITEM"), numbers("POSITION"), words("DETAIL")];
        let number = |number: Option<i64>| number.map(|n| n.to_string()).unwrap_or_default();
        let row = |finding: &wire::Finding| {
            vec![
                finding.code.clone(),
                number(finding.item_id),
                number(finding.position),
                finding.detail.clone(),
            ]
        };
        out += &table(&columns, &report.findings.iter().map(row).collect::<Vec<_>>());
    }
    if report.findings_left_out > 0 {
        let _ = writeln!(out, "and {} more", report.findings_left_out);
    }
    out
}

impl Rebuild {
    /// Rebuilds.
    pub async fn run(self, api: &Api, output: Output) -> Result<Exit, Failure> {
        let item_id = match &self.item {
            Some(item) => Some(api.item_id(item).await?),
            None => None,
        };
        let waiting = progress::waiting(output, "rebuilding");
        let asked = api.write(Method::POST, "/v1/rebuild", &wire::Rebuild { item_id }).await;
        waiting.finish_and_clear();
        let report: wire::RebuildReport = asked?;
        output.show(&report, rebuilt)?;
        Ok(Exit::Ok)
    }
}

fn rebuilt(report: &wire::RebuildReport) -> String {
    let mut out = format!(
        "{} of {} folded up to position {}, {} changed\n",
        many(report.events, "event"),
        many(report.items, "item"),
        report.position,
        many(report.changed.len() as u64, "count")
    );
    if !report.changed.is_empty() {
        let columns = [numbers("ITEM"), numbers("BEFORE"), numbers("AFTER")];
        let number = |number: Option<i64>| number.map_or("none".to_owned(), |n| n.to_string());
        let row = |row: &wire::Rebuilt| {
            vec![row.item_id.to_string(), number(row.before), number(row.after)]
        };
        out += &table(&columns, &report.changed.iter().map(row).collect::<Vec<_>>());
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_clean_report_is_one_line_and_a_finding_is_named() {
        let mut report = wire::VerifyReport {
            position: 7,
            clean: true,
            events: 7,
            items: 1,
            storage_checked: true,
            findings: Vec::new(),
            findings_left_out: 0,
        };
        assert_eq!(
            verified(&report),
            "log and counts agree: 7 events of 1 item up to position 7, storage checked\n"
        );
        report.clean = false;
        report.findings_left_out = 1;
        report.findings.push(wire::Finding {
            code: "inventory_differs".into(),
            item_id: Some(1),
            position: Some(5),
            detail: "12 is stored, 13 is logged".into(),
        });
        let text = verified(&report);
        assert!(text.starts_with("2 found: 7 events"), "{text}");
        assert!(text.contains("inventory_differs     1         5  12 is stored"), "{text}");
    }
}
