//! `ies token`: who may talk to the server.

use crate::cli::api::Api;
use crate::cli::exit::{Exit, Failure};
use crate::cli::output::{Output, numbers, short_time, table, words};
use crate::cli::transport::Access;
use crate::wire;
use clap::Subcommand;
use hyper::Method;
use item_event_store::access::Role;
use item_event_store::ids::LedgerName;
use item_event_store::time::Timestamp;

/// The commands of `ies token`.
#[derive(Debug, Subcommand)]
pub enum Token {
    /// Make a token, for one ledger with --ledger; its secret is shown this once
    Create {
        /// Who holds it: the actor of every event it causes
        name: String,
        /// viewer, baker, manager or admin
        #[arg(long)]
        role: Role,
        /// From when on it holds no more
        #[arg(long, value_name = "TIME")]
        expires_at: Option<Timestamp>,
    },
    /// List the tokens, without their secrets
    List,
    /// Revoke a token for ever
    Revoke {
        /// Its number
        id: i64,
    },
}

impl Token {
    /// What the command needs the store for.
    pub fn access(&self) -> Access {
        match self {
            Self::List => Access::Read,
            Self::Create { .. } | Self::Revoke { .. } => Access::Write,
        }
    }

    /// Does it.
    pub async fn run(
        self,
        api: &Api,
        output: Output,
        ledger: Option<LedgerName>,
    ) -> Result<Exit, Failure> {
        match self {
            Self::Create { name, role, expires_at } => {
                let body = wire::CreateToken {
                    name,
                    role: role.to_string(),
                    ledger: ledger.map(|name| name.to_string()),
                    expires_at: expires_at.map(|at| at.to_string()),
                };
                let made: wire::NewToken = api.write(Method::POST, "/v1/tokens", &body).await?;
                output.show(&made, |made| made.secret.clone())?;
                output.message(&format!(
                    "token {} of {} ({}, {}); its secret is shown this once",
                    made.token.id,
                    made.token.name,
                    made.token.role,
                    made.token.ledger.as_deref().unwrap_or("all ledgers")
                ));
            }
            Self::List => {
                let list: wire::TokenList = api.get("/v1/tokens", &[]).await?;
                output.show(&list, tokens)?;
            }
            Self::Revoke { id } => {
                api.delete(&format!("/v1/tokens/{id}")).await?;
                output.message(&format!("token {id} holds no more"));
            }
        }
        Ok(Exit::Ok)
    }
}

fn tokens(list: &wire::TokenList) -> String {
    let columns = [
        numbers("TOKEN"),
        words("NAME"),
        words("ROLE"),
        words("LEDGER"),
        words("MADE (UTC)"),
        words("EXPIRES (UTC)"),
        words("REVOKED (UTC)"),
    ];
    let time = |time: &Option<String>| time.as_deref().map(short_time).unwrap_or_default();
    let row = |token: &wire::Token| {
        vec![
            token.id.to_string(),
            token.name.clone(),
            token.role.clone(),
            token.ledger.clone().unwrap_or_else(|| "all".to_owned()),
            short_time(&token.created_at),
            time(&token.expires_at),
            time(&token.revoked_at),
        ]
    };
    table(&columns, &list.tokens.iter().map(row).collect::<Vec<_>>())
}
