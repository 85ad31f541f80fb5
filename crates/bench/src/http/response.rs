//! The end of a response: where it is, as cheaply as it can be told, and whether it went well.

use anyhow::{Context as _, Result, bail, ensure};

/// The longest head that a server may send.
const MAX_HEADERS: usize = 32;

/// A response as far as it has arrived.
#[derive(Default)]
pub struct Response {
    /// 0 until the head is there.
    pub status: u16,
    /// As far as it has arrived, without the framing.
    pub body: Vec<u8>,
    /// Bytes that are not understood yet.
    pending: Vec<u8>,
    framing: Framing,
}

#[derive(Default)]
enum Framing {
    #[default]
    Head,
    Length(usize),
    ChunkSize,
    Chunk(usize),
    Trailer,
    Complete,
}

impl Response {
    pub fn is_complete(&self) -> bool {
        matches!(self.framing, Framing::Complete)
    }

    /// Makes it ready for the next response, and keeps its memory.
    pub fn clear(&mut self) {
        self.status = 0;
        self.body.clear();
        self.pending.clear();
        self.framing = Framing::Head;
    }

    /// Takes what arrived.
    pub fn take(&mut self, bytes: &[u8]) -> Result<()> {
        self.pending.extend_from_slice(bytes);
        let mut used = 0;
        while let Some(step) = self.step(used)? {
            used += step;
        }
        self.pending.drain(..used);
        ensure!(!self.is_complete() || self.pending.is_empty(), "more than the answer arrived");
        Ok(())
    }

    /// Understands the bytes from `at` on as far as one step goes; `None` when more are needed.
    fn step(&mut self, at: usize) -> Result<Option<usize>> {
        let rest = &self.pending[at..];
        match self.framing {
            Framing::Head => self.head(at),
            Framing::Length(0) => {
                self.framing = Framing::Complete;
                Ok(Some(0))
            }
            Framing::Length(left) if !rest.is_empty() => {
                let taken = rest.len().min(left);
                self.body.extend_from_slice(&rest[..taken]);
                self.framing = Framing::Length(left - taken);
                Ok(Some(taken))
            }
            Framing::ChunkSize => match httparse::parse_chunk_size(rest) {
                Ok(httparse::Status::Complete((used, 0))) => {
                    self.framing = Framing::Trailer;
                    Ok(Some(used))
                }
                Ok(httparse::Status::Complete((used, size))) => {
                    self.framing = Framing::Chunk(usize::try_from(size)?);
                    Ok(Some(used))
                }
                Ok(httparse::Status::Partial) => Ok(None),
                Err(_) => bail!("a chunk without a size"),
            },
            Framing::Chunk(size) if rest.len() >= size + 2 => {
                self.body.extend_from_slice(&rest[..size]);
                self.framing = Framing::ChunkSize;
                Ok(Some(size + 2))
            }
            Framing::Trailer if rest.len() >= 2 => {
                ensure!(rest.starts_with(b"\r\n"), "trailers are not expected");
                self.framing = Framing::Complete;
                Ok(Some(2))
            }
            Framing::Length(_) | Framing::Chunk(_) | Framing::Trailer | Framing::Complete => {
                Ok(None)
            }
        }
    }

    fn head(&mut self, at: usize) -> Result<Option<usize>> {
        let mut headers = [httparse::EMPTY_HEADER; MAX_HEADERS];
        let mut head = httparse::Response::new(&mut headers);
        let parsed = head.parse(&self.pending[at..]).context("not an HTTP answer")?;
        let httparse::Status::Complete(used) = parsed else { return Ok(None) };
        let header = |name: &str| {
            let found = head.headers.iter().find(|header| header.name.eq_ignore_ascii_case(name));
            found.and_then(|header| std::str::from_utf8(header.value).ok())
        };
        self.framing = match header("content-length") {
            Some(length) => Framing::Length(length.parse().context("content-length")?),
            None if header("transfer-encoding") == Some("chunked") => Framing::ChunkSize,
            None => Framing::Length(0),
        };
        self.status = head.code.context("a status")?;
        Ok(Some(used))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(pieces: &[&str]) -> Response {
        let mut response = Response::default();
        for piece in pieces {
            assert!(!response.is_complete());
            response.take(piece.as_bytes()).expect("an answer");
        }
        response
    }

    #[test]
    fn a_length_ends_a_response_wherever_it_is_cut() {
        let whole = "HTTP/1.1 201 Created\r\nContent-Length: 5\r\n\r\nhello";
        for cut in 1..whole.len() {
            let response = read(&[&whole[..cut], &whole[cut..]]);
            assert!(response.is_complete());
            assert_eq!((response.status, response.body.as_slice()), (201, &b"hello"[..]));
        }
    }

    #[test]
    fn chunks_end_a_response_wherever_it_is_cut() {
        let whole = "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n3\r\nhel\r\n2\r\nlo\r\n\
                     0\r\n\r\n";
        for cut in 1..whole.len() {
            let response = read(&[&whole[..cut], &whole[cut..]]);
            assert!(response.is_complete());
            assert_eq!((response.status, response.body.as_slice()), (200, &b"hello"[..]));
        }
    }

    #[test]
    fn no_length_is_no_body_and_too_much_is_an_error() {
        assert!(read(&["HTTP/1.1 204 No Content\r\n\r\n"]).is_complete());
        let mut response = Response::default();
        assert!(response.take(b"HTTP/1.1 200 OK\r\ncontent-length: 1\r\n\r\nab").is_err());
    }

    #[test]
    fn it_can_be_used_again() {
        let mut response = read(&["HTTP/1.1 200 OK\r\ncontent-length: 1\r\n\r\na"]);
        response.clear();
        response.take(b"HTTP/1.1 200 OK\r\ncontent-length: 1\r\n\r\nb").expect("an answer");
        assert_eq!(response.body, b"b");
    }
}
