//! `ies export`: events, counts or the daily summary as CSV or JSON Lines, with the API's member
//! names.

use crate::cli::api::Api;
use crate::cli::exit::{Exit, Failure};
use crate::cli::output::{Format, Output, many};
use crate::cli::progress;
use crate::wire;
use item_event_store::limits::PAGE_MAX;
use serde::Serialize;
use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

/// `ies export`.
#[derive(Debug, clap::Args)]
pub struct Export {
    /// What to export
    #[arg(value_enum)]
    what: What,
    /// A new file; standard output when absent
    #[arg(long, short, value_name = "FILE")]
    output: Option<PathBuf>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
enum What {
    /// Every event, oldest first
    Events,
    /// Every count
    Inventory,
    /// Every row of the daily summary, as it is: 'ies summary --refresh' brings it up to date
    Summary,
}

impl Export {
    /// Exports.
    pub async fn run(self, api: &Api, output: Output) -> Result<Exit, Failure> {
        let by_name = self.output.as_deref().and_then(Path::extension);
        let lines = match output.format {
            Format::Csv => false,
            Format::Jsonl => true,
            Format::Json => {
                return Err(Failure::new(Exit::Usage, "an export is csv or jsonl"));
            }
            Format::Table => by_name.is_some_and(|ending| ending == "jsonl" || ending == "ndjson"),
        };
        let target: Box<dyn Write + Send> = match &self.output {
            Some(file) => Box::new(create(file)?),
            None => Box::new(io::stdout()),
        };
        let mut rows = Rows::new(target, lines);
        let counted = progress::counting(output, "rows");
        let exported = match self.what {
            What::Events => events(api, &mut rows, &counted).await,
            What::Inventory => inventory(api, &mut rows, &counted).await,
            What::Summary => summary(api, &mut rows, &counted).await,
        };
        counted.finish_and_clear();
        let position = exported?;
        rows.finish()?;
        let count = many(rows.count, "row");
        output.message(&format!("{count} exported, up to position {position}"));
        Ok(Exit::Ok)
    }
}

fn create(file: &Path) -> Result<File, Failure> {
    File::create_new(file).map_err(|error| {
        let failure = Failure::new(Exit::CannotCreate, format!("{}: {error}", file.display()));
        if error.kind() == io::ErrorKind::AlreadyExists {
            failure.hint("an export makes a new file: name another one")
        } else {
            failure
        }
    })
}

async fn events(
    api: &Api,
    rows: &mut Rows,
    counted: &indicatif::ProgressBar,
) -> Result<i64, Failure> {
    let mut cursor = None;
    loop {
        let mut query = vec![("order", "oldest".to_owned()), ("limit", PAGE_MAX.to_string())];
        query.extend(cursor.take().map(|cursor| ("cursor", cursor)));
        let page: wire::EventPage = api.get("/v1/events", &query).await?;
        for event in &page.events {
            rows.write(event)?;
        }
        counted.inc(page.events.len() as u64);
        cursor = page.next_cursor;
        if cursor.is_none() {
            return Ok(page.events.last().map_or(page.position, |event| event.id));
        }
    }
}

async fn inventory(
    api: &Api,
    rows: &mut Rows,
    counted: &indicatif::ProgressBar,
) -> Result<i64, Failure> {
    let all = crate::cli::stock::every_count(api, Vec::new()).await?;
    for row in &all.inventory {
        rows.write(row)?;
    }
    counted.inc(all.inventory.len() as u64);
    Ok(all.position)
}

async fn summary(
    api: &Api,
    rows: &mut Rows,
    counted: &indicatif::ProgressBar,
) -> Result<i64, Failure> {
    let all = crate::cli::summary::every_sum(api, Vec::new()).await?;
    for sum in &all.summary {
        rows.write(sum)?;
    }
    counted.inc(all.summary.len() as u64);
    Ok(all.position)
}

/// Rows of one kind, as CSV or as JSON Lines.
struct Rows {
    to: Form,
    count: u64,
}

enum Form {
    Csv(Box<csv::Writer<Box<dyn Write + Send>>>),
    Lines(BufWriter<Box<dyn Write + Send>>),
}

impl Rows {
    fn new(target: Box<dyn Write + Send>, lines: bool) -> Self {
        let to = if lines {
            Form::Lines(BufWriter::new(target))
        } else {
            Form::Csv(Box::new(csv::Writer::from_writer(target)))
        };
        Self { to, count: 0 }
    }

    fn write<T: Serialize>(&mut self, row: &T) -> Result<(), Failure> {
        self.count += 1;
        let written = match &mut self.to {
            Form::Csv(rows) => rows.serialize(row).map_err(|error| match error.into_kind() {
                csv::ErrorKind::Io(error) => error,
                other => io::Error::other(format!("{other:?}")),
            }),
            Form::Lines(to) => serde_json::to_writer(&mut *to, row)
                .map_err(io::Error::from)
                .and_then(|()| to.write_all(b"\n")),
        };
        written.map_err(|error| Failure::output(&error))
    }

    fn finish(&mut self) -> Result<(), Failure> {
        let flushed = match &mut self.to {
            Form::Csv(rows) => rows.flush(),
            Form::Lines(to) => to.flush(),
        };
        flushed.map_err(|error| Failure::output(&error))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::text::tests::an_event;
    use std::sync::{Arc, Mutex};

    #[derive(Clone, Default)]
    struct Shared(Arc<Mutex<Vec<u8>>>);

    impl Write for Shared {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().expect("not poisoned").write(bytes)
        }
        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    fn written(lines: bool) -> String {
        let shared = Shared::default();
        let mut rows = Rows::new(Box::new(shared.clone()), lines);
        rows.write(&an_event(3, "adjustment", Some("waste"), -2)).expect("written");
        rows.finish().expect("flushed");
        String::from_utf8(shared.0.lock().expect("not poisoned").clone()).expect("UTF-8")
    }

    #[test]
    fn both_forms_have_the_members_of_the_api() {
        assert_eq!(
            written(false),
            "id,item_id,version,quantity_change,quantity_after,reason,kind,occurred_at,created_at,\
             actor,reference,note,corrects_event_id\n\
             3,1,3,-2,28,adjustment,waste,,2026-11-23T05:00:00.000000Z,cli,,,\n"
        );
        let line: wire::Event = serde_json::from_str(&written(true)).expect("an event");
        assert_eq!(line, an_event(3, "adjustment", Some("waste"), -2));
    }
}
