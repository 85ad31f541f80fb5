//! Bugs of the product that campaigns found, each shown by itself: the real server on a disk that
//! is told to fail at the one place where it matters.

use crate::call::Call;
use crate::client::Client;
use crate::disk::{Disk, Errno, Fault, Image, Keep, Kind};
use crate::history::{Answer, History};
use crate::random::Random;
use crate::run::Run;
use crate::server::{Launch, Server};
use indicatif::ProgressBar;
use item_event_store::command::Movement;
use serde_json::Value;
use std::path::PathBuf;
use std::sync::Arc;

/// A store on a disk of ours, with item 1, of which there are 24.
struct Bakery {
    run: Run,
    disk: Disk,
    token: String,
    history: History,
}

/// The program, which is built beside these tests.
fn binary() -> PathBuf {
    let tests = std::env::current_exe().expect("a path");
    let binary = tests.ancestors().nth(2).expect("target/debug").join("ies");
    assert!(binary.is_file(), "{} is needed: cargo build -p ies", binary.display());
    binary
}

fn launch(run: &Run, disk: &Disk) -> Launch {
    run.launch(&disk.path().join("store").display().to_string())
}

impl Bakery {
    /// The server has ended in peace.
    async fn stocked() -> Self {
        let run = Run::new(1, &binary(), ProgressBar::hidden()).expect("a run");
        let disk = Disk::mount(&run.disk().join("first"), &Image::new()).expect("mounted");
        let mut server = launch(&run, &disk).start().expect("a server");
        let token = server.token.clone().expect("the first start prints a token");
        let history = History::in_memory().expect("a history");
        let bakery = Self { run, disk, token, history };
        let stock = Call::creating("stock", &"admin".parse().expect("an actor"), 24);
        assert_eq!(bakery.call(&server, &stock).await.0, 201);
        server.terminate().expect("ended");
        bakery
    }

    fn start(&self) -> Server {
        launch(&self.run, &self.disk).start().expect("a server")
    }

    /// The server opens a ledger when somebody asks for it.
    async fn start_and_open(&self) -> Server {
        let server = self.start();
        let client = Client::new(&server.url, &self.token, "admin");
        assert_eq!(client.get("/v1/items/1").await.expect("an answer").status, 200);
        server
    }

    /// Status and body.
    async fn call(&self, server: &Server, call: &Call) -> (u16, Value) {
        let client = Client::new(&server.url, &self.token, "admin");
        let answer = client.call(&self.history, &Arc::new(call.clone())).await;
        match answer.expect("a history") {
            Answer::Reply { status, body, .. } => (status, body),
            lost => panic!("no answer: {lost:?}"),
        }
    }

    fn arm(&self, kind: Kind, errno: Errno) {
        self.disk.arm(Fault { kind, nth: 1, for_good: true, errno, half: false });
    }

    /// The power fails, and what was not made to last is gone.
    fn lose_power(&mut self) {
        let image = self.disk.lose_power(&mut Random::new(1), Keep::Nothing);
        let path = self.run.disk().join(format!("disk-{}", self.run.number()));
        self.disk = Disk::mount(&path, &image).expect("mounted");
    }
}

fn bakeoff(key: &str) -> Call {
    Call::moving(key, &"admin".parse().expect("an actor"), 1, Movement::Bakeoff, 4)
}

fn said((status, body): &(u16, Value)) -> String {
    let member = |name: &str| body[name].as_str().unwrap_or_default().to_owned();
    format!("{status} {} {}", member("code"), member("executed"))
}

#[tokio::test]
async fn an_error_before_the_commit_is_not_executed_and_ends_the_process() {
    let bakery = Bakery::stocked().await;
    let mut server = bakery.start_and_open().await;
    // The keys were not read yet: the writer has to read before it can write.
    bakery.arm(Kind::Read, Errno::TimedOut);
    let answer = bakery.call(&server, &bakeoff("a")).await;
    assert_eq!(said(&answer), "503 storage_failed no");
    assert!(!server.wait().expect("it ends by itself").success());
    bakery.disk.disarm();
    let mut server = bakery.start();
    assert_eq!(bakery.call(&server, &bakeoff("a")).await.0, 201);
    server.terminate().expect("ended");
}

#[tokio::test]
async fn a_disk_that_cannot_be_read_is_not_executed_and_works_again() {
    let bakery = Bakery::stocked().await;
    let mut server = bakery.start_and_open().await;
    bakery.arm(Kind::Read, Errno::Io);
    let answer = bakery.call(&server, &bakeoff("a")).await;
    assert_eq!(said(&answer), "503 storage_failed no");
    bakery.disk.disarm();
    assert_eq!(bakery.call(&server, &bakeoff("a")).await.0, 201);
    server.terminate().expect("ended");
}

#[tokio::test]
async fn a_ledger_that_cannot_be_opened_is_not_executed_and_opens_later() {
    let bakery = Bakery::stocked().await;
    let mut server = bakery.start();
    for (kind, errno) in
        [(Kind::Sync, Errno::Io), (Kind::Read, Errno::Io), (Kind::Create, Errno::NoSpace)]
    {
        bakery.arm(kind, errno);
        let answer = bakery.call(&server, &bakeoff("a")).await;
        assert_eq!(said(&answer), "503 storage_failed no", "{kind:?}");
        bakery.disk.disarm();
    }
    assert_eq!(bakery.call(&server, &bakeoff("a")).await.0, 201);
    server.terminate().expect("ended");
}

#[tokio::test]
async fn a_recorded_request_is_never_told_not_to_be_executed() {
    let bakery = Bakery::stocked().await;
    let mut server = bakery.start_and_open().await;
    assert_eq!(bakery.call(&server, &bakeoff("a")).await.0, 201);
    // The writer knows the key; the events of its answer have to be read.
    bakery.arm(Kind::Read, Errno::Io);
    let answer = bakery.call(&server, &bakeoff("a")).await;
    assert!(bakery.disk.struck() > 0, "the events were read");
    assert_eq!(said(&answer), "503 commit_unknown unknown");
    bakery.disk.disarm();
    assert_eq!(bakery.call(&server, &bakeoff("a")).await.0, 200);
    server.terminate().expect("ended");
}

#[tokio::test]
async fn what_is_answered_after_a_failed_commit_outlasts_the_power() {
    let mut bakery = Bakery::stocked().await;
    let mut server = bakery.start_and_open().await;
    bakery.arm(Kind::Sync, Errno::Io);
    let answer = bakery.call(&server, &bakeoff("a")).await;
    assert_eq!(said(&answer), "503 commit_unknown unknown");
    assert!(!server.wait().expect("it ends by itself").success());
    bakery.disk.disarm();
    // The commit can be read, and is not on the disk: no sync that follows makes up for it.
    let server = bakery.start();
    let (status, answered) = bakery.call(&server, &bakeoff("a")).await;
    assert!((200..=201).contains(&status), "{answered}");
    bakery.lose_power();
    drop(server);
    let mut server = bakery.start();
    let (status, again) = bakery.call(&server, &bakeoff("a")).await;
    assert_eq!((status, &again["position"]), (200, &answered["position"]), "{again}");
    server.terminate().expect("ended");
}

#[tokio::test]
async fn the_name_of_a_new_log_lasts_before_anything_is_written_to_it() {
    let bakery = Bakery::stocked().await;
    let log = "store/main.db-wal";
    assert!(!bakery.disk.contents().contains_key(log), "a store that was closed has none");
    let _server = bakery.start_and_open().await;
    let image = bakery.disk.lose_power(&mut Random::new(1), Keep::Nothing);
    assert!(image.contains_key(log), "{:?}", image.keys());
}

#[tokio::test]
async fn the_name_of_the_stores_folder_lasts() {
    let mut bakery = Bakery::stocked().await;
    bakery.lose_power();
    let mut server = bakery.start();
    assert_eq!(
        bakery.call(&server, &bakeoff("a")).await.0,
        201,
        "the token and the stock are there"
    );
    server.terminate().expect("ended");
}

#[tokio::test]
async fn a_server_whose_disk_fails_at_the_start_says_so_and_starts_when_it_works_again() {
    let bakery = Bakery::stocked().await;
    for kind in [Kind::Sync, Kind::Write, Kind::Create, Kind::Read] {
        bakery.arm(kind, Errno::Io);
        assert!(launch(&bakery.run, &bakery.disk).start().is_err(), "{kind:?}");
        bakery.disk.disarm();
        bakery.start().terminate().expect("ended");
    }
}
