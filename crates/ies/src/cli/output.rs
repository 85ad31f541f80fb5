//! What a person or a program sees: data on standard output, messages on standard error.

use crate::cli::exit::Failure;
use clap::ValueEnum;
use comfy_table::{CellAlignment, Table, presets};
use serde::Serialize;
use std::io::{self, IsTerminal as _, Write as _};

/// In which form data is printed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// For people.
    #[default]
    Table,
    /// The API's JSON.
    Json,
    /// JSON Lines: of a file that is imported or exported.
    Jsonl,
    /// Comma-separated values: of a file that is imported or exported.
    Csv,
}

/// Where a command prints, and how.
#[derive(Clone, Copy, Debug)]
pub struct Output {
    /// In which form.
    pub format: Format,
    /// No messages, no progress.
    pub quiet: bool,
}

impl Output {
    /// Whether JSON was asked for.
    pub fn is_json(self) -> bool {
        self.format == Format::Json
    }

    /// Prints data, with a line break unless it ends in one.
    #[expect(clippy::unused_self, reason = "only who has an output prints")]
    pub fn print(self, text: &str) -> Result<(), Failure> {
        let mut stdout = io::stdout().lock();
        let end = if text.ends_with('\n') { "" } else { "\n" };
        write!(stdout, "{text}{end}")
            .and_then(|()| stdout.flush())
            .map_err(|error| Failure::output(&error))
    }

    /// Prints the API's JSON, or what `table` makes of it.
    pub fn show<T: Serialize>(
        self,
        value: &T,
        table: impl FnOnce(&T) -> String,
    ) -> Result<(), Failure> {
        match self.format {
            Format::Json => self.print(&pretty(value)),
            Format::Table | Format::Jsonl | Format::Csv => self.print(&table(value)),
        }
    }

    /// Says something on standard error.
    pub fn message(self, text: &str) {
        if !self.quiet {
            // A message that nobody can read is no reason to stop.
            let _ = writeln!(io::stderr().lock(), "{text}");
        }
    }

    /// Whether progress is shown: only to a person who watches.
    pub fn shows_progress(self) -> bool {
        let ci = std::env::var_os("CI").is_some_and(|value| !value.is_empty());
        !self.quiet && !ci && io::stderr().is_terminal()
    }
}

/// JSON for people who read JSON.
pub fn pretty<T: Serialize>(value: &T) -> String {
    serde_json::to_string_pretty(value).expect("the API's types are JSON")
}

/// A column of a table: its head, and to which side it leans.
#[derive(Clone, Copy, Debug)]
pub struct Column(&'static str, CellAlignment);

/// A column of words.
pub const fn words(head: &'static str) -> Column {
    Column(head, CellAlignment::Left)
}

/// A column of numbers.
pub const fn numbers(head: &'static str) -> Column {
    Column(head, CellAlignment::Right)
}

/// A table without lines. Its width follows from its content alone, so that the same data is
/// printed the same everywhere; columns in which nothing stands are left out.
pub fn table(columns: &[Column], rows: &[Vec<String>]) -> String {
    let shown: Vec<usize> = (0..columns.len())
        .filter(|&column| {
            rows.is_empty() || rows.iter().any(|row| row.get(column).is_some_and(|c| !c.is_empty()))
        })
        .collect();
    let mut table = Table::new();
    table.load_style(presets::NOTHING);
    table.set_header(shown.iter().map(|&column| columns[column].0).collect::<Vec<_>>());
    for row in rows {
        let cell = |&column: &usize| row.get(column).map_or("", String::as_str);
        table.add_row(shown.iter().map(cell).collect::<Vec<_>>());
    }
    for (place, &column) in shown.iter().enumerate() {
        if let Some(drawn) = table.column_mut(place) {
            drawn.set_padding((0, 2));
            drawn.set_cell_alignment(columns[column].1);
        }
    }
    let lines: Vec<String> = table.lines().map(|line| line.trim_end().to_owned()).collect();
    lines.join("\n") + "\n"
}

/// A change, with its sign.
pub fn signed(change: i64) -> String {
    if change == 0 { "0".to_owned() } else { format!("{change:+}") }
}

/// A time of the API as a table shows it: to the second, in UTC.
pub fn short_time(time: &str) -> String {
    let seconds = time.split('.').next().unwrap_or(time);
    seconds.trim_end_matches('Z').replace('T', " ")
}

/// So many of something: `1 item`, `2 items`.
pub fn many(count: u64, what: &str) -> String {
    if count == 1 { format!("1 {what}") } else { format!("{count} {what}s") }
}

/// What may be absent.
pub fn or_empty(text: Option<&String>) -> String {
    text.cloned().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_table_aligns_its_numbers_and_leaves_empty_columns_out() {
        let columns = [words("NAME"), words("SKU"), numbers("QUANTITY"), words("UNIT")];
        let row = |name: &str, quantity: &str| {
            vec![name.to_owned(), String::new(), quantity.to_owned(), "piece".to_owned()]
        };
        let text = table(&columns, &[row("Croissant", "28"), row("Brot", "1200")]);
        assert_eq!(
            text,
            "NAME       QUANTITY  UNIT\nCroissant        28  piece\nBrot           1200  piece\n"
        );
    }

    #[test]
    fn a_table_without_rows_still_says_what_it_would_show() {
        assert_eq!(table(&[words("ID"), words("NAME")], &[]), "ID  NAME\n");
    }

    #[test]
    fn a_time_is_short_and_a_change_has_its_sign() {
        assert_eq!(short_time("2026-11-23T05:00:00.000000Z"), "2026-11-23 05:00:00");
        assert_eq!((signed(24), signed(-6), signed(0)), ("+24".into(), "-6".into(), "0".into()));
    }
}
