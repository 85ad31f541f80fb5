//! PostgreSQL clusters for the tests: each in a folder of its own, with fsync on, as a user that is
//! not root, on a socket unless a test wants more. They end with the process, however that ends.
#![allow(dead_code, reason = "each test file uses its own part")]

use item_event_store::store::postgres::{PostgresStore, roles_sql};
use item_event_store::store::{Mode, Store as _};
use std::io::{BufRead as _, BufReader, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, OnceLock};
use std::time::Duration;
use tokio::sync::OnceCell;
use tokio_postgres::{Client, NoTls};

/// Makes and starts the cluster, then runs the commands that it is given, a line each, until the
/// test process is gone: then its end of the pipe is closed.
const SCRIPT: &str = r#"
bin=$1 dir=$2 data=$2/data made_by=$3 settings=$4
ctl() { "$bin/pg_ctl" -D "$data" -w -l "$dir/log" "$@"; }
start() { ctl -o "-k '$dir' -c listen_addresses= -c max_connections=300 -c shared_buffers=32MB \
  -c fsync=on $settings" start; }
run() { if eval "$1" >>"$dir/ctl" 2>&1; then echo ready; else echo "failed: $1"; fi; }
run "$made_by && start"
while read -r command; do run "$command"; done
ctl -m immediate stop >>"$dir/ctl" 2>&1
rm -rf "$dir"
"#;

const INITDB: &str = r#""$bin/initdb" -D "$data" -A trust -U postgres -E UTF8 --locale=C -N"#;

/// A database with the tables and the roles, of which the others are copies.
const TEMPLATE: &str = "ies_template";

pub struct Cluster {
    pub folder: PathBuf,
    /// The part of its socket's name that is a port.
    pub port: u16,
    template_made: OnceCell<()>,
    databases: AtomicU64,
    keeper: Mutex<Keeper>,
}

/// The shell beside the cluster. While somebody holds its standard input, the cluster lives.
struct Keeper {
    input: ChildStdin,
    output: BufReader<ChildStdout>,
    _shell: Child,
}

impl Cluster {
    /// The cluster of this process, started when it is first needed.
    pub fn started() -> &'static Self {
        static CLUSTER: OnceLock<Cluster> = OnceLock::new();
        CLUSTER.get_or_init(|| Self::start(INITDB, 5432, ""))
    }

    /// A cluster of a test's own, which may stop it or change its settings: `-c NAME=VALUE …`.
    pub fn of_its_own(settings: &str) -> Self {
        Self::start(INITDB, 5432, settings)
    }

    /// A cluster that also listens on 127.0.0.1.
    pub fn on_loopback() -> Self {
        let free = std::net::TcpListener::bind("127.0.0.1:0").expect("a free port");
        let port = free.local_addr().expect("an address").port();
        drop(free);
        Self::start(INITDB, port, &format!("-c port={port} -c listen_addresses=127.0.0.1"))
    }

    /// A standby that follows this cluster.
    pub fn standby(&self) -> Self {
        let primary = self.folder.display();
        let copied = format!(
            "\"$bin/pg_basebackup\" -D \"$data\" -R -X stream -c fast -d 'host={primary} \
             user=postgres'"
        );
        Self::start(&copied, 5432, "")
    }

    /// Runs a line of shell beside the cluster, as its user: `$bin`, `$data`, `ctl -m fast stop`,
    /// `start`.
    pub fn run(&self, command: &str) {
        let mut keeper = self.keeper.lock().expect("unpoisoned");
        writeln!(keeper.input, "{command}").expect("the keeper listens");
        keeper.heard(&self.folder);
    }

    /// Where a database of it is, for a user of it.
    pub fn url(&self, user: &str, database: &str) -> String {
        format!("postgres://{user}@/{database}?host={}&port={}", self.folder.display(), self.port)
    }

    /// Its socket.
    pub fn socket(&self) -> PathBuf {
        self.folder.join(format!(".s.PGSQL.{}", self.port))
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
        self.template_made.get_or_init(|| self.make_template()).await;
        self.copy_of(TEMPLATE).await
    }

    /// A new database that is the copy of one to which nobody is connected any more.
    pub async fn copy_of(&self, template: &str) -> String {
        let database = format!("promise_{}", self.databases.fetch_add(1, Ordering::SeqCst));
        let admin = self.connect("postgres", "postgres").await;
        let count = "SELECT count(*) FROM pg_stat_activity WHERE datname = $1";
        while admin.query_one(count, &[&template]).await.expect("a count").get::<_, i64>(0) > 0 {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        let make = format!("CREATE DATABASE {database} OWNER ies_owner TEMPLATE {template}");
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
    }

    fn start(made_by: &str, port: u16, settings: &str) -> Self {
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
        command.args(["-c", SCRIPT, "sh"]).arg(bin).arg(&folder).arg(made_by).arg(settings);
        std::os::unix::process::CommandExt::process_group(&mut command, 0);
        let spawned = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn();
        let mut shell = spawned.expect("a shell");
        let input = shell.stdin.take().expect("piped");
        let output = BufReader::new(shell.stdout.take().expect("piped"));
        let mut keeper = Keeper { input, output, _shell: shell };
        keeper.heard(&folder);
        let keeper = Mutex::new(keeper);
        let (template_made, databases) = (OnceCell::new(), AtomicU64::new(0));
        Self { folder, port, template_made, databases, keeper }
    }
}

impl Keeper {
    /// Waits until a command is done.
    fn heard(&mut self, folder: &Path) {
        let mut said = String::new();
        self.output.read_line(&mut said).expect("its output");
        let file = |name: &str| std::fs::read_to_string(folder.join(name)).unwrap_or_default();
        assert_eq!(said, "ready\n", "{}{}", file("ctl"), file("log"));
    }
}

fn owner_is_root(folder: &Path) -> bool {
    use std::os::unix::fs::MetadataExt as _;
    std::fs::metadata(folder).expect("the folder").uid() == 0
}

/// The folder with initdb and its kin: that of Debian's newest version, or one in PATH.
pub fn binaries() -> PathBuf {
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
