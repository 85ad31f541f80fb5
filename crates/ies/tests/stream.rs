//! The event stream over the network: every event once and in order, whatever happens to the
//! connection.

mod server;

use hyper::{Method, StatusCode};
use serde_json::{Value, json};
use server::{Client, Server, done, ies, read};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

const CUTS: usize = 100;
/// Bytes after which a connection is cut at the latest: a few frames.
const CUT_BYTES: u64 = 3_000;
/// How long something may take before it counts as hanging.
const PATIENCE: Duration = Duration::from_secs(30);

/// A stream on a socket of its own. HTTP/1.0, so that the body is the bytes as they are.
struct Stream {
    socket: TcpStream,
    text: Vec<u8>,
}

/// A whole frame that is an event.
#[derive(Debug, PartialEq, Eq)]
struct Frame {
    cursor: String,
    reason: String,
    event: Value,
}

impl Stream {
    async fn open(server: &Server, token: &str, query: &str, headers: &str) -> Self {
        let mut socket = TcpStream::connect(server.address()).await.expect("a connection");
        let request = format!(
            "GET /v1/events/stream{query} HTTP/1.0\r\nhost: x\r\n\
             authorization: Bearer {token}\r\n{headers}\r\n"
        );
        socket.write_all(request.as_bytes()).await.expect("sent");
        let mut stream = Self { socket, text: Vec::new() };
        let head = stream.until(b"\r\n\r\n").await.expect("a head");
        assert!(head.starts_with("HTTP/1.0 200 "), "{head}");
        let head = head.to_lowercase();
        assert!(head.contains("content-type: text/event-stream; charset=utf-8\r\n"), "{head}");
        assert!(!head.contains("transfer-encoding"), "{head}");
        stream
    }

    /// Reads more; false at the end.
    async fn more(&mut self) -> bool {
        let read = tokio::time::timeout(PATIENCE, self.socket.read_buf(&mut self.text)).await;
        read.expect("bytes, or the end").is_ok_and(|count| count > 0)
    }

    /// The text up to and with `end`.
    async fn until(&mut self, end: &[u8]) -> Option<String> {
        loop {
            if let Some(at) = self.text.windows(end.len()).position(|window| window == end) {
                let rest = self.text.split_off(at + end.len());
                let text = std::mem::replace(&mut self.text, rest);
                return Some(String::from_utf8(text).expect("UTF-8"));
            }
            if !self.more().await {
                return None;
            }
        }
    }

    async fn event(&mut self) -> Option<Frame> {
        loop {
            let text = self.until(b"\n\n").await?;
            if let Some(frame) = frame(&text) {
                return Some(frame);
            }
        }
    }

    /// The whole frames among the first `bytes` of the body; then the connection is gone.
    async fn cut(mut self, bytes: usize) -> Vec<Frame> {
        while self.text.len() < bytes && self.more().await {}
        self.text.truncate(bytes);
        // A multi-byte character may be cut in two, but then its frame is not whole either.
        let text = String::from_utf8_lossy(&self.text).into_owned();
        let whole = text.rfind("\n\n").map_or("", |end| &text[..end]);
        whole.split("\n\n").filter_map(frame).collect()
    }
}

fn frame(text: &str) -> Option<Frame> {
    let text = text.trim_end();
    if text.starts_with("retry: ") || text == ": hb" || text.is_empty() {
        return None;
    }
    let mut lines = text.lines();
    let mut field = |name: &str| {
        let line = lines.next().unwrap_or_else(|| panic!("{text}"));
        line.strip_prefix(name).unwrap_or_else(|| panic!("{text}")).to_owned()
    };
    let (cursor, reason, data) = (field("id: "), field("event: "), field("data: "));
    let event = serde_json::from_str(&data).expect("JSON on one line");
    Some(Frame { cursor, reason, event })
}

fn position(frame: &Frame) -> i64 {
    frame.event["id"].as_i64().expect("a position")
}

/// A server with one item and `events` events.
async fn bakery(store: &std::path::Path, events: usize) -> (Server, String) {
    let server = Server::start(store, &[]);
    let token = server.token.clone().expect("a token");
    let client = server.client(&token);
    let item = json!({ "name": "Crème brûlée", "initial_quantity": 1 });
    assert_eq!(client.post("/v1/items", &item).await.0, StatusCode::CREATED);
    if events > 1 {
        let batch = json!({ "command": "batch", "item_id": 1, "quantity": 1, "note": "früh" });
        let (status, body) = client.post("/v1/events", &json!(vec![batch; events - 1])).await;
        assert_eq!(status, StatusCode::CREATED, "{body}");
    }
    (server, token)
}

async fn bake(client: &Client, quantity: i64) {
    let (status, body) = client.post("/v1/items/1/batches", &json!({ "quantity": quantity })).await;
    assert_eq!(status, StatusCode::CREATED, "{body}");
}

/// The next number of a fixed sequence (Marsaglia's xorshift64).
fn random(state: &mut u64) -> u64 {
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    *state
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_connection_cut_anywhere_and_resumed_loses_and_repeats_nothing() {
    let folder = tempfile::tempdir().expect("a folder");
    let (server, token) = bakery(folder.path(), 150).await;
    let stop = Arc::new(AtomicBool::new(false));
    let writer = tokio::spawn({
        let (client, stop) = (server.client(&token), Arc::clone(&stop));
        async move {
            while !stop.load(Ordering::SeqCst) {
                bake(&client, 2).await;
                tokio::time::sleep(Duration::from_millis(2)).await;
            }
        }
    });
    let mut seen: Vec<i64> = Vec::new();
    let mut last = None;
    let mut state = 7_420;
    for cut in 0..CUTS {
        let resume = last.as_ref().map(|cursor| format!("last-event-id: {cursor}\r\n"));
        let stream = Stream::open(&server, &token, "", &resume.unwrap_or_default()).await;
        let bytes = usize::try_from(random(&mut state) % CUT_BYTES).expect("few");
        for frame in stream.cut(bytes).await {
            seen.push(position(&frame));
            last = Some(frame.cursor);
        }
        let in_order = seen.iter().copied().eq((1..).take(seen.len()));
        assert!(in_order, "cut {cut} at {bytes}: {seen:?}");
    }
    stop.store(true, Ordering::SeqCst);
    writer.await.expect("joins");
    let (_, page) = server.client(&token).get("/v1/events?limit=1").await;
    let end = page["position"].as_i64().expect("a position");
    let after = last.expect("some came through");
    let mut stream = Stream::open(&server, &token, &format!("?after={after}"), "").await;
    while seen.last() != Some(&end) {
        seen.push(position(&stream.event().await.expect("the rest")));
    }
    assert!(seen.iter().copied().eq(1..=end), "{seen:?}");
    assert!(end > 150, "the stream went from what was stored to what came");
}

#[tokio::test]
async fn a_stream_catches_up_over_many_pages_and_then_is_live() {
    let folder = tempfile::tempdir().expect("a folder");
    let (server, token) = bakery(folder.path(), 8_193).await;
    let client = server.client(&token);
    let mut stream = Stream::open(&server, &token, "", "").await;
    for expected in 1..=8_193 {
        assert_eq!(position(&stream.event().await.expect("an event")), expected);
    }
    for expected in 8_194..8_204 {
        bake(&client, expected).await;
        let frame = stream.event().await.expect("an event");
        assert_eq!((position(&frame), frame.reason.as_str()), (expected, "batch"));
        assert_eq!(frame.event["quantity_change"], expected);
        let (_, read) = client.get(&format!("/v1/events/{expected}")).await;
        assert_eq!(frame.event, read["event"], "the same event as everywhere");
    }
}

#[tokio::test]
async fn a_stream_begins_after_a_position_or_a_cursor_and_can_be_of_one_item() {
    let folder = tempfile::tempdir().expect("a folder");
    let (server, token) = bakery(folder.path(), 5).await;
    let client = server.client(&token);
    client.post("/v1/items", &json!({ "name": "Roll", "initial_quantity": 9 })).await;
    bake(&client, 7).await;
    let first = async |query: &str, headers: &str| {
        Stream::open(&server, &token, query, headers).await.event().await.expect("an event")
    };
    assert_eq!(position(&first("", "").await), 1);
    assert_eq!(position(&first("?after=0", "").await), 1);
    let third = first("?after=2", "").await;
    assert_eq!(position(&third), 3);
    assert_eq!(position(&first(&format!("?after={}", third.cursor), "").await), 4);
    assert_eq!(
        position(&first("?after=1", &format!("Last-Event-ID: {}\r\n", third.cursor)).await),
        4
    );
    let of_roll = first("?item_id=2", "").await;
    assert_eq!((position(&of_roll), of_roll.reason.as_str()), (6, "initial"));
    let query = "?item_id=1&reason=batch";
    let resumed = first(query, &format!("last-event-id: {}\r\n", of_roll.cursor)).await;
    assert_eq!(position(&resumed), 7);
    let mut at_the_end = Stream::open(&server, &token, "?after=7", "").await;
    bake(&client, 8).await;
    assert_eq!(position(&at_the_end.event().await.expect("an event")), 8);
}

#[tokio::test]
async fn a_cursor_of_another_history_is_a_problem_before_the_stream_begins() {
    let folder = tempfile::tempdir().expect("a folder");
    let (store, other) = (folder.path().join("store"), folder.path().join("other"));
    let (server, token) = bakery(&store, 3).await;
    let mut stream = Stream::open(&server, &token, "?after=1", "").await;
    let cursor = stream.event().await.expect("an event").cursor;
    let file = folder.path().join("backup.db");
    let file = file.to_str().expect("text");
    done(&ies(&["backup", file], &store));
    done(&ies(&["restore", file], &other));
    let restored = Server::start(&other, &[]);
    let its_token = restored.token.clone().expect("a token");
    let last = cursor.chars().last().expect("a digit");
    let forged = format!("{}{}", &cursor[..cursor.len() - 1], if last == '0' { '1' } else { '0' });
    for (server, token, cursor) in [
        (&restored, &its_token, cursor.as_str()),
        (&server, &token, &forged),
        (&server, &token, "4"),
    ] {
        let client = server.client(token);
        let headers = [("last-event-id", cursor)];
        let answer = client.send(Method::GET, "/v1/events/stream", &headers, "").await;
        let answer = answer.expect("an answer");
        assert_eq!(answer.headers()["content-type"], "application/problem+json");
        let (status, body) = read(answer).await;
        assert_eq!((status, &body["code"]), (StatusCode::CONFLICT, &json!("history_diverged")));
        assert_eq!(body["position"], 3, "{cursor}: {body}");
    }
    let again = Stream::open(&server, &token, &format!("?after={cursor}"), "").await.event().await;
    assert_eq!(position(&again.expect("an event")), 3, "its own history goes on");
}

#[tokio::test]
async fn a_server_that_is_told_to_stop_ends_its_streams_and_exits_with_success() {
    let folder = tempfile::tempdir().expect("a folder");
    let (server, token) = bakery(folder.path(), 2).await;
    let address = server.address().to_owned();
    let mut streams = Vec::new();
    for _ in 0..8 {
        let mut stream = Stream::open(&server, &token, "", "").await;
        assert_eq!(position(&stream.event().await.expect("an event")), 1);
        streams.push(stream);
    }
    let idle = TcpStream::connect(&address).await.expect("a connection");
    let stopped = tokio::task::spawn_blocking(move || server.terminate());
    for mut stream in streams {
        while let Some(frame) = stream.event().await {
            assert_eq!(position(&frame), 2);
        }
    }
    let status = tokio::time::timeout(PATIENCE, stopped).await.expect("it stops").expect("joins");
    assert_eq!(status.code(), Some(0));
    drop(idle);
    assert!(TcpStream::connect(&address).await.is_err(), "nobody listens any more");
    let again = Server::start(folder.path(), &[]);
    assert_eq!(again.client(&token).get("/v1/events/2").await.0, StatusCode::OK);
}

#[tokio::test]
async fn a_silent_stream_says_that_it_is_alive() {
    let folder = tempfile::tempdir().expect("a folder");
    let (server, token) = bakery(folder.path(), 1).await;
    let mut stream = Stream::open(&server, &token, "?after=1", "").await;
    assert_eq!(stream.until(b"\n\n").await.as_deref(), Some("retry: 2000\n\n"));
    assert_eq!(stream.until(b"\n\n").await.as_deref(), Some(": hb\n\n"));
}
