//! The house rules that a machine can hold: sizes, walls, SQL files. STYLE.md gives the reasons.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use syn::visit::Visit;

/// The longest source file, in lines.
const MAX_FILE_LINES: usize = 400;
/// The longest test file, in lines.
const MAX_TEST_FILE_LINES: usize = 600;
/// The longest function, in lines.
const MAX_FUNCTION_LINES: usize = 70;
/// The longest line, in columns.
const MAX_COLUMNS: usize = 100;
/// The longest ARCHITECTURE.md, in lines.
const MAX_ARCHITECTURE_LINES: usize = 250;

/// Modules of the library that import only each other: no I/O, no clock, no async, no SQL.
const PURE: [&str; 17] = [
    "access",
    "book",
    "command",
    "decide",
    "event",
    "facts",
    "hash",
    "ids",
    "inventory",
    "item",
    "limits",
    "reason",
    "rejection",
    "settings",
    "summary",
    "text",
    "time",
];
/// Words that have no place in a pure module.
const IMPURE: [&str; 7] =
    ["async ", "tokio", "rusqlite", "std::fs", "std::net", "getrandom", "now()"];
/// What a backend must not know.
const RULES: [&str; 7] = ["decide", "book", "ledger", "writer", "verify", "rebuild", "refresh"];

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").canonicalize().expect("the workspace")
}

fn files(folder: &Path, extension: &str) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let Ok(entries) = fs::read_dir(folder) else { return found };
    for entry in entries {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            found.extend(files(&path, extension));
        } else if path.extension().is_some_and(|found| found == extension) {
            found.push(path);
        }
    }
    found.sort();
    found
}

fn read(path: &Path) -> String {
    fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

fn name(path: &Path) -> String {
    path.strip_prefix(root()).expect("within the workspace").display().to_string()
}

/// Every Rust file of the workspace, and whether it is a test.
fn sources() -> Vec<(PathBuf, bool)> {
    let mut found = Vec::new();
    for krate in fs::read_dir(root().join("crates")).expect("crates") {
        let krate = krate.expect("a crate").path();
        found.extend(files(&krate.join("src"), "rs").into_iter().map(|file| {
            let is_test = file.with_extension("").iter().any(|part| part == "tests");
            (file, is_test)
        }));
        found.extend(files(&krate.join("tests"), "rs").into_iter().map(|file| (file, true)));
    }
    assert!(found.len() > 30, "the sources were found");
    found
}

fn hold(broken: &[String]) {
    assert!(broken.is_empty(), "\n{}", broken.join("\n"));
}

#[test]
fn files_are_short_and_say_what_they_are_for() {
    let mut broken = Vec::new();
    for (file, is_test) in sources() {
        let (text, name) = (read(&file), name(&file));
        let (lines, most) =
            (text.lines().count(), if is_test { MAX_TEST_FILE_LINES } else { MAX_FILE_LINES });
        if lines > most {
            broken.push(format!("{name}: {lines} lines, at most {most}"));
        }
        if !text.starts_with("//!") {
            broken.push(format!("{name}: does not begin with //! and what it is for"));
        }
        for (line, number) in text.lines().zip(1..) {
            if line.chars().count() > MAX_COLUMNS && !line.contains("->") {
                broken.push(format!("{name}:{number}: more than {MAX_COLUMNS} columns"));
            }
            for mark in [concat!("TO", "DO"), concat!("FIX", "ME"), concat!("dbg", "!(")] {
                if line.contains(mark) {
                    broken.push(format!("{name}:{number}: {mark}"));
                }
            }
        }
    }
    hold(&broken);
}

struct Functions<'a> {
    file: &'a str,
    broken: &'a mut Vec<String>,
}

impl Functions<'_> {
    fn measure(&mut self, signature: &syn::Signature, block: &syn::Block) {
        let name = &signature.ident;
        let end = block.brace_token.span.close().end().line;
        let lines = end + 1 - signature.fn_token.span.start().line;
        if lines > MAX_FUNCTION_LINES {
            let (file, most) = (self.file, MAX_FUNCTION_LINES);
            self.broken.push(format!("{file}: fn {name}: {lines} lines, at most {most}"));
        }
    }
}

impl<'ast> Visit<'ast> for Functions<'_> {
    fn visit_item_fn(&mut self, function: &'ast syn::ItemFn) {
        self.measure(&function.sig, &function.block);
        syn::visit::visit_item_fn(self, function);
    }

    fn visit_impl_item_fn(&mut self, function: &'ast syn::ImplItemFn) {
        self.measure(&function.sig, &function.block);
        syn::visit::visit_impl_item_fn(self, function);
    }
}

#[test]
fn functions_are_short() {
    let mut broken = Vec::new();
    for (file, _) in sources() {
        let parsed = syn::parse_file(&read(&file)).expect("Rust");
        Functions { file: &name(&file), broken: &mut broken }.visit_file(&parsed);
    }
    hold(&broken);
}

/// The modules of its own crate that a file names.
fn imports(text: &str) -> BTreeSet<String> {
    let word = |c: char| c.is_alphanumeric() || c == '_';
    text.match_indices("crate::")
        .filter(|(at, _)| !text[..*at].ends_with(word))
        .map(|(at, found)| text[at + found.len()..].chars().take_while(|c| word(*c)).collect())
        .collect()
}

fn is_room(file: &Path, room: &str, src: &Path) -> bool {
    file == src.join(room).with_extension("rs") || file.starts_with(src.join(room))
}

#[test]
fn the_walls_stand() {
    let library = root().join("crates/item_event_store/src");
    let mut broken = Vec::new();
    for file in files(&library, "rs").into_iter().filter(|file| !file.ends_with("tests.rs")) {
        let (text, name) = (read(&file), name(&file));
        let imports = imports(&text);
        if PURE.iter().any(|room| is_room(&file, room, &library)) {
            for import in imports.iter().filter(|import| !PURE.contains(&import.as_str())) {
                broken.push(format!("{name}: pure, but imports {import}"));
            }
            for word in IMPURE.iter().filter(|word| text.contains(**word)) {
                broken.push(format!("{name}: pure, but says {word}"));
            }
        }
        if is_room(&file, "store", &library) {
            for import in imports.iter().filter(|import| RULES.contains(&import.as_str())) {
                broken.push(format!("{name}: a backend, but imports {import}"));
            }
        }
        for (driver, room) in [
            ("rusqlite", "store/sqlite"),
            ("tokio_postgres", "store/postgres"),
            ("rustls", "store/postgres"),
        ] {
            if text.contains(driver) && !is_room(&file, room, &library) {
                broken.push(format!("{name}: names {driver} outside {room}"));
            }
        }
        for (backend, other) in [("sqlite", "postgres"), ("postgres", "sqlite")] {
            if is_room(&file, &format!("store/{backend}"), &library)
                && text.contains(&format!("store::{other}"))
            {
                broken.push(format!("{name}: one backend imports the other"));
            }
        }
    }
    let binary = root().join("crates/ies/src");
    for file in files(&binary, "rs") {
        let (text, name) = (read(&file), name(&file));
        for (library, rooms) in
            [("axum", &["http"] as &[&str]), ("clap", &["cli", "main"]), ("rusqlite", &[])]
        {
            let uses = text.lines().any(|line| {
                let line = line.trim_start();
                !line.starts_with("//") && line.contains(&format!("{library}::"))
            });
            if uses && !rooms.iter().any(|room| is_room(&file, room, &binary)) {
                broken.push(format!("{name}: {library} belongs into {rooms:?}"));
            }
        }
    }
    hold(&broken);
}

#[test]
fn every_sql_file_is_used_and_says_its_parameters() {
    let library = root().join("crates/item_event_store");
    let rust: String = files(&library.join("src"), "rs").iter().map(|file| read(file)).collect();
    let mut broken = Vec::new();
    let mut names: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for file in files(&library.join("sql"), "sql") {
        let (text, name) = (read(&file), name(&file));
        let path = file.strip_prefix(&library).expect("within the library");
        let stem = file.file_stem().expect("a name").to_string_lossy();
        if !rust.contains(&format!("\"{stem}\"")) {
            broken.push(format!("{name}: no code names it"));
        }
        if !text.starts_with("--") {
            broken.push(format!("{name}: does not begin with a comment"));
        }
        let mut parts = path.components().skip(1).map(|part| part.as_os_str().to_string_lossy());
        let backend = parts.next().expect("a backend").into_owned();
        names.entry(backend).or_default().insert(parts.collect::<Vec<_>>().join("/"));
    }
    assert!(!names.is_empty(), "the SQL files were found");
    hold(&broken);
}

#[test]
fn the_map_of_the_house_is_short_and_leads_somewhere() {
    let text = read(&root().join("ARCHITECTURE.md"));
    assert!(text.lines().count() < MAX_ARCHITECTURE_LINES);
    let mut broken = Vec::new();
    for document in ["ARCHITECTURE.md", "README.md", "STYLE.md", "CONTRIBUTING.md"] {
        for link in read(&root().join(document)).split("](").skip(1) {
            let target = link.split([')', '#']).next().unwrap_or_default();
            if !target.is_empty() && !target.contains("://") && !root().join(target).exists() {
                broken.push(format!("{document}: {target} does not exist"));
            }
        }
    }
    hold(&broken);
}
