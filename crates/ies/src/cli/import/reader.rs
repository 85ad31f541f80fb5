//! Reads an import file line by line, never more of it than a line, and cuts it into requests.

use super::line::{COLUMNS, Fault, Line, Raw};
use crate::cli::exit::{Exit, Failure};
use item_event_store::limits::MAX_REQUEST_COMMANDS;
use std::io::{self, BufRead, BufReader, Read};
use std::path::Path;

/// The most bytes of text in one request, so that it stays below what the service accepts.
const CHUNK_BYTES: u64 = 3 * 1024 * 1024;
/// The longest line. Every text that an event may carry fits it many times over.
const MAX_LINE_BYTES: u64 = 64 * 1024;

/// The form of the file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FileFormat {
    /// With a header that names the columns.
    Csv,
    /// One JSON object a line.
    Jsonl,
}

impl FileFormat {
    /// What the end of the file's name says.
    pub fn of(path: &Path) -> Option<Self> {
        match path.extension()?.to_str()?.to_ascii_lowercase().as_str() {
            "csv" => Some(Self::Csv),
            "jsonl" | "ndjson" => Some(Self::Jsonl),
            _ => None,
        }
    }
}

/// The lines that become one request.
#[derive(Debug, Default)]
pub struct Chunk {
    /// The lines that are right.
    pub lines: Vec<Line>,
    /// What is wrong with the others.
    pub faults: Vec<Fault>,
    /// The first and the last line of the file.
    pub span: (u64, u64),
    /// How far the file has been read.
    pub bytes: u64,
}

/// An import file.
pub struct Reader {
    source: Source,
    from_line: u64,
}

enum Source {
    Csv { rows: Box<csv::Reader<Box<dyn Read + Send>>>, columns: Vec<usize> },
    Jsonl { text: BufReader<Box<dyn Read + Send>>, number: u64, bytes: u64 },
}

impl Reader {
    /// Begins to read, from a line of the file on.
    pub fn new(
        input: Box<dyn Read + Send>,
        format: FileFormat,
        from_line: u64,
    ) -> Result<Self, Failure> {
        let source = match format {
            FileFormat::Jsonl => Source::Jsonl { text: BufReader::new(input), number: 0, bytes: 0 },
            FileFormat::Csv => {
                let mut rows =
                    Box::new(csv::ReaderBuilder::new().flexible(true).from_reader(input));
                let columns = columns(rows.headers().map_err(header_failure)?)?;
                Source::Csv { rows, columns }
            }
        };
        Ok(Self { source, from_line })
    }

    /// The next request's lines; `None` at the end. Where a request ends depends on nothing but
    /// the file, so that another run cuts it the same.
    pub fn next_chunk(&mut self) -> Result<Option<Chunk>, Failure> {
        let mut chunk = Chunk::default();
        let mut began_at = None;
        while chunk.lines.len() + chunk.faults.len() < MAX_REQUEST_COMMANDS {
            let Some((number, read)) = self.source.next_line()? else { break };
            chunk.bytes = self.source.bytes();
            if number < self.from_line {
                continue;
            }
            if began_at.is_none() {
                chunk.span.0 = number;
            }
            chunk.span.1 = number;
            match read.and_then(|raw| Line::new(number, raw)) {
                Ok(line) => chunk.lines.push(line),
                Err(fault) => chunk.faults.push(fault),
            }
            if chunk.bytes - *began_at.get_or_insert(chunk.bytes) > CHUNK_BYTES {
                break;
            }
        }
        Ok(began_at.map(|_| chunk))
    }
}

type ReadLine = Option<(u64, Result<Raw, Fault>)>;

impl Source {
    fn next_line(&mut self) -> Result<ReadLine, Failure> {
        match self {
            Self::Csv { rows, columns } => csv_line(rows, columns),
            Self::Jsonl { text, number, bytes } => json_line(text, number, bytes),
        }
    }

    fn bytes(&self) -> u64 {
        match self {
            Self::Csv { rows, .. } => rows.position().byte(),
            Self::Jsonl { bytes, .. } => *bytes,
        }
    }
}

fn unreadable(error: &io::Error) -> Failure {
    Failure::io("cannot read the file", error)
}

fn header_failure(error: csv::Error) -> Failure {
    match error.into_kind() {
        csv::ErrorKind::Io(error) => unreadable(&error),
        _ => Failure::new(Exit::BadData, "line 1: the header is not UTF-8"),
    }
}

/// Where each of [`COLUMNS`] stands in the file; `usize::MAX` where it does not.
fn columns(header: &csv::StringRecord) -> Result<Vec<usize>, Failure> {
    let expected = || format!("the columns are {}", COLUMNS.join(","));
    let mut places = vec![usize::MAX; COLUMNS.len()];
    for (place, name) in header.iter().enumerate() {
        let name = name.trim_start_matches('\u{feff}').trim();
        let known = COLUMNS.iter().position(|&column| column == name);
        match known {
            Some(column) if places[column] == usize::MAX => places[column] = place,
            Some(_) => {
                let message = format!("line 1: the column '{name}' stands there twice");
                return Err(Failure::new(Exit::BadData, message).hint(expected()));
            }
            None => {
                let message = format!("line 1: there is no column '{name}'");
                return Err(Failure::new(Exit::BadData, message).hint(expected()));
            }
        }
    }
    for (column, place) in places.iter().enumerate().take(3) {
        if *place == usize::MAX {
            let message = format!("line 1: the column '{}' is missing", COLUMNS[column]);
            return Err(Failure::new(Exit::BadData, message).hint(expected()));
        }
    }
    Ok(places)
}

fn csv_line(
    rows: &mut csv::Reader<Box<dyn Read + Send>>,
    columns: &[usize],
) -> Result<ReadLine, Failure> {
    let mut record = csv::StringRecord::new();
    let before = rows.position().line();
    match rows.read_record(&mut record) {
        Ok(false) => return Ok(None),
        Ok(true) => {}
        Err(error) => {
            let line = error.position().map_or(before, csv::Position::line);
            return match error.into_kind() {
                csv::ErrorKind::Io(error) => Err(unreadable(&error)),
                _ => Ok(Some((line, Err(fault(line, None, "is not UTF-8"))))),
            };
        }
    }
    let line = record.position().map_or(before, csv::Position::line);
    let width = columns.iter().filter(|&&place| place != usize::MAX).count();
    if record.len() != width {
        let message = format!("has {} fields, the header {width}", record.len());
        return Ok(Some((line, Err(fault(line, None, &message)))));
    }
    let field = |column: usize| record.get(columns[column]).unwrap_or_default();
    let optional = |column| Some(field(column).to_owned()).filter(|text| !text.is_empty());
    let read = match field(2).trim().parse() {
        Ok(quantity) => Ok(Raw {
            item: field(0).to_owned(),
            reason: field(1).to_owned(),
            quantity,
            occurred_at: optional(3),
            reference: optional(4),
            note: optional(5),
            kind: optional(6),
        }),
        Err(_) => Err(fault(line, Some("quantity"), "is no whole number")),
    };
    Ok(Some((line, read)))
}

fn json_line(
    text: &mut BufReader<Box<dyn Read + Send>>,
    number: &mut u64,
    bytes: &mut u64,
) -> Result<ReadLine, Failure> {
    loop {
        let mut line = Vec::new();
        let read = text.by_ref().take(MAX_LINE_BYTES).read_until(b'\n', &mut line);
        let read = read.map_err(|error| unreadable(&error))? as u64;
        if read == 0 {
            return Ok(None);
        }
        *number += 1;
        *bytes += read;
        if read == MAX_LINE_BYTES && line.last() != Some(&b'\n') {
            // The rest of it would be taken for lines of their own.
            let message = format!("line {number} is longer than {MAX_LINE_BYTES} bytes");
            return Err(Failure::new(Exit::BadData, message));
        }
        if line.trim_ascii().is_empty() {
            continue;
        }
        let raw = serde_json::from_slice(line.trim_ascii()).map_err(|error| {
            let said = error.to_string();
            let said = said.split(" at line ").next().unwrap_or_default();
            fault(*number, None, &format!("{said} (character {})", error.column()))
        });
        return Ok(Some((*number, raw)));
    }
}

fn fault(line: u64, column: Option<&'static str>, message: &str) -> Fault {
    Fault { line, column, message: message.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reader(text: &str, format: FileFormat) -> Result<Reader, Failure> {
        Reader::new(Box::new(io::Cursor::new(text.to_owned())), format, 1)
    }

    fn only_chunk(text: &str, format: FileFormat) -> Chunk {
        let mut reader = reader(text, format).expect("a file");
        let chunk = reader.next_chunk().expect("readable").expect("a chunk");
        assert!(reader.next_chunk().expect("readable").is_none());
        chunk
    }

    #[test]
    fn csv_and_json_lines_say_the_same() {
        let csv = only_chunk(
            "reason,item,quantity,note\nbatch,Croissant,24,\"a, b\"\n\nbakeoff,Brot,6,\n",
            FileFormat::Csv,
        );
        let jsonl = only_chunk(
            "{\"item\":\"Croissant\",\"reason\":\"batch\",\"quantity\":24,\"note\":\"a, b\"}\n\n\
             \n{\"item\":\"Brot\",\"reason\":\"bakeoff\",\"quantity\":6}",
            FileFormat::Jsonl,
        );
        assert_eq!(csv.lines.iter().map(|line| line.number).collect::<Vec<_>>(), [2, 4]);
        assert_eq!(jsonl.lines.iter().map(|line| line.number).collect::<Vec<_>>(), [1, 4]);
        let commands = |chunk: &Chunk| chunk.lines.iter().map(|l| l.command(1)).collect::<Vec<_>>();
        assert_eq!(commands(&csv), commands(&jsonl));
        assert_eq!(csv.span, (2, 4));
    }

    #[test]
    fn a_bad_line_leaves_its_neighbours() {
        let chunk = only_chunk(
            "item,reason,quantity\nA,batch,1\nB,batch,many\nC,batch\nD,batch,2\n",
            FileFormat::Csv,
        );
        assert_eq!(chunk.lines.len(), 2);
        let faults: Vec<_> = chunk.faults.iter().map(ToString::to_string).collect();
        assert_eq!(
            faults,
            [
                "line 3, column 3 (quantity): is no whole number",
                "line 4: has 2 fields, the header 3"
            ]
        );
        let json = only_chunk("{\"item\":\"A\",\"sold\":1}\n", FileFormat::Jsonl);
        assert!(json.faults[0].message.contains("unknown field `sold`"), "{:?}", json.faults);
    }

    #[test]
    fn a_header_that_is_not_ours_is_refused() {
        for header in ["item,reason,quantity,price\n", "item,reason\n", "item,item,quantity\n"] {
            let failure = reader(header, FileFormat::Csv).err().expect("refused");
            assert_eq!(failure.exit, Exit::BadData, "{header}");
        }
    }

    #[test]
    fn requests_are_cut_by_lines_and_an_import_may_begin_later() {
        let text = "item,reason,quantity\n".to_owned() + &"A,batch,1\n".repeat(8193);
        let input = || Box::new(io::Cursor::new(text.clone()));
        let mut all = Reader::new(input(), FileFormat::Csv, 1).expect("a file");
        let mut spans = Vec::new();
        while let Some(chunk) = all.next_chunk().expect("readable") {
            spans.push(chunk.span);
        }
        assert_eq!(spans, [(2, 8193), (8194, 8194)]);
        let mut rest = Reader::new(input(), FileFormat::Csv, 8194).expect("a file");
        let chunk = rest.next_chunk().expect("readable").expect("a chunk");
        assert_eq!(chunk.span, (8194, 8194));
    }
}
