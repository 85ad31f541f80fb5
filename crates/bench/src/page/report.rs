//! The pages: the whole report, and the places of other pages that show a part of it. Such a place
//! begins with `<!-- bench:WHAT -->` and ends with `<!-- bench:end -->`; what is between is made
//! here.

use super::{Picture, goals, number};
use crate::results::{FOLDER, Figure, Measured};
use crate::scenario::{ALL, Scenario};
use anyhow::{Context as _, Result, bail};
use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

/// Pages with places that show a part of the report.
const PAGES: [&str; 2] = ["README.md", "docs/where-the-count-lives.md"];
const BEGIN: &str = "<!-- bench:";
const END: &str = "<!-- bench:end -->";

/// Results by scenario.
type All = BTreeMap<&'static str, Measured>;

/// Makes every page and picture anew.
pub fn render(root: &Path) -> Result<()> {
    let pictures = root.join(FOLDER).join("pictures");
    if pictures.exists() {
        fs::remove_dir_all(&pictures)?;
    }
    fs::create_dir_all(&pictures)?;
    for (path, text) in rendered(root)? {
        fs::write(root.join(&path), text).with_context(|| path.display().to_string())?;
    }
    Ok(())
}

/// Every page and picture, by its path, as the results say.
fn rendered(root: &Path) -> Result<Vec<(PathBuf, String)>> {
    let mut all = All::new();
    for scenario in &ALL {
        all.extend(Measured::read(&root.join(FOLDER), scenario.name)?.map(|m| (scenario.name, m)));
    }
    let mut files = vec![(Path::new(FOLDER).join("README.md"), report(&all))];
    for scenario in &ALL {
        let Some(measured) = all.get(scenario.name) else { continue };
        for picture in scenario.pictures {
            if let Some(drawing) = picture.draw(measured) {
                let name = picture_file(scenario, picture.file());
                files.push((Path::new(FOLDER).join(name), drawing));
            }
        }
    }
    for page in PAGES {
        let path = root.join(page);
        let text = fs::read_to_string(&path).with_context(|| page.to_owned())?;
        let folder = if page == "README.md" { FOLDER } else { "performance" };
        files.push((page.into(), filled(&text, &all, folder).with_context(|| page.to_owned())?));
    }
    Ok(files)
}

fn picture_file(scenario: &Scenario, file: &str) -> String {
    format!("pictures/{}-{file}.svg", scenario.name)
}

/// A page with its places filled. `folder`: where the report is, as seen from the page.
fn filled(text: &str, all: &All, folder: &str) -> Result<String> {
    let (mut out, mut rest) = (String::new(), text);
    while let Some((before, after)) = rest.split_once(BEGIN) {
        let (what, after) = after.split_once(" -->").context("a place without its end")?;
        let (_, after) = after.split_once(END).with_context(|| format!("{what}: no end"))?;
        let inside = part(what, all, folder)?;
        let _ = write!(out, "{before}{BEGIN}{what} -->{inside}{END}");
        rest = after;
    }
    Ok(out + rest)
}

/// What a place shows: `goals`; of a scenario `table NAME` or `picture NAME FILE`; or a `figure
/// SCENARIO / CONTENDER / MEASURE`.
fn part(what: &str, all: &All, folder: &str) -> Result<String> {
    let (kind, name) = what.split_once(' ').unwrap_or((what, ""));
    match kind {
        "goals" => Ok(format!("\n{}", goals::table(all))),
        "picture" | "table" => {
            let (name, file) = name.split_once(' ').unwrap_or((name, ""));
            let scenario = ALL.iter().find(|scenario| scenario.name == name);
            let scenario = scenario.with_context(|| format!("no scenario {name}"))?;
            let Some(measured) = all.get(name) else { return Ok(missing(scenario)) };
            let shown = if kind == "table" {
                table(measured) + &provenance(measured)
            } else {
                let known = scenario.pictures.iter().find(|picture| picture.file() == file);
                shown(scenario, known.with_context(|| format!("no picture {file}"))?, folder)
            };
            Ok(format!("\n{shown}"))
        }
        "figure" => {
            let words: Vec<&str> = name.split(" / ").collect();
            let [scenario, contender, measure] = words[..] else { bail!("{what}: three names") };
            let figure = all.get(scenario).and_then(|m| m.figure(contender, measure));
            Ok(figure.map_or("not measured".into(), |figure| number(figure.median())))
        }
        _ => bail!("{what}: no such part"),
    }
}

fn missing(scenario: &Scenario) -> String {
    format!("\nNot measured yet: `./bench {}`.\n", scenario.name)
}

fn report(all: &All) -> String {
    let mut out = String::from("# Performance\n");
    for paragraph in INTRODUCTION {
        let _ = write!(out, "\n{}\n", wrapped(paragraph));
    }
    out += "\n## Goals\n\nRatios of medians of rounds in one run, with the lowest and highest of \
            a round in brackets.\n\n";
    out += &goals::table(all);
    for scenario in &ALL {
        let _ = write!(out, "\n## {}\n\n{}\n", scenario.title, wrapped(scenario.about));
        match all.get(scenario.name) {
            None => out += &missing(scenario),
            Some(measured) => {
                let _ = write!(out, "\n{}\n", pictures(scenario, measured, "."));
                out += &table(measured);
                out += &provenance(measured);
            }
        }
    }
    out
}

const INTRODUCTION: [&str; 2] = [
    "Made by `./bench`, which measures everything anew and writes this page; `./bench NAME` does \
     one chapter, `./bench --full` takes longer for each, `./bench --quick` only looks whether \
     everything works, `./bench pages` draws again what was measured.",
    "Every contender does the same work on the same machine, each in turn and again (A B A B …), \
     so that what disturbs the machine for a while disturbs all. A figure is the median of the \
     rounds; the range is beside it. Every answer is durable: settings are checked, the disk's \
     flushes are counted, and the final counts are held against what was answered. Where load \
     comes at a rate that was fixed in advance, latency begins when a request was due, not when a \
     connection was free for it. Loads over HTTP come from one thread, whose own cost is told \
     apart. Client and server share the machine's cores.",
];

fn pictures(scenario: &Scenario, measured: &Measured, folder: &str) -> String {
    let drawn = scenario.pictures.iter().filter(|picture| picture.draw(measured).is_some());
    let shown: Vec<String> = drawn.map(|picture| shown(scenario, picture, folder)).collect();
    shown.join("\n")
}

fn shown(scenario: &Scenario, picture: &Picture, folder: &str) -> String {
    let file = picture_file(scenario, picture.file());
    format!("![{}]({folder}/{file})\n", picture.title())
}

/// A row a contender, a column a measure.
fn table(measured: &Measured) -> String {
    let (mut rows, mut columns): (Vec<&str>, Vec<(&str, &str)>) = (vec![], vec![]);
    for Figure { contender, measure, unit, .. } in &measured.figures {
        if !rows.contains(&contender.as_str()) {
            rows.push(contender);
        }
        if !columns.iter().any(|(known, _)| known == measure) {
            columns.push((measure, unit));
        }
    }
    let mut out = String::from("| |");
    for (measure, unit) in &columns {
        out += &heading(measure, unit);
    }
    let _ = writeln!(out, "\n|---|{}", "---:|".repeat(columns.len()));
    for contender in rows {
        let _ = write!(out, "| {contender} |");
        for (measure, _) in &columns {
            let cell = measured.figure(contender, measure).map_or_else(String::new, with_range);
            let _ = write!(out, " {cell} |");
        }
        out += "\n";
    }
    out
}

fn heading(measure: &str, unit: &str) -> String {
    if unit == "per second" { format!(" {measure} |") } else { format!(" {measure}, {unit} |") }
}

fn with_range(figure: &Figure) -> String {
    let median = number(figure.median());
    if figure.rounds.len() < 2 {
        return median;
    }
    format!("{median} ({} – {})", number(figure.low()), number(figure.high()))
}

/// Where, when and of what.
fn provenance(measured: &Measured) -> String {
    let m = &measured.machine;
    let mut versions = String::new();
    for (who, version) in &measured.versions {
        let _ = write!(versions, ", {who} {version}");
    }
    let text = wrapped(&format!(
        "`{}`, {} at commit {}, {} s, load average {} before. {} × {}, {} GiB, {}, kernel {}, \
         {}; {}, SQLite {}, {}{versions}.",
        measured.command,
        measured.at,
        measured.commit,
        measured.seconds,
        number(measured.load_average),
        m.cores,
        m.processor,
        m.memory_gib,
        m.system,
        m.kernel,
        m.file_system,
        m.rust,
        m.sqlite,
        m.postgres,
    ));
    format!("\n{text}\n")
}

/// Text in lines of at most 120 columns.
fn wrapped(text: &str) -> String {
    let mut out = String::new();
    let mut column = 0;
    for (at, word) in text.split(' ').enumerate() {
        let length = word.chars().count();
        if at > 0 && column + 1 + length > 120 {
            out.push('\n');
            column = 0;
        } else if at > 0 {
            out.push(' ');
            column += 1;
        }
        out += word;
        column += length;
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_is_filled_and_stays_a_place() {
        let page = "a <!-- bench:figure post / X / rate -->old<!-- bench:end --> b";
        let once = filled(page, &All::new(), ".").expect("filled");
        assert_eq!(once, "a <!-- bench:figure post / X / rate -->not measured<!-- bench:end --> b");
        assert_eq!(filled(&once, &All::new(), ".").expect("filled"), once);
        assert!(filled("<!-- bench:nonsense --><!-- bench:end -->", &All::new(), ".").is_err());
    }

    #[test]
    fn every_page_and_picture_is_made_of_the_results() {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
        for (path, text) in rendered(&root).expect("pages") {
            let kept = fs::read_to_string(root.join(&path)).unwrap_or_default();
            assert!(kept == text, "{}: make it anew by ./bench pages", path.display());
        }
    }

    #[test]
    fn text_is_wrapped_between_words() {
        let text = wrapped(&"word ".repeat(60));
        assert!(text.lines().all(|line| line.chars().count() <= 120));
        assert_eq!(text.split_whitespace().count(), 60);
    }
}
