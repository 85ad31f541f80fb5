//! The command line from outside: the same on a store and on a server, one writer at a time, exit
//! codes, the demo, tokens, and the ways in and out of a store.

mod server;

use serde_json::Value;
use server::{Server, done, ies};
use std::collections::BTreeSet;
use std::path::Path;
use std::process::{Command, Output};

/// How long something may take that a server does by itself, before it counts as not done.
const PATIENCE: std::time::Duration = std::time::Duration::from_secs(30);

/// Where a command works.
enum Way<'s> {
    Store(&'s Path),
    Server(&'s Server, &'s str),
}

impl Way<'_> {
    fn run(&self, line: &str) -> Output {
        let mut command = Command::new(env!("CARGO_BIN_EXE_ies"));
        command.env_remove("IES_STORE").env_remove("IES_SERVER").env_remove("IES_TOKEN");
        match self {
            // On a server the actor is the token's name.
            Way::Store(store) => command.args(["--actor", "admin", "--store"]).arg(store),
            Way::Server(server, token) => {
                command.args(["--server", &server.url]).env("IES_TOKEN", token)
            }
        };
        command.args(words(line)).output().expect("the binary runs")
    }

    /// What a person sees, without the times.
    fn seen(&self, line: &str) -> String {
        let output = self.run(line);
        let text = |bytes: &[u8]| steady(std::str::from_utf8(bytes).expect("UTF-8"));
        format!("{:?}\n{}\n--\n{}", code(&output), text(&output.stdout), text(&output.stderr))
    }
}

/// The words of a line; quotes hold some together.
fn words(line: &str) -> Vec<String> {
    let parts = line.split('"').enumerate();
    let words = parts.flat_map(|(n, part)| match n % 2 {
        0 => part.split_whitespace().map(str::to_owned).collect(),
        _ => vec![part.to_owned()],
    });
    words.collect()
}

fn code(output: &Output) -> i32 {
    output.status.code().expect("no signal")
}

fn stderr(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

/// The text with every point in time made the same.
fn steady(text: &str) -> String {
    const SHAPE: &[u8] = b"0000-00-00T00:00:00";
    let fits = |window: &[u8]| {
        window.len() == SHAPE.len()
            && window.iter().zip(SHAPE).all(|(byte, shape)| match shape {
                b'0' => byte.is_ascii_digit(),
                b'T' => matches!(byte, b'T' | b' '),
                other => byte == other,
            })
    };
    let (bytes, mut steady, mut at) = (text.as_bytes(), Vec::new(), 0);
    while at < bytes.len() {
        if fits(&bytes[at..bytes.len().min(at + SHAPE.len())]) {
            at += SHAPE.len();
            while at < bytes.len() && (bytes[at].is_ascii_digit() || b".Z".contains(&bytes[at])) {
                at += 1;
            }
            steady.extend(b"<time>");
        } else {
            steady.push(bytes[at]);
            at += 1;
        }
    }
    String::from_utf8(steady).expect("UTF-8")
}

const COMMANDS: &[&str] = &[
    "item add Croissant --sku CR-01 --initial 10 --note \"from the old book\"",
    "item add \"Crème brûlée\" --unit tray --allow-negative",
    "item add Copy --sku CR-01",
    "item add \"\"",
    "record batch sku:CR-01 24 --note \"the morning tray\"",
    "record bakeoff sku:CR-01 6 --occurred-at 2026-01-02T05:00:00Z",
    "record special-order 1 3 --reference order-17",
    "record bakeoff 1 99",
    "record bakeoff 1 0",
    "record bakeoff 9 1",
    "record bakeoff sku:NONE 1",
    "record bakeoff 2 5 --key one",
    "record bakeoff 2 5 --key one",
    "record bakeoff 2 6 --key one",
    "adjust 1 -2 --kind waste",
    "adjust 1 -2 --kind return",
    "set 1 20 --expected 25 --kind override",
    "correct 2 20 --note \"a short tray\"",
    "correct 99 1",
    "void 3",
    "void 3",
    "set sku:CR-01 20 --expected any --kind count",
    "correct 2 21",
    "item rename 1 Kipferl",
    "item list",
    "item list --name Kipferl",
    "item show 1",
    "item show 9",
    "stock",
    "stock 1",
    "stock --as-of 3",
    "stock 1 --as-of 3",
    "stock --as-of 99",
    "stock --as-of 2020-01-01T00:00:00Z",
    "log",
    "log 2",
    "explain 1",
    "explain sku:CR-01",
    "explain 9",
    "chart 1",
    "export events",
    "export events --format jsonl",
    "export inventory",
    "summary",
    "summary --refresh",
    "summary sku:CR-01",
    "summary 1 --from 2026-01-02 --to 2026-01-02",
    "summary 2 --from 2026-01-03",
    "summary 9",
    "summary --from tomorrow",
    "export summary",
    "export summary --format jsonl",
    "summary --rebuild",
    "item archive 1",
    "record batch 1 1",
    "item list --archived",
    "item archive 1 --undo",
    "rebuild",
    "rebuild 1",
    "verify",
    "ledger create north --time-zone Europe/Vienna --day-start-hour 4",
    "ledger create north",
    "ledger create South",
    "ledger list",
    "item add Roll --initial 3 --ledger north",
    "item list --ledger north",
    "stock --ledger south",
    "ledger edit north --day-start-hour 3",
    "ledger edit north --day-start-hour 24",
    "ledger archive north",
    "record batch 1 1 --ledger north",
    "ledger list --archived",
    "ledger archive north --undo",
    "verify --ledger north",
    "ledger archive south",
];

#[test]
fn a_command_prints_the_same_on_a_store_and_on_a_server() {
    for format in ["", " --format json"] {
        let folder = tempfile::tempdir().expect("a folder");
        let (store, other) = (folder.path().join("store"), folder.path().join("other"));
        // A store has nobody who refreshes its summary by the clock.
        let server = Server::start(&other, &["--summary-every", "off"]);
        let token = server.token.clone().expect("a token");
        for line in COMMANDS {
            let format = if line.contains("--format") { "" } else { format };
            let line = format!("{line}{format}");
            let (on_store, on_server) =
                (Way::Store(&store).seen(&line), Way::Server(&server, &token).seen(&line));
            assert_eq!(on_store, on_server, "ies {line}");
        }
        drop(server);
        done(&ies(&["verify"], &other));
    }
}

#[test]
fn a_store_has_one_writer_and_readers_beside_it() {
    let folder = tempfile::tempdir().expect("a folder");
    let store = folder.path().join("store");
    let server = Server::start(&store, &[]);
    let token = server.token.clone().expect("a token");
    let over_network = Way::Server(&server, &token);
    done(&over_network.run("item add Croissant --initial 10"));
    for arguments in [
        &["serve", "--addr", "127.0.0.1:0"][..],
        &["record", "batch", "1", "1"],
        &["item", "add", "Roll"],
        &["token", "create", "x", "--role", "viewer"],
        &["rebuild"],
        &["summary", "--refresh"],
        &["migrate"],
    ] {
        let output = ies(arguments, &store);
        assert_eq!(code(&output), 69, "{arguments:?}: {}", stderr(&output));
        assert!(stderr(&output).contains("--server"), "{}", stderr(&output));
        assert!(output.stdout.is_empty(), "{arguments:?}");
    }
    let backup = folder.path().join("backup.db");
    for arguments in [
        &["stock"][..],
        &["log"],
        &["item", "list"],
        &["explain", "1"],
        &["chart", "1"],
        &["verify"],
        &["export", "events"],
        &["summary"],
        &["token", "list"],
        &["backup", backup.to_str().expect("text")],
    ] {
        let output = ies(arguments, &store);
        assert_eq!(code(&output), 0, "{arguments:?}: {}", stderr(&output));
    }
    done(&over_network.run("record batch 1 5"));
    assert!(done(&ies(&["stock"], &store)).contains("15"), "a reader sees what was just written");
    drop(server);
    done(&ies(&["record", "batch", "1", "1"], &store));
}

#[test]
fn a_command_ends_with_the_exit_code_of_what_happened() {
    let folder = tempfile::tempdir().expect("a folder");
    let store = folder.path().join("store");
    let nowhere = folder.path().join("nowhere");
    let bad = folder.path().join("bad.csv");
    std::fs::write(&bad, "item,reason,quantity\nRoll,gift,5\n").expect("written");
    let bad = bad.to_str().expect("text");
    for (expected, store, line) in [
        (0, &store, "item add Croissant --initial 10".to_owned()),
        (0, &store, "stock".to_owned()),
        (0, &store, "--help".to_owned()),
        (0, &store, "--version".to_owned()),
        (1, &store, "record bakeoff 1 11".to_owned()),
        (1, &store, "item show 9".to_owned()),
        (64, &store, "bake".to_owned()),
        (64, &store, "record batch 1 many".to_owned()),
        (64, &store, "stock --server x --store y".to_owned()),
        (64, &store, "stock --format csv".to_owned()),
        (64, &store, "stock --server nonsense".to_owned()),
        (65, &store, format!("import {bad}")),
        (66, &store, "import nothing.csv".to_owned()),
        (66, &store, "restore nothing.db".to_owned()),
        (66, &nowhere, "stock".to_owned()),
        (69, &store, "stock --server http://127.0.0.1:9".to_owned()),
        (73, &store, format!("backup {bad}")),
        (78, &store, "stock --store mysql://host/db".to_owned()),
        (75, &store, "stock --store postgres:///bakery?host=/nowhere".to_owned()),
    ] {
        let line = words(&line);
        let arguments: Vec<_> = line.iter().map(String::as_str).collect();
        let output = ies(&arguments, store);
        assert_eq!(code(&output), expected, "{line:?}: {}", stderr(&output));
        if expected != 0 {
            // An import prints what it did before it stopped.
            assert!(
                output.stdout.is_empty() || line[0] == "import",
                "{line:?}: errors are no data"
            );
            assert!(stderr(&output).contains("error: "), "{line:?}: {}", stderr(&output));
        }
    }
    assert!(!nowhere.exists(), "a question makes no store");
    let server = Server::start(&store, &[]);
    for token in ["", "ies_x", &format!("ies_{}", "0".repeat(64))] {
        let output = Way::Server(&server, token).run("stock");
        assert_eq!(code(&output), 77, "{token}: {}", stderr(&output));
    }
    let admin = server.token.clone().expect("a token");
    let made = Way::Server(&server, &admin).run("token create Vera --role viewer");
    let viewer = done(&made);
    let output = Way::Server(&server, viewer.trim()).run("record batch 1 1");
    assert_eq!(code(&output), 77, "{}", stderr(&output));
    assert!(stderr(&output).contains("baker"), "{}", stderr(&output));
}

fn json(store: &Path, line: &str) -> Value {
    let line = format!("{line} --format json");
    serde_json::from_str(&done(&Way::Store(store).run(&line))).expect("JSON")
}

/// What is the same in two demo bakeries of one day.
fn events(store: &Path) -> Vec<String> {
    let text = done(&Way::Store(store).run("export events --format jsonl"));
    text.lines().map(str::to_owned).collect()
}

#[test]
fn the_demo_fills_an_empty_store_with_30_days_that_are_the_same_everywhere() {
    let folder = tempfile::tempdir().expect("a folder");
    let fill = |name: &str| {
        let store = folder.path().join(name);
        drop(Server::start(&store, &["--demo"]));
        store
    };
    let (mut one, mut two) = (fill("one"), fill("two"));
    let today = |store: &Path| {
        events(store).last().and_then(|event| Some(event.split('T').next()?.to_owned()))
    };
    if today(&one) != today(&two) {
        // Midnight came between them.
        (one, two) = (fill("three"), fill("four"));
    }
    let recorded = events(&one);
    assert_eq!(recorded, events(&two));
    assert!(recorded.len() > 300, "only {} events", recorded.len());
    let report = json(&one, "verify");
    assert_eq!(report["clean"], true, "{report}");
    let chart = json(&one, "chart sku:CR-01");
    let days = chart["days"].as_array().expect("days");
    assert!((29..=31).contains(&days.len()), "{} days", days.len());
    assert!(days.iter().all(|day| day["closing"].as_i64() >= Some(0)));
    let summary = json(&one, "summary");
    assert_eq!(summary["position"], summary["head_position"], "the demo's summary is up to date");
    let table = done(&Way::Store(&one).run("chart sku:CR-01"));
    assert!(table.lines().count() >= 30, "{table}");
    let again = Server::start(&one, &["--demo"]);
    drop(again);
    assert_eq!(events(&one), recorded, "a store that is not empty is left as it is");
}

#[test]
fn a_server_refreshes_the_summary_by_the_clock() {
    let folder = tempfile::tempdir().expect("a folder");
    let server = Server::start(&folder.path().join("store"), &["--summary-every", "1s"]);
    let token = server.token.clone().expect("a token");
    let way = Way::Server(&server, &token);
    done(&way.run("item add Croissant --initial 10"));
    let begin = std::time::Instant::now();
    loop {
        let page = done(&way.run("summary --format json"));
        let page: Value = serde_json::from_str(&page).expect("JSON");
        if page["position"] == 1 {
            assert_eq!(page["summary"][0]["quantity_change"], 10);
            return;
        }
        assert!(begin.elapsed() < PATIENCE, "{page}");
        std::thread::sleep(std::time::Duration::from_millis(100));
    }
}

/// Whether any file of a folder has these bytes in it.
fn files_hold(folder: &Path, bytes: &[u8]) -> bool {
    let holds = |path: &Path| {
        let file = std::fs::read(path).expect("a file");
        file.windows(bytes.len()).any(|window| window == bytes)
    };
    let entries = std::fs::read_dir(folder).expect("a folder");
    let mut paths = entries.map(|entry| entry.expect("an entry").path());
    paths.any(|path| if path.is_dir() { files_hold(&path, bytes) } else { holds(&path) })
}

#[test]
fn a_secret_is_shown_once_and_kept_nowhere() {
    let folder = tempfile::tempdir().expect("a folder");
    let store = folder.path().join("store");
    let server = Server::start(&store, &[]);
    let admin = server.token.clone().expect("the first start shows a token");
    let way = Way::Server(&server, &admin);
    let secret = done(&way.run("token create Anna --role baker")).trim().to_owned();
    assert!(secret.starts_with("ies_") && secret.len() == 68, "{secret}");
    let made = done(&way.run("token create Ben --role viewer --format json"));
    let made: Value = serde_json::from_str(&made).expect("JSON");
    let other = made["secret"].as_str().expect("a secret").to_owned();
    done(&Way::Server(&server, &secret).run("item add Croissant --initial 1"));
    let revoked = way.run(&format!("token revoke {}", made["token"]["id"]));
    assert_eq!(code(&revoked), 0, "{}", stderr(&revoked));
    let mut said = String::new();
    for line in ["token list", "token list --format json", "log --format json", "export events"] {
        let output = way.run(line);
        said += &done(&output);
        said += &stderr(&output);
    }
    assert!(said.contains("Anna") && said.contains("Ben"), "{said}");
    assert_eq!(code(&Way::Server(&server, &other).run("stock")), 77, "revoked");
    for secret in [&admin, &secret, &other] {
        let digits = &secret["ies_".len()..];
        assert!(!said.contains(digits), "a list shows a secret");
        assert!(!files_hold(&store, digits.as_bytes()), "while the server runs");
    }
    assert!(files_hold(&store, b"Anna"), "the files were searched");
    drop(server);
    for secret in [&admin, &secret, &other] {
        assert!(!files_hold(&store, &secret.as_bytes()["ies_".len()..]), "afterwards");
    }
    let again = Server::start(&store, &[]);
    assert_eq!(again.token, None, "the admin token is shown by the first start only");
    done(&Way::Server(&again, &admin).run("stock"));
}

fn counts(store: &Path) -> BTreeSet<String> {
    let stock = json(store, "stock");
    let rows = stock["inventory"].as_array().expect("rows").iter();
    rows.map(|row| format!("{} {} {}", row["name"], row["unit"], row["quantity"])).collect()
}

#[test]
fn what_was_exported_can_be_imported_and_gives_the_same_counts() {
    let folder = tempfile::tempdir().expect("a folder");
    let (store, copy) = (folder.path().join("store"), folder.path().join("copy"));
    let way = Way::Store(&store);
    for line in [
        "item add Croissant --sku CR-01 --initial 10",
        "item add \"Apple, strudel\" --initial 3",
        "record batch 1 24 --note \"a, note; with – signs\"",
        "record bakeoff 1 6",
        "record special-order 2 3 --reference order-17",
        "adjust 1 -2 --kind waste",
        "set 1 20 --expected any --kind count",
        "adjust 1 4 --kind return",
    ] {
        done(&way.run(line));
    }
    // The export has the members of the API; an import has its own columns.
    let mut csv = csv::Writer::from_writer(Vec::new());
    let header = ["item", "reason", "quantity", "occurred_at", "reference", "note", "kind"];
    csv.write_record(header).expect("written");
    let names = json(&store, "item list");
    for line in done(&way.run("export events --format jsonl")).lines() {
        let event: Value = serde_json::from_str(line).expect("JSON");
        let text = |name: &str| event[name].as_str().unwrap_or_default().to_owned();
        let change = event["quantity_change"].as_i64().expect("a change");
        let (kind, reason) = (text("kind"), text("reason"));
        let quantity = match (reason.as_str(), kind.as_str()) {
            (_, "count" | "override") => event["quantity_after"].as_i64().expect("a count"),
            ("adjustment", _) => change,
            _ => change.abs(),
        };
        let index = usize::try_from(event["item_id"].as_i64().expect("an id") - 1).expect("small");
        let name = names["items"][index]["name"].as_str().expect("a name").to_owned();
        let row = [
            name,
            reason,
            quantity.to_string(),
            text("occurred_at"),
            text("reference"),
            text("note"),
            kind,
        ];
        csv.write_record(row).expect("written");
    }
    let file = folder.path().join("events.csv");
    std::fs::write(&file, csv.into_inner().expect("flushed")).expect("written");
    let import = ["import", file.to_str().expect("text"), "--create-items"];
    done(&ies(&import, &copy));
    assert_eq!(counts(&copy), counts(&store));
    assert_eq!(counts(&copy).len(), 2);
    let position = json(&copy, "log")["position"].clone();
    done(&ies(&import, &copy));
    assert_eq!(json(&copy, "log")["position"], position, "the same file records nothing twice");
    done(&ies(&["verify"], &copy));
}

#[test]
fn a_backup_is_restored_with_every_event_and_is_never_written_over() {
    let folder = tempfile::tempdir().expect("a folder");
    let (store, other) = (folder.path().join("store"), folder.path().join("other"));
    drop(Server::start(&store, &["--demo"]));
    let file = folder.path().join("backup.db");
    let file = file.to_str().expect("text");
    done(&ies(&["backup", file], &store));
    assert_eq!(code(&ies(&["backup", file], &store)), 73, "a backup makes a new file");
    done(&ies(&["record", "batch", "1", "1"], &store));
    done(&ies(&["restore", file], &other));
    let (before, after) = (events(&store), events(&other));
    assert_eq!(before[..before.len() - 1], after);
    done(&ies(&["verify"], &other));
    let twice = ies(&["restore", file], &other);
    assert_eq!(code(&twice), 73, "{}", stderr(&twice));
    done(&ies(&["record", "batch", "1", "1"], &other));
}

#[test]
fn the_description_the_completions_and_the_schema_are_printed() {
    let folder = tempfile::tempdir().expect("a folder");
    let nowhere = folder.path().join("nowhere");
    let printed = |arguments: &[&str]| done(&ies(arguments, &nowhere));
    assert!(printed(&["openapi"]) == include_str!("../../../docs/openapi.json"));
    let script = folder.path().join("ies.bash");
    std::fs::write(&script, printed(&["completions", "bash"])).expect("written");
    let check = "source \"$0\" && complete -p ies";
    let bash = Command::new("bash").args(["-c", check]).arg(&script).output().expect("bash");
    assert!(done(&bash).contains("ies"));
    for shell in ["zsh", "fish"] {
        assert!(printed(&["completions", shell]).contains("special-order"), "{shell}");
    }
    let schema = folder.path().join("schema.sql");
    std::fs::write(&schema, printed(&["migrate", "--print"])).expect("written");
    let read = format!(".read {}", schema.display());
    let tables = "SELECT group_concat(name) FROM (SELECT name FROM sqlite_master \
                  WHERE type = 'table' AND name NOT LIKE 'sqlite_%' ORDER BY name)";
    let shell = Command::new("sqlite3").args(["-bail", ":memory:", &read, tables]).output();
    let tables = done(&shell.expect("a SQLite shell"));
    assert!(tables.contains("item_event_store") && tables.contains("item_inventory"), "{tables}");
    assert_eq!(code(&ies(&["migrate", "--print", "--citus"], &nowhere)), 78, "not on SQLite");
    assert_eq!(code(&ies(&["migrate", "--citus"], &nowhere)), 78, "not on SQLite");
    assert!(!nowhere.exists(), "none of these needs a store");
}
