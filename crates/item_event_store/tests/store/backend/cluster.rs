//! A PostgreSQL cluster for one run of the tests: in a folder of its own, on a socket only, with
//! fsync on, as a user that is not root. It ends with the process, however that ends.

use item_event_store::store::postgres::{PostgresStore, roles_sql};
use item_event_store::store::{Mode, Store as _};
use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;
use tokio::sync::OnceCell;
use tokio_postgres::{Client, NoTls};

/// Makes and starts the cluster, says so, and waits until the test process is gone: then its end of
/// the pipe is closed.
const SCRIPT: &str = r#"
set -e
bin=$1 dir=$2
"$bin/initdb" -D "$dir/data" -A trust -U postgres -E UTF8 --locale=C -N >"$dir/log" 2>&1
"$bin/pg_ctl" -D "$dir/data" -w -l "$dir/log" -o "-k '$dir' -c listen_addresses= \
  -c max_connections=300 -c shared_buffers=32MB -c fsync=on" start >"$dir/ctl" 2>&1
echo ready
read _ || true
"$bin/pg_ctl" -D "$dir/data" -m immediate stop >"$dir/ctl" 2>&1 || true
rm -rf "$dir"
"#;

/// A database with the tables and the roles, of which the others are copies.
const TEMPLATE: &str = "ies_template";

pub struct Cluster {
    pub folder: PathBuf,
    // Whoever holds the other end of its standard input keeps the cluster alive.
    _keeper: Child,
}

impl Cluster {
    /// The cluster of this process, started when it is first needed.
    pub fn started() -> &'static Self {
        static CLUSTER: OnceLock<Cluster> = OnceLock::new();
        CLUSTER.get_or_init(Self::start)
    }

    /// Where a database of it is, for a user of it.
    pub fn url(&self, user: &str, database: &str) -> String {
        format!("postgres://{user}@/{database}?host={}", self.folder.display())
    }

    /// Connects as a shell does.
    pub async fn connect(&self, user: &str, database: &str) -> Client {
        let url = self.url(user, database);
        let (client, connection) = tokio_postgres::connect(&url, NoTls).await.expect("connects");
        tokio::spawn(connection);
        client
    }

    /// A new database with empty tables.
    pub async fn new_database(&self) -> String {
        static NUMBER: AtomicU64 = AtomicU64::new(0);
        static TEMPLATE_MADE: OnceCell<()> = OnceCell::const_new();
        TEMPLATE_MADE.get_or_init(|| self.make_template()).await;
        let database = format!("promise_{}", NUMBER.fetch_add(1, Ordering::SeqCst));
        let admin = self.connect("postgres", "postgres").await;
        let make = format!("CREATE DATABASE {database} TEMPLATE {TEMPLATE}");
        admin.batch_execute(&make).await.expect("a database");
        database
    }

    /// The owner migrates, an administrator gives the rights.
    async fn make_template(&self) {
        let admin = self.connect("postgres", "postgres").await;
        admin.batch_execute("CREATE ROLE ies_owner LOGIN").await.expect("a role");
        let make = format!("CREATE DATABASE {TEMPLATE} OWNER ies_owner");
        admin.batch_execute(&make).await.expect("a database");
        let url = self.url("ies_owner", TEMPLATE);
        let store = PostgresStore::open(&url, Mode::Write).await.expect("a store");
        assert!(store.tokens().await.expect("migrated").is_empty());
        drop(store);
        let in_template = self.connect("postgres", TEMPLATE).await;
        in_template.batch_execute(roles_sql()).await.expect("roles");
        drop(in_template);
        // A database is copied only while nobody is connected to it.
        let count = "SELECT count(*) FROM pg_stat_activity WHERE datname = $1";
        while admin.query_one(count, &[&TEMPLATE]).await.expect("a count").get::<_, i64>(0) > 0 {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }

    fn start() -> Self {
        let bin = binaries();
        // A socket's path is short, and every user must reach it.
        let folder = tempfile::Builder::new().prefix("ies-pg-").tempdir_in("/tmp");
        let folder = folder.expect("a folder").keep();
        let mut command = if owner_is_root(&folder) {
            let given = Command::new("chown").arg("nobody").arg(&folder).status();
            assert!(given.is_ok_and(|status| status.success()), "the folder is given to nobody");
            let mut command = Command::new("runuser");
            command.args(["-u", "nobody", "--", "sh"]);
            command
        } else {
            Command::new("sh")
        };
        command.args(["-c", SCRIPT, "sh"]).arg(bin).arg(&folder);
        std::os::unix::process::CommandExt::process_group(&mut command, 0);
        let spawned = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn();
        let mut keeper = spawned.expect("a shell");
        let mut said = String::new();
        let output = keeper.stdout.take().expect("piped");
        BufReader::new(output).read_line(&mut said).expect("its output");
        let log = || std::fs::read_to_string(folder.join("log")).unwrap_or_default();
        assert_eq!(said, "ready\n", "PostgreSQL did not start: {}", log());
        Self { folder, _keeper: keeper }
    }
}

fn owner_is_root(folder: &Path) -> bool {
    use std::os::unix::fs::MetadataExt as _;
    std::fs::metadata(folder).expect("the folder").uid() == 0
}

/// The folder with initdb and its kin: that of Debian's newest version, or one in PATH.
fn binaries() -> PathBuf {
    let versions = std::fs::read_dir("/usr/lib/postgresql").into_iter().flatten().flatten();
    let mut folders: Vec<_> = versions.map(|version| version.path().join("bin")).collect();
    folders.sort();
    folders.reverse();
    folders.extend(std::env::split_paths(&std::env::var_os("PATH").unwrap_or_default()));
    folders.into_iter().find(|folder| folder.join("initdb").is_file()).expect(
        "the tests need PostgreSQL's server, 13 or later: install it (Debian: apt-get install \
         postgresql) or put its initdb and pg_ctl into PATH",
    )
}
