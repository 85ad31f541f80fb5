//! The command line. Every command speaks the HTTP API, to a server or to the service within this
//! process, so that both print the same.

mod api;
mod chart;
mod demo;
mod exit;
mod export;
mod import;
mod item;
mod ledger;
mod log;
mod output;
mod place;
mod progress;
mod record;
mod schedule;
mod serve;
mod stock;
mod store_file;
mod summary;
mod text;
mod token;
mod transport;
mod upkeep;

use crate::http;
use api::Api;
use clap::{CommandFactory as _, Parser, Subcommand};
use exit::{Exit, Failure};
use item_event_store::ids::LedgerName;
use output::{Format, Output};
use std::ffi::OsString;
use transport::{Access, Transport};

/// An inventory ledger: every change is an event, the count is kept beside it, and the two are
/// proved to agree.
///
/// ITEM is an item's id (3) or its sku (sku:CR-01). Times are RFC 3339 with an offset
/// (2026-11-23T05:00:00Z).
#[derive(Debug, Parser)]
#[command(name = "ies", version, propagate_version = true, max_term_width = 100)]
struct Cli {
    #[command(flatten)]
    place: place::PlaceArgs,
    /// The idempotency key of the write: the same key again records nothing twice [default: random]
    #[arg(long, global = true, value_name = "KEY")]
    key: Option<item_event_store::ids::IdempotencyKey>,
    /// How data is printed; csv and jsonl are the form of a file, of import and export
    #[arg(long, global = true, value_enum, default_value_t)]
    format: Format,
    /// No messages and no progress
    #[arg(long, short, global = true)]
    quiet: bool,
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Serve the API
    Serve(serve::Serve),
    /// Make, list, show and edit items
    #[command(subcommand)]
    Item(item::Item),
    /// Record a batch, a bakeoff or a special order
    #[command(subcommand)]
    Record(record::Record),
    /// Adjust a count by a signed change: waste, damage, a return …
    Adjust(record::Adjust),
    /// Set a count: an override, or what was counted
    Set(record::Set),
    /// Say what an earlier event's change should have been
    Correct(record::Correct),
    /// Make an earlier event as if it had not been
    Void(record::Void),
    /// Show the counts, now or as of a position or a time
    Stock(stock::Stock),
    /// Show the events
    Log(log::Log),
    /// Say why a count is what it is
    Explain(stock::Explain),
    /// Draw an item's stock over time
    Chart(chart::ChartArgs),
    /// Show what changed on each business day
    Summary(summary::Summary),
    /// Import events from a CSV or JSON Lines file
    ///
    /// The columns of CSV, the members of JSON Lines: item, reason, quantity and, as needed,
    /// `occurred_at`, reference, note, kind. An item is its sku, else the name of exactly one
    /// unarchived item; a line with the reason initial makes its item. Quantities are positive,
    /// only adjustments are signed; the kinds override and count set an absolute quantity.
    ///
    /// The same file again records nothing twice. A file that was changed is another file: after
    /// an import that stopped, go on with --from-line as the message says.
    Import(import::Import),
    /// Export events, counts or the daily summary as CSV or JSON Lines
    ///
    /// As CSV unless --format jsonl or the ending of the file's name says otherwise. The columns
    /// are the members of the API.
    Export(export::Export),
    /// Prove that log and counts agree
    Verify(upkeep::Verify),
    /// Recompute counts from the log
    Rebuild(upkeep::Rebuild),
    /// Copy the ledger into a file, also while a server writes to it
    Backup(store_file::Backup),
    /// Make a ledger from a backup
    Restore(store_file::Restore),
    /// Make, list, edit and archive ledgers
    #[command(subcommand)]
    Ledger(ledger::Ledger),
    /// Make, list and revoke tokens
    #[command(subcommand)]
    Token(token::Token),
    /// Bring the store up to this version
    Migrate(store_file::Migrate),
    /// Print the description of the API (OpenAPI 3.1)
    Openapi,
    /// Print the completions for a shell
    Completions {
        /// For which shell
        shell: clap_complete::Shell,
    },
}

/// Runs the command that the arguments name.
pub fn run(arguments: impl Iterator<Item = OsString>) -> Result<Exit, Failure> {
    let cli = match Cli::try_parse_from(arguments) {
        Ok(cli) => cli,
        Err(error) => {
            // Help and version are what was asked for; everything else is a wrong command line.
            let exit = if error.use_stderr() { Exit::Usage } else { Exit::Ok };
            return error.print().map(|()| exit).map_err(|error| Failure::output(&error));
        }
    };
    let mut runtime = tokio::runtime::Builder::new_multi_thread();
    if std::env::var_os("TOKIO_WORKER_THREADS").is_none() {
        runtime.worker_threads(worker_threads());
    }
    let runtime = runtime
        .enable_all()
        .build()
        .map_err(|error| Failure::new(Exit::Io, format!("cannot start: {error}")))?;
    runtime.block_on(dispatch(cli))
}

/// One core is left to whoever writes: the ledger's thread on SQLite, PostgreSQL's process.
fn worker_threads() -> usize {
    std::thread::available_parallelism().map_or(1, |cores| cores.get().saturating_sub(1).max(1))
}

/// The commands that need no API, and the way to the others.
async fn dispatch(cli: Cli) -> Result<Exit, Failure> {
    let output = Output { format: cli.format, quiet: cli.quiet };
    let of_a_file = matches!(cli.format, Format::Csv | Format::Jsonl);
    if of_a_file && !matches!(cli.command, Command::Import(_) | Command::Export(_)) {
        return Err(Failure::new(Exit::Usage, "--format csv and jsonl are for import and export")
            .hint("say --format json, or 'ies export events' for a file"));
    }
    match cli.command {
        Command::Serve(command) => command.run(&cli.place, output).await,
        Command::Backup(command) => command.run(&cli.place, output).await,
        Command::Restore(command) => command.run(&cli.place, output).await,
        Command::Migrate(command) => command.run(&cli.place, output).await,
        Command::Openapi => output.print(&http::openapi::document()).map(|()| Exit::Ok),
        Command::Completions { shell } => {
            let mut script = Vec::new();
            clap_complete::generate(shell, &mut Cli::command(), "ies", &mut script);
            output.print(&String::from_utf8_lossy(&script)).map(|()| Exit::Ok)
        }
        command => {
            let access = command.access();
            let key = cli.key.map(|key| key.to_string());
            let api = Api::new(Transport::open(&cli.place, access).await?, key);
            let done = command.run(&api, output, cli.place.ledger).await;
            api.close().await;
            done
        }
    }
}

impl Command {
    /// What the command needs the ledger for.
    fn access(&self) -> Access {
        match self {
            Self::Item(command) => command.access(),
            Self::Import(command) => command.access(),
            Self::Summary(command) => command.access(),
            Self::Ledger(command) => command.access(),
            Self::Token(command) => command.access(),
            Self::Record(_)
            | Self::Adjust(_)
            | Self::Set(_)
            | Self::Correct(_)
            | Self::Void(_)
            | Self::Rebuild(_) => Access::Write,
            _ => Access::Read,
        }
    }

    async fn run(
        self,
        api: &Api,
        output: Output,
        ledger: Option<LedgerName>,
    ) -> Result<Exit, Failure> {
        match self {
            Self::Item(command) => command.run(api, output).await,
            Self::Record(command) => command.run(api, output).await,
            Self::Adjust(command) => command.run(api, output).await,
            Self::Set(command) => command.run(api, output).await,
            Self::Correct(command) => command.run(api, output).await,
            Self::Void(command) => command.run(api, output).await,
            Self::Stock(command) => command.run(api, output).await,
            Self::Log(command) => command.run(api, output).await,
            Self::Explain(command) => command.run(api, output).await,
            Self::Chart(command) => command.run(api, output).await,
            Self::Summary(command) => command.run(api, output).await,
            Self::Import(command) => command.run(api, output).await,
            Self::Export(command) => command.run(api, output).await,
            Self::Verify(command) => command.run(api, output).await,
            Self::Rebuild(command) => command.run(api, output).await,
            Self::Ledger(command) => command.run(api, output).await,
            Self::Token(command) => command.run(api, output, ledger).await,
            Self::Serve(_)
            | Self::Backup(_)
            | Self::Restore(_)
            | Self::Migrate(_)
            | Self::Openapi
            | Self::Completions { .. } => unreachable!("done without the API"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(line: &str) -> Result<Cli, clap::Error> {
        Cli::try_parse_from(line.split(' '))
    }

    #[test]
    fn the_command_line_is_consistent() {
        Cli::command().debug_assert();
    }

    #[test]
    fn negative_numbers_are_values() {
        for line in [
            "ies adjust 1 -2 --kind waste",
            "ies correct 3 -12 --note wrong",
            "ies set 1 -5 --expected -4 --kind override",
            "ies set sku:CR-01 5 --expected any --kind count",
            "ies --store /tmp/x stock --format json",
        ] {
            assert!(parse(line).is_ok(), "{line}");
        }
    }

    #[test]
    fn a_store_and_a_server_exclude_each_other() {
        assert!(parse("ies stock --store a --server http://b").is_err());
    }

    #[test]
    fn a_command_opens_the_store_for_what_it_does() {
        for (line, access) in [
            ("ies item add Croissant", Access::Write),
            ("ies item list", Access::Read),
            ("ies record batch 1 24", Access::Write),
            ("ies stock", Access::Read),
            ("ies import a.csv", Access::Write),
            ("ies import a.csv --dry-run", Access::Read),
            ("ies summary 1", Access::Read),
            ("ies summary --refresh", Access::Write),
            ("ies summary --rebuild", Access::Write),
            ("ies verify", Access::Read),
            ("ies rebuild", Access::Write),
            ("ies token list", Access::Read),
            ("ies token create app --role baker", Access::Write),
        ] {
            assert_eq!(parse(line).expect(line).command.access(), access, "{line}");
        }
    }
}
