//! What strangers send, thrown at the parsers, whose targets stand beside them: texts of a corpus,
//! cut, doubled, mixed and with odd bytes in them. Nothing may panic, and what is taken must mean
//! one thing. An input that once broke something goes into the corpus, `crates/ies/corpus`.
//!
//! `IES_FUZZ_SECONDS` lets each target run so long, with inputs that no run had before;
//! `./torture ci` does. Without it each takes the same few thousand.

mod mutate;

use mutate::Mutator;
use std::path::Path;
use std::time::{Duration, Instant};

const INPUTS: u64 = 3_000;

/// The texts of a target's corpus.
fn corpus(target: &str) -> Vec<Vec<u8>> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("corpus").join(target);
    let files = std::fs::read_dir(&folder).expect("a target has a corpus");
    let mut paths: Vec<_> = files.map(|file| file.expect("a file").path()).collect();
    paths.sort();
    assert!(!paths.is_empty(), "{} is empty", folder.display());
    paths.iter().map(|path| std::fs::read(path).expect("a text")).collect()
}

/// Says which input it was when a target panics.
struct Blame<'a>(&'a [u8]);

impl Drop for Blame<'_> {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("the input was {:?}", String::from_utf8_lossy(self.0));
        }
    }
}

/// Tries the corpus as it is, and then what becomes of it. A target says whether it took the text:
/// some it has to take.
pub fn fuzz(target: &str, parse: fn(&[u8]) -> bool) {
    let corpus = corpus(target);
    let try_one = |input: &[u8]| {
        let _blame = Blame(input);
        u64::from(parse(input))
    };
    let mut taken: u64 = corpus.iter().map(|text| try_one(text)).sum();
    let seconds = std::env::var("IES_FUZZ_SECONDS").ok();
    let seconds: Option<u64> = seconds.map(|text| text.parse().expect("whole seconds"));
    let until = seconds.map(|seconds| Instant::now() + Duration::from_secs(seconds));
    let seed = until.map_or(1, |_| u64::from(std::process::id()));
    let mut mutator = Mutator::new(seed, corpus);
    let mut tried = 0;
    while until.map_or(tried < INPUTS, |until| Instant::now() < until) {
        taken += try_one(&mutator.next());
        tried += 1;
    }
    assert!(taken > 0, "{target} takes nothing at all");
    println!("fuzzed {target} {tried} inputs, {taken} were taken");
}
