//! Fuzz targets: the files of an import.

use super::reader::{FileFormat, Reader};
use crate::fuzz::fuzz;
use std::io;

/// An import: every line is in one chunk, in order, and the file is cut the same again.
fn import(input: &[u8], format: FileFormat) -> bool {
    let read = || {
        let text = Box::new(io::Cursor::new(input.to_vec()));
        let mut reader = Reader::new(text, format, 1).ok()?;
        let (mut chunks, mut last) = (Vec::new(), 0);
        while let Ok(Some(chunk)) = reader.next_chunk() {
            assert!(chunk.span.0 > last && chunk.span.1 >= chunk.span.0, "{:?}", chunk.span);
            last = chunk.span.1;
            for line in &chunk.lines {
                assert!(line.is_initial() || line.command(1).is_some());
            }
            chunks.push(format!("{chunk:?}"));
        }
        Some(chunks)
    };
    let chunks = read();
    assert_eq!(chunks, read());
    chunks.is_some_and(|chunks| !chunks.is_empty())
}

#[test]
fn import_csv() {
    fuzz("import_csv", |input| import(input, FileFormat::Csv));
}

#[test]
fn import_jsonl() {
    fuzz("import_jsonl", |input| import(input, FileFormat::Jsonl));
}
