//! The README's walk-through and the page of SQL alone, run as they stand there: each command, and
//! what it prints.

#[path = "../../item_event_store/tests/store/backend/cluster.rs"]
mod cluster;

use cluster::{Cluster, binaries};
use std::path::Path;
use std::process::Command;

/// What varies from run to run: times, epochs, tags, tokens.
fn steady(text: &str) -> String {
    let mut steady = String::new();
    for line in text.trim_end().lines() {
        let words = line.split(' ').map(|word| if is_time(word) { "TIME" } else { word });
        steady.push_str(words.collect::<Vec<_>>().join(" ").trim_end());
        steady.push('\n');
    }
    steady
}

/// `2026-11-23T05:00:00.000000Z`, or the date and the time alone.
fn is_time(word: &str) -> bool {
    let word = word.trim_matches([',', '.', ';', '"', '(', ')']);
    let digits = word.bytes().filter(u8::is_ascii_digit).count();
    let marks = word.bytes().filter(|b| b"-:TZ.".contains(b)).count();
    digits >= 4
        && marks >= 1
        && digits + marks == word.len()
        && word.contains([':', '-'])
        && word.bytes().filter(|b| b"-:".contains(b)).count() >= 1
        && !word.starts_with('-')
}

/// One command and what the document says it prints.
struct Step {
    command: String,
    printed: String,
    line: usize,
}

/// The steps of every `console` block; between a heading and the next one of its level, if named.
fn steps(document: &str, heading: Option<&str>) -> Vec<Step> {
    let mut steps: Vec<Step> = Vec::new();
    let (mut inside, mut in_block) = (heading.is_none(), false);
    for (line, number) in document.lines().zip(1..) {
        if !in_block && line.starts_with("## ") {
            inside = heading.is_none_or(|heading| heading == line);
        }
        if line.starts_with("```") {
            in_block = inside && line == "```console";
            continue;
        }
        if !in_block {
            continue;
        }
        if let Some(command) = line.strip_prefix("$ ") {
            steps.push(Step { command: command.into(), printed: String::new(), line: number });
        } else if let Some(step) = steps.last_mut() {
            step.printed.push_str(line);
            step.printed.push('\n');
        }
    }
    assert!(steps.len() >= 12, "only {} steps were found", steps.len());
    steps
}

fn document(name: &str) -> String {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    std::fs::read_to_string(root.join(name)).expect("the document")
}

/// Runs the steps one after another, as a shell with these variables does.
fn run(name: &str, steps: Vec<Step>, variables: &[(&str, &str)]) {
    let folder = tempfile::tempdir().expect("a folder");
    let ies = Path::new(env!("CARGO_BIN_EXE_ies")).parent().expect("a folder");
    let (ies, server) = (ies.display(), binaries());
    let path = std::env::var("PATH").unwrap_or_default();
    let mut differences = Vec::new();
    for step in steps {
        let output = Command::new("sh")
            .args(["-c", &format!("{} 2>&1", step.command)])
            .current_dir(folder.path())
            .env("PATH", format!("{ies}:{}:{path}", server.display()))
            .env("XDG_DATA_HOME", folder.path())
            .env("PSQLRC", "/dev/null")
            .env_remove("IES_STORE")
            .env_remove("IES_SERVER")
            .env_remove("IES_TOKEN")
            .envs(variables.iter().copied())
            .output()
            .expect("a shell");
        let printed = String::from_utf8(output.stdout).expect("text");
        if steady(&printed) != steady(&step.printed) {
            differences.push(format!(
                "{name}:{}: $ {}\n--- the document\n{}--- printed\n{printed}",
                step.line, step.command, step.printed
            ));
        }
    }
    assert!(differences.is_empty(), "\n{}", differences.join("\n"));
}

#[test]
fn the_walk_through_prints_what_the_readme_says() {
    run("README.md", steps(&document("README.md"), Some("## A walk-through")), &[]);
}

/// The same, with the shell of the other database.
#[tokio::test]
async fn the_walk_through_prints_the_same_on_postgres() {
    let cluster = Cluster::started();
    let database = cluster.new_database().await;
    let mut steps = steps(&document("README.md"), Some("## A walk-through"));
    let mut by_hand = 0;
    for step in &mut steps {
        if let Some(statement) = step.command.strip_prefix("sqlite3 itemeventstore/main.db ") {
            step.command = format!("psql -q -v VERBOSITY=terse -c {statement}");
            step.printed =
                step.printed.replace("Error: stepping, ", "ERROR:  ").replace(" (19)", "");
            by_hand += 1;
        }
    }
    assert!(by_hand >= 2, "the walk-through uses a shell");
    let (url, folder) = (cluster.url("ies_app", &database), cluster.folder.display().to_string());
    let variables = [
        ("IES_STORE", url.as_str()),
        ("PGHOST", folder.as_str()),
        ("PGUSER", "ies_owner"),
        ("PGDATABASE", database.as_str()),
    ];
    run("README.md", steps, &variables);
}

#[test]
fn the_ledger_from_sql_alone_does_what_its_page_says() {
    let cluster = Cluster::of_its_own("");
    let folder = cluster.folder.display().to_string();
    let variables = [("PGHOST", folder.as_str()), ("PGUSER", "postgres")];
    run("docs/sql-only.md", steps(&document("docs/sql-only.md"), None), &variables);
}
