//! Where the ledger is: a store on this machine, or a running server. A flag goes before the
//! environment.

use crate::cli::exit::{Exit, Failure};
use etcetera::BaseStrategy as _;
use item_event_store::ids::LedgerName;
use item_event_store::store;

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
        help = "The store: DIR or postgres://USER@HOST/DATABASE [env: IES_STORE] \
                [default: below the XDG data folder]"
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
    /// The ledger, one of the store's
    #[arg(
        long,
        global = true,
        help_heading = HEADING,
        value_name = "NAME",
        env = "IES_LEDGER"
    )]
    pub ledger: Option<LedgerName>,
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
    /// A store, by its URL: a folder of SQLite files, or a PostgreSQL database.
    Store(String),
}

impl PlaceArgs {
    /// The ledger that was named, or `main`.
    pub fn ledger(&self) -> LedgerName {
        self.ledger.clone().unwrap_or_default()
    }

    /// Where the ledger is.
    pub fn place(&self) -> Result<Place, Failure> {
        let set = |name: &str| std::env::var(name).ok().filter(|value| !value.is_empty());
        match (&self.server, &self.store) {
            (Some(url), _) => Ok(Place::Server(url.clone())),
            (None, Some(store)) => Ok(Place::Store(checked(store)?)),
            (None, None) => match (set("IES_SERVER"), set("IES_STORE")) {
                (Some(_), Some(_)) => {
                    Err(Failure::new(Exit::Config, "IES_SERVER and IES_STORE are both set")
                        .hint("say which one with --server URL or --store DIR"))
                }
                (Some(url), None) => Ok(Place::Server(url)),
                (None, Some(store)) => Ok(Place::Store(checked(&store)?)),
                (None, None) => Ok(Place::Store(default_folder()?)),
            },
        }
    }

    /// The store's URL, for a command that needs the store itself.
    pub fn store(&self, command: &str) -> Result<String, Failure> {
        match self.place()? {
            Place::Store(url) => Ok(url),
            Place::Server(_) => Err(Failure::new(
                Exit::Usage,
                format!("'ies {command}' needs the store itself, not a server"),
            )
            .hint("run it where the store is, with --store")),
        }
    }
}

fn checked(store: &str) -> Result<String, Failure> {
    let of_postgres = store.starts_with("postgres:") || store.starts_with("postgresql:");
    if (store.contains("://") || of_postgres) && !store::is_postgres(store) {
        let message = "a store is a folder, sqlite:DIR or postgres://USER@HOST/DATABASE";
        return Err(Failure::new(Exit::Config, message));
    }
    if store.strip_prefix("sqlite:").unwrap_or(store).is_empty() {
        return Err(Failure::new(Exit::Usage, "the store's folder is missing: sqlite:DIR"));
    }
    Ok(store.to_owned())
}

/// The store's URL as it may be shown: without a password.
pub fn shown(url: &str) -> String {
    let Some((scheme, rest)) = url.split_once("://") else {
        return url.strip_prefix("sqlite:").unwrap_or(url).to_owned();
    };
    let authority = rest.find(['/', '?']).unwrap_or(rest.len());
    let host = rest[..authority].rfind('@').map_or(0, |at| at + 1);
    let path = rest[host..].split('?').next().unwrap_or_default();
    format!("{scheme}://{path}")
}

fn default_folder() -> Result<String, Failure> {
    let strategy = etcetera::choose_base_strategy().map_err(|_| {
        Failure::new(Exit::Config, "there is no home folder to keep a store in")
            .hint("say where with --store DIR")
    })?;
    let folder = strategy.data_dir().join("itemeventstore").into_os_string();
    folder.into_string().map_err(|_| {
        Failure::new(Exit::Config, "the data folder's name is no UTF-8")
            .hint("say where with --store DIR")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_store_is_a_url_or_a_folder() {
        for good in ["sqlite:/a/b", "a b", "postgres://h/d"] {
            assert_eq!(checked(good).ok().as_deref(), Some(good));
        }
        assert_eq!(checked("sqlite:").expect_err("nothing").exit, Exit::Usage);
        for bad in ["postgres:/ann:secret@h/d", "postgre://h/d", "POSTGRES://h/d"] {
            assert_eq!(checked(bad).expect_err(bad).exit, Exit::Config);
        }
        assert_eq!(shown("sqlite:/a/b"), "/a/b");
        assert_eq!(shown("postgres://ann:secret@h:1/d?host=/x&password=y"), "postgres://h:1/d");
        for (url, is) in [("postgresql:///d", true), ("postgres://h/d", true), ("postgres", false)]
        {
            assert_eq!(store::is_postgres(url), is);
        }
    }
}
