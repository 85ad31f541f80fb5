//! pgbouncer between the service and PostgreSQL (F18). As a pooler of sessions it changes nothing,
//! also when it is killed and comes back. As a pooler of transactions, of a version that does not
//! carry prepared statements, it is refused in so many words.

use super::session::Session;
use crate::check::{Promise, Violation};
use crate::cluster::Cluster;
use crate::place::{Backend, Place};
use crate::random::Random;
use crate::run::{Run, Tally};
use anyhow::{Context as _, Result, bail, ensure};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

const CLIENTS: u64 = 5;
const PATIENCE: Duration = Duration::from_secs(20);

pub async fn run(run: &Run, cycles: u64) -> Result<Tally> {
    let mut tally = Tally::default();
    let place = run.place(Backend::Postgres).await?;
    let Place::Postgres { cluster, database } = &place else { bail!("a database") };
    let folder = run.disk().join(format!("pooler-{}", run.number()));
    let url = Cluster::url_at(&folder, database);
    let mut pooler = Pooler::start(&folder, &cluster.folder, "session")?;
    let (mut session, mut server) =
        Session::start_with(run, place.clone(), run.launch(&url), run.seed, CLIENTS).await?;
    for cycle in 0..cycles {
        let mut random = Random::of(run.seed, &[18, cycle]);
        let since = session.load.history.len();
        let mut load = session.cycle(cycle);
        load.goes_on = true;
        let clients = load.start(&server.url);
        tokio::time::sleep(Duration::from_millis(random.below(200) + 50)).await;
        drop(pooler);
        tokio::time::sleep(Duration::from_millis(random.below(200))).await;
        pooler = Pooler::start(&folder, &cluster.folder, "session")?;
        clients.stop().await?;
        let broken = session.settle(&server, since).await?;
        tally.add("kills of the pooler", 1);
        run.say(format!("a pooler: {tally}"));
        if tally.found(broken) {
            return Ok(tally);
        }
    }
    server.terminate()?;
    drop(pooler);
    let _pooler = Pooler::start(&folder, &cluster.folder, "transaction")?;
    tally.add("starts behind a pooler of transactions", 1);
    let output = session.launch.run(&["verify"])?;
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    if output.status.success() || !said.contains("max_prepared_statements") {
        let what = format!("behind a pooler of transactions: {} {said}", output.status);
        tally.broken.push(Violation::new(Promise::I11Errors, what));
    }
    session.launch = run.launch(&cluster.url(database));
    session.verify(run, &mut tally)?;
    Ok(tally)
}

/// A running pgbouncer; killed when it is dropped.
struct Pooler(Child);

impl Pooler {
    /// Listens where PostgreSQL would in `folder`, for the one whose socket is in `to`.
    fn start(folder: &Path, to: &Path, mode: &str) -> Result<Self> {
        std::fs::create_dir_all(folder)?;
        crate::cluster::run(Command::new("chown").arg("nobody").arg(folder))?;
        let settings = folder.join("pgbouncer.ini");
        let (here, to) = (folder.display(), to.display());
        std::fs::write(
            &settings,
            format!(
                "[databases]\n* = host={to} port={port} user=postgres\n\
                 [pgbouncer]\nlisten_addr =\nlisten_port = {port}\nunix_socket_dir = {here}\n\
                 auth_type = any\npool_mode = {mode}\nmax_client_conn = 200\n\
                 default_pool_size = 40\nlogfile = {here}/pgbouncer.log\n",
                port = crate::cluster::PORT
            ),
        )?;
        let socket = folder.join(format!(".s.PGSQL.{}", crate::cluster::PORT));
        let _ = std::fs::remove_file(&socket);
        let child = Command::new("setpriv")
            .args(["--reuid=nobody", "--regid=nogroup", "--clear-groups", "--"])
            .arg(binary()?)
            .arg("-q")
            .arg(&settings)
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .context("starting pgbouncer")?;
        let pooler = Self(child);
        let begun = Instant::now();
        while !socket.exists() {
            ensure!(begun.elapsed() < PATIENCE, "pgbouncer does not listen, see its log in {here}");
            std::thread::sleep(Duration::from_millis(5));
        }
        Ok(pooler)
    }
}

impl Drop for Pooler {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn binary() -> Result<PathBuf> {
    let places = ["/usr/sbin/pgbouncer", "/usr/bin/pgbouncer"].map(PathBuf::from);
    places
        .into_iter()
        .find(|path| path.is_file())
        .context("pgbouncer is needed: ./torture installs it on Debian (package pgbouncer)")
}
