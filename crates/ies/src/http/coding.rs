//! Bodies that come compressed. The limit is on what comes out, so that a small body cannot become
//! a large one.

use super::headers::only;
use super::limits::ZSTD_WINDOW_BYTES;
use super::problem::{Problem, kinds};
use axum::http::{HeaderMap, HeaderValue, header};
use flate2::read::MultiGzDecoder;
use ruzstd::decoding::StreamingDecoder;
use std::fmt::Display;
use std::io::{ErrorKind, Read};

/// What is decompressed at a time.
const PIECE_BYTES: usize = 64 * 1024;

/// How a body is compressed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Coding {
    /// RFC 1952.
    Gzip,
    /// RFC 8878, with the windows of RFC 9659.
    Zstd,
}

impl Coding {
    /// That of a request's body; `None` when it comes as it is.
    pub fn of(headers: &HeaderMap) -> Result<Option<Self>, Problem> {
        let name = only(headers, &header::CONTENT_ENCODING, &kinds::MEDIA_TYPE)?;
        match name.map(str::to_ascii_lowercase).as_deref() {
            None | Some("identity") => Ok(None),
            Some("gzip" | "x-gzip") => Ok(Some(Self::Gzip)),
            Some("zstd") => Ok(Some(Self::Zstd)),
            Some(_) => {
                let detail = "a body may be compressed once, with gzip or zstd";
                let known = HeaderValue::from_static("gzip, zstd");
                Err(Problem::new(&kinds::MEDIA_TYPE, detail).header(header::ACCEPT_ENCODING, known))
            }
        }
    }

    /// What was compressed, of at most `limit` bytes, piece by piece.
    pub fn decode(
        self,
        mut body: &[u8],
        limit: usize,
        take: impl FnMut(&[u8]) -> Result<(), Problem>,
    ) -> Result<(), Problem> {
        let mut text = Text { take, left: limit, limit };
        match self {
            Self::Gzip => text.take_all(MultiGzDecoder::new(body)),
            Self::Zstd => {
                // A body is one frame or several.
                while !body.is_empty() {
                    let frame =
                        StreamingDecoder::new_with_max_window_size(&mut body, ZSTD_WINDOW_BYTES);
                    let mut frame = frame.map_err(damaged)?;
                    text.take_all(&mut frame)?;
                    let frame = frame.into_frame_decoder();
                    let (told, counted) =
                        (frame.get_checksum_from_data(), frame.get_calculated_checksum());
                    if told.is_some() && told != counted {
                        return Err(damaged("its checksum is wrong"));
                    }
                }
                Ok(())
            }
        }
    }
}

/// What comes out.
struct Text<F> {
    take: F,
    /// So many bytes may still come.
    left: usize,
    limit: usize,
}

impl<F: FnMut(&[u8]) -> Result<(), Problem>> Text<F> {
    fn take_all(&mut self, mut decoder: impl Read) -> Result<(), Problem> {
        let mut piece = vec![0; PIECE_BYTES];
        loop {
            match decoder.read(&mut piece) {
                Ok(0) => return Ok(()),
                Ok(read) => {
                    let left = self.left.checked_sub(read);
                    self.left = left.ok_or_else(|| Problem::too_large(self.limit))?;
                    (self.take)(&piece[..read])?;
                }
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return Err(damaged(error)),
            }
        }
    }
}

fn damaged(why: impl Display) -> Problem {
    Problem::new(&kinds::INVALID_BODY, format!("the body cannot be decompressed: {why}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use flate2::Compression;
    use flate2::write::GzEncoder;
    use ruzstd::encoding::{CompressionLevel, compress_to_vec};
    use std::io::Write;

    const TEXT: &[u8] = b"{\"quantity\":24}";

    fn gzip(text: &[u8]) -> Vec<u8> {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
        encoder.write_all(text).expect("compressed");
        encoder.finish().expect("compressed")
    }

    fn zstd(text: &[u8]) -> Vec<u8> {
        compress_to_vec(text, CompressionLevel::Fastest)
    }

    fn decode(coding: Coding, body: &[u8], limit: usize) -> Result<Vec<u8>, String> {
        let mut text = Vec::new();
        let decoded = coding.decode(body, limit, |piece| {
            text.extend_from_slice(piece);
            Ok(())
        });
        decoded.map(|()| text).map_err(|problem| problem.to_wire().code)
    }

    #[test]
    fn what_comes_out_has_the_limit() {
        for (coding, compress) in
            [(Coding::Gzip, gzip as fn(&[u8]) -> Vec<u8>), (Coding::Zstd, zstd)]
        {
            assert_eq!(decode(coding, &compress(TEXT), TEXT.len()).as_deref(), Ok(TEXT));
            let smaller = decode(coding, &compress(TEXT), TEXT.len() - 1);
            assert_eq!(smaller, Err("payload_too_large".into()));
            let bomb = compress(&vec![b' '; 1 << 20]);
            assert_eq!(decode(coding, &bomb, 1 << 16), Err("payload_too_large".into()));
            let twice = [compress(TEXT), compress(TEXT)].concat();
            assert_eq!(decode(coding, &twice, 100), Ok([TEXT, TEXT].concat()), "{coding:?}");
            assert_eq!(decode(coding, &[], 100).unwrap_or_default(), b"");
        }
    }

    #[test]
    fn what_is_damaged_is_refused() {
        for (coding, whole) in [(Coding::Gzip, gzip(TEXT)), (Coding::Zstd, zstd(TEXT))] {
            for damaged in [&whole[..whole.len() - 1], TEXT, &[&whole[..], TEXT].concat()] {
                let refused = decode(coding, damaged, 100);
                assert_eq!(refused, Err("invalid_body".into()), "{coding:?} {damaged:?}");
            }
        }
    }

    #[test]
    fn a_window_has_its_limit() {
        // A frame that says how large its window is, with one empty last block.
        let frame = |exponent: u8| {
            let mut frame = vec![0x28, 0xb5, 0x2f, 0xfd, 0];
            frame.extend([exponent << 3, 1, 0, 0]);
            frame
        };
        assert_eq!(1_u64 << (13 + 10), ZSTD_WINDOW_BYTES);
        assert_eq!(decode(Coding::Zstd, &frame(13), 100), Ok(vec![]));
        assert_eq!(decode(Coding::Zstd, &frame(14), 100), Err("invalid_body".into()));
    }

    #[test]
    fn a_coding_that_is_not_known_is_refused() {
        let of = |text: &str| {
            let value = HeaderValue::from_str(text).expect("a value");
            Coding::of(&HeaderMap::from_iter([(header::CONTENT_ENCODING, value)]))
        };
        for (text, expected) in [
            ("gzip", Some(Coding::Gzip)),
            ("X-GZip", Some(Coding::Gzip)),
            ("zstd", Some(Coding::Zstd)),
            ("identity", None),
        ] {
            assert_eq!(of(text).ok(), Some(expected), "{text}");
        }
        for text in ["br", "gzip, zstd", ""] {
            let problem = of(text).expect_err(text).to_wire();
            assert_eq!(problem.code, "unsupported_media_type", "{text}");
        }
    }
}
