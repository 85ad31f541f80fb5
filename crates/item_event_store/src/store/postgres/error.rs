//! What an error of the driver means to us. The only place that knows.

use crate::error::StoreError;
use deadpool_postgres::{HookError, PoolError};
use std::io;
use tokio_postgres::Error;
use tokio_postgres::error::{DbError, Severity, SqlState};

/// Translates an error of the driver that came before COMMIT was sent: nothing is recorded.
pub(super) fn interpret(error: &Error) -> StoreError {
    match error.as_db_error() {
        Some(error) => interpret_db(error),
        // Without a word from the server: TLS or a login was not what was asked for,
        None if is_refusal(error) => {
            StoreError::Config(format!("no connection to the database: {}", with_cause(error)))
        }
        // or the connection could not be made, or was lost.
        None => StoreError::Busy(format!("no connection to the database: {}", with_cause(error))),
    }
}

fn interpret_db(error: &DbError) -> StoreError {
    let (state, text) = (error.code(), error.message().to_owned());
    let class = &state.code()[..2];
    if *state == SqlState::READ_ONLY_SQL_TRANSACTION {
        return StoreError::ReadOnly;
    }
    if *state == SqlState::DISK_FULL {
        return StoreError::Full(text);
    }
    if [SqlState::INVALID_SQL_STATEMENT_NAME, SqlState::DUPLICATE_PSTATEMENT].contains(state) {
        return StoreError::Config(format!(
            "{text}: a pooler does not carry prepared statements; let pgbouncer pool sessions, or \
             transactions from version 1.21 on with max_prepared_statements set"
        ));
    }
    match class {
        // Serialization failures and deadlocks.
        "40" => StoreError::Aborted(text),
        // The driver and the server do not speak the same language.
        "08" if *state == SqlState::PROTOCOL_VIOLATION => StoreError::Failed(text),
        // Locks that were not to be had; too many connections; a server that stops, a statement
        // that was cancelled; a node of Citus that is not there.
        "55" | "53" | "57" | "08" => StoreError::Busy(text),
        // Values, constraints and guards, privileges.
        "22" | "23" | "42" => StoreError::Refused(text),
        "28" => StoreError::Config(text),
        "3D" => StoreError::NotFound(text),
        // Pages and indexes. What is merely internal need not be damage: Citus says so of a node
        // that went away within a COPY.
        "XX" if *state != SqlState::INTERNAL_ERROR => StoreError::Corrupt(text),
        _ => StoreError::Failed(format!("{text} ({})", state.code())),
    }
}

/// Whether one side did not want the other: the server has no TLS, its certificate or the client's
/// is not believed, a password is missing. A lost connection is an error of input and output.
fn is_refusal(error: &Error) -> bool {
    let Some(cause) = std::error::Error::source(error) else { return false };
    match cause.downcast_ref::<io::Error>() {
        Some(error) => {
            error.get_ref().and_then(|inner| inner.downcast_ref::<rustls::Error>()).is_some()
        }
        None => true,
    }
}

/// Whether the server went on after this error, so that the end of the transaction it sits in is
/// certain.
pub(super) fn is_plain_error(error: &Error) -> bool {
    error.as_db_error().is_some_and(|e| e.parsed_severity() == Some(Severity::Error))
}

/// Whether a statement that is a transaction of its own was rolled back by this error for certain.
/// What ends a connection, cancels a statement or is merely internal may come after the commit.
pub(super) fn rolls_back(error: &Error) -> bool {
    let Some(state) = error.code().filter(|_| is_plain_error(error)) else { return false };
    let class = &state.code()[..2];
    *state == SqlState::DISK_FULL
        || *state != SqlState::T_R_STATEMENT_COMPLETION_UNKNOWN
            && ["22", "23", "25", "40", "42", "55", "P0"].contains(&class)
}

/// The error with what caused it: the driver's own text leaves that out.
pub(super) fn with_cause(error: &Error) -> String {
    match std::error::Error::source(error) {
        Some(cause) => format!("{error}: {cause}"),
        None => error.to_string(),
    }
}

impl From<Error> for StoreError {
    fn from(error: Error) -> Self {
        interpret(&error)
    }
}

impl From<PoolError> for StoreError {
    fn from(error: PoolError) -> Self {
        match error {
            PoolError::Backend(error) | PoolError::PostCreateHook(HookError::Backend(error)) => {
                error.into()
            }
            PoolError::PostCreateHook(HookError::Message(why)) => Self::Config(why.into()),
            PoolError::Timeout(_) => Self::Busy("all connections to the database are busy".into()),
            other => Self::Failed(other.to_string()),
        }
    }
}
