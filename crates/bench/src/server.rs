//! `ies serve`, as an operator starts it: on a store and a free port, stopped or killed by its own
//! process id. Its token's rate is not limited: the limit is a setting, not what is measured.

use crate::http::Caller;
use anyhow::{Context as _, Result, bail, ensure};
use rustix::process::{Pid, Signal, kill_process};
use std::io::{BufRead as _, BufReader};
use std::net::SocketAddr;
use std::path::Path;
use std::process::{Child, Command, Stdio};

/// A running server; killed when it is dropped.
pub struct Server {
    process: Child,
    pub address: SocketAddr,
    pub token: String,
}

impl Server {
    /// Starts it and waits until it listens. `token`: the one that the store's first start gave.
    pub fn start(program: &Path, store: &str, token: Option<&str>) -> Result<Self> {
        Self::start_by(Command::new(program), store, token)
            .with_context(|| format!("starting {}", program.display()))
    }

    /// The same by a command that will take the program's arguments.
    pub fn start_by(mut command: Command, store: &str, token: Option<&str>) -> Result<Self> {
        let mut process = command
            .args(["serve", "--addr", "127.0.0.1:0", "--requests-per-second", "0", "--store"])
            .arg(store)
            .env_remove("IES_TOKEN")
            .env_remove("IES_SERVER")
            .env("IES_LOG", "error")
            .stdout(Stdio::piped())
            .spawn()?;
        let (mut address, mut token) = (None, token.map(ToOwned::to_owned));
        let stdout = process.stdout.take().context("a pipe")?;
        for line in BufReader::new(stdout).lines() {
            let line = line?;
            if let Some(secret) = line.strip_prefix("admin token: ") {
                token = Some(secret.to_owned());
            }
            if let Some((_, found)) = line.split_once("http://") {
                address = Some(found.trim().parse()?);
                break;
            }
        }
        let Some(address) = address else { bail!("ies serve ended: {}", process.wait()?) };
        let token = token.context("the store has a token that nobody knows")?;
        Ok(Self { process, address, token })
    }

    pub fn pid(&self) -> u32 {
        self.process.id()
    }

    /// A connection outside of any measurement.
    pub fn caller(&self) -> Result<Caller> {
        Caller::connect(self.address, &self.token)
    }

    /// How many events the ledger has, as the server says.
    pub fn position(&self) -> Result<i64> {
        let reply = self.caller()?.get("/v1/inventory?limit=1")?;
        ensure!(reply.status == 200, "answered {}: {}", reply.status, reply.body);
        reply.body["position"].as_i64().context("a position")
    }

    /// Asks it to stop, and waits until it has.
    pub fn stop(mut self) -> Result<()> {
        kill_process(Pid::from_child(&self.process), Signal::TERM)?;
        let status = self.process.wait()?;
        ensure!(status.success(), "ies serve ended with {status}");
        Ok(())
    }

    /// kill -9.
    pub fn kill(mut self) -> Result<()> {
        self.process.kill()?;
        self.process.wait()?;
        Ok(())
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
