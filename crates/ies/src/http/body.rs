//! A request's body: of at most so many bytes, within the time for it, and decompressed.

use super::coding::Coding;
use super::limits::BODY_TIMEOUT;
use super::problem::{Executed, Problem, kinds};
use axum::BoxError;
use axum::body::Body;
use axum::http::{HeaderMap, header};
use bytes::Bytes;
use http_body_util::{BodyExt, LengthLimitError, Limited};

/// Takes a body as it arrives.
pub trait Sink: Send + 'static {
    /// What comes next. A problem ends it: the rest is not asked for.
    fn take(&mut self, piece: &[u8]) -> Result<(), Problem>;
}

impl Sink for Vec<u8> {
    fn take(&mut self, piece: &[u8]) -> Result<(), Problem> {
        self.extend_from_slice(piece);
        Ok(())
    }
}

/// Reads a body of at most `limit` bytes.
pub async fn read(headers: &HeaderMap, body: Body, limit: usize) -> Result<Bytes, Problem> {
    match Coding::of(headers)? {
        Some(coding) => {
            let body = whole(headers, body, limit).await?;
            decoded(coding, body, limit, Vec::new()).await.map(Bytes::from)
        }
        None => whole(headers, body, limit).await,
    }
}

/// The same, piece by piece; what is compressed has to be there whole before it is decompressed.
pub async fn read_into<S: Sink>(
    headers: &HeaderMap,
    body: Body,
    limit: usize,
    mut sink: S,
) -> Result<S, Problem> {
    if let Some(coding) = Coding::of(headers)? {
        let body = whole(headers, body, limit).await?;
        return decoded(coding, body, limit, sink).await;
    }
    let mut body = limited(headers, body, limit)?;
    in_time(async {
        while let Some(frame) = body.frame().await {
            let frame = frame.map_err(|error| broken_off(&error, limit))?;
            if let Some(piece) = frame.data_ref() {
                sink.take(piece)?;
            }
        }
        Ok(sink)
    })
    .await
}

async fn whole(headers: &HeaderMap, body: Body, limit: usize) -> Result<Bytes, Problem> {
    let body = limited(headers, body, limit)?;
    in_time(async {
        let body = body.collect().await.map_err(|error| broken_off(&error, limit))?;
        Ok(body.to_bytes())
    })
    .await
}

/// Decompresses on a thread that may take its time.
async fn decoded<S: Sink>(
    coding: Coding,
    body: Bytes,
    limit: usize,
    mut sink: S,
) -> Result<S, Problem> {
    let decoding = tokio::task::spawn_blocking(move || {
        coding.decode(&body, limit, |piece| sink.take(piece))?;
        Ok(sink)
    });
    decoding.await.map_err(Problem::internal)?
}

fn limited(headers: &HeaderMap, body: Body, limit: usize) -> Result<Limited<Body>, Problem> {
    let length = headers.get(header::CONTENT_LENGTH).and_then(|text| text.to_str().ok());
    if length.and_then(|text| text.parse::<u64>().ok()).is_some_and(|n| n > limit as u64) {
        return Err(Problem::too_large(limit));
    }
    Ok(Limited::new(body, limit))
}

fn broken_off(error: &BoxError, limit: usize) -> Problem {
    if error.is::<LengthLimitError>() {
        return Problem::too_large(limit);
    }
    Problem::new(&kinds::INVALID_BODY, "the body broke off")
}

async fn in_time<T>(reading: impl Future<Output = Result<T, Problem>>) -> Result<T, Problem> {
    tokio::time::timeout(BODY_TIMEOUT, reading).await.unwrap_or_else(|_| {
        let detail = format!("a body must arrive within {} s", BODY_TIMEOUT.as_secs());
        Err(Problem::new(&kinds::BODY_TIMEOUT, detail).executed(Executed::No))
    })
}

#[cfg(test)]
mod tests {
    use super::super::limits::BODY_BYTES;
    use super::*;

    #[tokio::test]
    async fn a_body_is_read_up_to_its_limit() {
        let none = HeaderMap::new();
        for (bytes, expected) in
            [(BODY_BYTES, Ok(BODY_BYTES)), (BODY_BYTES + 1, Err("payload_too_large".to_owned()))]
        {
            let body = || Body::from(vec![b' '; bytes]);
            let code = |problem: Problem| problem.to_wire().code;
            let at_once = read(&none, body(), BODY_BYTES).await;
            assert_eq!(at_once.map(|body| body.len()).map_err(code), expected);
            let in_pieces = read_into(&none, body(), BODY_BYTES, Vec::new()).await;
            assert_eq!(in_pieces.map(|body| body.len()).map_err(code), expected);
        }
    }
}
