//! What every scenario has at hand: sizes, a scratch folder, the program under test, PostgreSQL,
//! and rounds in turn.

use crate::cluster::Cluster;
use crate::grown::{Backend, Grown, Past};
use crate::results::Record;
use anyhow::{Context as _, Result, ensure};
use std::cell::{OnceCell, RefCell};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::rc::Rc;
use std::time::Duration;
use tempfile::TempDir;
use tokio::runtime::Runtime;

/// How much is done: a full measurement, one of less than half an hour, or a look whether
/// everything works.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Size {
    Full,
    Short,
    Quick,
}

impl Size {
    /// One of three values.
    pub fn pick<T>(self, full: T, short: T, quick: T) -> T {
        match self {
            Self::Full => full,
            Self::Short => short,
            Self::Quick => quick,
        }
    }

    /// The option that asks for it.
    pub fn option(self) -> &'static str {
        self.pick(" --full", "", " --quick")
    }

    /// The measured part of a turn of load.
    pub fn turn(self) -> Duration {
        self.pick(Duration::from_secs(6), Duration::from_secs(3), Duration::from_millis(500))
    }

    /// The part before it that is not measured.
    pub fn warm_up(self) -> Duration {
        self.pick(Duration::from_secs(2), Duration::from_secs(1), Duration::from_millis(200))
    }
}

/// What is measured of a scenario.
#[derive(Clone, Debug)]
pub struct Choice {
    pub size: Size,
    /// Rounds, where the size's are not meant.
    pub rounds: Option<usize>,
    /// Only contenders whose name has one of these in it; all when there is none.
    pub only: Vec<String>,
}

impl Choice {
    /// Whether it is all of a scenario, and enough of it to be written down.
    pub fn is_whole(&self) -> bool {
        self.size != Size::Quick && self.only.is_empty() && self.rounds.is_none()
    }

    fn is_chosen(&self, name: &str) -> bool {
        self.only.is_empty() || self.only.iter().any(|part| name.contains(part.as_str()))
    }
}

/// The bench.
pub struct Bench {
    pub size: Size,
    choice: Choice,
    /// `ies`, built with optimizations.
    pub program: PathBuf,
    pub runtime: Runtime,
    grown: RefCell<BTreeMap<(Backend, Past), Rc<Grown>>>,
    // Stopped before its folder goes.
    cluster: OnceCell<Cluster>,
    scratch: TempDir,
}

impl Bench {
    pub fn new(choice: Choice, program: &Path) -> Result<Self> {
        ensure!(program.exists(), "{} is not there: ./bench builds it", program.display());
        let scratch = tempfile::Builder::new().prefix("ies-bench-").tempdir()?;
        // PostgreSQL runs as another user and has to reach its own folder in here.
        let open = std::os::unix::fs::PermissionsExt::from_mode(0o755);
        std::fs::set_permissions(scratch.path(), open)?;
        Ok(Self {
            size: choice.size,
            choice,
            program: program.canonicalize()?,
            runtime: Runtime::new()?,
            grown: RefCell::default(),
            cluster: OnceCell::new(),
            scratch,
        })
    }

    /// The folder that everything is made in, and that is gone afterwards.
    pub fn scratch(&self) -> &Path {
        self.scratch.path()
    }

    /// A new, empty folder.
    pub fn folder(&self) -> Result<TempDir> {
        Ok(tempfile::Builder::new().prefix("store-").tempdir_in(self.scratch.path())?)
    }

    /// PostgreSQL, started when it is first needed.
    pub fn cluster(&self) -> Result<&Cluster> {
        if self.cluster.get().is_none() {
            let _ = self.cluster.set(Cluster::start(self.scratch.path())?);
        }
        Ok(self.cluster.get().expect("just set"))
    }

    /// A ledger with a past, filled when it is first needed.
    pub fn grown(&self, backend: Backend, past: Past) -> Result<Rc<Grown>> {
        if let Some(grown) = self.grown.borrow().get(&(backend, past)) {
            return Ok(Rc::clone(grown));
        }
        let grown = Grown::fill(self, backend, past)?;
        self.grown.borrow_mut().insert((backend, past), Rc::clone(&grown));
        Ok(grown)
    }

    /// Each contender in turn, again and again: what disturbs the machine for a while disturbs all.
    pub fn in_turn(&self, contenders: Vec<Contender<'_>>, record: &mut Record) -> Result<()> {
        let rounds = self.choice.rounds.unwrap_or(self.size.pick(5, 3, 1));
        self.rounds(rounds, contenders, record)
    }

    /// What takes too long to be done more than once in a short run.
    pub fn long_ones(&self, contenders: Vec<Contender<'_>>, record: &mut Record) -> Result<()> {
        let rounds = self.choice.rounds.unwrap_or(self.size.pick(3, 1, 1));
        self.rounds(rounds, contenders, record)
    }

    /// What gives many figures by itself.
    pub fn once(&self, contenders: Vec<Contender<'_>>, record: &mut Record) -> Result<()> {
        self.rounds(1, contenders, record)
    }

    fn rounds(
        &self,
        rounds: usize,
        mut contenders: Vec<Contender<'_>>,
        record: &mut Record,
    ) -> Result<()> {
        contenders.retain(|contender| self.choice.is_chosen(&contender.name));
        for round in 1..=rounds {
            eprintln!("round {round} of {rounds}");
            for contender in &mut contenders {
                let turn = (contender.turn)(&contender.name, record);
                turn.with_context(|| contender.name.clone())?;
            }
        }
        Ok(())
    }
}

/// Someone who does the work: a name and a turn.
pub struct Contender<'a> {
    pub name: String,
    turn: Turn<'a>,
}

/// Measures under a name.
type Turn<'a> = Box<dyn FnMut(&str, &mut Record) -> Result<()> + 'a>;

impl<'a> Contender<'a> {
    pub fn new(
        name: impl Into<String>,
        turn: impl FnMut(&str, &mut Record) -> Result<()> + 'a,
    ) -> Self {
        Self { name: name.into(), turn: Box::new(turn) }
    }
}
