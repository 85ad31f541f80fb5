//! Tokens: `store.db`, which no ledger's backup contains.

use super::files::Folder;
use super::statements::{INSERT_TOKEN, REVOKE_TOKEN, TOKEN_BY_HASH, TOKENS};
use super::{connection, migrations, rows};
use crate::error::StoreError;
use crate::store::{Mode, Result};
use crate::time::Timestamp;
use crate::token::{Token, TokenRow};
use rusqlite::{Connection, OptionalExtension as _};
use std::sync::{Mutex, MutexGuard, PoisonError};

/// The open file. A store that is only read may have none: then it has no tokens.
pub(super) struct Tokens {
    mode: Mode,
    conn: Option<Mutex<Connection>>,
}

impl Tokens {
    pub fn open(folder: &Folder) -> Result<Self> {
        let (path, mode) = (folder.tokens(), folder.mode());
        let conn = match mode {
            Mode::Write => {
                folder.make_file(&path)?;
                let mut conn = connection::open_writer(&path)?;
                migrations::migrate(&mut conn, migrations::TOKENS, |_| Ok(()))?;
                Some(conn)
            }
            Mode::Read if path.exists() => {
                let conn = connection::open_reader(&path)?;
                migrations::check_current(&conn, migrations::TOKENS)?;
                Some(conn)
            }
            Mode::Read => None,
        };
        Ok(Self { mode, conn: conn.map(Mutex::new) })
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
    pub fn by_hash(&self, hash: [u8; 32]) -> Result<Option<Token>> {
        let Some(conn) = self.conn() else { return Ok(None) };
        let mut statement = conn.prepare_cached(TOKEN_BY_HASH)?;
        Ok(statement.query_row([hash], rows::token).optional()?)
    }

    /// Keeps a new token.
    pub fn add(&self, row: TokenRow) -> Result<Token> {
        let conn = self.writer()?;
        let mut statement = conn.prepare_cached(INSERT_TOKEN)?;
        let id =
            statement.insert((&row.name, row.role, row.hash, row.created_at, row.expires_at))?;
        Ok(Token { id, row, revoked_at: None })
    }

    /// Revokes a token; false when it did not hold.
    pub fn revoke(&self, id: i64, at: Timestamp) -> Result<bool> {
        let conn = self.writer()?;
        let mut statement = conn.prepare_cached(REVOKE_TOKEN)?;
        Ok(statement.execute((id, at))? == 1)
    }
}
