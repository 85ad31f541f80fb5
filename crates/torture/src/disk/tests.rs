//! The disk is a disk: files are what was written, faults strike where they were told to, and what
//! was synced is in every image.

use super::*;
use std::fs::{File, OpenOptions};
use std::io::Write as _;
use std::os::unix::fs::FileExt as _;

fn disk() -> (tempfile::TempDir, Disk) {
    let folder = tempfile::tempdir().expect("a folder");
    let disk = Disk::mount(&folder.path().join("disk"), &Image::new()).expect("mounted");
    (folder, disk)
}

#[test]
fn files_and_folders_are_what_was_written() {
    let (_folder, disk) = disk();
    let path = disk.path();
    std::fs::create_dir(path.join("a")).expect("a folder");
    std::fs::write(path.join("a/one"), b"hello").expect("written");
    let file = OpenOptions::new().write(true).open(path.join("a/one")).expect("open");
    file.write_all_at(b"XY", 6).expect("written");
    assert_eq!(std::fs::read(path.join("a/one")).expect("read"), b"hello\0XY");
    file.set_len(3).expect("shorter");
    drop(file);
    std::fs::rename(path.join("a/one"), path.join("two")).expect("renamed");
    assert_eq!(std::fs::read(path.join("two")).expect("read"), b"hel");
    assert_eq!(disk.contents(), Image::from([("two".to_owned(), b"hel".to_vec())]));
    std::fs::remove_file(path.join("two")).expect("removed");
    assert!(disk.contents().is_empty());
    disk.unmount().expect("unmounted");
}

#[test]
fn what_was_synced_is_in_every_image_and_nothing_else_must_be() {
    let (_folder, disk) = disk();
    let mut file = File::create(disk.path().join("f")).expect("made");
    file.write_all(&[1; 2_000]).expect("written");
    file.sync_all().expect("synced");
    File::open(disk.path()).and_then(|folder| folder.sync_all()).expect("the name lasts");
    file.write_all(&[2; 2_000]).expect("written");
    let (mut random, mut sizes) = (Random::new(1), std::collections::HashSet::new());
    for _ in 0..200 {
        let image = disk.lose_power(&mut random, Keep::Random);
        let data = &image["f"];
        assert!(data[..2_000].iter().all(|byte| *byte == 1), "synced");
        sizes.insert(data.len());
    }
    assert!(sizes.len() > 2, "whole, torn and lost: {sizes:?}");
    assert_eq!(disk.lose_power(&mut random, Keep::Nothing)["f"].len(), 2_000);
    assert_eq!(disk.lose_power(&mut random, Keep::Everything)["f"].len(), 4_000);
    drop(file);
    std::fs::write(disk.path().join("unsynced"), b"x").expect("written");
    assert!(!disk.lose_power(&mut random, Keep::Nothing).contains_key("unsynced"));
}

#[test]
fn the_nth_operation_fails_and_a_full_disk_is_full() {
    let (_folder, disk) = disk();
    let mut file = File::create(disk.path().join("f")).expect("made");
    let (nth, errno) = (2, Errno::Io);
    disk.arm(Fault { kind: Kind::Write, nth, for_good: false, errno, half: false });
    file.write_all(b"one").expect("the first");
    file.write_all(b"two").expect_err("the second");
    file.write_all(b"three").expect("the third");
    assert_eq!(disk.struck(), 1);
    disk.arm(Fault { kind: Kind::Sync, nth: 1, for_good: true, errno, half: false });
    file.sync_all().expect_err("never again");
    file.sync_all().expect_err("never again");
    disk.disarm();
    file.sync_all().expect("again");
    disk.limit(Some(disk.used() + 2));
    let full = file.write_all(b"four").expect_err("full");
    assert_eq!(full.kind(), std::io::ErrorKind::StorageFull);
    disk.limit(None);
    file.write_all(b"four").expect("room");
}

/// The kernel writes it back when it likes, and once more when its last user closes it: had that
/// counted, one seed would not always give one log.
#[test]
fn memory_that_is_shared_by_a_file_is_not_the_disks_even_when_its_name_is_gone() {
    let (_folder, disk) = disk();
    let mut shared = File::create(disk.path().join("main.db-shm")).expect("made");
    std::fs::remove_file(disk.path().join("main.db-shm")).expect("removed");
    let written_down = disk.images().len();
    let errno = Errno::Io;
    disk.arm(Fault { kind: Kind::Write, nth: 1, for_good: true, errno, half: false });
    shared.write_all(b"read marks").expect("written");
    disk.arm(Fault { kind: Kind::Sync, nth: 1, for_good: true, errno, half: false });
    shared.sync_all().expect("synced");
    assert_eq!(disk.struck(), 0);
    assert_eq!(disk.images().len(), written_down);
}
