//! Tokens on SQLite: `store.db`, kept beside the ledgers and in no backup of them.

use item_event_store::access::Role;
use item_event_store::error::StoreError;
use item_event_store::store::Mode;
use item_event_store::store::Store;
use item_event_store::store::sqlite::SqliteStore;
use item_event_store::time::Timestamp;
use item_event_store::token::{Secret, TokenRow};

#[tokio::test]
async fn tokens_outlive_the_process_and_are_revoked_once() {
    let dir = tempfile::tempdir().expect("a folder");
    let store = SqliteStore::open(dir.path(), Mode::Write).expect("a store");
    let row = |name: &str| TokenRow {
        name: name.parse().expect("a name"),
        role: Role::Manager,
        ledger: None,
        hash: Secret::random().hash(),
        created_at: Timestamp::now(),
        expires_at: None,
    };
    let kept = store.add_token(row("anna")).await.expect("a token");
    let revoked = store.add_token(row("ben")).await.expect("a token");
    assert_eq!((kept.id, revoked.id), (1, 2));
    let doubled = store.add_token(kept.row.clone()).await;
    assert!(matches!(doubled, Err(StoreError::Refused(_))), "{doubled:?}");
    let at = Timestamp::now();
    assert_eq!(store.revoke_token(2, at).await, Ok(true));
    assert_eq!(store.revoke_token(2, at).await, Ok(false));
    assert_eq!(store.revoke_token(9, at).await, Ok(false));
    drop(store);

    let store = SqliteStore::open(dir.path(), Mode::Read).expect("a store");
    assert_eq!(store.token_by_hash(kept.row.hash).await, Ok(Some(kept.clone())));
    assert_eq!(store.token_by_hash([0; 32]).await, Ok(None));
    let found = store.tokens().await.expect("tokens");
    assert_eq!(found[0], kept);
    assert_eq!(found[1].revoked_at, Some(at));
    let refused = store.add_token(row("cleo")).await;
    assert_eq!(refused, Err(StoreError::ReadOnly));
    assert_eq!(store.revoke_token(1, at).await, Err(StoreError::ReadOnly));
}
