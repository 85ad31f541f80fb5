//! Crash images (F5): a run on a disk that writes everything down, and then every place at which
//! the power could have failed, with every kind of what could have been left. Each image is opened
//! by the product and must be a prefix of the run that has all that was acknowledged until then.

use crate::check::{Promise, Violation, tables};
use crate::disk::{Image, Images, Keep, lay_out};
use crate::generate::{Generator, Seen};
use crate::history::{History, Outcome};
use crate::local::{self, Local};
use crate::random::Random;
use crate::run::{Run, Tally};
use crate::witness::{Witness, read_sqlite};
use crate::worker::{Holder, Worker};
use anyhow::{Context as _, Result, anyhow};
use item_event_store::clock::SetClock;
use item_event_store::time::Timestamp;
use sha2::{Digest as _, Sha256};
use std::collections::HashSet;
use std::path::Path;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};

/// Images of one run; then another seed makes another run.
const IMAGES_A_RUN: u64 = 5_000;
const OPENINGS: u64 = 3;
const REQUESTS: u64 = 14;
const WORKERS: usize = 2;
/// 2026-11-23T00:00:00Z.
const MONDAY: i64 = 1_795_392_000_000_000;

/// An image to be checked, and how many requests were acknowledged when it was taken.
struct Case {
    image: Image,
    acknowledged: usize,
}

pub fn run(run: &Run, images: u64) -> Result<Tally> {
    let mut tally = Tally::default();
    for number in 0.. {
        let left = images.saturating_sub(tally.count("crash images"));
        if left == 0 || !tally.broken.is_empty() {
            break;
        }
        let seed = Random::of(run.seed, &[5, number]).next();
        one_run(run, seed, left.min(IMAGES_A_RUN), &mut tally)?;
    }
    Ok(tally)
}

fn one_run(run: &Run, seed: u64, images: u64, tally: &mut Tally) -> Result<()> {
    let mut worker = Worker::start(run, &["images", &seed.to_string()])?;
    let acknowledged: usize = worker.serve()?.parse()?;
    let walk = worker.disk().images();
    let folder = run.safe().join(format!("whole-{}", run.number()));
    lay_out(&worker.disk().contents(), &folder)?;
    drop(worker);
    let whole = read_sqlite(&local::file(&folder))?;
    tally.add("acknowledged writes", acknowledged);
    let (to_workers, cases) = sync_channel::<Case>(16);
    let cases = Mutex::new(cases);
    let broken = Mutex::new(Vec::new());
    let taken = std::thread::scope(|scope| {
        let workers: Vec<_> = (0..WORKERS)
            .map(|_| scope.spawn(|| check_cases(run, &cases, &whole, &broken)))
            .collect();
        let taken = take(walk, seed, images, &to_workers, || !lock(&broken).is_empty());
        drop(to_workers);
        for worker in workers {
            worker.join().map_err(|_| anyhow!("a worker panicked"))??;
        }
        anyhow::Ok(taken)
    })?;
    tally.add("crash images", taken);
    tally.broken.extend(broken.into_inner().unwrap_or_else(PoisonError::into_inner));
    run.say(format!("crash images: {tally}"));
    Ok(())
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Random requests, with the number of acknowledged ones marked on the disk after each.
pub async fn work(disk: &Path, seed: u64) -> Result<String> {
    let history = History::in_memory()?;
    let clock = Arc::new(SetClock::new(Timestamp::from_micros(MONDAY)));
    let (known, admin) = (Seen::default(), "admin".parse()?);
    let mut acknowledged = 0_u64;
    for opening in 0..OPENINGS {
        let local = Local::open(disk, &clock).await.context("opening a store")?;
        for number in 0..REQUESTS {
            let random = Random::of(seed, &[opening, number]);
            let now = Timestamp::from_micros(MONDAY);
            let mut generator = Generator { random, seen: &known, now };
            let call = Arc::new(generator.call(&format!("{opening}-{number}"), &admin));
            let answer = local.call(&history, &call).await?;
            known.note(&answer);
            if matches!(answer.outcome(), Outcome::Done | Outcome::Rejected) {
                acknowledged += 1;
                Holder::mark(acknowledged)?;
            }
        }
        local.close().await;
    }
    Ok(acknowledged.to_string())
}

/// Takes images all along the run, none twice for the same acknowledged requests.
fn take(
    mut walk: Images,
    seed: u64,
    images: u64,
    to_workers: &SyncSender<Case>,
    stop: impl Fn() -> bool,
) -> usize {
    let mut random = Random::of(seed, &[u64::MAX]);
    let mut known: HashSet<([u8; 32], usize)> = HashSet::new();
    let steps = walk.len().max(1) as u64;
    let (mut taken, mut acknowledged, mut passed) = (0, 0, 0);
    while let Some(entry) = walk.step() {
        passed += 1;
        if let crate::disk::Entry::Mark(mark) = entry {
            acknowledged = usize::try_from(mark).unwrap_or(usize::MAX);
        }
        // As many as are due up to here; what is not new is made up for later.
        let due = (images * passed).div_ceil(steps);
        let mut tries = 0;
        while (taken as u64) < due && tries < 4 * images / steps + 24 && !stop() {
            let keep = match tries {
                0 => Keep::Nothing,
                1 => Keep::Everything,
                n if n % 4 == 2 => Keep::Only(random.index(walk.pending().max(1))),
                _ => Keep::Random,
            };
            tries += 1;
            let image = walk.image(&mut random, keep);
            // An image that was possible before is another case when more was acknowledged since.
            if known.insert((digest(&image), acknowledged)) {
                taken += 1;
                let _ = to_workers.send(Case { image, acknowledged });
            }
        }
    }
    taken
}

fn digest(image: &Image) -> [u8; 32] {
    let mut digest = Sha256::new();
    for (name, data) in image {
        digest.update((name.len() as u64).to_be_bytes());
        digest.update(name);
        digest.update((data.len() as u64).to_be_bytes());
        digest.update(data);
    }
    digest.finalize().into()
}

fn check_cases(
    run: &Run,
    cases: &Mutex<Receiver<Case>>,
    whole: &Witness,
    broken: &Mutex<Vec<Violation>>,
) -> Result<()> {
    let folder = run.safe().join(format!("image-{}", run.number()));
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build()?;
    loop {
        let next = lock(cases).recv();
        let Ok(case) = next else { return Ok(()) };
        let _ = std::fs::remove_dir_all(&folder);
        std::fs::create_dir_all(&folder)?;
        lay_out(&case.image, &folder)?;
        let found = runtime.block_on(check_image(&folder, &case, whole));
        if !found.is_empty() {
            lock(broken).extend(found);
        }
    }
}

/// Opens an image as the product does after a loss of power, and holds it against the whole run.
async fn check_image(folder: &Path, case: &Case, whole: &Witness) -> Vec<Violation> {
    let clock = Arc::new(SetClock::new(Timestamp::from_micros(MONDAY)));
    match Local::open(folder, &clock).await {
        Ok(local) => local.close().await,
        Err(error) => {
            let what = format!("an image cannot be opened: {error}");
            return vec![Violation::new(Promise::I10Storage, what)];
        }
    }
    match read_sqlite(&local::file(folder)) {
        Ok(witness) => is_prefix(&witness, whole, case.acknowledged),
        Err(error) => {
            let what = format!("an image cannot be read: {error:#}");
            vec![Violation::new(Promise::I10Storage, what)]
        }
    }
}

/// What was recovered is what the run had recorded up to some request, and no less than it had
/// acknowledged.
pub fn is_prefix(found: &Witness, whole: &Witness, acknowledged: usize) -> Vec<Violation> {
    let mut broken = Vec::new();
    let requests = found.requests.len();
    if requests < acknowledged {
        let what = format!("{acknowledged} requests were acknowledged, {requests} are there");
        broken.push(Violation::new(Promise::I1Acknowledged, what));
    }
    let name = |w: &Witness, n: usize| w.requests.get(n).map(|r| (r.id, r.key.clone(), r.position));
    if let Some(n) = (0..requests).find(|n| name(found, *n) != name(whole, *n)) {
        let (is, was) = (name(found, n), name(whole, n));
        broken.push(Violation::new(Promise::I2NoPhantom, format!("{is:?}, and not {was:?}")));
    }
    let position = found.requests.last().map_or(0, |request| request.position);
    if position != found.position {
        let what = format!("the requests go up to {position}, the head is {}", found.position);
        broken.push(Violation::new(Promise::I4Gapless, what));
    }
    if !whole.events.starts_with(&found.events) {
        let what = "the recovered log is not a prefix of the log".to_owned();
        broken.push(Violation::new(Promise::I9History, what));
    }
    tables::check_alone(found, &mut broken);
    broken
}
