//! Proving that the counts follow from the log, and putting them right. Both may be asked for as
//! often as one likes, so they take no idempotency key.

use super::extract::{Json, OptionalJson};
use super::ledgers::OpenLedger;
use super::problem::Problem;
use crate::wire;
use item_event_store::ids::ItemId;
use item_event_store::report::{Finding, RebuildReport, VerifyReport};
use item_event_store::store::Discrepancy;

/// Negative counts that a report lists.
const NEGATIVE_MAX: usize = 1_000;

/// Verifies everything.
pub async fn verify(
    OpenLedger(ledger): OpenLedger,
    OptionalJson(body): OptionalJson<wire::Verify>,
) -> Result<Json<wire::VerifyReport>, Problem> {
    let report = ledger.verify(body.storage.unwrap_or(true), &|_, _| {}).await?;
    Ok(Json(verify_report(&report)))
}

/// Recomputes counts from the log.
pub async fn rebuild(
    OpenLedger(ledger): OpenLedger,
    OptionalJson(body): OptionalJson<wire::Rebuild>,
) -> Result<Json<wire::RebuildReport>, Problem> {
    let item = body.item_id.map(ItemId);
    if let Some(item) = item {
        let known = ledger.store().inventory(item, None).await?.value;
        known.ok_or_else(|| Problem::item_not_found(item.0))?;
    }
    let report = ledger.rebuild(item, &|_, _| {}).await?;
    Ok(Json(rebuild_report(&report)))
}

/// What does not add up now.
pub async fn discrepancies(
    OpenLedger(ledger): OpenLedger,
) -> Result<Json<wire::DiscrepancyReport>, Problem> {
    let store = ledger.store();
    let differing = store.discrepancies().await?;
    let negative = store.negative(NEGATIVE_MAX).await?;
    let below_zero = negative.value.iter().map(|row| wire::Discrepancy {
        code: "negative".to_owned(),
        item_id: row.item.id.0,
        stored_quantity: Some(row.count.quantity),
        logged_quantity: Some(row.count.quantity),
    });
    let mut discrepancies: Vec<_> = differing.value.iter().map(discrepancy).collect();
    discrepancies.extend(below_zero);
    discrepancies.sort_by_key(|discrepancy| discrepancy.item_id);
    Ok(Json(wire::DiscrepancyReport { position: differing.position.0, discrepancies }))
}

fn discrepancy(discrepancy: &Discrepancy) -> wire::Discrepancy {
    let code = match (&discrepancy.stored, &discrepancy.logged) {
        (None, _) => "inventory_missing",
        (Some(_), None) => "inventory_stray",
        (Some(_), Some(_)) => "inventory_differs",
    };
    wire::Discrepancy {
        code: code.to_owned(),
        item_id: discrepancy.item_id.0,
        stored_quantity: discrepancy.stored.map(|count| count.quantity),
        logged_quantity: discrepancy.logged.map(|count| count.quantity),
    }
}

fn verify_report(report: &VerifyReport) -> wire::VerifyReport {
    let finding = |finding: &Finding| wire::Finding {
        code: finding.code.to_owned(),
        item_id: finding.item_id.map(|item| item.0),
        position: finding.position.map(|position| position.0),
        detail: finding.detail.clone(),
    };
    wire::VerifyReport {
        position: report.position.0,
        clean: report.clean(),
        events: report.events,
        items: report.items,
        storage_checked: report.storage_checked,
        findings: report.findings.iter().map(finding).collect(),
        findings_left_out: report.findings_left_out,
    }
}

fn rebuild_report(report: &RebuildReport) -> wire::RebuildReport {
    let changed = report.changed.iter().map(|rebuilt| wire::Rebuilt {
        item_id: rebuilt.item_id.0,
        before: rebuilt.before,
        after: rebuilt.after,
    });
    wire::RebuildReport {
        position: report.position.0,
        events: report.events,
        items: report.items,
        changed: changed.collect(),
    }
}
