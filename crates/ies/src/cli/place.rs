//! Where the ledger is: a store on this machine, or a running server. A flag goes before the
//! environment.

use crate::cli::exit::{Exit, Failure};
use etcetera::BaseStrategy as _;
use item_event_store::ids::LedgerName;
use item_event_store::store::Mode;
use item_event_store::store::sqlite::SqliteStore;
use item_event_store::store::{LedgerStore, Store};
use std::path::PathBuf;
use std::sync::Arc;

const HEADING: &str = "Where and who";

/// The settings that say where the ledger is and who asks.
#[derive(Clone, Debug, clap::Args)]
pub struct PlaceArgs {
    #[arg(
        long,
        global = true,
        help_heading = HEADING,
        value_name = "STORE",
        conflicts_with = "server",
        help = "The store: sqlite:DIR or DIR [env: IES_STORE] [default: below the XDG data folder]"
    )]
    store: Option<String>,
    #[arg(
        long,
        global = true,
        help_heading = HEADING,
        value_name = "URL",
        help = "A running server instead of a store: http://HOST:PORT [env: IES_SERVER]"
    )]
    server: Option<String>,
    /// The token for the server; better kept in the environment, where nobody else sees it
    #[arg(
        long,
        global = true,
        help_heading = HEADING,
        value_name = "TOKEN",
        env = "IES_TOKEN",
        hide_env_values = true
    )]
    pub token: Option<String>,
    /// Who does it, for what is recorded on a store; a server knows it from the token
    #[arg(
        long,
        global = true,
        help_heading = HEADING,
        value_name = "NAME",
        default_value = "cli"
    )]
    pub actor: item_event_store::text::Actor,
}

/// Where the ledger is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Place {
    /// A running server, by its address.
    Server(String),
    /// A folder of SQLite files.
    Folder(PathBuf),
}

impl PlaceArgs {
    /// Where the ledger is.
    pub fn place(&self) -> Result<Place, Failure> {
        let set = |name: &str| std::env::var(name).ok().filter(|value| !value.is_empty());
        match (&self.server, &self.store) {
            (Some(url), _) => Ok(Place::Server(url.clone())),
            (None, Some(store)) => Ok(Place::Folder(folder(store)?)),
            (None, None) => match (set("IES_SERVER"), set("IES_STORE")) {
                (Some(_), Some(_)) => {
                    Err(Failure::new(Exit::Config, "IES_SERVER and IES_STORE are both set")
                        .hint("say which one with --server URL or --store DIR"))
                }
                (Some(url), None) => Ok(Place::Server(url)),
                (None, Some(store)) => Ok(Place::Folder(folder(&store)?)),
                (None, None) => Ok(Place::Folder(default_folder()?)),
            },
        }
    }

    /// The folder, for a command that needs the store itself.
    pub fn folder(&self, command: &str) -> Result<PathBuf, Failure> {
        match self.place()? {
            Place::Folder(folder) => Ok(folder),
            Place::Server(_) => Err(Failure::new(
                Exit::Usage,
                format!("'ies {command}' needs the store itself, not a server"),
            )
            .hint("run it where the store is, with --store DIR")),
        }
    }
}

fn folder(store: &str) -> Result<PathBuf, Failure> {
    if store.starts_with("postgres://") || store.starts_with("postgresql://") {
        return Err(Failure::new(Exit::Config, "PostgreSQL is not yet a store of this version")
            .hint("--store sqlite:DIR keeps the ledger in a folder"));
    }
    let dir = store.strip_prefix("sqlite:").unwrap_or(store);
    if dir.is_empty() {
        return Err(Failure::new(Exit::Usage, "the store's folder is missing: sqlite:DIR"));
    }
    Ok(PathBuf::from(dir))
}

fn default_folder() -> Result<PathBuf, Failure> {
    let strategy = etcetera::choose_base_strategy().map_err(|_| {
        Failure::new(Exit::Config, "there is no home folder to keep a store in")
            .hint("say where with --store DIR")
    })?;
    Ok(strategy.data_dir().join("itemeventstore"))
}

/// Opens the store in a folder, and its ledger.
pub async fn open(
    folder: PathBuf,
    mode: Mode,
    name: &LedgerName,
) -> Result<(Arc<dyn Store>, Arc<dyn LedgerStore>), Failure> {
    let store = open_store(folder, mode).await?;
    let ledger = store.ledger(name).await?;
    Ok((store, ledger))
}

/// Opens the store in a folder. Opening waits for the disk, so it is done apart.
pub async fn open_store(folder: PathBuf, mode: Mode) -> Result<Arc<dyn Store>, Failure> {
    let opened = tokio::task::spawn_blocking(move || SqliteStore::open(&folder, mode)).await;
    let store = opened.map_err(|error| Failure::new(Exit::Bug, error.to_string()))??;
    Ok(Arc::new(store))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_store_is_a_folder_with_or_without_its_scheme() {
        assert_eq!(folder("sqlite:/a/b").ok(), Some(PathBuf::from("/a/b")));
        assert_eq!(folder("a b").ok(), Some(PathBuf::from("a b")));
        assert_eq!(folder("sqlite:").expect_err("nothing").exit, Exit::Usage);
        assert_eq!(folder("postgres://h/d").expect_err("not yet").exit, Exit::Config);
    }
}
