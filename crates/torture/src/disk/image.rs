//! Images: what may be found on the disk after a loss of power. What was synced is there. Of what
//! was not, anything may be: each write whole, torn at a sector, or not at all, whatever order it
//! was made in; each name of a folder up to some point.

use super::Image;
use super::files::{Files, Node, write_at};
use super::journal::{Entry, Journal};
use crate::random::Random;
use std::collections::{BTreeMap, HashMap};

/// What a disk writes whole.
const SECTOR: usize = 512;

/// What is kept of what was not synced.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Keep {
    Nothing,
    Everything,
    /// Of the writes only this one, counted round.
    Only(usize),
    /// By chance, and torn by chance.
    Random,
}

/// A file on the medium, and what is still on its way to it.
#[derive(Clone, Debug, Default)]
struct Medium {
    lasting: Vec<u8>,
    pending: Vec<Change>,
}

#[derive(Clone, Debug)]
enum Change {
    Write { at: usize, bytes: Vec<u8> },
    Truncate { len: usize },
}

#[derive(Clone, Debug, Default)]
struct Names {
    lasting: BTreeMap<String, (u64, bool)>,
    pending: Vec<(String, Option<(u64, bool)>)>,
}

/// Walks through a journal, and gives the images that are possible where it stands.
pub struct Images {
    entries: std::vec::IntoIter<Entry>,
    files: HashMap<u64, Medium>,
    folders: HashMap<u64, Names>,
}

impl Images {
    pub fn new(journal: &Journal) -> Self {
        let mut images = Self {
            entries: journal.entries.clone().into_iter(),
            files: HashMap::new(),
            folders: HashMap::new(),
        };
        images.begin_with(&journal.begin);
        images
    }

    fn begin_with(&mut self, files: &Files) {
        for (number, node) in &files.nodes {
            match node {
                Node::File(data) => {
                    let medium = Medium { lasting: data.clone(), pending: Vec::new() };
                    self.files.insert(*number, medium);
                }
                Node::Folder(names) => {
                    let kind = |to: &u64| (*to, files.folder(*to).is_some());
                    let lasting = names.iter().map(|(name, to)| (name.clone(), kind(to)));
                    let names = Names { lasting: lasting.collect(), pending: Vec::new() };
                    self.folders.insert(*number, names);
                }
            }
        }
    }

    /// Entries that are left.
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// Goes on by one entry, which it answers.
    pub fn step(&mut self) -> Option<Entry> {
        let entry = self.entries.next()?;
        self.apply(&entry);
        Some(entry)
    }

    fn apply(&mut self, entry: &Entry) {
        match entry {
            Entry::Write { file, at, bytes } => {
                let change = Change::Write { at: *at, bytes: bytes.clone() };
                self.files.entry(*file).or_default().pending.push(change);
            }
            Entry::Truncate { file, len } => {
                let change = Change::Truncate { len: *len };
                self.files.entry(*file).or_default().pending.push(change);
            }
            Entry::Sync { file } => {
                let medium = self.files.entry(*file).or_default();
                for change in std::mem::take(&mut medium.pending) {
                    change.apply(&mut medium.lasting);
                }
            }
            Entry::SyncFailed { file } => {
                let pending = &mut self.files.entry(*file).or_default().pending;
                pending.retain(|change| matches!(change, Change::Truncate { .. }));
            }
            Entry::Link { folder, name, to, is_folder } => {
                let names = self.folders.entry(*folder).or_default();
                names.pending.push((name.clone(), Some((*to, *is_folder))));
                if !is_folder {
                    self.files.entry(*to).or_default();
                }
            }
            Entry::Unlink { folder, name } => {
                self.folders.entry(*folder).or_default().pending.push((name.clone(), None));
            }
            Entry::SyncFolder { folder } => {
                let names = self.folders.entry(*folder).or_default();
                let all = names.pending.len();
                names.lasting = names.after(all);
                names.pending.clear();
            }
            Entry::Mark(_) => {}
        }
    }

    /// Writes that are on their way.
    pub fn pending(&self) -> usize {
        self.files.values().map(|medium| medium.pending.len()).sum()
    }

    /// An image of the end of the journal.
    pub fn now(mut self, random: &mut Random, keep: Keep) -> Image {
        while self.step().is_some() {}
        self.image(random, keep)
    }

    /// An image of where it stands.
    pub fn image(&self, random: &mut Random, keep: Keep) -> Image {
        let mut image = Image::new();
        let one_in = *random.pick(&[1, 2, 4, 8]);
        let mut walk = Walk { random, keep, one_in, passed: 0, all: self.pending().max(1) };
        self.collect(super::files::ROOT, "", &mut walk, &mut image);
        image
    }

    fn collect(&self, folder: u64, path: &str, walk: &mut Walk<'_>, image: &mut Image) {
        let Some(names) = self.folders.get(&folder) else { return };
        let known = match walk.keep {
            Keep::Nothing => 0,
            Keep::Everything | Keep::Only(_) => names.pending.len(),
            Keep::Random => walk.random.index(names.pending.len() + 1),
        };
        for (name, (to, is_folder)) in names.after(known) {
            let path = if path.is_empty() { name.clone() } else { format!("{path}/{name}") };
            if is_folder {
                self.collect(to, &path, walk, image);
            } else if let Some(medium) = self.files.get(&to)
                && !name.ends_with(super::files::SHARED_MEMORY)
            {
                image.insert(path, walk.file(medium));
            }
        }
    }
}

/// The making of one image.
struct Walk<'a> {
    random: &'a mut Random,
    keep: Keep,
    /// Of the writes that are on their way, one in so many is lost.
    one_in: u64,
    passed: usize,
    all: usize,
}

impl Walk<'_> {
    fn file(&mut self, medium: &Medium) -> Vec<u8> {
        let mut data = medium.lasting.clone();
        for change in &medium.pending {
            let number = self.passed;
            self.passed += 1;
            match self.keep {
                Keep::Everything => change.apply(&mut data),
                Keep::Only(only) if only % self.all == number => change.apply(&mut data),
                Keep::Nothing | Keep::Only(_) => {}
                Keep::Random => self.by_chance(change, &mut data),
            }
        }
        data
    }

    fn by_chance(&mut self, change: &Change, data: &mut Vec<u8>) {
        if self.random.one_in(self.one_in.max(2)) {
            return;
        }
        match change {
            Change::Write { at, bytes } if self.random.one_in(3) => self.torn(*at, bytes, data),
            whole => whole.apply(data),
        }
    }

    /// Some of the sectors of a write, or all up to one.
    fn torn(&mut self, at: usize, bytes: &[u8], data: &mut Vec<u8>) {
        let (first, last) = (at / SECTOR, (at + bytes.len()).div_ceil(SECTOR));
        let up_to = self.random.one_in(2).then(|| first + self.random.index(last - first + 1));
        for sector in first..last {
            let kept = match up_to {
                Some(up_to) => sector < up_to,
                None => self.random.one_in(2),
            };
            if kept {
                let from = (sector * SECTOR).max(at);
                let to = ((sector + 1) * SECTOR).min(at + bytes.len());
                write_at(data, from, &bytes[from - at..to - at]);
            }
        }
    }
}

impl Change {
    fn apply(&self, data: &mut Vec<u8>) {
        match self {
            Self::Write { at, bytes } => write_at(data, *at, bytes),
            Self::Truncate { len } => data.resize(*len, 0),
        }
    }
}

impl Names {
    /// The names after so many of the pending changes.
    fn after(&self, known: usize) -> BTreeMap<String, (u64, bool)> {
        let mut names = self.lasting.clone();
        for (name, to) in &self.pending[..known] {
            match to {
                Some(to) => names.insert(name.clone(), *to),
                None => names.remove(name),
            };
        }
        names
    }
}
