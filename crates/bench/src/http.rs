//! An HTTP/1.1 client for load: one thread, many connections, requests rendered into reused
//! buffers. It must cost less than what it measures, so it does nothing that a load does not need.

mod load;
mod response;

pub use load::{Load, Loaded, Pace};

use anyhow::{Context as _, Result, ensure};
use response::Response;
use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// How long a single exchange may take.
const ANSWER_TIMEOUT: Duration = Duration::from_mins(10);

/// A connection for one exchange after another, outside of any measurement.
pub struct Caller {
    stream: TcpStream,
    address: SocketAddr,
    token: String,
}

/// What came back.
pub struct Reply {
    pub status: u16,
    pub body: serde_json::Value,
}

impl Caller {
    pub fn connect(address: SocketAddr, token: &str) -> Result<Self> {
        let stream = TcpStream::connect(address).context("connecting")?;
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(ANSWER_TIMEOUT))?;
        Ok(Self { stream, address, token: token.to_owned() })
    }

    pub fn get(&mut self, path: &str) -> Result<Reply> {
        self.exchange("GET", path, "")
    }

    /// Sends JSON under a key that this process has not used before.
    pub fn exchange(&mut self, method: &str, path: &str, body: &str) -> Result<Reply> {
        let mut request = Vec::new();
        head(&mut request, method, path, self.address, &self.token);
        if !body.is_empty() {
            static KEYS: AtomicU64 = AtomicU64::new(0);
            let key = KEYS.fetch_add(1, Ordering::Relaxed);
            write!(request, "idempotency-key: \"bench-{key}\"\r\n")?;
            write!(request, "content-type: application/json\r\n")?;
        }
        write!(request, "content-length: {}\r\n\r\n{body}", body.len())?;
        self.stream.write_all(&request)?;
        let mut response = Response::default();
        let mut input = vec![0; 64 * 1024];
        while !response.is_complete() {
            let read = self.stream.read(&mut input).context("reading an answer")?;
            ensure!(read > 0, "the server closed the connection");
            response.take(&input[..read])?;
        }
        let body = serde_json::from_slice(&response.body).unwrap_or_default();
        Ok(Reply { status: response.status, body })
    }
}

/// Begins a request: everything up to the headers that describe its body.
pub fn head(out: &mut Vec<u8>, method: &str, path: &str, address: SocketAddr, token: &str) {
    out.extend_from_slice(
        format!("{method} {path} HTTP/1.1\r\nhost: {address}\r\nauthorization: Bearer {token}\r\n")
            .as_bytes(),
    );
}
