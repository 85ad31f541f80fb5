//! A request's body that remembers whether it was read to its end. When an answer goes out before
//! that, the connection cannot be used again, and the answer has to say so: a client that sent
//! its next request on it would not learn what became of it.

use axum::body::Bytes;
use hyper::body::{Body, Frame, Incoming, SizeHint};
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll};

/// The body.
pub struct Watched {
    body: Incoming,
    read: Arc<AtomicBool>,
}

/// Whether it was read.
pub struct Read(Arc<AtomicBool>);

/// Watches a body.
pub fn watch(body: Incoming) -> (Watched, Read) {
    let read = Arc::new(AtomicBool::new(body.is_end_stream()));
    (Watched { body, read: Arc::clone(&read) }, Read(read))
}

impl Read {
    /// Whether the body was read to its end by now.
    pub fn to_its_end(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}

impl Body for Watched {
    type Data = Bytes;
    type Error = hyper::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, hyper::Error>>> {
        let poll = Pin::new(&mut self.body).poll_frame(cx);
        if matches!(poll, Poll::Ready(None)) || self.body.is_end_stream() {
            self.read.store(true, Ordering::Relaxed);
        }
        poll
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
