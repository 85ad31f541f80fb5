//! Migrations: forward only, and never by a program that does not know them.

use crate::backend::TestLedger;
use item_event_store::error::StoreError;
use item_event_store::ids::LedgerName;

const APPLIED: &str = "SELECT count(*) FROM migrations";

pub async fn opening_again_changes_nothing(t: &TestLedger) {
    t.item("Croissant", 10).await;
    let before = t.backend.shell().value(APPLIED);
    t.reopen().await;
    assert_eq!(t.backend.shell().value(APPLIED), before);
    assert_eq!(t.log().await.len(), 1);
}

pub async fn a_newer_schema_is_refused(t: &TestLedger) {
    t.close().await;
    let newer = "INSERT INTO migrations (name, sha256, applied_at) VALUES ('9999_later', 'x', ";
    t.backend.tamper(&format!("{newer}{})", t.backend.words().epoch));
    let refused = t.backend.open().await.ledger(&LedgerName::default()).await.err();
    let Some(StoreError::SchemaVersion { found, supported }) = refused else {
        panic!("{refused:?}");
    };
    assert!(found > supported);
    t.backend.tamper("DELETE FROM migrations WHERE name = '9999_later'");
    t.open().await;
}
