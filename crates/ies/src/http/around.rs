//! What is around every request, whoever answers it: it is measured and logged, a panic becomes a
//! problem, and the headers are there that all answers have.

use super::Service;
use super::metrics::known_method;
use super::problem::from_panic;
use axum::extract::{MatchedPath, Request, State};
use axum::http::{HeaderValue, header};
use axum::middleware::Next;
use axum::response::Response;
use futures_util::FutureExt as _;
use std::panic::AssertUnwindSafe;
use std::time::Instant;

/// One layer and not three: each has its own copy of the routes beneath it made for a request.
pub async fn around(State(service): State<Service>, request: Request, next: Next) -> Response {
    let start = Instant::now();
    let method = known_method(request.method());
    let path = request.extensions().get::<MatchedPath>();
    let route = path.map_or("unmatched", MatchedPath::as_str).to_owned();
    let answering = AssertUnwindSafe(next.run(request)).catch_unwind();
    let mut response = answering.await.unwrap_or_else(|panic| from_panic(panic.as_ref()));
    let headers = response.headers_mut();
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    let private = HeaderValue::from_static("private, no-cache");
    headers.entry(header::CACHE_CONTROL).or_insert(private);
    let (status, seconds) = (response.status().as_u16(), start.elapsed().as_secs_f64());
    tracing::debug!(method, route, status, seconds, "request");
    service.metrics.answered(method, route, status, seconds);
    response
}
