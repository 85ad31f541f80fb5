//! One connection: served until it ends, is idle or stalls for too long, or the service stops.

use super::unread;
use crate::http::limits::{
    HEADER_TIMEOUT, IDLE_TIMEOUT, LINGER_BYTES, LINGER_TIMEOUT, WRITE_TIMEOUT,
};
use crate::http::problem::{Problem, kinds};
use axum::Router;
use axum::body::Body;
use axum::http::{HeaderValue, Request, Response, Version, header};
use axum::response::IntoResponse;
use http_body_util::BodyExt;
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto::Builder;
use std::convert::Infallible;
use std::io;
use std::pin::{Pin, pin};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll, ready};
use std::time::{Duration, Instant};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio_util::sync::CancellationToken;
use tower::ServiceExt;

/// How often a connection is looked at.
const LOOK: Duration = Duration::from_secs(1);

/// Serves a connection to its end.
pub async fn run(
    socket: TcpStream,
    router: Router,
    protocol: &Builder<TokioExecutor>,
    closing: &CancellationToken,
) {
    if let Err(error) = socket.set_nodelay(true) {
        tracing::debug!(%error, "no TCP_NODELAY");
    }
    let activity = Arc::new(Activity::new(Instant::now()));
    let watched = TokioIo::new(Watched::new(socket, activity.clone()));
    let counted = activity.clone();
    let service = service_fn(move |request: Request<Incoming>| {
        answer(router.clone(), InFlight::new(counted.clone()), request)
    });
    let mut connection = pin!(protocol.serve_connection(watched, service));
    let mut look = tokio::time::interval(LOOK);
    let mut told = false;
    loop {
        tokio::select! {
            ended = connection.as_mut() => {
                if let Err(error) = ended {
                    tracing::debug!(%error, "a connection broke");
                }
                return;
            }
            () = closing.cancelled(), if !told => {
                told = true;
                connection.as_mut().graceful_shutdown();
            }
            _ = look.tick() => {
                if let Some(reason) = activity.overdue(Instant::now()) {
                    tracing::debug!(reason, "closing a connection");
                    return;
                }
            }
        }
    }
}

/// Answers a request. It is in flight until the whole body has gone out.
async fn answer(
    router: Router,
    in_flight: InFlight,
    request: Request<Incoming>,
) -> Result<Response<Body>, Infallible> {
    let http_1 = request.version() <= Version::HTTP_11;
    let doubt = doubt(&request);
    let (parts, body) = request.into_parts();
    let (body, read) = unread::watch(body);
    let mut response = match doubt {
        None => router.oneshot(Request::from_parts(parts, Body::new(body))).await?,
        Some(detail) => Problem::new(&kinds::MALFORMED_REQUEST, detail).into_response(),
    };
    if http_1 && (doubt.is_some() || !read.to_its_end()) {
        response.headers_mut().insert(header::CONNECTION, HeaderValue::from_static("close"));
    }
    Ok(response.map(|body| {
        Body::new(body.map_frame(move |frame| {
            let _held_until_the_body_is_dropped = &in_flight;
            frame
        }))
    }))
}

/// Why another server on the way may have read an HTTP/1.1 request as one for somebody else, or of
/// another length: it says not once for which host it is (RFC 9112 3.2), or its body is coded in a
/// way that we do not decode (6.1). The rest of what is in doubt the protocol's reader refuses.
fn doubt<B>(request: &Request<B>) -> Option<&'static str> {
    if request.version() != Version::HTTP_11 {
        return None;
    }
    let hosts = request.headers().get_all(header::HOST).iter().count();
    let mut codings = request.headers().get_all(header::TRANSFER_ENCODING).iter();
    let plain = codings.next().is_none_or(|only| only.as_bytes().eq_ignore_ascii_case(b"chunked"))
        && codings.next().is_none();
    match (hosts, plain) {
        (1, true) => None,
        (1, false) => Some("the one Transfer-Encoding is chunked"),
        _ => Some("send exactly one Host"),
    }
}

/// What a connection does.
struct Activity(Mutex<State>);

struct State {
    in_flight: usize,
    ever: bool,
    idle_since: Instant,
    /// Since when there are bytes that the client does not take.
    stalled_since: Option<Instant>,
    /// Since when we have said all, and wait for the client to end too.
    lingering_since: Option<Instant>,
}

impl Activity {
    fn new(now: Instant) -> Self {
        Self(Mutex::new(State {
            in_flight: 0,
            ever: false,
            idle_since: now,
            stalled_since: None,
            lingering_since: None,
        }))
    }

    fn with<T>(&self, change: impl FnOnce(&mut State) -> T) -> T {
        change(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }

    fn wrote(&self, stalled: bool) {
        self.with(|state| match (stalled, state.stalled_since) {
            (true, None) => state.stalled_since = Some(Instant::now()),
            (false, Some(_)) => state.stalled_since = None,
            _ => {}
        });
    }

    /// Why the connection should end, if it should.
    fn overdue(&self, now: Instant) -> Option<&'static str> {
        self.with(|state| {
            let idle = now.saturating_duration_since(state.idle_since);
            let patience = if state.ever { IDLE_TIMEOUT } else { HEADER_TIMEOUT };
            let stalled = state.stalled_since.map(|since| now.saturating_duration_since(since));
            let lingers = state.lingering_since.map(|since| now.saturating_duration_since(since));
            if lingers.is_some_and(|lingers| lingers > LINGER_TIMEOUT) {
                Some("the client does not end")
            } else if state.in_flight == 0 && idle > patience {
                Some("no request")
            } else if stalled.is_some_and(|stalled| stalled > WRITE_TIMEOUT) {
                Some("the client does not read")
            } else {
                None
            }
        })
    }
}

struct InFlight(Arc<Activity>);

impl InFlight {
    fn new(activity: Arc<Activity>) -> Self {
        activity.with(|state| {
            state.in_flight += 1;
            state.ever = true;
        });
        Self(activity)
    }
}

impl Drop for InFlight {
    fn drop(&mut self) {
        self.0.with(|state| {
            state.in_flight -= 1;
            state.idle_since = Instant::now();
        });
    }
}

/// A socket that notices when the client does not read, and that takes what a client still sends
/// after our last answer: closed at once, the connection would be reset, and the answer lost.
struct Watched {
    socket: TcpStream,
    activity: Arc<Activity>,
    lingering: bool,
    /// How much more is taken after the last answer.
    patience: usize,
}

impl Watched {
    fn new(socket: TcpStream, activity: Arc<Activity>) -> Self {
        Self { socket, activity, lingering: false, patience: LINGER_BYTES }
    }

    /// Reads until the client ends, and throws it away.
    fn poll_linger(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let mut scratch = [0; 8 * 1024];
        while self.patience > 0 {
            let mut buffer = ReadBuf::new(&mut scratch);
            match Pin::new(&mut self.socket).poll_read(cx, &mut buffer) {
                Poll::Pending => return Poll::Pending,
                Poll::Ready(Ok(())) if !buffer.filled().is_empty() => {
                    self.patience = self.patience.saturating_sub(buffer.filled().len());
                }
                Poll::Ready(_) => break,
            }
        }
        Poll::Ready(Ok(()))
    }

    fn noticed<T>(&self, poll: Poll<T>) -> Poll<T> {
        self.activity.wrote(poll.is_pending());
        poll
    }
}

impl AsyncRead for Watched {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.socket).poll_read(cx, buf)
    }
}

impl AsyncWrite for Watched {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        let poll = Pin::new(&mut self.socket).poll_write(cx, buf);
        self.noticed(poll)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.socket).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        if !self.lingering {
            ready!(Pin::new(&mut self.socket).poll_shutdown(cx))?;
            self.lingering = true;
            self.activity.with(|state| state.lingering_since = Some(Instant::now()));
        }
        self.poll_linger(cx)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let poll = Pin::new(&mut self.socket).poll_write_vectored(cx, bufs);
        self.noticed(poll)
    }

    fn is_write_vectored(&self) -> bool {
        self.socket.is_write_vectored()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_connection_ends_when_it_is_idle_or_stalls() {
        let start = Instant::now();
        let activity = Arc::new(Activity::new(start));
        let second = Duration::from_secs(1);
        assert_eq!(activity.overdue(start + HEADER_TIMEOUT), None);
        assert_eq!(activity.overdue(start + HEADER_TIMEOUT + second), Some("no request"));
        let request = InFlight::new(activity.clone());
        assert_eq!(activity.overdue(start + IDLE_TIMEOUT * 10), None);
        activity.wrote(true);
        let stalled = Instant::now() + WRITE_TIMEOUT + second;
        assert_eq!(activity.overdue(stalled), Some("the client does not read"));
        activity.wrote(false);
        assert_eq!(activity.overdue(stalled), None);
        drop(request);
        let later = Instant::now();
        assert_eq!(activity.overdue(later + HEADER_TIMEOUT + second), None);
        assert_eq!(activity.overdue(later + IDLE_TIMEOUT + second), Some("no request"));
        activity.with(|state| state.lingering_since = Some(later));
        assert_eq!(activity.overdue(later + LINGER_TIMEOUT), None);
        let lingered = later + LINGER_TIMEOUT + second;
        assert_eq!(activity.overdue(lingered), Some("the client does not end"));
    }
}
