//! The README's walk-through, run as it stands there: each command, and what it prints.

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

/// One command and what the README says it prints.
struct Step {
    command: String,
    printed: String,
    line: usize,
}

/// The steps of every `console` block between a heading and the next one of its level.
fn steps(document: &str, heading: &str) -> Vec<Step> {
    let mut steps: Vec<Step> = Vec::new();
    let (mut inside, mut in_block) = (false, false);
    for (line, number) in document.lines().zip(1..) {
        if !in_block && line.starts_with("## ") {
            inside = line == heading;
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
            if step.printed.is_empty() && step.command.ends_with('\\') {
                step.command.push('\n');
                step.command.push_str(line);
            } else {
                step.printed.push_str(line);
                step.printed.push('\n');
            }
        }
    }
    steps
}

#[test]
fn the_walk_through_prints_what_the_readme_says() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let readme = std::fs::read_to_string(root.join("README.md")).expect("the README");
    let folder = tempfile::tempdir().expect("a folder");
    let binary = Path::new(env!("CARGO_BIN_EXE_ies")).parent().expect("a folder");
    let path = format!("{}:{}", binary.display(), std::env::var("PATH").unwrap_or_default());
    let steps = steps(&readme, "## A walk-through");
    assert!(steps.len() >= 12, "only {} steps were found", steps.len());
    let mut differences = Vec::new();
    for step in steps {
        let output = Command::new("sh")
            .args(["-c", &format!("{} 2>&1", step.command)])
            .current_dir(folder.path())
            .env("PATH", &path)
            .env("XDG_DATA_HOME", folder.path())
            .env_remove("IES_STORE")
            .env_remove("IES_SERVER")
            .env_remove("IES_TOKEN")
            .output()
            .expect("a shell");
        let printed = String::from_utf8(output.stdout).expect("text");
        if steady(&printed) != steady(&step.printed) {
            differences.push(format!(
                "README.md:{}: $ {}\n--- the README\n{}--- printed\n{printed}",
                step.line, step.command, step.printed
            ));
        }
    }
    assert!(differences.is_empty(), "\n{}", differences.join("\n"));
}
