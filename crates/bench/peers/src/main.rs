//! Drives event stores that are crates: each connection writes one movement after another into its
//! item's stream, as the makers' own examples do. Prints what was measured as JSON.

mod cqrs;
mod disintegrate;
mod load;
mod umadb;

use anyhow::Result;
use clap::{Args, Parser, Subcommand};
use std::path::PathBuf;

#[derive(Parser)]
struct Arguments {
    #[command(subcommand)]
    peer: Peer,
}

#[derive(Subcommand)]
enum Peer {
    CqrsEs(Work),
    Disintegrate(Work),
    Umadb(Work),
    /// A server; its first line of output is its address
    UmadbServer {
        folder: PathBuf,
    },
}

/// What is to be done.
#[derive(Args, Clone)]
pub struct Work {
    /// The database, or the server
    #[arg(long)]
    url: String,
    /// 1 to this many items are written to, all alike
    #[arg(long)]
    items: u64,
    #[arg(long)]
    connections: usize,
    /// Seconds that are not measured
    #[arg(long)]
    warm_up: f64,
    /// Seconds that are measured
    #[arg(long)]
    seconds: f64,
}

fn main() -> Result<()> {
    match Arguments::parse().peer {
        Peer::CqrsEs(work) => runtime()?.block_on(cqrs::run(&work)),
        Peer::Disintegrate(work) => runtime()?.block_on(disintegrate::run(&work)),
        Peer::Umadb(work) => runtime()?.block_on(umadb::run(&work)),
        Peer::UmadbServer { folder } => runtime()?.block_on(umadb::serve(&folder)),
    }
}

fn runtime() -> Result<tokio::runtime::Runtime> {
    Ok(tokio::runtime::Runtime::new()?)
}
