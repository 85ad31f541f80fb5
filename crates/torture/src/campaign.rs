//! The campaigns by name, with how much of each every change has to pass.

use crate::faults::{
    ambiguous, backends, clients, clock, damage, every, failover, full, images, kill, ledgers,
    pooler, power, restored, simulate, slow, steps, two,
};
use crate::place::Backend;
use crate::run::{Run, Tally};
use anyhow::Result;
use tokio::runtime::Runtime;

/// The clients that want the last unit at once.
const RACERS: u64 = 64;

/// A kind of fault on a store.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum Kind {
    /// kill -9 at random instants
    Kill,
    /// Death at every named step of the write path
    Steps,
    /// Simulated loss of power
    Power,
    /// The n-th write, sync, … fails, for every n
    Every,
    /// Every image that a loss of power could leave
    Images,
    /// Deterministic simulation
    Simulate,
    /// Commits whose answer is lost
    Ambiguous,
    /// `PostgreSQL` is hurt under a running service
    Backends,
    /// The primary is lost, and its replica takes over
    Failover,
    /// Followers cut at random bytes
    Cuts,
    /// 64 clients want the last unit
    Race,
    /// Clients that go away
    Vanish,
    /// A disk that is full, and has room again
    Full,
    /// A slow disk, and more requests than may wait for it
    Slow,
    /// The clock of the server jumps
    Clock,
    /// Two processes on one store
    Two,
    /// An old backup takes the place of the ledger
    Restored,
    /// Flipped bits, empty pages and lost tails
    Damage,
    /// pgbouncer in between
    Pooler,
    /// Many ledgers at once, and kill -9
    Ledgers,
}

impl Kind {
    pub fn name(self) -> String {
        format!("{self:?}").to_lowercase()
    }
}

/// A campaign and how much of it.
#[derive(Clone, Copy, Debug)]
pub struct Campaign {
    pub kind: Kind,
    pub backend: Backend,
    /// Cycles for every change.
    pub cycles: u64,
    /// Cycles of one round of a run of some minutes.
    pub round: u64,
}

const fn campaign(kind: Kind, backend: Backend, cycles: u64, round: u64) -> Campaign {
    Campaign { kind, backend, cycles, round }
}

/// What every change has to pass; what takes longest comes first.
pub const ALL: [Campaign; 29] = [
    campaign(Kind::Simulate, Backend::Sqlite, 300, 20),
    campaign(Kind::Images, Backend::Sqlite, 20_000, 1_000),
    campaign(Kind::Steps, Backend::Sqlite, 20, 1),
    campaign(Kind::Every, Backend::Sqlite, 1, 16),
    campaign(Kind::Race, Backend::Sqlite, 1_000, 30),
    campaign(Kind::Steps, Backend::Postgres, 20, 1),
    campaign(Kind::Kill, Backend::Sqlite, 160, 10),
    campaign(Kind::Kill, Backend::Postgres, 40, 5),
    campaign(Kind::Power, Backend::Sqlite, 60, 10),
    campaign(Kind::Power, Backend::Postgres, 5, 1),
    campaign(Kind::Ambiguous, Backend::Postgres, 300, 30),
    campaign(Kind::Backends, Backend::Postgres, 12, 3),
    campaign(Kind::Failover, Backend::Postgres, 3, 1),
    campaign(Kind::Cuts, Backend::Sqlite, 200, 40),
    campaign(Kind::Cuts, Backend::Postgres, 100, 40),
    campaign(Kind::Vanish, Backend::Sqlite, 200, 40),
    campaign(Kind::Vanish, Backend::Postgres, 60, 20),
    campaign(Kind::Full, Backend::Sqlite, 20, 4),
    campaign(Kind::Full, Backend::Postgres, 6, 1),
    campaign(Kind::Slow, Backend::Sqlite, 6, 1),
    campaign(Kind::Clock, Backend::Sqlite, 60, 12),
    campaign(Kind::Clock, Backend::Postgres, 24, 4),
    campaign(Kind::Two, Backend::Sqlite, 20, 3),
    campaign(Kind::Two, Backend::Postgres, 20, 3),
    campaign(Kind::Restored, Backend::Sqlite, 10, 2),
    campaign(Kind::Damage, Backend::Sqlite, 300, 30),
    campaign(Kind::Pooler, Backend::Postgres, 10, 2),
    campaign(Kind::Ledgers, Backend::Sqlite, 20, 3),
    campaign(Kind::Ledgers, Backend::Postgres, 10, 2),
];

impl Campaign {
    pub fn name(self) -> String {
        format!("{} {}", self.kind.name(), self.backend.name())
    }

    /// What `run` is given for it.
    pub fn words(self) -> String {
        format!("{} --backend {}", self.kind.name(), self.backend.name())
    }

    /// Runs so many cycles of it. For `every`, the number is which n are tried: every so many.
    pub fn run(self, run: &Run, cycles: u64) -> Result<Tally> {
        let (runtime, backend) = (Runtime::new()?, self.backend);
        match self.kind {
            Kind::Kill => runtime.block_on(kill::run(run, backend, cycles)),
            Kind::Steps => runtime.block_on(steps::run(run, backend, cycles)),
            Kind::Power => runtime.block_on(power::run(run, backend, cycles)),
            Kind::Every => every::run(run, cycles),
            Kind::Images => images::run(run, cycles),
            Kind::Simulate => simulate::run(run, cycles),
            Kind::Ambiguous => runtime.block_on(ambiguous::run(run, cycles)),
            Kind::Backends => runtime.block_on(backends::run(run, cycles)),
            Kind::Cuts => runtime.block_on(clients::cuts(run, backend, cycles)),
            Kind::Race => runtime.block_on(clients::race(run, backend, cycles, RACERS)),
            Kind::Vanish => runtime.block_on(clients::vanish(run, backend, cycles)),
            Kind::Full => runtime.block_on(full::run(run, backend, cycles)),
            Kind::Failover => runtime.block_on(failover::run(run, cycles)),
            Kind::Slow => runtime.block_on(slow::run(run, cycles)),
            Kind::Clock => runtime.block_on(clock::run(run, backend, cycles)),
            Kind::Two => runtime.block_on(two::run(run, backend, cycles)),
            Kind::Restored => runtime.block_on(restored::run(run, cycles)),
            Kind::Damage => runtime.block_on(damage::run(run, cycles)),
            Kind::Ledgers => runtime.block_on(ledgers::run(run, backend, cycles)),
            Kind::Pooler => runtime.block_on(pooler::run(run, cycles)),
        }
    }
}
