//! SQLite: a store is a folder, one file is one ledger, no set-up.

mod append;
mod chain;
mod connection;
mod copy;
mod error;
mod files;
mod history;
mod insert;
mod integrity;
mod ledger;
mod load;
mod migrations;
mod reads;
mod rows;
mod statements;
mod summary;
mod tokens;
mod write;

use self::files::Folder;
use self::ledger::SqliteLedger;
use self::tokens::Tokens;
use super::{Head, LedgerInfo, LedgerStore, Mode, Result, Store};
use crate::error::StoreError;
use crate::ids::LedgerName;
use crate::settings::Settings;
use crate::time::Timestamp;
use crate::token::{Token, TokenRow};
use async_trait::async_trait;
use std::collections::HashMap;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError, Weak};

pub use self::migrations::schema_sql;

/// A folder of SQLite files: `<ledger>.db` for each ledger, `store.db` for the tokens, `store.lock`
/// held by the process that writes.
pub struct SqliteStore {
    folder: Arc<Folder>,
    tokens: Arc<Tokens>,
    /// Those that somebody holds open.
    ledgers: Arc<Mutex<HashMap<LedgerName, Weak<SqliteLedger>>>>,
}

impl SqliteStore {
    /// Opens a folder, making it first in [`Mode::Write`]. Makes, migrates and locks.
    ///
    /// # Errors
    /// [`StoreError::InUse`] when another process has it open for writing,
    /// [`StoreError::NotFound`] when it is to be read and does not exist,
    /// [`StoreError::SchemaVersion`] when another version of this program made it.
    pub fn open(dir: &Path, mode: Mode) -> Result<Self> {
        connection::check_sqlite(rusqlite::version_number())?;
        let folder = Arc::new(Folder::open(dir, mode)?);
        let tokens = Arc::new(Tokens::open(&folder)?);
        Ok(Self { folder, tokens, ledgers: Arc::default() })
    }

    async fn with_tokens<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Tokens) -> Result<T> + Send + 'static,
    ) -> Result<T> {
        let tokens = Arc::clone(&self.tokens);
        blocking(move || work(&tokens)).await
    }
}

#[async_trait]
impl Store for SqliteStore {
    async fn ledger(&self, name: &LedgerName) -> Result<Arc<dyn LedgerStore>> {
        let (folder, ledgers, name) =
            (Arc::clone(&self.folder), Arc::clone(&self.ledgers), name.clone());
        blocking(move || {
            // Held while the file is opened, so that two callers share one writer.
            let mut ledgers = ledgers.lock().unwrap_or_else(PoisonError::into_inner);
            if let Some(ledger) = ledgers.get(&name).and_then(Weak::upgrade) {
                return Ok(ledger as Arc<dyn LedgerStore>);
            }
            ledgers.retain(|_, ledger| ledger.strong_count() > 0);
            let ledger = Arc::new(SqliteLedger::open(folder, &name)?);
            ledgers.insert(name, Arc::downgrade(&ledger));
            Ok(ledger as Arc<dyn LedgerStore>)
        })
        .await
    }

    async fn create_ledger(&self, name: &LedgerName, settings: &Settings) -> Result<bool> {
        let (folder, ledgers) = (Arc::clone(&self.folder), Arc::clone(&self.ledgers));
        let (name, settings) = (name.clone(), settings.clone());
        blocking(move || {
            if folder.mode() == Mode::Read {
                return Err(StoreError::ReadOnly);
            }
            let path = folder.ledger(&name)?;
            let _nobody_makes_it_meanwhile = ledgers.lock().unwrap_or_else(PoisonError::into_inner);
            if path.exists() {
                return Ok(false);
            }
            ledger::make(&path, &name, &settings)?;
            Ok(true)
        })
        .await
    }

    async fn ledgers(&self) -> Result<Vec<LedgerInfo>> {
        let folder = Arc::clone(&self.folder);
        blocking(move || {
            let names = folder.ledgers()?;
            let info = |name| ledger::info(&folder.ledger(name)?, folder.mode());
            names.iter().map(info).collect()
        })
        .await
    }

    async fn size_bytes(&self) -> Result<u64> {
        let folder = Arc::clone(&self.folder);
        blocking(move || folder.size_bytes()).await
    }

    async fn restore(&self, name: &LedgerName, from: &Path) -> Result<Head> {
        let (folder, ledgers, name, from) =
            (Arc::clone(&self.folder), Arc::clone(&self.ledgers), name.clone(), from.to_path_buf());
        blocking(move || {
            let _nobody_makes_it_meanwhile = ledgers.lock().unwrap_or_else(PoisonError::into_inner);
            copy::restore(&folder, &name, &from)
        })
        .await
    }

    fn read_only(&self) -> bool {
        self.folder.mode() == Mode::Read
    }

    async fn tokens(&self) -> Result<Vec<Token>> {
        self.with_tokens(Tokens::all).await
    }

    async fn token_by_hash(&self, hash: [u8; 32]) -> Result<Option<Token>> {
        Ok(self.tokens.by_hash(hash))
    }

    async fn add_token(&self, token: TokenRow) -> Result<Token> {
        self.with_tokens(move |tokens| tokens.add(token)).await
    }

    async fn revoke_token(&self, id: i64, at: Timestamp) -> Result<bool> {
        self.with_tokens(move |tokens| tokens.revoke(id, at)).await
    }
}

/// Runs on a thread that may wait for the disk.
async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T> + Send + 'static,
) -> Result<T> {
    match tokio::task::spawn_blocking(work).await {
        Ok(done) => done,
        Err(failed) if failed.is_panic() => std::panic::resume_unwind(failed.into_panic()),
        Err(_) => Err(StoreError::Failed("the program is stopping".into())),
    }
}
