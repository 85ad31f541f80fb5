//! message-db: an event store in PostgreSQL functions, installed from its npm package as its own
//! script does it, driven by pgbench.

use crate::bench::Bench;
use crate::cluster::{Database, run};
use crate::results::Record;
use crate::single::Single;
use anyhow::{Context as _, Result};
use std::path::{Path, PathBuf};
use std::process::Command;

const PACKAGE: &str = "@eventide/message-db@1.3.1";

pub fn post(load: Single<'_>, name: &str, record: &mut Record) -> Result<()> {
    let bench = load.bench;
    record.version("message-db", PACKAGE);
    let database = bench.cluster()?.database()?;
    install(&unpacked(bench)?, &database)?;
    let script = include_str!("../../sql/postgres/write_message.sql");
    let events = load.pgbench(&database, script, name, record)?;
    database.expect_count("message_store.messages", events)?;
    database.discard()
}

/// The package's SQL, fetched once a run.
fn unpacked(bench: &Bench) -> Result<PathBuf> {
    let folder = bench.scratch().join("message-db");
    let sql = folder.join("package/database");
    if !sql.exists() {
        std::fs::create_dir_all(&folder)?;
        let said =
            run(Command::new("npm").args(["pack", "--silent", PACKAGE]).current_dir(&folder))
                .context("npm is needed to fetch message-db")?;
        let archive = said.lines().last().context("npm pack prints the archive's name")?;
        run(Command::new("tar").args(["-xzf", archive]).current_dir(&folder))?;
    }
    Ok(sql)
}

/// Runs the package's own installer on a database that exists already.
fn install(sql: &Path, database: &Database) -> Result<()> {
    let mut command = database.command("bash");
    command.arg(sql.join("install.sh")).env("CREATE_DATABASE", "off");
    run(command.env("DATABASE_NAME", &database.name))?;
    // Its functions are written for clients whose path this is.
    let path = format!("ALTER DATABASE {} SET search_path TO message_store, public", database.name);
    database.psql(&["-c", &path]).map(drop)
}
