//! A store under load: a server that is started and killed, clients, a follower, and the check.

use crate::check::{self, Promise, Violation};
use crate::follow::Follower;
use crate::generate::Seen;
use crate::history::History;
use crate::load::{Load, Tokens, acknowledged};
use crate::place::Place;
use crate::run::{Run, Tally, panics};
use crate::server::{Launch, Server};
use crate::witness::Witness;
use anyhow::{Context as _, Result, ensure};
use serde_json::json;
use std::sync::Arc;

/// One store, from its making to its last check.
pub struct Session {
    pub place: Place,
    pub launch: Launch,
    pub load: Load,
    pub follower: Follower,
}

impl Session {
    /// Makes a store and starts a server on it. The server is running.
    pub async fn start(run: &Run, place: Place, seed: u64, clients: u64) -> Result<(Self, Server)> {
        let launch = run.launch(&place.store());
        Self::start_with(run, place, launch, seed, clients).await
    }

    pub async fn start_with(
        run: &Run,
        place: Place,
        launch: Launch,
        seed: u64,
        clients: u64,
    ) -> Result<(Self, Server)> {
        let server = launch.start()?;
        let admin = server.token.clone().context("the first start prints a token")?;
        let name = format!("s{}", run.number());
        let history = History::create(&run.safe().join(format!("{name}.jsonl")))?;
        let load = Load {
            history: Arc::new(history),
            seen: Arc::new(Seen::default()),
            tokens: Tokens::make(&server.url, &admin).await?,
            name,
            seed,
            clients,
            goes_on: false,
        };
        load.prepare(&server.url).await?;
        Ok((Self { place, launch, load, follower: Follower::default() }, server))
    }

    /// The same on another ledger of the store, which is made.
    pub async fn beside(&self, run: &Run, server: &Server, ledger: &str) -> Result<Self> {
        let body = json!({ "name": ledger });
        let headers = [("content-type", "application/json"), ("idempotency-key", ledger)];
        let admin = self.load.tokens.admin(&server.url);
        let made = admin.ask("POST", "/v1/ledgers", &headers, &body).await?;
        ensure!(made.status == 201, "making a ledger: {made:?}");
        let name = format!("s{}", run.number());
        let history = History::create(&run.safe().join(format!("{name}.jsonl")))?;
        let load = Load {
            history: Arc::new(history),
            seen: Arc::new(Seen::default()),
            tokens: Tokens { ledger: ledger.to_owned(), ..self.load.tokens.clone() },
            name,
            ..self.load.clone()
        };
        load.prepare(&server.url).await?;
        let (place, launch) = (self.place.clone(), self.launch.clone().env("IES_LEDGER", ledger));
        Ok(Self { place, launch, load, follower: Follower::default() })
    }

    /// Everything that the database holds of its ledger.
    pub async fn witness(&self) -> Result<Witness> {
        self.place.witness(&self.load.tokens.ledger).await
    }

    /// The load of one cycle: its keys and its commands are its own.
    pub fn cycle(&self, cycle: u64) -> Load {
        let mut load = self.load.clone();
        load.name = format!("{}-{cycle}", load.name);
        load.seed = crate::random::Random::of(load.seed, &[cycle]).next();
        load
    }

    /// Waits until the server says that it is ready.
    pub async fn ready(&self, server: &Server) -> Result<Vec<Violation>> {
        let client = self.load.tokens.admin(&server.url);
        for _ in 0..600 {
            if client.get("/readyz").await.is_ok_and(|reply| reply.status == 200) {
                return Ok(Vec::new());
            }
            tokio::time::sleep(std::time::Duration::from_millis(50)).await;
        }
        Ok(vec![Violation::new(Promise::I11Errors, "the server is not ready after 30 s")])
    }

    /// After recovery: finds out what became of everything, lets the follower catch up, and holds
    /// all of it against the database.
    pub async fn settle(&mut self, server: &Server, since: usize) -> Result<Vec<Violation>> {
        let mut broken = self.ready(server).await?;
        if !broken.is_empty() {
            return Ok(broken);
        }
        self.load.resolve(&server.url, since).await?;
        let witness = match self.witness().await {
            Ok(witness) => witness,
            Err(error) => {
                let what = format!("the database cannot be read: {error:#}");
                return Ok(vec![Violation::new(Promise::I10Storage, what)]);
            }
        };
        let client = self.load.tokens.admin(&server.url);
        match self.follower.open(&client).await {
            Ok(mut stream) => self.follower.read_to(&mut stream, witness.position).await?,
            Err(error) => {
                let what = format!("the follower cannot resume: {error:#}");
                broken.push(Violation::new(Promise::I8Followers, what));
            }
        }
        if self.follower.position() < witness.position {
            let what = format!("the follower stays at {}", self.follower.position());
            broken.push(Violation::new(Promise::I8Followers, what));
        }
        self.follower.check(&witness, &mut broken);
        broken.extend(check::check(&self.load.history.ops(), &witness));
        Ok(broken)
    }

    /// A follower of another history is told, and gets no event.
    pub async fn told(&self, server: &Server, follower: &Follower) -> Result<Option<Violation>> {
        let client = self.load.tokens.admin(&server.url);
        let (status, code) = follower.refusal(&client).await?;
        Ok((code != "history_diverged").then(|| {
            let what = format!("a follower of another history is answered {status} {code}");
            Violation::new(Promise::I9History, what)
        }))
    }

    /// The product's own verification, and what it left behind.
    pub fn verify(&self, run: &Run, tally: &mut Tally) -> Result<()> {
        let output = self.launch.run(&["verify"])?;
        if !output.status.success() {
            let said = String::from_utf8_lossy(&output.stdout).into_owned();
            let error = String::from_utf8_lossy(&output.stderr).into_owned();
            let what = format!("ies verify: {said}{error}");
            tally.broken.push(Violation::new(Promise::I10Storage, what));
        }
        if let Place::Sqlite(folder) = &self.place {
            tally.broken.extend(left_behind(folder)?);
        }
        tally.broken.extend(panics(&run.log())?);
        tally.add("acknowledged writes", acknowledged(&self.load.history.ops()));
        tally.add("calls", self.load.history.len());
        Ok(())
    }
}

/// Files of a store that none of its own are.
fn left_behind(folder: &std::path::Path) -> Result<Vec<Violation>> {
    let mut broken = Vec::new();
    for entry in std::fs::read_dir(folder)? {
        let name = entry?.file_name().to_string_lossy().into_owned();
        let of_a_ledger = name.split_once(".db");
        let known = name == "store.lock"
            || of_a_ledger.is_some_and(|(_, rest)| ["", "-wal", "-shm"].contains(&rest));
        if !known {
            broken.push(Violation::new(Promise::I12Leaks, format!("{name} was left behind")));
        }
    }
    Ok(broken)
}
