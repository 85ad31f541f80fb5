//! `ies ledger`: make, list, edit and archive the ledgers of a store.

use crate::cli::api::Api;
use crate::cli::exit::{Exit, Failure};
use crate::cli::output::{Output, numbers, short_time, table, words};
use crate::cli::transport::Access;
use crate::wire;
use clap::Subcommand;
use hyper::Method;
use item_event_store::ids::LedgerName;

/// The commands of `ies ledger`.
#[derive(Debug, Subcommand)]
pub enum Ledger {
    /// Make an empty ledger
    Create {
        /// Lower-case letters, digits, - and _, beginning with a letter
        name: LedgerName,
        #[command(flatten)]
        day: Day,
    },
    /// List the ledgers
    List {
        /// The archived ones instead
        #[arg(long)]
        archived: bool,
    },
    /// Say when a ledger's business day starts
    Edit {
        /// The ledger
        name: LedgerName,
        #[command(flatten)]
        day: Day,
    },
    /// Archive a ledger: it takes no more requests, and can still be read
    Archive {
        /// The ledger
        name: LedgerName,
        /// Bring it back instead
        #[arg(long)]
        undo: bool,
    },
}

/// To which day an event belongs.
#[derive(Debug, clap::Args)]
pub struct Day {
    /// An IANA name, such as Europe/Vienna
    #[arg(long, value_name = "ZONE")]
    time_zone: Option<String>,
    /// The local hour, 0 to 23, at which the business day starts
    #[arg(long, value_name = "HOUR")]
    day_start_hour: Option<i64>,
}

impl Ledger {
    /// What the command needs the store for.
    pub fn access(&self) -> Access {
        match self {
            Self::List { .. } => Access::Read,
            Self::Create { .. } | Self::Edit { .. } | Self::Archive { .. } => Access::Write,
        }
    }

    /// Does it.
    pub async fn run(self, api: &Api, output: Output) -> Result<Exit, Failure> {
        match self {
            Self::Create { name, day: Day { time_zone, day_start_hour } } => {
                let name = name.to_string();
                let body = wire::CreateLedger { name, time_zone, day_start_hour };
                let made: wire::LedgerReply = api.write(Method::POST, "/v1/ledgers", &body).await?;
                output.show(&made, line)?;
            }
            Self::List { archived } => {
                let mut list: wire::LedgerList = api.get("/v1/ledgers", &[]).await?;
                list.ledgers.retain(|ledger| ledger.archived_at.is_some() == archived);
                output.show(&list, ledgers)?;
            }
            Self::Edit { name, day: Day { time_zone, day_start_hour } } => {
                let edit = wire::EditLedger { time_zone, day_start_hour, archived: None };
                change(api, output, &name, &edit).await?;
            }
            Self::Archive { name, undo } => {
                let archived = Some(!undo);
                let edit = wire::EditLedger { archived, ..wire::EditLedger::default() };
                change(api, output, &name, &edit).await?;
            }
        }
        Ok(Exit::Ok)
    }
}

async fn change(
    api: &Api,
    output: Output,
    name: &LedgerName,
    edit: &wire::EditLedger,
) -> Result<(), Failure> {
    let path = format!("/v1/ledgers/{name}");
    let changed: wire::LedgerReply = api.write(Method::PATCH, &path, edit).await?;
    output.show(&changed, line)
}

fn line(reply: &wire::LedgerReply) -> String {
    let ledger = &reply.ledger;
    let state = if ledger.archived_at.is_some() { ", archived" } else { "" };
    format!(
        "ledger {}: position {}, days of {} from {} o'clock{state}\n",
        ledger.name, reply.position, ledger.time_zone, ledger.day_start_hour
    )
}

fn ledgers(list: &wire::LedgerList) -> String {
    let columns = [
        words("LEDGER"),
        words("TIME ZONE"),
        numbers("DAY STARTS"),
        words("MADE (UTC)"),
        words("ARCHIVED (UTC)"),
    ];
    let row = |ledger: &wire::Ledger| {
        vec![
            ledger.name.clone(),
            ledger.time_zone.clone(),
            ledger.day_start_hour.to_string(),
            short_time(&ledger.created_at),
            ledger.archived_at.as_deref().map(short_time).unwrap_or_default(),
        ]
    };
    table(&columns, &list.ledgers.iter().map(row).collect::<Vec<_>>())
}
