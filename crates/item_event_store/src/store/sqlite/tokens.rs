//! Tokens: `store.db`, which no ledger's backup contains. The process that holds the store's lock
//! is the only one that changes them, so it keeps them in memory: every call of the API needs one.

use super::files::Folder;
use super::statements::{INSERT_TOKEN, REVOKE_TOKEN, TOKENS};
use super::{connection, migrations, rows};
use crate::error::StoreError;
use crate::store::{Mode, Result};
use crate::time::Timestamp;
use crate::token::{Token, TokenRow};
use rusqlite::Connection;
use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError, RwLock};

/// The open file. A store that is only read may have none: then it has no tokens.
pub(super) struct Tokens {
    mode: Mode,
    conn: Option<Mutex<Connection>>,
    by_hash: RwLock<HashMap<[u8; 32], Token>>,
}

impl Tokens {
    pub fn open(folder: &Folder) -> Result<Self> {
        let (path, mode) = (folder.tokens(), folder.mode());
        let conn = match mode {
            Mode::Write => {
                folder.make_file(&path)?;
                let mut conn = connection::open_writer(&path)?;
                migrations::migrate(&mut conn, migrations::TOKENS, |_| Ok(()))?;
                connection::make_last(&conn, &path)?;
                Some(conn)
            }
            Mode::Read if path.exists() => {
                let conn = connection::open_reader(&path)?;
                migrations::check_current(&conn, migrations::TOKENS)?;
                Some(conn)
            }
            Mode::Read => None,
        };
        let tokens = Self { mode, conn: conn.map(Mutex::new), by_hash: RwLock::default() };
        for token in tokens.all()? {
            tokens.remember(token);
        }
        Ok(tokens)
    }

    fn conn(&self) -> Option<MutexGuard<'_, Connection>> {
        self.conn.as_ref().map(|conn| conn.lock().unwrap_or_else(PoisonError::into_inner))
    }

    fn writer(&self) -> Result<MutexGuard<'_, Connection>> {
        match self.mode {
            Mode::Write => self.conn().ok_or(StoreError::ReadOnly),
            Mode::Read => Err(StoreError::ReadOnly),
        }
    }

    /// Every token, oldest first.
    pub fn all(&self) -> Result<Vec<Token>> {
        let Some(conn) = self.conn() else { return Ok(vec![]) };
        let mut statement = conn.prepare_cached(TOKENS)?;
        let tokens = statement.query_map([], rows::token)?.collect::<rusqlite::Result<_>>()?;
        Ok(tokens)
    }

    /// The token with this SHA-256.
    pub fn by_hash(&self, hash: [u8; 32]) -> Option<Token> {
        self.by_hash.read().unwrap_or_else(PoisonError::into_inner).get(&hash).cloned()
    }

    fn remember(&self, token: Token) {
        let mut by_hash = self.by_hash.write().unwrap_or_else(PoisonError::into_inner);
        by_hash.insert(token.row.hash, token);
    }

    /// Keeps a new token.
    pub fn add(&self, row: TokenRow) -> Result<Token> {
        let conn = self.writer()?;
        let mut statement = conn.prepare_cached(INSERT_TOKEN)?;
        let (name, ledger) = (&row.name, &row.ledger);
        let id =
            statement.insert((name, row.role, ledger, row.hash, row.created_at, row.expires_at))?;
        let token = Token { id, row, revoked_at: None };
        self.remember(token.clone());
        Ok(token)
    }

    /// Revokes a token; false when it did not hold.
    pub fn revoke(&self, id: i64, at: Timestamp) -> Result<bool> {
        let conn = self.writer()?;
        let mut statement = conn.prepare_cached(REVOKE_TOKEN)?;
        let revoked = statement.execute((id, at))? == 1;
        let mut by_hash = self.by_hash.write().unwrap_or_else(PoisonError::into_inner);
        if let Some(token) = by_hash.values_mut().find(|token| revoked && token.id == id) {
            token.revoked_at = Some(at);
        }
        Ok(revoked)
    }
}
