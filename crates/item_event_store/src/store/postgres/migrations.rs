//! Migrations: numbered files, forward only, each recorded with its checksum.

use super::connection::{Connection, Connections, InTransaction};
use super::rows::Cells;
use super::statements::{
    APPLIED_MIGRATIONS, HAS_CITUS, INSERT_MIGRATION, LOCK_MIGRATIONS, SCHEMA_EXISTS,
};
use crate::error::StoreError;
use crate::failpoint::failpoint;
use crate::store::{Mode, Result};
use crate::time::Timestamp;
use sha2::Digest as _;
use std::fmt::Write as _;

/// One file. Released ones are never edited.
#[derive(Clone, Copy, Debug)]
pub(super) struct Migration {
    name: &'static str,
    sql: &'static str,
}

/// Binds a name to the text of its file.
macro_rules! migration {
    ($name:literal) => {
        Migration {
            name: $name,
            sql: include_str!(concat!(
                env!("CARGO_MANIFEST_DIR"),
                "/sql/postgres/migrations/",
                $name,
                ".sql"
            )),
        }
    };
}

const MIGRATIONS: &[Migration] =
    &[migration!("0001_tables"), migration!("0002_guards"), migration!("0003_append")];

/// What Citus wants instead of guards, after the migrations. Recorded among them.
const CITUS: Migration = Migration {
    name: "citus",
    sql: include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/sql/postgres/citus.sql")),
};

/// The roles that the tables are meant for, for a database administrator to make.
const ROLES: (&str, &str) =
    ("roles", include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/sql/postgres/roles.sql")));

/// The schema as the migrations make it, for Citus if so wished, each part with the record that it
/// was applied, and then the roles: SQL for people to read and to apply in one transaction.
#[must_use]
pub fn schema_sql(citus: bool) -> String {
    let mut text = String::new();
    for migration in MIGRATIONS.iter().chain(citus.then_some(&CITUS)) {
        let Migration { name, sql } = migration;
        let _ = writeln!(
            text,
            "-- {name}.sql\n{sql}\nINSERT INTO migrations (name, sha256, applied_at)\n\
             VALUES ('{name}', '{}', now());\n",
            migration.sha256()
        );
    }
    let (name, sql) = ROLES;
    let _ = writeln!(text, "-- {name}.sql\n{sql}");
    text
}

/// The statements that make the roles and say what they may do.
#[must_use]
pub fn roles_sql() -> &'static str {
    ROLES.1
}

/// In [`Mode::Write`] applies what is missing; else refuses a database that lacks something.
pub(super) async fn migrate(connections: &Connections) -> Result<()> {
    let applied = applied(&connections.get().await?).await?.migrations;
    if applied == MIGRATIONS.len() {
        return Ok(());
    }
    if connections.mode() == Mode::Read {
        return Err(match applied {
            0 => StoreError::NotFound(
                "there is no store in the database: 'ies migrate' makes it".into(),
            ),
            _ => version_error(applied),
        });
    }
    let missing = async |conn: &Connection| {
        for migration in &MIGRATIONS[self::applied(conn).await?.migrations..] {
            apply(conn, migration).await?;
            failpoint!("mid_migration");
        }
        Ok(())
    };
    alone(connections, missing).await.map_err(|error| match error {
        StoreError::Refused(why) => {
            tracing::warn!(why, "the schema is its owner's to make: migrate as ies_owner");
            version_error(applied)
        }
        other => other,
    })
}

/// Distributes the tables, unless they are.
pub(super) async fn distribute(connections: &Connections, required: bool) -> Result<bool> {
    let rows = connections.get().await?.query(HAS_CITUS, &[]).await?;
    let has_citus: bool = rows.first().map_or(Ok(false), |row| Cells(row).get(0))?;
    if !has_citus && required {
        return Err(StoreError::Config(
            "the database is without the extension citus: CREATE EXTENSION citus first".into(),
        ));
    }
    let missing = async |conn: &Connection| {
        if applied(conn).await?.distributed { Ok(()) } else { apply(conn, &CITUS).await }
    };
    if has_citus {
        alone(connections, missing).await?;
    }
    Ok(has_citus)
}

/// Whether the tables are distributed by Citus, and so without triggers.
pub(super) async fn are_distributed(conn: &Connection) -> Result<bool> {
    Ok(applied(conn).await?.distributed)
}

/// Changes the schema in one transaction, in which nobody else does. Somebody may have been there
/// while this waited.
async fn alone(
    connections: &Connections,
    change: impl AsyncFnOnce(&Connection) -> Result<()>,
) -> Result<()> {
    let conn = InTransaction::new(connections.get().await?);
    conn.batch("BEGIN").await?;
    conn.query(LOCK_MIGRATIONS, &[]).await?;
    let done = match change(&conn).await {
        Ok(()) => conn.batch("COMMIT").await,
        Err(error) => Err(error),
    };
    conn.end().await;
    done
}

async fn apply(conn: &Connection, migration: &Migration) -> Result<()> {
    conn.batch(migration.sql).await?;
    let (sha256, now) = (migration.sha256(), Timestamp::now());
    conn.execute(INSERT_MIGRATION, &[&migration.name, &sha256, &now]).await?;
    Ok(())
}

/// What a database has.
#[derive(Default)]
struct Applied {
    migrations: usize,
    distributed: bool,
}

/// What is applied; refuses a database that has other ones.
async fn applied(conn: &Connection) -> Result<Applied> {
    let rows = conn.query(SCHEMA_EXISTS, &[]).await?;
    let row = Cells(rows.first().ok_or_else(|| StoreError::Failed("no catalog".into()))?);
    if !row.get(0)? {
        return if row.get(1)? {
            Err(StoreError::Corrupt("the database is another program's".into()))
        } else {
            Ok(Applied::default())
        };
    }
    let rows = conn.query(APPLIED_MIGRATIONS, &[]).await?;
    let names: Result<Vec<_>> =
        rows.iter().map(|row| Ok((Cells(row).get(0)?, Cells(row).get(1)?))).collect();
    let mut applied: Vec<(&str, String)> = names?;
    let with_citus = applied.len();
    applied.retain(|found| *found != CITUS.record());
    let distributed = applied.len() < with_citus;
    let agreeing = applied.iter().zip(MIGRATIONS).take_while(|(a, b)| **a == b.record()).count();
    if agreeing == applied.len() {
        Ok(Applied { migrations: agreeing, distributed })
    } else if applied.len() > MIGRATIONS.len() {
        Err(version_error(applied.len()))
    } else {
        Err(version_error(agreeing))
    }
}

fn version_error(found: usize) -> StoreError {
    let number = |n: usize| i64::try_from(n).expect("a number of migrations");
    StoreError::SchemaVersion { found: number(found), supported: number(MIGRATIONS.len()) }
}

impl Migration {
    /// What `migrations` says of it.
    fn record(self) -> (&'static str, String) {
        (self.name, self.sha256())
    }

    fn sha256(self) -> String {
        sha2::Sha256::digest(self.sql).iter().fold(String::new(), |mut hex, byte| {
            let _ = write!(hex, "{byte:02x}");
            hex
        })
    }
}
