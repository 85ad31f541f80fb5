//! Simulated loss of power (F3, F4): a real file system on a loop device is shut down under the
//! running server, so that whatever was not synced is gone. The server's processes are stopped
//! first: nothing is under way while the ioctl is carried out.

use super::session::Session;
use crate::check::{Promise, Violation};
use crate::cluster::{Cluster, run as command};
use crate::place::{Backend, Place};
use crate::random::Random;
use crate::run::{Run, Tally};
use crate::server::Server;
use anyhow::{Context as _, Result};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;
use std::time::Duration;

const CLIENTS: u64 = 5;
/// `FS_IOC_SHUTDOWN` with the flag that nothing is written out first.
const SHUTDOWN: &str = "import fcntl,os,struct,sys\n\
    fcntl.ioctl(os.open(sys.argv[1], os.O_RDONLY), 0x8004587d, struct.pack('I', 2))";

/// An ext4 file system in a file.
struct Ext4 {
    image: PathBuf,
    path: PathBuf,
    mounted: bool,
}

impl Ext4 {
    fn make(folder: &Path, megabytes: u64) -> Result<Self> {
        let (image, path) = (folder.join("disk.img"), folder.join("disk"));
        std::fs::create_dir_all(&path)?;
        std::fs::File::create(&image)?.set_len(megabytes << 20)?;
        command(Command::new("mkfs.ext4").args(["-q", "-F"]).arg(&image))
            .context("a simulated loss of power needs mkfs.ext4 (Debian: e2fsprogs)")?;
        let mut ext4 = Self { image, path, mounted: false };
        ext4.mount()?;
        Ok(ext4)
    }

    fn mount(&mut self) -> Result<()> {
        command(Command::new("mount").args(["-o", "loop"]).arg(&self.image).arg(&self.path))
            .context("a simulated loss of power needs root and loop devices")?;
        self.mounted = true;
        Ok(())
    }

    fn unmount(&mut self) -> Result<()> {
        command(Command::new("umount").arg(&self.path))?;
        self.mounted = false;
        Ok(())
    }

    /// Everything that was not synced is gone. Nobody may be writing.
    fn shut_down(&self) -> Result<()> {
        command(Command::new("python3").args(["-c", SHUTDOWN]).arg(&self.path))
    }

    fn come_back(&mut self) -> Result<()> {
        self.unmount()?;
        self.mount()
    }
}

impl Drop for Ext4 {
    fn drop(&mut self) {
        if self.mounted {
            let _ = Command::new("umount").arg("-l").arg(&self.path).status();
        }
    }
}

pub async fn run(run: &Run, backend: Backend, losses: u64) -> Result<Tally> {
    match backend {
        Backend::Sqlite => sqlite(run, losses).await,
        Backend::Postgres => postgres(run, losses).await,
    }
}

/// The next cycle begins on what the last one left.
async fn sqlite(run: &Run, losses: u64) -> Result<Tally> {
    let mut tally = Tally::default();
    let mut ext4 = Ext4::make(&run.disk().join(format!("ext4-{}", run.number())), 128)?;
    let mut done = 0;
    while done < losses && tally.broken.is_empty() {
        let place = Place::Sqlite(ext4.path.join(format!("store-{done}")));
        let seed = Random::of(run.seed, &[4, done]).next();
        let (mut session, mut server) = Session::start(run, place, seed, CLIENTS).await?;
        for cycle in 0..20.min(losses - done) {
            let since = session.load.history.len();
            let clients = session.cycle(cycle).start(&server.url);
            tokio::time::sleep(instant(seed, cycle)).await;
            server.freeze()?;
            ext4.shut_down()?;
            server.kill()?;
            clients.stop().await?;
            ext4.come_back()?;
            done += 1;
            tally.add("losses of power", 1);
            server = match restarted(&session, &mut tally) {
                Some(server) => server,
                None => return Ok(tally),
            };
            let broken = session.settle(&server, since).await?;
            run.say(format!("loss of power, sqlite: {tally}"));
            if tally.found(broken) {
                return Ok(tally);
            }
        }
        server.terminate()?;
        session.verify(run, &mut tally)?;
    }
    Ok(tally)
}

fn instant(seed: u64, cycle: u64) -> Duration {
    Duration::from_micros(Random::of(seed, &[cycle]).below(180_000) + 40_000)
}

fn restarted(session: &Session, tally: &mut Tally) -> Option<Server> {
    match session.launch.start() {
        Ok(server) => Some(server),
        Err(error) => {
            let what = format!("after a loss of power: {error:#}");
            tally.broken.push(Violation::new(Promise::I11Errors, what));
            None
        }
    }
}

async fn postgres(run: &Run, losses: u64) -> Result<Tally> {
    let mut tally = Tally::default();
    let folder = run.disk().join(format!("pgdisk-{}", run.number()));
    let mut ext4 = Ext4::make(&folder, 512)?;
    let cluster = Arc::new(Cluster::create(&folder.join("run"), &ext4.path.join("data"))?);
    cluster.start("")?;
    cluster.create_database("run").await?;
    let place = Place::Postgres { cluster: Arc::clone(&cluster), database: "run".into() };
    let (mut session, mut server) = Session::start(run, place, run.seed, CLIENTS).await?;
    for cycle in 0..losses {
        let since = session.load.history.len();
        let mut load = session.cycle(cycle);
        load.goes_on = true;
        let clients = load.start(&server.url);
        tokio::time::sleep(instant(run.seed, cycle) + Duration::from_millis(400)).await;
        server.freeze()?;
        let processes = cluster.freeze()?;
        ext4.shut_down()?;
        server.kill()?;
        Cluster::kill(&processes)?;
        let _ = clients.stop().await;
        ext4.come_back()?;
        cluster.start("")?;
        tally.add("losses of power", 1);
        server = match restarted(&session, &mut tally) {
            Some(server) => server,
            None => return Ok(tally),
        };
        let broken = session.settle(&server, since).await?;
        run.say(format!("loss of power, postgres: {tally}"));
        if tally.found(broken) {
            break;
        }
    }
    server.terminate()?;
    if tally.broken.is_empty() {
        session.verify(run, &mut tally)?;
    }
    cluster.stop("immediate")?;
    ext4.unmount()?;
    Ok(tally)
}
