//! Migrations: numbered files, forward only, each recorded with its checksum.

use super::connection::{Connection, Connections, InTransaction};
use super::rows::Cells;
use super::statements::{APPLIED_MIGRATIONS, INSERT_MIGRATION, LOCK_MIGRATIONS, SCHEMA_EXISTS};
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

const MIGRATIONS: &[Migration] = &[migration!("0001_tables"), migration!("0002_guards")];

/// The roles that the tables are meant for, for a database administrator to make.
const ROLES: (&str, &str) =
    ("roles", include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/sql/postgres/roles.sql")));

/// The schema as the migrations make it, each with the record that it was applied, and then the
/// roles: SQL for people to read and to apply.
#[must_use]
pub fn schema_sql() -> String {
    let mut text = String::new();
    for migration in MIGRATIONS {
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
    let applied = applied(&connections.get().await?).await?;
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
    let conn = InTransaction::new(connections.get().await?);
    conn.batch("BEGIN").await?;
    let done = match apply(&conn).await {
        Ok(()) => conn.batch("COMMIT").await,
        Err(error) => Err(error),
    };
    conn.end().await;
    done.map_err(|error| match error {
        StoreError::Refused(why) => {
            tracing::warn!(why, "the schema is its owner's to make: migrate as ies_owner");
            version_error(applied)
        }
        other => other,
    })
}

async fn apply(conn: &Connection) -> Result<()> {
    conn.query(LOCK_MIGRATIONS, &[]).await?;
    // Somebody may have been here while this waited.
    for migration in &MIGRATIONS[applied(conn).await?..] {
        conn.batch(migration.sql).await?;
        let (sha256, now) = (migration.sha256(), Timestamp::now());
        conn.execute(INSERT_MIGRATION, &[&migration.name, &sha256, &now]).await?;
        failpoint!("mid_migration");
    }
    Ok(())
}

/// How many are applied; refuses a database that has other ones.
async fn applied(conn: &Connection) -> Result<usize> {
    let rows = conn.query(SCHEMA_EXISTS, &[]).await?;
    let row = Cells(rows.first().ok_or_else(|| StoreError::Failed("no catalog".into()))?);
    if !row.get(0)? {
        return if row.get(1)? {
            Err(StoreError::Corrupt("the database is another program's".into()))
        } else {
            Ok(0)
        };
    }
    let applied = conn.query(APPLIED_MIGRATIONS, &[]).await?;
    let mut agreeing = 0;
    for (row, known) in applied.iter().zip(MIGRATIONS) {
        let (name, sha256): (&str, &str) = (Cells(row).get(0)?, Cells(row).get(1)?);
        if name != known.name || sha256 != known.sha256() {
            break;
        }
        agreeing += 1;
    }
    if agreeing == applied.len() {
        Ok(agreeing)
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
    fn sha256(self) -> String {
        sha2::Sha256::digest(self.sql).iter().fold(String::new(), |mut hex, byte| {
            let _ = write!(hex, "{byte:02x}");
            hex
        })
    }
}
