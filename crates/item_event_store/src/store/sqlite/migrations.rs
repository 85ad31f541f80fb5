//! Migrations: numbered files, forward only, each recorded with its checksum.

use super::statements::{APPLIED_MIGRATIONS, INSERT_MIGRATION, SCHEMA_OBJECTS};
use crate::error::StoreError;
use crate::failpoint::failpoint;
use crate::store::Result;
use crate::time::Timestamp;
use rusqlite::{Connection, Transaction};
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
    ($folder:literal, $name:literal) => {
        Migration {
            name: $name,
            sql: include_str!(concat!(
                env!("CARGO_MANIFEST_DIR"),
                "/sql/sqlite/",
                $folder,
                "/",
                $name,
                ".sql"
            )),
        }
    };
}

/// Those of a ledger's file.
pub(super) const LEDGER: &[Migration] =
    &[migration!("migrations", "0001_tables"), migration!("migrations", "0002_guards")];

/// Those of `store.db`.
pub(super) const TOKENS: &[Migration] = &[migration!("store_migrations", "0001_tokens")];

/// The schema of a ledger's file, as the migrations make it: SQL for people to read.
#[must_use]
pub fn schema_sql() -> String {
    LEDGER.iter().fold(String::new(), |mut text, migration| {
        let _ = writeln!(text, "-- {}.sql\n{}", migration.name, migration.sql);
        text
    })
}

/// Applies what is missing, then runs `then` in the same transaction.
pub(super) fn migrate(
    conn: &mut Connection,
    migrations: &[Migration],
    then: impl FnOnce(&Transaction<'_>) -> Result<()>,
) -> Result<()> {
    let tx = conn.transaction_with_behavior(rusqlite::TransactionBehavior::Immediate)?;
    let applied = applied(&tx, migrations)?;
    for migration in &migrations[applied..] {
        tx.execute_batch(migration.sql)?;
        tx.execute(
            INSERT_MIGRATION,
            (migration.name, migration.sha256(), Timestamp::now().micros()),
        )?;
        failpoint!("mid_migration");
    }
    then(&tx)?;
    tx.commit()?;
    Ok(())
}

/// Refuses a file that is not at the newest version.
pub(super) fn check_current(conn: &Connection, migrations: &[Migration]) -> Result<()> {
    let applied = applied(conn, migrations)?;
    if applied == migrations.len() { Ok(()) } else { Err(version_error(applied, migrations)) }
}

/// How many are applied; refuses a file that has other ones.
fn applied(conn: &Connection, migrations: &[Migration]) -> Result<usize> {
    if !conn.table_exists(None, "migrations")? {
        let mut objects = conn.prepare(SCHEMA_OBJECTS)?;
        return if objects.exists([])? {
            Err(StoreError::Corrupt("the file is a database of another program".into()))
        } else {
            Ok(0)
        };
    }
    let mut statement = conn.prepare(APPLIED_MIGRATIONS)?;
    let rows = statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?;
    let applied = rows.collect::<rusqlite::Result<Vec<(String, String)>>>()?;
    let agreeing = applied
        .iter()
        .zip(migrations)
        .take_while(|((name, sha256), known)| name == known.name && *sha256 == known.sha256())
        .count();
    if agreeing == applied.len() {
        Ok(agreeing)
    } else if applied.len() > migrations.len() {
        Err(version_error(applied.len(), migrations))
    } else {
        Err(version_error(agreeing, migrations))
    }
}

fn version_error(found: usize, migrations: &[Migration]) -> StoreError {
    let number = |n: usize| i64::try_from(n).expect("a number of migrations");
    StoreError::SchemaVersion { found: number(found), supported: number(migrations.len()) }
}

impl Migration {
    fn sha256(self) -> String {
        sha2::Sha256::digest(self.sql).iter().fold(String::new(), |mut hex, byte| {
            let _ = write!(hex, "{byte:02x}");
            hex
        })
    }
}

#[cfg(test)]
mod tests {
    use super::super::statements;
    use super::*;

    fn migrated(migrations: &[Migration]) -> Connection {
        let mut conn = Connection::open_in_memory().expect("memory");
        migrate(&mut conn, migrations, |_| Ok(())).expect("a schema");
        conn
    }

    #[test]
    fn every_statement_is_good_sql_for_one_of_the_schemas() {
        let (ledger, tokens) = (migrated(LEDGER), migrated(TOKENS));
        for (name, sql) in statements::ALL {
            let good = [&ledger, &tokens].iter().any(|conn| conn.prepare(sql).is_ok());
            assert!(good, "{name}: {:?}", ledger.prepare(sql).err());
            assert!(sql.starts_with("-- "), "{name} does not say what its parameters are");
        }
    }

    #[test]
    fn a_newer_or_edited_migration_is_refused() {
        let edited = [Migration { name: "0001_tables", sql: "SELECT 1" }, LEDGER[1]];
        let conn = migrated(LEDGER);
        let refused = |found, supported| Err(StoreError::SchemaVersion { found, supported });
        assert_eq!(check_current(&conn, LEDGER), Ok(()));
        assert_eq!(check_current(&conn, &LEDGER[..1]), refused(2, 1));
        assert_eq!(check_current(&conn, &edited), refused(0, 2));
        assert_eq!(check_current(&migrated(&LEDGER[..1]), LEDGER), refused(1, 2));
    }

    #[test]
    fn a_database_of_another_program_is_left_alone() {
        let mut conn = Connection::open_in_memory().expect("memory");
        conn.execute_batch("CREATE TABLE notes (text TEXT)").expect("a table");
        let refused = migrate(&mut conn, LEDGER, |_| Ok(()));
        assert!(matches!(refused, Err(StoreError::Corrupt(_))), "{refused:?}");
    }
}
