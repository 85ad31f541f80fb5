//! What an error of the driver means to us. The only place that knows.

use crate::error::StoreError;
use rusqlite::{Error, ErrorCode};

/// Translates an error of the driver.
pub(super) fn interpret(error: &Error) -> StoreError {
    let text = match error {
        Error::SqliteFailure(_, Some(message)) => message.clone(),
        _ => error.to_string(),
    };
    match error {
        // A value that no row of ours can hold.
        Error::FromSqlConversionFailure(..)
        | Error::IntegralValueOutOfRange(..)
        | Error::Utf8Error(..)
        | Error::InvalidColumnType(..)
        | Error::QueryReturnedNoRows => StoreError::Corrupt(text),
        _ => match error.sqlite_error_code() {
            Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => {
                StoreError::Busy("another program is writing to the ledger".into())
            }
            Some(ErrorCode::DiskFull) => StoreError::Full(text),
            Some(ErrorCode::SystemIoFailure | ErrorCode::CannotOpen) => StoreError::Broken(text),
            Some(ErrorCode::ReadOnly) => StoreError::ReadOnly,
            Some(ErrorCode::ConstraintViolation) => StoreError::Refused(text),
            Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase) => StoreError::Corrupt(text),
            _ => StoreError::Failed(text),
        },
    }
}

impl From<Error> for StoreError {
    fn from(error: Error) -> Self {
        interpret(&error)
    }
}

/// The device failed: on every system that SQLite knows.
const EIO: i32 = 5;

/// Translates an error of the file system, saying what was to be done.
pub(super) fn interpret_io(doing: &str, error: &std::io::Error) -> StoreError {
    let text = format!("{doing}: {error}");
    match error.kind() {
        std::io::ErrorKind::StorageFull | std::io::ErrorKind::QuotaExceeded => {
            StoreError::Full(text)
        }
        std::io::ErrorKind::NotFound => StoreError::NotFound(text),
        _ if error.raw_os_error() == Some(EIO) => StoreError::Broken(text),
        _ => StoreError::Failed(text),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rusqlite::ffi;

    #[test]
    fn a_failing_disk_is_told_from_a_full_one_and_from_a_database_that_says_no() {
        let of = |code| interpret(&Error::SqliteFailure(ffi::Error::new(code), None));
        for code in [
            ffi::SQLITE_IOERR,
            ffi::SQLITE_IOERR_READ,
            ffi::SQLITE_IOERR_WRITE,
            ffi::SQLITE_IOERR_FSYNC,
            ffi::SQLITE_IOERR_TRUNCATE,
            ffi::SQLITE_IOERR_SHMMAP,
            ffi::SQLITE_CANTOPEN,
        ] {
            assert!(matches!(of(code), StoreError::Broken(_)), "{code}");
        }
        assert!(matches!(of(ffi::SQLITE_FULL), StoreError::Full(_)));
        assert!(matches!(of(ffi::SQLITE_BUSY), StoreError::Busy(_)));
        assert!(matches!(of(ffi::SQLITE_CONSTRAINT), StoreError::Refused(_)));
        assert!(matches!(of(ffi::SQLITE_CORRUPT), StoreError::Corrupt(_)));
    }
}
