//! How a command ends: the exit codes of `sysexits.h`, and the message that says why and what to
//! do next.

use hyper::StatusCode;
use item_event_store::error::StoreError;
use std::io::{self, Write as _};
use std::process::ExitCode;

/// How a command ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Exit {
    /// Done.
    Ok = 0,
    /// The answer is no: a rejection, a verification that found something.
    No = 1,
    /// The command line is wrong.
    Usage = 64,
    /// What was read is not what it must be.
    BadData = 65,
    /// What was to be read is not there.
    NoInput = 66,
    /// The server cannot be reached, or another process has the store.
    Unavailable = 69,
    /// We got something wrong.
    Bug = 70,
    /// The output cannot be made.
    CannotCreate = 73,
    /// Reading or writing failed.
    Io = 74,
    /// Not now; the same command again may do.
    TryAgain = 75,
    /// The token does not allow it.
    NoPermission = 77,
    /// The settings are wrong.
    Config = 78,
}

impl Exit {
    /// As the process ends.
    pub fn code(self) -> ExitCode {
        ExitCode::from(self as u8)
    }
}

/// Why a command was not done.
#[derive(Debug)]
pub struct Failure {
    /// The exit code.
    pub exit: Exit,
    /// One sentence; empty when there is nothing to say.
    pub message: String,
    /// What to do next.
    pub hint: Option<String>,
    /// The stable code of the API, where the service refused.
    pub code: Option<String>,
}

impl Failure {
    /// A failure with a message.
    pub fn new(exit: Exit, message: impl Into<String>) -> Self {
        Self { exit, message: message.into(), hint: None, code: None }
    }

    /// The same, with what to do next.
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    /// The same, with the API's stable code.
    pub fn coded(mut self, code: impl Into<String>) -> Self {
        self.code = Some(code.into());
        self
    }

    /// A file that could not be read or written.
    pub fn io(what: impl std::fmt::Display, error: &io::Error) -> Self {
        let exit = match error.kind() {
            io::ErrorKind::NotFound => Exit::NoInput,
            io::ErrorKind::PermissionDenied => Exit::NoPermission,
            io::ErrorKind::AlreadyExists => Exit::CannotCreate,
            _ => Exit::Io,
        };
        Self::new(exit, format!("{what}: {error}"))
    }

    /// Standard output failed. Whoever closed the pipe has read enough, and is told nothing.
    pub fn output(error: &io::Error) -> Self {
        if error.kind() == io::ErrorKind::BrokenPipe {
            Self::new(Exit::Ok, "")
        } else {
            Self::new(Exit::Io, format!("cannot write the output: {error}"))
        }
    }

    /// Says why on standard error, and ends.
    pub fn report(&self) -> ExitCode {
        let mut stderr = io::stderr().lock();
        // When standard error is closed too there is nobody left to tell.
        if !self.message.is_empty() {
            let code = self.code.as_ref().map(|code| format!(" ({code})")).unwrap_or_default();
            let _ = writeln!(stderr, "error: {}{code}", self.message);
        }
        if let Some(hint) = &self.hint {
            let _ = writeln!(stderr, "hint: {hint}");
        }
        self.exit.code()
    }
}

/// The exit code of an answer of the service that is no success.
pub fn of_status(status: StatusCode) -> Exit {
    match status {
        StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => Exit::NoPermission,
        StatusCode::NOT_FOUND
        | StatusCode::CONFLICT
        | StatusCode::PRECONDITION_FAILED
        | StatusCode::UNPROCESSABLE_ENTITY => Exit::No,
        StatusCode::TOO_MANY_REQUESTS | StatusCode::SERVICE_UNAVAILABLE => Exit::TryAgain,
        StatusCode::INSUFFICIENT_STORAGE => Exit::Io,
        status if status.is_client_error() => Exit::BadData,
        StatusCode::BAD_GATEWAY | StatusCode::GATEWAY_TIMEOUT => Exit::Unavailable,
        _ => Exit::Bug,
    }
}

impl From<StoreError> for Failure {
    fn from(error: StoreError) -> Self {
        let message = error.to_string();
        match error {
            StoreError::InUse(_) => Self::new(Exit::Unavailable, message)
                .hint("a server has this store open: talk to it with --server URL (and IES_TOKEN)"),
            StoreError::NotFound(_) => Self::new(Exit::NoInput, message).hint(
                "'ies item add NAME' makes a store with its first item, 'ies serve --demo' one \
                 with a small bakery; --store DIR names another place",
            ),
            StoreError::Config(_) => Self::new(Exit::Config, message),
            StoreError::SchemaVersion { found, supported } if found < supported => {
                Self::new(Exit::Config, message).hint("'ies migrate' brings the store up to date")
            }
            StoreError::SchemaVersion { .. } => Self::new(Exit::Config, message)
                .hint("the store was written by a newer version of ies: use that one"),
            StoreError::Corrupt(_) => {
                Self::new(Exit::BadData, message).hint("'ies verify' says what is wrong")
            }
            StoreError::Busy(_) | StoreError::Aborted(_) | StoreError::CommitUnknown(_) => {
                Self::new(Exit::TryAgain, message)
            }
            StoreError::Full(_) | StoreError::Broken(_) | StoreError::Failed(_) => {
                Self::new(Exit::Io, message)
            }
            StoreError::ReadOnly | StoreError::Refused(_) => Self::new(Exit::Bug, message),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_of_the_service_has_its_exit_code() {
        let table = [
            (400, Exit::BadData),
            (401, Exit::NoPermission),
            (403, Exit::NoPermission),
            (404, Exit::No),
            (409, Exit::No),
            (412, Exit::No),
            (413, Exit::BadData),
            (422, Exit::No),
            (429, Exit::TryAgain),
            (500, Exit::Bug),
            (503, Exit::TryAgain),
            (507, Exit::Io),
        ];
        for (status, exit) in table {
            let status = StatusCode::from_u16(status).expect("a status");
            assert_eq!(of_status(status), exit, "{status}");
        }
    }

    #[test]
    fn a_store_that_another_process_holds_is_unavailable_and_says_what_to_do() {
        let failure = Failure::from(StoreError::InUse("in use".into()));
        assert_eq!(failure.exit, Exit::Unavailable);
        assert!(failure.hint.expect("a hint").contains("--server"));
    }

    #[test]
    fn a_closed_pipe_is_no_failure() {
        let failure = Failure::output(&io::Error::from(io::ErrorKind::BrokenPipe));
        assert_eq!((failure.exit, failure.message.as_str()), (Exit::Ok, ""));
        assert_eq!(Failure::output(&io::Error::other("full")).exit, Exit::Io);
    }
}
