//! The accept loop. Our own, because the framework's has no timer and so no time limit for the
//! head of a request.

mod connection;
mod unread;

use super::Service;
use super::limits::{
    DRAIN_TIMEOUT, HEADER_TIMEOUT, IDLE_TIMEOUT, MAX_CONNECTIONS, MAX_HEADER_BYTES, MAX_HEADERS,
    MAX_REQUESTS_PER_CONNECTION,
};
use axum::Router;
use hyper_util::rt::{TokioExecutor, TokioTimer};
use hyper_util::server::conn::auto::Builder;
use std::io;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

/// How long accepting pauses when the machine has no room for another connection.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// Serves until `shutdown`, then ends the streams, lets requests finish for a while, and returns.
///
/// # Errors
/// None at present: a failure to accept passes.
pub async fn serve(
    listener: TcpListener,
    service: Service,
    shutdown: CancellationToken,
) -> io::Result<()> {
    let router = service.router();
    let protocol = Arc::new(protocol());
    let room = Arc::new(Semaphore::new(MAX_CONNECTIONS));
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            () = shutdown.cancelled() => break,
            Some(_) = connections.join_next() => {}
            (socket, permit) = accept(&listener, &room) => {
                let connection = Connection {
                    socket,
                    _permit: permit,
                    router: router.clone(),
                    protocol: protocol.clone(),
                    service: service.clone(),
                };
                connections.spawn(connection.run());
            }
        }
    }
    drop(listener);
    service.closing.cancel();
    let drained = async { while connections.join_next().await.is_some() {} };
    if tokio::time::timeout(DRAIN_TIMEOUT, drained).await.is_err() {
        tracing::warn!(connections = connections.len(), "closing connections that did not end");
    }
    Ok(())
}

/// The next connection, when there is room for one.
async fn accept(
    listener: &TcpListener,
    room: &Arc<Semaphore>,
) -> (TcpStream, OwnedSemaphorePermit) {
    loop {
        let Ok(permit) = room.clone().acquire_owned().await else {
            return std::future::pending().await;
        };
        match listener.accept().await {
            Ok((socket, _)) => return (socket, permit),
            Err(error) => {
                tracing::warn!(%error, "cannot accept a connection");
                tokio::time::sleep(ACCEPT_PAUSE).await;
            }
        }
    }
}

fn protocol() -> Builder<TokioExecutor> {
    let mut protocol = Builder::new(TokioExecutor::new());
    protocol
        .http1()
        .timer(TokioTimer::new())
        .header_read_timeout(HEADER_TIMEOUT)
        .max_headers(MAX_HEADERS)
        .max_buf_size(MAX_HEADER_BYTES);
    protocol
        .http2()
        .timer(TokioTimer::new())
        .max_concurrent_streams(MAX_REQUESTS_PER_CONNECTION)
        .max_header_list_size(u32::try_from(MAX_HEADER_BYTES).unwrap_or(u32::MAX))
        .keep_alive_interval(IDLE_TIMEOUT)
        .keep_alive_timeout(HEADER_TIMEOUT);
    protocol
}

struct Connection {
    socket: TcpStream,
    _permit: OwnedSemaphorePermit,
    router: Router,
    protocol: Arc<Builder<TokioExecutor>>,
    service: Service,
}

impl Connection {
    async fn run(self) {
        let gauge = self.service.metrics.open_connections.clone();
        gauge.inc();
        connection::run(self.socket, self.router, &self.protocol, &self.service.closing).await;
        gauge.dec();
    }
}
