//! Reads an import file line by line, never more of it than a line, and cuts it into requests.

use super::line::{COLUMNS, Fault, Line, Raw};
use crate::cli::exit::{Exit, Failure};
use item_event_store::limits::MAX_REQUEST_COMMANDS;
use std::io::{BufRead, BufReader, Read};
use std::path::Path;

/// The most bytes of text in one request, so that it stays below what the service accepts.
const CHUNK_BYTES: u64 = 3 * 1024 * 1024;
/// How many of the columns, from the first, must be there.
const REQUIRED_COLUMNS: usize = 3;
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
    lines: Lines,
    /// Where each of [`COLUMNS`] stands in CSV; `None` for JSON Lines.
    columns: Option<Vec<Option<usize>>>,
    from_line: u64,
}

impl Reader {
    /// Begins to read, from a line of the file on.
    pub fn new(
        input: Box<dyn Read + Send>,
        format: FileFormat,
        from_line: u64,
    ) -> Result<Self, Failure> {
        let mut lines = Lines { text: BufReader::new(input), number: 0, bytes: 0 };
        let columns = match format {
            FileFormat::Jsonl => None,
            FileFormat::Csv => Some(header(lines.next()?)?),
        };
        Ok(Self { lines, columns, from_line })
    }

    /// The next request's lines; `None` at the end. Where a request ends depends on nothing but
    /// the file, so that another run cuts it the same.
    pub fn next_chunk(&mut self) -> Result<Option<Chunk>, Failure> {
        let mut chunk = Chunk::default();
        let mut began_at = None;
        while chunk.lines.len() + chunk.faults.len() < MAX_REQUEST_COMMANDS {
            let Some((number, text)) = self.lines.next()? else { break };
            chunk.bytes = self.lines.bytes;
            if number < self.from_line {
                continue;
            }
            if began_at.is_none() {
                chunk.span.0 = number;
            }
            chunk.span.1 = number;
            let raw = match &self.columns {
                Some(columns) => csv_line(number, &text, columns),
                None => json_line(number, &text),
            };
            match raw.and_then(|raw| Line::new(number, raw)) {
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

/// The lines of a file that are not blank, each with its number. No text of an event has line
/// breaks, so neither has a line of CSV.
struct Lines {
    text: BufReader<Box<dyn Read + Send>>,
    number: u64,
    bytes: u64,
}

impl Lines {
    fn next(&mut self) -> Result<Option<(u64, Vec<u8>)>, Failure> {
        loop {
            let mut line = Vec::new();
            let read = self.text.by_ref().take(MAX_LINE_BYTES).read_until(b'\n', &mut line);
            let read = read.map_err(|error| Failure::io("cannot read the file", &error))? as u64;
            if read == 0 {
                return Ok(None);
            }
            self.number += 1;
            self.bytes += read;
            if read == MAX_LINE_BYTES && line.last() != Some(&b'\n') {
                // The rest of it would be taken for lines of their own.
                let message = format!("line {}: longer than {MAX_LINE_BYTES} bytes", self.number);
                return Err(Failure::new(Exit::BadData, message));
            }
            let mark: &[u8] = if self.number == 1 { "\u{feff}".as_bytes() } else { b"" };
            let text = line.strip_prefix(mark).unwrap_or(&line);
            let text = text.strip_suffix(b"\n").unwrap_or(text);
            let text = text.strip_suffix(b"\r").unwrap_or(text);
            if !text.trim_ascii().is_empty() {
                return Ok(Some((self.number, text.to_vec())));
            }
        }
    }
}

/// Where each of [`COLUMNS`] stands in the file.
fn header(line: Option<(u64, Vec<u8>)>) -> Result<Vec<Option<usize>>, Failure> {
    let wrong = |line: u64, message: String| {
        Failure::new(Exit::BadData, format!("line {line}: {message}"))
            .hint(format!("the columns are {}", COLUMNS.join(",")))
    };
    let Some((number, text)) = line else {
        return Err(wrong(1, "the file is empty".to_owned()));
    };
    let names = fields(number, &text).map_err(|fault| wrong(number, fault.message))?;
    let mut places = vec![None; COLUMNS.len()];
    for (place, name) in names.iter().enumerate() {
        let Some(column) = COLUMNS.iter().position(|&column| column == name.trim()) else {
            return Err(wrong(number, format!("there is no column '{name}'")));
        };
        if places[column].replace(place).is_some() {
            return Err(wrong(number, format!("the column '{name}' stands there twice")));
        }
    }
    match places.iter().take(REQUIRED_COLUMNS).position(Option::is_none) {
        Some(missing) => {
            Err(wrong(number, format!("the column '{}' is missing", COLUMNS[missing])))
        }
        None => Ok(places),
    }
}

/// The fields of a line of CSV.
fn fields(line: u64, text: &[u8]) -> Result<Vec<String>, Fault> {
    let Ok(text) = std::str::from_utf8(text) else {
        return Err(fault(line, None, "is not UTF-8"));
    };
    if !text.contains('"') {
        return Ok(text.split(',').map(str::to_owned).collect());
    }
    // Quotes come in pairs, doubled ones too.
    if text.matches('"').count() % 2 != 0 {
        return Err(fault(line, None, "has a quote without its partner on the same line"));
    }
    let mut rows =
        csv::ReaderBuilder::new().has_headers(false).flexible(true).from_reader(text.as_bytes());
    match rows.records().next() {
        Some(Ok(record)) => Ok(record.iter().map(str::to_owned).collect()),
        _ => Err(fault(line, None, "is no line of CSV")),
    }
}

fn csv_line(line: u64, text: &[u8], columns: &[Option<usize>]) -> Result<Raw, Fault> {
    let fields = fields(line, text)?;
    let width = columns.iter().flatten().count();
    if fields.len() != width {
        let message = format!("has {} fields, the header {width}", fields.len());
        return Err(fault(line, None, &message));
    }
    // No text of the ledger has white space at its ends, so there it says nothing.
    let field = |column: usize| {
        let place = columns[column]?;
        fields.get(place).map(|text| text.trim().to_owned())
    };
    let optional = |column| field(column).filter(|text| !text.is_empty());
    let (occurred_at, reference, note, kind) = (optional(3), optional(4), optional(5), optional(6));
    let quantity = field(2).unwrap_or_default();
    Ok(Raw {
        item: field(0).unwrap_or_default(),
        reason: field(1).unwrap_or_default(),
        quantity: quantity
            .parse()
            .map_err(|_| fault(line, Some("quantity"), "is no whole number"))?,
        occurred_at,
        reference,
        note,
        kind,
    })
}

fn json_line(line: u64, text: &[u8]) -> Result<Raw, Fault> {
    serde_json::from_slice(text).map_err(|error| {
        let said = error.to_string();
        let said = said.split(" at line ").next().unwrap_or_default();
        fault(line, None, &format!("{said} (character {})", error.column()))
    })
}

fn fault(line: u64, column: Option<&'static str>, message: &str) -> Fault {
    Fault { line, column, message: message.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io;

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
            "\u{feff}reason,item,quantity,note\r\nbatch,Croissant ,24,\" a, b\"\r\n\r\n\
             bakeoff,Brot,6,\n",
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
