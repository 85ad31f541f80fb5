//! The commands that need the store itself: backup, restore, migrate.

use crate::cli::exit::{Exit, Failure};
use crate::cli::output::{Output, many};
use crate::cli::place::{self, PlaceArgs};
use crate::cli::progress;
use item_event_store::error::StoreError;
use item_event_store::ids::LedgerName;
use item_event_store::store::{self, Mode};
use serde_json::json;
use std::path::PathBuf;

/// `ies backup`.
#[derive(Debug, clap::Args)]
pub struct Backup {
    /// A new file
    file: PathBuf,
}

/// `ies restore`. The ledger that is made must not exist yet.
#[derive(Debug, clap::Args)]
pub struct Restore {
    /// A file that 'ies backup' wrote
    file: PathBuf,
}

/// `ies migrate`.
#[derive(Debug, clap::Args)]
pub struct Migrate {
    /// Print the SQL that makes a ledger, instead of running what is missing
    #[arg(long)]
    print: bool,

    /// Distribute a PostgreSQL store over the nodes of Citus, which is done without asking where
    /// the database has the extension
    #[arg(long)]
    citus: bool,
}

impl Backup {
    /// Copies the ledger. Reads only, so it works beside a running server.
    pub async fn run(self, settings: &PlaceArgs, output: Output) -> Result<Exit, Failure> {
        if self.file.exists() {
            let message = format!("{} exists", self.file.display());
            return Err(Failure::new(Exit::CannotCreate, message)
                .hint("a backup makes a new file: name another one"));
        }
        let url = settings.store("backup")?;
        let store = store::open(&url, Mode::Read).await?;
        let ledger = store.ledger(&settings.ledger()).await?;
        let waiting = progress::waiting(output, "copying");
        let copied = ledger.backup(&self.file).await;
        waiting.finish_and_clear();
        let head = copied?;
        let file = self.file.display().to_string();
        let said = json!({
            "file": file, "position": head.position.0, "epoch": head.epoch.as_str(),
        });
        output.show(&said, |_| format!("{file}: the ledger up to position {}\n", head.position))?;
        Ok(Exit::Ok)
    }
}

impl Restore {
    /// Makes a ledger from a backup, with a new epoch.
    pub async fn run(self, settings: &PlaceArgs, output: Output) -> Result<Exit, Failure> {
        if !self.file.is_file() {
            let message = format!("there is no file {}", self.file.display());
            return Err(Failure::new(Exit::NoInput, message));
        }
        let name = settings.ledger();
        let store = store::open(&settings.store("restore")?, Mode::Write).await?;
        let waiting = progress::waiting(output, "restoring");
        let restored = store.restore(&name, &self.file).await;
        waiting.finish_and_clear();
        let head = restored.map_err(|error| match error {
            StoreError::Refused(why) => Failure::new(Exit::CannotCreate, why)
                .hint("a restore makes a new ledger: --ledger names it, --store another store"),
            other => other.into(),
        })?;
        let said = json!({
            "ledger": name.as_str(),
            "position": head.position.0,
            "epoch": head.epoch.as_str(),
        });
        output.show(&said, |_| {
            format!(
                "ledger {name}: restored up to position {}, as a history of its own (epoch {})\n",
                head.position, head.epoch
            )
        })?;
        Ok(Exit::Ok)
    }
}

impl Migrate {
    /// Brings the store up to this version, which opening it for writing does.
    pub async fn run(self, settings: &PlaceArgs, output: Output) -> Result<Exit, Failure> {
        let url = settings.store("migrate")?;
        if self.print {
            output.print(&store::schema_sql(&url, self.citus)?)?;
            return Ok(Exit::Ok);
        }
        let shown = place::shown(&url);
        let distributed = store::distribute(&url, self.citus).await?;
        let store = store::open(&url, Mode::Write).await?;
        drop(store.ledger(&LedgerName::default()).await?);
        let mut ledgers = Vec::new();
        for info in store.ledgers().await? {
            let head = store.ledger(&info.name).await?.head().await?;
            ledgers.push(json!({ "ledger": info.name.as_str(), "position": head.position.0 }));
        }
        let said = json!({ "store": shown, "ledgers": ledgers, "distributed": distributed });
        output.show(&said, |_| {
            let ledgers = many(ledgers.len() as u64, "ledger");
            let by_citus = if distributed { ", distributed by Citus" } else { "" };
            format!("{shown} is up to date: {ledgers}{by_citus}\n")
        })?;
        Ok(Exit::Ok)
    }
}
