//! An ext4 file system in a file: it loses what was not synced, and it gets full.

use crate::cluster::run as command;
use anyhow::{Context as _, Result};
use std::fs::File;
use std::io::{ErrorKind, Write as _};
use std::path::{Path, PathBuf};
use std::process::Command;

/// The file that takes the room.
const BALLAST: &str = "ballast";
/// `FS_IOC_SHUTDOWN` with the flag that nothing is written out first.
const SHUTDOWN: &str = "import fcntl,os,struct,sys\n\
    fcntl.ioctl(os.open(sys.argv[1], os.O_RDONLY), 0x8004587d, struct.pack('I', 2))";

/// The file system, mounted on a loop device.
pub struct Ext4 {
    image: PathBuf,
    path: PathBuf,
    mounted: bool,
}

impl Ext4 {
    pub fn make(folder: &Path, megabytes: u64) -> Result<Self> {
        let (image, path) = (folder.join("disk.img"), folder.join("disk"));
        std::fs::create_dir_all(&path)?;
        File::create(&image)?.set_len(megabytes << 20)?;
        command(Command::new("mkfs.ext4").args(["-q", "-F", "-m", "0"]).arg(&image))
            .context("a file system of our own needs mkfs.ext4 (Debian: e2fsprogs)")?;
        let mut ext4 = Self { image, path, mounted: false };
        ext4.mount()?;
        Ok(ext4)
    }

    fn mount(&mut self) -> Result<()> {
        command(Command::new("mount").args(["-o", "loop"]).arg(&self.image).arg(&self.path))
            .context("a file system of our own needs root and loop devices")?;
        self.mounted = true;
        Ok(())
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Takes all the room that is left.
    pub fn fill(&self) -> Result<()> {
        let mut ballast = File::create(self.path.join(BALLAST))?;
        for piece in [vec![0; 1 << 20], vec![0; 1 << 12]] {
            loop {
                match ballast.write_all(&piece) {
                    Ok(()) => {}
                    Err(error) if error.kind() == ErrorKind::StorageFull => break,
                    Err(error) => return Err(error.into()),
                }
            }
        }
        Ok(ballast.sync_all()?)
    }

    /// Gives it back.
    pub fn make_room(&self) -> Result<()> {
        Ok(std::fs::remove_file(self.path.join(BALLAST))?)
    }

    pub fn unmount(&mut self) -> Result<()> {
        command(Command::new("umount").arg(&self.path))?;
        self.mounted = false;
        Ok(())
    }

    /// Everything that was not synced is gone. Nobody may be writing.
    pub fn shut_down(&self) -> Result<()> {
        command(Command::new("python3").args(["-c", SHUTDOWN]).arg(&self.path))
    }

    pub fn come_back(&mut self) -> Result<()> {
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
