//! Others that do the same work: each is driven as its makers show, with its own settings for
//! durable answers, and its final count is checked.

pub mod crates;
pub mod message_db;
pub mod tigerbeetle;

use crate::results::Record;
use crate::single::Single;
use anyhow::Result;

/// One of the others.
#[derive(Clone, Copy)]
pub struct Peer {
    pub name: &'static str,
    /// Single events, from as many connections as everybody has.
    pub post: fn(Single<'_>, &str, &mut Record) -> Result<()>,
}

/// Those that take single events. `eventually-postgres` 0.2.0 is not among them: what it depends on
/// no longer compiles (`refinery-core` 0.3.2 names `serde::export`, which serde 1.0.119 took away).
pub const ALL: [Peer; 4] = [
    Peer { name: "message-db", post: message_db::post },
    Peer { name: "UmaDB", post: crates::umadb },
    Peer { name: "cqrs-es", post: crates::cqrs_es },
    Peer { name: "disintegrate", post: crates::disintegrate },
];
