//! The disk as a file system that the kernel mounts.

use super::State;
use super::fault::{Fault, Kind};
use super::files::{Node, ROOT, SHARED_MEMORY, write_at};
use super::journal::Entry;
use fuser::{
    BsdFileFlags, Errno, FileAttr, FileHandle, FileType, Filesystem, FopenFlags, Generation,
    INodeNo, LockOwner, OpenFlags, RenameFlags, ReplyAttr, ReplyCreate, ReplyData, ReplyDirectory,
    ReplyEmpty, ReplyEntry, ReplyOpen, ReplyStatfs, ReplyWrite, Request, TimeOrNow, WriteFlags,
};
use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

/// Nobody but the kernel changes anything, so it may remember.
const TTL: Duration = Duration::from_hours(1);
const SLOW_STEP: Duration = Duration::from_millis(5);
const BLOCK: u32 = 4_096;
/// What a disk without a limit says that it holds.
const BLOCKS: u64 = 1 << 20;

pub struct Mounted {
    state: Arc<Mutex<State>>,
}

type Done<T> = Result<T, Errno>;

impl Mounted {
    pub fn new(state: Arc<Mutex<State>>) -> Self {
        Self { state }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn attr(&self, number: u64) -> Done<FileAttr> {
        let (kind, size) = match self.files.nodes.get(&number).ok_or(Errno::ENOENT)? {
            Node::Folder(_) => (FileType::Directory, 0),
            Node::File(data) => (FileType::RegularFile, data.len() as u64),
        };
        let usual = if kind == FileType::Directory { 0o755 } else { 0o644 };
        let (perm, uid, gid) = self.files.modes.get(&number).copied().unwrap_or((usual, 0, 0));
        Ok(FileAttr {
            ino: INodeNo(number),
            size,
            blocks: size.div_ceil(512),
            atime: UNIX_EPOCH,
            mtime: UNIX_EPOCH,
            ctime: UNIX_EPOCH,
            crtime: UNIX_EPOCH,
            kind,
            perm,
            nlink: 1,
            uid,
            gid,
            rdev: 0,
            blksize: BLOCK,
            flags: 0,
        })
    }

    /// Reads come to us and not from what the kernel remembers; but memory that is shared by a file
    /// is the kernel's.
    fn opened(&self, number: u64) -> FopenFlags {
        if self.files.is_shared_memory(number) {
            FopenFlags::empty()
        } else {
            FopenFlags::FOPEN_DIRECT_IO
        }
    }

    /// Memory that processes share is written back by the kernel whenever it likes, also after its
    /// name is gone: that is neither counted nor made to fail, nor written down.
    fn meet(&mut self, kind: Kind, number: u64) -> Option<Fault> {
        if self.files.is_shared_memory(number) { None } else { self.faults.meet(kind) }
    }

    fn note(&mut self, file: u64, entry: Entry) {
        if !self.files.is_shared_memory(file) {
            self.journal.add(entry);
        }
    }

    fn may(&mut self, kind: Kind, name: &str) -> Done<()> {
        if name.ends_with(SHARED_MEMORY) {
            return Ok(());
        }
        self.faults.meet(kind).map_or(Ok(()), |fault| Err(fault.errno.into()))
    }

    fn make(
        &mut self,
        folder: u64,
        name: &OsStr,
        node: Node,
        mode: u32,
        by: &Request,
    ) -> Done<u64> {
        let name = name.to_str().ok_or(Errno::EINVAL)?;
        if self.files.find(folder, name).is_some() {
            return Err(Errno::EEXIST);
        }
        self.may(Kind::Create, name)?;
        let is_folder = matches!(node, Node::Folder(_));
        let to = self.files.make(folder, name, node);
        let perm = u16::try_from(mode & 0o7777).unwrap_or(0o644);
        self.files.modes.insert(to, (perm, by.uid(), by.gid()));
        self.journal.add(Entry::Link { folder, name: name.to_owned(), to, is_folder });
        Ok(to)
    }

    fn write(&mut self, file: u64, at: usize, bytes: &[u8]) -> Done<()> {
        let fault = self.meet(Kind::Write, file);
        let bytes = match fault {
            Some(fault) if fault.half => &bytes[..bytes.len() / 2],
            Some(fault) => return Err(fault.errno.into()),
            None => bytes,
        };
        let used = self.files.used();
        let data = self.files.file_mut(file).ok_or(Errno::ENOENT)?;
        let more = (at + bytes.len()).saturating_sub(data.len()) as u64;
        if more > 0 && self.faults.capacity.is_some_and(|capacity| used + more > capacity) {
            return Err(Errno::ENOSPC);
        }
        write_at(data, at, bytes);
        self.note(file, Entry::Write { file, at, bytes: bytes.to_vec() });
        fault.map_or(Ok(()), |fault| Err(fault.errno.into()))
    }

    fn truncate(&mut self, file: u64, len: usize) -> Done<()> {
        if let Some(fault) = self.meet(Kind::Truncate, file) {
            return Err(fault.errno.into());
        }
        let used = self.files.used();
        let data = self.files.file_mut(file).ok_or(Errno::ENOENT)?;
        let more = len.saturating_sub(data.len()) as u64;
        if more > 0 && self.faults.capacity.is_some_and(|capacity| used + more > capacity) {
            return Err(Errno::ENOSPC);
        }
        data.resize(len, 0);
        self.note(file, Entry::Truncate { file, len });
        Ok(())
    }

    /// What could not be made to last does not, and is not tried again: the kernel takes it for
    /// written.
    fn sync(&mut self, file: u64) -> Done<()> {
        if let Some(fault) = self.meet(Kind::Sync, file) {
            self.note(file, Entry::SyncFailed { file });
            return Err(fault.errno.into());
        }
        self.note(file, Entry::Sync { file });
        Ok(())
    }

    fn unlink(&mut self, folder: u64, name: &OsStr) -> Done<()> {
        let name = name.to_str().ok_or(Errno::EINVAL)?;
        self.may(Kind::Remove, name)?;
        let names = self.files.folder_mut(folder).ok_or(Errno::ENOTDIR)?;
        names.remove(name).ok_or(Errno::ENOENT)?;
        self.journal.add(Entry::Unlink { folder, name: name.to_owned() });
        Ok(())
    }

    fn rename(&mut self, from: (u64, &OsStr), to: (u64, &OsStr)) -> Done<()> {
        let name = from.1.to_str().ok_or(Errno::EINVAL)?;
        let new = to.1.to_str().ok_or(Errno::EINVAL)?.to_owned();
        self.may(Kind::Rename, name)?;
        let names = self.files.folder_mut(from.0).ok_or(Errno::ENOTDIR)?;
        let number = names.remove(name).ok_or(Errno::ENOENT)?;
        let names = self.files.folder_mut(to.0).ok_or(Errno::ENOTDIR)?;
        names.insert(new.clone(), number);
        let is_folder = self.files.folder(number).is_some();
        self.journal.add(Entry::Link { folder: to.0, name: new, to: number, is_folder });
        self.journal.add(Entry::Unlink { folder: from.0, name: name.to_owned() });
        Ok(())
    }
}

fn end(done: Done<()>, reply: ReplyEmpty) {
    match done {
        Ok(()) => reply.ok(),
        Err(errno) => reply.error(errno),
    }
}

impl Filesystem for Mounted {
    fn lookup(&self, _: &Request, parent: INodeNo, name: &OsStr, reply: ReplyEntry) {
        let state = self.state();
        let found = name.to_str().and_then(|name| state.files.find(parent.0, name));
        match found.ok_or(Errno::ENOENT).and_then(|number| state.attr(number)) {
            Ok(attr) => reply.entry(&TTL, &attr, Generation(0)),
            Err(errno) => reply.error(errno),
        }
    }

    fn getattr(&self, _: &Request, ino: INodeNo, _: Option<FileHandle>, reply: ReplyAttr) {
        match self.state().attr(ino.0) {
            Ok(attr) => reply.attr(&TTL, &attr),
            Err(errno) => reply.error(errno),
        }
    }

    fn setattr(
        &self,
        _: &Request,
        ino: INodeNo,
        mode: Option<u32>,
        uid: Option<u32>,
        gid: Option<u32>,
        size: Option<u64>,
        _: Option<TimeOrNow>,
        _: Option<TimeOrNow>,
        _: Option<SystemTime>,
        _: Option<FileHandle>,
        _: Option<SystemTime>,
        _: Option<SystemTime>,
        _: Option<SystemTime>,
        _: Option<BsdFileFlags>,
        reply: ReplyAttr,
    ) {
        let mut state = self.state();
        let done = (|| {
            if let Some(len) = size {
                state.truncate(ino.0, usize::try_from(len).map_err(|_| Errno::EFBIG)?)?;
            }
            let was = state.attr(ino.0)?;
            let perm = mode.map_or(was.perm, |m| u16::try_from(m & 0o7777).unwrap_or(was.perm));
            let owned = (perm, uid.unwrap_or(was.uid), gid.unwrap_or(was.gid));
            state.files.modes.insert(ino.0, owned);
            state.attr(ino.0)
        })();
        match done {
            Ok(attr) => reply.attr(&TTL, &attr),
            Err(errno) => reply.error(errno),
        }
    }

    fn mkdir(
        &self,
        by: &Request,
        parent: INodeNo,
        name: &OsStr,
        mode: u32,
        umask: u32,
        reply: ReplyEntry,
    ) {
        let mut state = self.state();
        let folder = Node::Folder(BTreeMap::new());
        let created = state.make(parent.0, name, folder, mode & !umask, by);
        match created.and_then(|number| state.attr(number)) {
            Ok(attr) => reply.entry(&TTL, &attr, Generation(0)),
            Err(errno) => reply.error(errno),
        }
    }

    fn unlink(&self, _: &Request, parent: INodeNo, name: &OsStr, reply: ReplyEmpty) {
        end(self.state().unlink(parent.0, name), reply);
    }

    fn rmdir(&self, _: &Request, parent: INodeNo, name: &OsStr, reply: ReplyEmpty) {
        end(self.state().unlink(parent.0, name), reply);
    }

    fn rename(
        &self,
        _: &Request,
        parent: INodeNo,
        name: &OsStr,
        newparent: INodeNo,
        newname: &OsStr,
        _: RenameFlags,
        reply: ReplyEmpty,
    ) {
        end(self.state().rename((parent.0, name), (newparent.0, newname)), reply);
    }

    fn open(&self, _: &Request, ino: INodeNo, _: OpenFlags, reply: ReplyOpen) {
        reply.opened(FileHandle(0), self.state().opened(ino.0));
    }

    fn read(
        &self,
        _: &Request,
        ino: INodeNo,
        _: FileHandle,
        offset: u64,
        size: u32,
        _: OpenFlags,
        _: Option<LockOwner>,
        reply: ReplyData,
    ) {
        let mut state = self.state();
        if let Some(fault) = state.meet(Kind::Read, ino.0) {
            return reply.error(fault.errno.into());
        }
        let Some(data) = state.files.file(ino.0) else { return reply.error(Errno::ENOENT) };
        let from = usize::try_from(offset).unwrap_or(usize::MAX).min(data.len());
        let to = (from + size as usize).min(data.len());
        reply.data(&data[from..to]);
    }

    fn write(
        &self,
        _: &Request,
        ino: INodeNo,
        _: FileHandle,
        offset: u64,
        data: &[u8],
        _: WriteFlags,
        _: OpenFlags,
        _: Option<LockOwner>,
        reply: ReplyWrite,
    ) {
        let at = usize::try_from(offset).unwrap_or(usize::MAX);
        match self.state().write(ino.0, at, data) {
            Ok(()) => reply.written(u32::try_from(data.len()).unwrap_or(u32::MAX)),
            Err(errno) => reply.error(errno),
        }
    }

    fn flush(&self, _: &Request, _: INodeNo, _: FileHandle, _: LockOwner, reply: ReplyEmpty) {
        reply.ok();
    }

    /// Others may go on while it takes its time, and the disk may become fast again.
    fn fsync(&self, _: &Request, ino: INodeNo, _: FileHandle, _: bool, reply: ReplyEmpty) {
        let begun = Instant::now();
        while self.state().faults.sync_takes > begun.elapsed() {
            std::thread::sleep(SLOW_STEP);
        }
        end(self.state().sync(ino.0), reply);
    }

    fn fsyncdir(&self, _: &Request, ino: INodeNo, _: FileHandle, _: bool, reply: ReplyEmpty) {
        let mut state = self.state();
        let may = state.may(Kind::Sync, "");
        if may.is_ok() {
            state.journal.add(Entry::SyncFolder { folder: ino.0 });
        }
        end(may, reply);
    }

    fn readdir(
        &self,
        _: &Request,
        ino: INodeNo,
        _: FileHandle,
        offset: u64,
        mut reply: ReplyDirectory,
    ) {
        let state = self.state();
        let Some(names) = state.files.folder(ino.0) else { return reply.error(Errno::ENOTDIR) };
        let dots = [(".".to_owned(), ino.0), ("..".to_owned(), ROOT)];
        let all = dots.into_iter().chain(names.iter().map(|(name, to)| (name.clone(), *to)));
        let skip = usize::try_from(offset).unwrap_or(usize::MAX);
        for ((name, to), next) in all.zip(1_u64..).skip(skip) {
            let folder = state.files.folder(to).is_some();
            let kind = if folder { FileType::Directory } else { FileType::RegularFile };
            if reply.add(INodeNo(to), next, kind, name) {
                break;
            }
        }
        reply.ok();
    }

    fn statfs(&self, _: &Request, _: INodeNo, reply: ReplyStatfs) {
        let state = self.state();
        let block = u64::from(BLOCK);
        let blocks = state.faults.capacity.map_or(BLOCKS, |bytes| bytes / block);
        let free = blocks.saturating_sub(state.files.used() / block);
        reply.statfs(blocks, free, free, 1 << 20, 1 << 20, BLOCK, 255, BLOCK);
    }

    fn create(
        &self,
        by: &Request,
        parent: INodeNo,
        name: &OsStr,
        mode: u32,
        umask: u32,
        _: i32,
        reply: ReplyCreate,
    ) {
        let mut state = self.state();
        let created = state.make(parent.0, name, Node::File(Vec::new()), mode & !umask, by);
        match created.and_then(|number| state.attr(number)) {
            Ok(attr) => {
                let flags = state.opened(attr.ino.0);
                reply.created(&TTL, &attr, Generation(0), FileHandle(0), flags);
            }
            Err(errno) => reply.error(errno),
        }
    }
}
