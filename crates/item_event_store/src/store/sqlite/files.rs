//! The folder: its files, who may read them, and the lock of the process that writes.

use super::error::interpret_io;
use crate::error::StoreError;
use crate::failpoint::failpoint;
use crate::ids::LedgerName;
use crate::store::{Mode, Result};
use std::fs::{DirBuilder, File, OpenOptions, TryLockError};
use std::io::{ErrorKind, Write as _};
use std::path::{Path, PathBuf};

const TOKENS_STEM: &str = "store";
const LOCK_FILE: &str = "store.lock";

/// An open folder. The lock is held as long as it lives.
pub(super) struct Folder {
    dir: PathBuf,
    mode: Mode,
    _lock: Option<File>,
}

impl Folder {
    pub fn open(dir: &Path, mode: Mode) -> Result<Self> {
        let lock = match mode {
            Mode::Write => {
                make_dir(dir)?;
                Some(lock(dir)?)
            }
            Mode::Read if dir.is_dir() => None,
            Mode::Read => {
                return Err(StoreError::NotFound(format!(
                    "there is no store at {}: the first write makes it",
                    dir.display()
                )));
            }
        };
        Ok(Self { dir: dir.to_path_buf(), mode, _lock: lock })
    }

    pub fn mode(&self) -> Mode {
        self.mode
    }

    /// The file of a ledger.
    pub fn ledger(&self, name: &LedgerName) -> Result<PathBuf> {
        if name.as_str() == TOKENS_STEM {
            return Err(StoreError::Refused(format!(
                "no ledger can be called '{TOKENS_STEM}': that file holds the tokens"
            )));
        }
        Ok(self.dir.join(format!("{name}.db")))
    }

    /// The file of the tokens.
    pub fn tokens(&self) -> PathBuf {
        self.dir.join(format!("{TOKENS_STEM}.db"))
    }

    /// The names of the ledgers that have a file.
    pub fn ledgers(&self) -> Result<Vec<LedgerName>> {
        let failed =
            |e: &std::io::Error| interpret_io(&format!("reading {}", self.dir.display()), e);
        let mut names = Vec::new();
        for entry in std::fs::read_dir(&self.dir).map_err(|e| failed(&e))? {
            let name = entry.map_err(|e| failed(&e))?.file_name();
            let stem = name.to_str().and_then(|name| name.strip_suffix(".db"));
            let stem = stem.filter(|stem| *stem != TOKENS_STEM);
            names.extend(stem.and_then(|stem| stem.parse().ok()));
        }
        names.sort();
        Ok(names)
    }

    /// The bytes of all files of ledgers.
    pub fn size_bytes(&self) -> Result<u64> {
        let bytes = |path: &Path| std::fs::metadata(path).map_or(0, |file| file.len());
        let mut sum = 0;
        for name in self.ledgers()? {
            let path = self.ledger(&name)?;
            sum += bytes(&path) + bytes(&with_suffix(&path, "-wal"));
        }
        Ok(sum)
    }

    /// Makes sure that a file of the store exists, for its owner only, before SQLite opens it.
    pub fn make_file(&self, path: &Path) -> Result<()> {
        if !path.exists() {
            create_new(path)?;
            sync_dir(&self.dir)?;
        }
        Ok(())
    }
}

/// Makes a file under another name first: it gets its own when it is complete and on stable
/// storage.
pub(super) fn make_whole<T>(path: &Path, fill: impl FnOnce(&Path) -> Result<T>) -> Result<T> {
    if path.exists() {
        return Err(StoreError::Refused(format!(
            "{} exists: name one that does not",
            path.display()
        )));
    }
    let partial = with_suffix(path, ".partial");
    remove_with_wal(&partial);
    drop(create_new(&partial)?);
    let finished = fill(&partial).and_then(|filled| {
        failpoint!("before_naming");
        let named = File::open(&partial)
            .and_then(|file| file.sync_all())
            .and_then(|()| std::fs::rename(&partial, path));
        named.map_err(|e| interpret_io(&format!("making {}", path.display()), &e))?;
        sync_name(path)?;
        Ok(filled)
    });
    if finished.is_err() {
        remove_with_wal(&partial);
    }
    finished
}

/// What is not there needs no removing; what cannot be removed is found when it is made again.
fn remove_with_wal(path: &Path) {
    for suffix in ["", "-wal", "-shm", "-journal"] {
        let _ = std::fs::remove_file(with_suffix(path, suffix));
    }
}

/// Makes a file that does not exist yet, for its owner only.
fn create_new(path: &Path) -> Result<File> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    owner_only(&mut options);
    options.open(path).map_err(|e| interpret_io(&format!("making {}", path.display()), &e))
}

/// Makes a file's name last.
pub(super) fn sync_name(path: &Path) -> Result<()> {
    sync_dir(above(path))
}

/// The folder that a path is in.
fn above(path: &Path) -> &Path {
    path.parent().filter(|dir| *dir != Path::new("")).unwrap_or(Path::new("."))
}

/// Makes the names of new files in a folder last.
fn sync_dir(dir: &Path) -> Result<()> {
    if cfg!(unix) {
        let synced = File::open(dir).and_then(|dir| dir.sync_all());
        synced.map_err(|e| interpret_io(&format!("writing the folder {}", dir.display()), &e))?;
    }
    Ok(())
}

/// Makes what is in a file last.
pub(super) fn sync_file(path: &Path) -> Result<()> {
    let synced = OpenOptions::new().write(true).open(path).and_then(|file| file.sync_all());
    synced.map_err(|e| interpret_io(&format!("writing {}", path.display()), &e))
}

/// A path with something appended to the file's name.
pub(super) fn with_suffix(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    name.into()
}

/// Makes the folder of a store. Its name is made to last also when it is there already: whoever
/// made it may have died before that. It was not us where the folder above may not be read.
fn make_dir(dir: &Path) -> Result<()> {
    let missing = |path: &&Path| !path.as_os_str().is_empty() && !path.exists();
    let made: Vec<_> = dir.ancestors().skip(1).take_while(missing).collect();
    let mut builder = DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(dir).map_err(|e| interpret_io(&format!("making {}", dir.display()), &e))?;
    let ours = |path: &&Path| {
        !File::open(above(path)).is_err_and(|e| e.kind() == ErrorKind::PermissionDenied)
    };
    made.into_iter().chain([dir]).filter(ours).try_for_each(sync_name)
}

fn lock(dir: &Path) -> Result<File> {
    let path = dir.join(LOCK_FILE);
    let failed = |e: &std::io::Error| interpret_io(&format!("locking {}", path.display()), e);
    let mut options = OpenOptions::new();
    options.write(true).create(true).truncate(false);
    owner_only(&mut options);
    let mut file = options.open(&path).map_err(|e| failed(&e))?;
    match file.try_lock() {
        Ok(()) => {}
        Err(TryLockError::WouldBlock) => {
            let pid = std::fs::read_to_string(&path).unwrap_or_default();
            return Err(StoreError::InUse(format!(
                "another process{} has the store {} open for writing: send requests to it with \
                 --server, or stop it",
                if pid.trim().is_empty() { String::new() } else { format!(" ({})", pid.trim()) },
                dir.display()
            )));
        }
        Err(TryLockError::Error(e)) => return Err(failed(&e)),
    }
    let written = file.set_len(0).and_then(|()| writeln!(file, "{}", std::process::id()));
    written.map_err(|e| failed(&e))?;
    Ok(file)
}

fn owner_only(options: &mut OpenOptions) {
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(options, 0o600);
    #[cfg(not(unix))]
    let _ = options;
}
