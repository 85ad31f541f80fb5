//! A follower of the event stream, as a client of the API writes one: it keeps the id of the last
//! frame that came whole, and resumes with it.

use crate::check::{Promise, Violation};
use crate::client::Client;
use crate::model::event_json;
use crate::witness::Witness;
use anyhow::{Result, ensure};
use http_body_util::BodyExt as _;
use hyper::body::Incoming;
use serde_json::Value;
use std::time::Duration;

/// How long a follower waits for more before it takes the stream for quiet.
const PATIENCE: Duration = Duration::from_secs(20);

/// Where it is, and all that it was told.
#[derive(Debug, Default)]
pub struct Follower {
    pub cursor: Option<String>,
    pub events: Vec<Value>,
}

/// An open stream.
pub struct Stream {
    body: Incoming,
    text: Vec<u8>,
}

impl Follower {
    /// Opens the stream where it was left.
    pub async fn open(&self, client: &Client) -> Result<Stream> {
        let cursor = self.cursor.as_deref().map(|cursor| ("last-event-id", cursor));
        let headers: Vec<_> = cursor.into_iter().collect();
        let response = client.send("GET", "/v1/events/stream", &headers, "").await?;
        ensure!(response.status() == 200, "the stream answers {}", response.status());
        Ok(Stream { body: response.into_body(), text: Vec::new() })
    }

    /// Status and code of the answer to one whose cursor does not hold. An answer that goes on for
    /// ever has no code.
    pub async fn refusal(&self, client: &Client) -> Result<(u16, String)> {
        let cursor = self.cursor.as_deref().unwrap_or_default();
        let response =
            client.send("GET", "/v1/events/stream", &[("last-event-id", cursor)], "").await?;
        let status = response.status().as_u16();
        if status == 200 {
            return Ok((status, String::new()));
        }
        let body = response.into_body().collect().await?.to_bytes();
        let body: Value = serde_json::from_slice(&body)?;
        Ok((status, body["code"].as_str().unwrap_or_default().to_owned()))
    }

    /// Reads until at least `bytes` more have come or the stream ends, then cuts it. What has not
    /// come whole has not come.
    pub async fn read_bytes(&mut self, stream: &mut Stream, bytes: usize) -> Result<()> {
        let mut read = 0;
        while read < bytes {
            let Some(more) = stream.read().await? else { break };
            let keep = more.len().min(bytes - read);
            read += more.len();
            stream.text.extend_from_slice(&more[..keep]);
        }
        self.take(stream);
        Ok(())
    }

    /// Reads until the event at a position has come.
    pub async fn read_to(&mut self, stream: &mut Stream, position: i64) -> Result<()> {
        while self.position() < position {
            let Some(more) = stream.read().await? else { break };
            stream.text.extend_from_slice(&more);
            self.take(stream);
        }
        Ok(())
    }

    /// The last position that it was told.
    pub fn position(&self) -> i64 {
        self.events.last().and_then(|event| event["id"].as_i64()).unwrap_or(0)
    }

    fn take(&mut self, stream: &mut Stream) {
        while let Some(end) = stream.text.windows(2).position(|pair| pair == b"\n\n") {
            let frame: Vec<u8> = stream.text.drain(..end + 2).collect();
            let frame = String::from_utf8_lossy(&frame).into_owned();
            let field = |name: &str| frame.lines().find_map(|line| line.strip_prefix(name));
            if let (Some(id), Some(data)) = (field("id: "), field("data: ")) {
                self.cursor = Some(id.to_owned());
                self.events.push(serde_json::from_str(data).unwrap_or(Value::Null));
            }
        }
    }

    /// All that it was told is the log, from its beginning.
    pub fn check(&self, witness: &Witness, broken: &mut Vec<Violation>) {
        for (told, (event, id)) in self.events.iter().zip(witness.events.iter().zip(1_i64..)) {
            if told["id"] != id || *told != event_json(event) {
                let what = format!("told {told} where event {id} was due: {}", event_json(event));
                broken.push(Violation::new(Promise::I8Followers, what));
                return;
            }
        }
        if self.events.len() > witness.events.len() {
            let (told, log) = (self.events.len(), witness.events.len());
            let what = format!("{told} events were told, the log has {log}");
            broken.push(Violation::new(Promise::I8Followers, what));
        }
    }
}

impl Stream {
    /// The next piece; `None` when the stream has ended or was lost.
    async fn read(&mut self) -> Result<Option<Vec<u8>>> {
        let next = tokio::time::timeout(PATIENCE, self.body.frame()).await?;
        let Some(Ok(frame)) = next else { return Ok(None) };
        Ok(Some(frame.into_data().map(|data| data.to_vec()).unwrap_or_default()))
    }
}
