//! `ies import`: events from a file, in requests of up to 8,192 commands. The same file again
//! records nothing twice, because every request's key follows from the file's content.

mod dry_run;
#[cfg(test)]
mod fuzz;
mod items;
mod line;
mod reader;
mod send;

use crate::cli::api::{Api, hex};
use crate::cli::exit::{Exit, Failure};
use crate::cli::output::{Format, Output, many};
use crate::cli::progress;
use crate::cli::transport::Access;
use bytes::Bytes;
use indicatif::ProgressBar;
use items::{Items, NoItem};
use line::{Fault, Line};
use reader::{Chunk, FileFormat, Reader};
use send::Sent;
use serde::Serialize;
use sha2::{Digest as _, Sha256};
use std::fmt::Write as _;
use std::fs::File;
use std::io::{BufReader, Read as _};
use std::path::{Path, PathBuf};
use std::time::Instant;

/// The most faults that are told; more of them are counted.
const TOLD: usize = 20;

/// `ies import`.
#[derive(Debug, clap::Args)]
pub struct Import {
    /// The file; read twice, so it cannot be a pipe
    file: PathBuf,
    /// Make the items that are unknown
    #[arg(long)]
    create_items: bool,
    /// Read everything and say what would happen, without writing
    #[arg(long)]
    dry_run: bool,
    /// What to do when a line is wrong; nothing of its request is recorded either way
    #[arg(long, value_enum, default_value_t)]
    on_error: OnError,
    /// Begin at this line of the file: for a file that was corrected after an import stopped
    #[arg(long, value_name = "N", default_value_t = 1)]
    from_line: u64,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
enum OnError {
    /// Stop there
    #[default]
    Stop,
    /// Leave the request out and go on with the next
    SkipRequest,
}

/// What an import did.
#[derive(Debug, Default, Serialize)]
struct Summary {
    lines: u64,
    requests: u64,
    recorded: u64,
    replayed: u64,
    items_made: u64,
    /// Lines of requests that were left out.
    left_out: u64,
    seconds: f64,
}

/// An import under way.
struct Run<'a> {
    api: &'a Api,
    output: Output,
    items: Items<'a>,
    key: String,
    summary: Summary,
}

impl Import {
    /// What the command needs the ledger for.
    pub fn access(&self) -> Access {
        if self.dry_run { Access::Read } else { Access::Write }
    }

    /// Imports, or says what would be imported.
    pub async fn run(self, api: &Api, output: Output) -> Result<Exit, Failure> {
        let began = Instant::now();
        let format = match output.format {
            Format::Csv => FileFormat::Csv,
            Format::Jsonl => FileFormat::Jsonl,
            Format::Table | Format::Json => FileFormat::of(&self.file).ok_or_else(|| {
                Failure::new(Exit::Usage, format!("{}: which form is it?", self.file.display()))
                    .hint("say --format csv or --format jsonl")
            })?,
        };
        let input = open(&self.file)?;
        let bytes = input.metadata().map_or(0, |about| about.len());
        let bar = progress::reading(output, "importing", bytes);
        let reader = Reader::new(Box::new(BufReader::new(input)), format, self.from_line)?;
        let done = if self.dry_run {
            self.forecast(api, output, reader, &bar).await
        } else {
            let key = format!("import-{}", digest(&self.file)?);
            let items = Items::new(api, key.clone(), self.create_items);
            let mut run = Run { api, output, items, key, summary: Summary::default() };
            self.record(&mut run, reader, &bar, began).await
        };
        bar.finish_and_clear();
        done
    }

    async fn forecast(
        &self,
        api: &Api,
        output: Output,
        mut reader: Reader,
        bar: &ProgressBar,
    ) -> Result<Exit, Failure> {
        let mut dry = dry_run::DryRun::new(api, self.create_items);
        let mut faults = Vec::new();
        while let Some(chunk) = reader.next_chunk()? {
            bar.set_position(chunk.bytes);
            let found = dry.follow(chunk).await?;
            faults.extend(found.into_iter().take(TOLD.saturating_sub(faults.len())));
        }
        let wrong = dry.forecast.faults;
        bar.suspend(|| tell(&self.file, &faults, wrong, output));
        output.show(&dry.forecast, dry_run::show)?;
        Ok(if wrong == 0 { Exit::Ok } else { Exit::No })
    }

    async fn record(
        &self,
        run: &mut Run<'_>,
        mut reader: Reader,
        bar: &ProgressBar,
        began: Instant,
    ) -> Result<Exit, Failure> {
        let mut exit = Exit::Ok;
        let mut stopped = None;
        while let Some(chunk) = reader.next_chunk()? {
            bar.set_position(chunk.bytes);
            let span = chunk.span;
            let lines = (chunk.lines.len() + chunk.faults.len()) as u64;
            run.summary.lines += lines;
            let made = run.items.made;
            let faults = run.record(chunk).await?;
            let Some((what, faults)) = faults else { continue };
            exit = what;
            run.summary.left_out += lines;
            bar.suspend(|| tell(&self.file, &faults, faults.len() as u64, run.output));
            if self.on_error == OnError::Stop {
                stopped = Some((span, run.items.made > made));
                break;
            }
            let left_out = format!("lines {} to {} are left out", span.0, span.1);
            bar.suspend(|| run.output.message(&left_out));
        }
        bar.finish_and_clear();
        run.summary.items_made = run.items.made;
        run.summary.seconds = began.elapsed().as_secs_f64();
        run.output.show(&run.summary, Summary::show)?;
        match stopped {
            None => Ok(exit),
            Some((span, made)) => Err(stop(exit, span, run.summary.requests > 0, made)),
        }
    }
}

/// Nothing of a request is recorded: how the import ends, and what is wrong with the lines.
type LeftOut = Option<(Exit, Vec<Fault>)>;

impl Run<'_> {
    /// Records a chunk, or says what is wrong with it.
    async fn record(&mut self, chunk: Chunk) -> Result<LeftOut, Failure> {
        let mut faults = chunk.faults;
        for line in &chunk.lines {
            match self.items.look(line).await {
                Ok(()) => {}
                Err(NoItem::Failed(failure)) => return Err(failure),
                Err(NoItem::Fault(message)) => faults.push(item_fault(line, message)),
            }
        }
        if !faults.is_empty() {
            self.items.forget();
            faults.sort_by_key(|fault| fault.line);
            return Ok(Some((Exit::BadData, faults)));
        }
        let mut body = Vec::new();
        let mut commands = Vec::with_capacity(chunk.lines.len());
        for line in &chunk.lines {
            let (id, new) = match self.items.resolve(line).await {
                Ok(found) => found,
                Err(NoItem::Failed(failure)) => return Err(failure),
                Err(NoItem::Fault(message)) => {
                    self.items.forget();
                    return Ok(Some((Exit::No, vec![item_fault(line, message)])));
                }
            };
            let Some(command) = line.command(id) else {
                self.count(1, !new);
                continue;
            };
            serde_json::to_writer(&mut body, &command)
                .map_err(|error| Failure::new(Exit::Bug, error.to_string()))?;
            body.push(b'\n');
            commands.push(line);
        }
        self.send(&commands, Bytes::from(body), chunk.span.0).await
    }

    async fn send(
        &mut self,
        commands: &[&Line],
        body: Bytes,
        first: u64,
    ) -> Result<LeftOut, Failure> {
        if commands.is_empty() {
            return Ok(None);
        }
        let key = format!("{}-{first}", self.key);
        match send::send(self.api, &key, &body).await? {
            Sent::Recorded(answer) => {
                self.summary.requests += 1;
                let events = answer.range.map_or(0, |range| range.last - range.first + 1);
                self.count(events.unsigned_abs(), answer.replayed);
                Ok(None)
            }
            Sent::Rejected(refusal) => {
                Ok(Some((Exit::No, vec![send::fault(&refusal, commands, first)])))
            }
        }
    }

    fn count(&mut self, events: u64, replayed: bool) {
        if replayed {
            self.summary.replayed += events;
        } else {
            self.summary.recorded += events;
        }
    }
}

impl Summary {
    fn show(&self) -> String {
        let mut text = format!(
            "{} in {}: {} recorded, {} recorded earlier, {} made, {:.1} s\n",
            many(self.lines, "line"),
            many(self.requests, "request"),
            many(self.recorded, "event"),
            self.replayed,
            many(self.items_made, "item"),
            self.seconds
        );
        if self.left_out > 0 {
            let _ = writeln!(text, "{} left out", many(self.left_out, "line"));
        }
        if self.recorded == 0 && self.replayed > 0 && self.left_out == 0 {
            text += "this file was imported earlier: nothing is recorded twice\n";
        }
        text
    }
}

fn item_fault(line: &Line, message: String) -> Fault {
    Fault { line: line.number, column: Some("item"), message }
}

/// Says what is wrong, as far as anyone will read it. Never silenced: it is why the import fails.
fn tell(file: &Path, faults: &[Fault], all: u64, output: Output) {
    let told = Output { quiet: false, ..output };
    for fault in faults.iter().take(TOLD) {
        told.message(&format!("{}: {fault}", file.display()));
    }
    let more = all.saturating_sub(TOLD as u64);
    if more > 0 {
        told.message(&format!("and {more} more"));
    }
}

/// `recorded`: lines before are. `made`: the items of these lines are, by requests of their own.
fn stop(exit: Exit, (first, last): (u64, u64), recorded: bool, made: bool) -> Failure {
    let again = "put the ledger right and give the same command again";
    let correct = if recorded {
        format!("correct the file and go on with --from-line {first}")
    } else {
        "correct the file and import it again".to_owned()
    };
    let before = if recorded { "; what is before them is" } else { "" };
    let but = if made { " but the items that they make" } else { "" };
    Failure::new(exit, format!("nothing of lines {first} to {last} is recorded{but}{before}"))
        .hint(if exit == Exit::BadData { correct } else { format!("{again}, or {correct}") })
}

fn open(file: &Path) -> Result<File, Failure> {
    let cannot = |error: &std::io::Error| Failure::io(file.display(), error);
    let opened = File::open(file).map_err(|error| cannot(&error))?;
    if opened.metadata().map_err(|error| cannot(&error))?.is_file() {
        return Ok(opened);
    }
    Err(Failure::new(Exit::NoInput, format!("{} is no file", file.display()))
        .hint("an import reads its file twice: put a pipe's output into a file first"))
}

/// The SHA-256 of the file's content, in hex.
fn digest(file: &Path) -> Result<String, Failure> {
    let mut input = open(file)?;
    let mut digest = Sha256::new();
    let mut piece = vec![0; 64 * 1024];
    loop {
        match input.read(&mut piece) {
            Ok(0) => return Ok(hex(&digest.finalize())),
            Ok(read) => digest.update(&piece[..read]),
            Err(error) => return Err(Failure::io(file.display(), &error)),
        }
    }
}
