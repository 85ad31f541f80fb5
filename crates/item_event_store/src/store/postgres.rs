//! PostgreSQL 13 and later: a store is a database, the rows of a ledger carry its name. Many
//! programs may write to one ledger at once.

mod address;
mod append;
mod connection;
mod copy;
mod error;
mod hints;
mod integrity;
mod ledger;
mod load;
mod migrations;
mod reads;
mod rows;
mod statements;
mod summary;
mod tls;
mod unended;
mod write;

use self::connection::{Connection, Connections};
use self::ledger::PostgresLedger;
use self::rows::Cells;
use self::statements::{INSERT_TOKEN, LEDGERS, REVOKE_TOKEN, SIZE, TOKEN_BY_HASH, TOKENS};
use super::{Head, LedgerInfo, LedgerStore, Mode, Result, Store};
use crate::error::StoreError;
use crate::ids::LedgerName;
use crate::settings::Settings;
use crate::time::Timestamp;
use crate::token::{Token, TokenRow};
use async_trait::async_trait;
use std::collections::HashMap;
use std::path::Path;
use std::sync::{Arc, Weak};
use tokio::sync::Mutex;

pub use self::migrations::{roles_sql, schema_sql};

/// A database with the tables of its ledgers.
pub struct PostgresStore {
    connections: Arc<Connections>,
    /// Those that somebody holds open.
    ledgers: Mutex<HashMap<LedgerName, Weak<PostgresLedger>>>,
}

impl PostgresStore {
    /// Connects to a database: `postgres://USER@HOST/DATABASE`, or
    /// `postgres:///DATABASE?host=/FOLDER&user=USER` for the unix socket in a folder. The tables
    /// are made or migrated when a ledger is opened.
    ///
    /// # Errors
    /// [`StoreError::Busy`] when there is no connection, [`StoreError::NotFound`] when there is no
    /// such database, [`StoreError::Config`] when the address is wrong, the server does not let us
    /// in or is not the one that was asked for, or is set up to lose commits.
    pub async fn open(url: &str, mode: Mode) -> Result<Self> {
        let connections = Arc::new(Connections::open(url, mode).await?);
        Ok(Self { connections, ledgers: Mutex::default() })
    }

    /// Distributes the tables, made first where they are missing, by ledger over the nodes of
    /// Citus. What is distributed already stays as it is. Whether it is: without the extension in
    /// the database it is not, which is an error if it is `required`. For the owner of the tables.
    ///
    /// # Errors
    /// [`StoreError::Config`] without the extension, [`StoreError::Refused`] for whoever is not the
    /// owner, [`StoreError::ReadOnly`] in [`Mode::Read`].
    pub async fn distribute(&self, required: bool) -> Result<bool> {
        drop(self.writing().await?);
        migrations::distribute(&self.connections, required).await
    }

    /// A connection on which the schema is there.
    async fn migrated(&self) -> Result<Connection> {
        migrations::migrate(&self.connections).await?;
        self.connections.get().await
    }

    async fn writing(&self) -> Result<Connection> {
        match self.connections.mode() {
            Mode::Write => self.migrated().await,
            Mode::Read => Err(StoreError::ReadOnly),
        }
    }
}

impl std::fmt::Debug for PostgresStore {
    /// Never the address: it may hold a password.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "PostgresStore({})", self.connections.place())
    }
}

#[async_trait]
impl Store for PostgresStore {
    async fn ledger(&self, name: &LedgerName) -> Result<Arc<dyn LedgerStore>> {
        let mut ledgers = self.ledgers.lock().await;
        if let Some(ledger) = ledgers.get(name).and_then(Weak::upgrade) {
            return Ok(ledger as Arc<dyn LedgerStore>);
        }
        ledgers.retain(|_, ledger| ledger.strong_count() > 0);
        let ledger = Arc::new(PostgresLedger::open(Arc::clone(&self.connections), name).await?);
        ledgers.insert(name.clone(), Arc::downgrade(&ledger));
        Ok(ledger as Arc<dyn LedgerStore>)
    }

    async fn create_ledger(&self, name: &LedgerName, settings: &Settings) -> Result<bool> {
        drop(self.writing().await?);
        ledger::make(&self.connections, name, settings).await
    }

    async fn ledgers(&self) -> Result<Vec<LedgerInfo>> {
        let rows = self.migrated().await?.query(LEDGERS, &[]).await?;
        rows.iter().map(rows::ledger_info).collect()
    }

    async fn size_bytes(&self) -> Result<u64> {
        let rows = self.migrated().await?.query(SIZE, &[]).await?;
        let bytes: i64 = rows.first().map_or(Ok(0), |row| Cells(row).get(0))?;
        Ok(bytes.unsigned_abs())
    }

    async fn restore(&self, name: &LedgerName, from: &Path) -> Result<Head> {
        drop(self.writing().await?);
        copy::restore(&self.connections, name, from).await
    }

    fn read_only(&self) -> bool {
        self.connections.mode() == Mode::Read
    }

    async fn tokens(&self) -> Result<Vec<Token>> {
        let rows = self.migrated().await?.query(TOKENS, &[]).await?;
        rows.iter().map(rows::token).collect()
    }

    async fn token_by_hash(&self, hash: [u8; 32]) -> Result<Option<Token>> {
        let conn = self.connections.get().await?;
        let rows = conn.query(TOKEN_BY_HASH, &[&hash.as_slice()]).await?;
        rows.first().map(rows::token).transpose()
    }

    async fn add_token(&self, row: TokenRow) -> Result<Token> {
        let conn = self.writing().await?;
        let (name, role, hash) = (row.name.as_str(), row.role.as_str(), row.hash.as_slice());
        let ledger = row.ledger.as_ref().map(LedgerName::as_str);
        let made = conn
            .query(INSERT_TOKEN, &[&name, &role, &ledger, &hash, &row.created_at, &row.expires_at])
            .await?;
        let made = made.first().ok_or_else(|| StoreError::Failed("no number".into()))?;
        Ok(Token { id: Cells(made).get(0)?, row, revoked_at: None })
    }

    async fn revoke_token(&self, id: i64, at: Timestamp) -> Result<bool> {
        Ok(self.writing().await?.execute(REVOKE_TOKEN, &[&id, &at]).await? == 1)
    }
}
