//! The accept loop, over sockets.

use super::Bakery;
use crate::http::serve;
use item_event_store::access::Role;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio_util::sync::CancellationToken;

struct Server {
    bakery: Bakery,
    address: std::net::SocketAddr,
    shutdown: CancellationToken,
    ended: tokio::task::JoinHandle<std::io::Result<()>>,
}

impl Server {
    async fn start() -> Self {
        let bakery = Bakery::open().await;
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = listener.local_addr().expect("an address");
        let shutdown = CancellationToken::new();
        let ended = tokio::spawn(serve(listener, bakery.service.clone(), shutdown.clone()));
        Self { bakery, address, shutdown, ended }
    }

    async fn send(&self, text: &str) -> TcpStream {
        let mut socket = TcpStream::connect(self.address).await.expect("a connection");
        socket.write_all(text.as_bytes()).await.expect("sent");
        socket
    }

    async fn answer(&self, text: &str) -> String {
        let mut socket = self.send(text).await;
        let mut answer = Vec::new();
        socket.read_to_end(&mut answer).await.expect("an answer");
        String::from_utf8(answer).expect("UTF-8")
    }
}

#[tokio::test]
async fn requests_are_answered_over_http_1() {
    let server = Server::start().await;
    let answer = server.answer("GET /livez HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n").await;
    assert!(answer.starts_with("HTTP/1.1 200 OK\r\n"), "{answer}");
    assert!(answer.contains("\r\ncontent-length: 17\r\n"), "{answer}");
    assert!(answer.ends_with("{\"status\":\"pass\"}"), "{answer}");
}

#[tokio::test]
async fn requests_that_two_servers_may_read_differently_are_refused() {
    let server = Server::start().await;
    for head in [
        "content-length: 2\r\ncontent-length: 3\r\n",
        "content-length : 2\r\n",
        "transfer-encoding: gzip\r\n",
        "x: a\r\n b\r\n",
    ] {
        let request = format!("POST /v1/items HTTP/1.1\r\nhost: x\r\n{head}\r\n{{}}");
        let answer = server.answer(&request).await;
        assert!(answer.starts_with("HTTP/1.1 400 "), "{head} {answer}");
    }
}

#[tokio::test]
async fn shutdown_ends_streams_and_returns() {
    let server = Server::start().await;
    let secret = server.bakery.secret(Role::Viewer).to_owned();
    let mut stream = server
        .send(&format!(
            "GET /v1/events/stream HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {secret}\r\n\r\n"
        ))
        .await;
    let idle = server.send("").await;
    let mut buffer = [0; 4096];
    let read = stream.read(&mut buffer).await.expect("the head");
    assert!(String::from_utf8_lossy(&buffer[..read]).starts_with("HTTP/1.1 200 OK"));
    server.shutdown.cancel();
    let mut rest = Vec::new();
    stream.read_to_end(&mut rest).await.expect("the end");
    server.ended.await.expect("no panic").expect("no error");
    assert_eq!(server.bakery.service.metrics.open_connections.get(), 0);
    drop(idle);
}
