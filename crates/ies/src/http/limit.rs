//! How much one token may ask for: requests in a second, and open streams.

use super::limits::STREAMS_PER_TOKEN;
use super::problem::{Executed, Problem, kinds};
use governor::clock::{Clock, DefaultClock};
use governor::{DefaultKeyedRateLimiter, Quota, RateLimiter};
use std::collections::HashMap;
use std::num::NonZeroU32;
use std::sync::{Arc, Mutex, PoisonError};

/// Requests per second, per token. Only tokens that exist have an entry, so it cannot be filled
/// from outside.
pub struct Rates {
    clock: DefaultClock,
    limiter: Option<DefaultKeyedRateLimiter<i64>>,
}

impl Rates {
    /// A limit, or none.
    pub fn new(requests_per_second: Option<NonZeroU32>) -> Self {
        let limiter = requests_per_second.map(|limit| RateLimiter::keyed(Quota::per_second(limit)));
        Self { clock: DefaultClock::default(), limiter }
    }

    /// Lets a token's request in, or says when to try again.
    pub fn admit(&self, token: i64) -> Result<(), Problem> {
        let Some(limiter) = &self.limiter else { return Ok(()) };
        limiter.check_key(&token).map_err(|not_until| {
            let wait = not_until.wait_time_from(self.clock.now());
            let seconds = wait.as_secs() + u64::from(wait.subsec_nanos() > 0);
            Problem::new(&kinds::RATE_LIMITED, "this token sends too many requests")
                .executed(Executed::No)
                .retry_after(seconds.max(1))
        })
    }
}

/// Open streams, per token.
#[derive(Clone, Default)]
pub struct Streams(Arc<Mutex<HashMap<i64, usize>>>);

/// A stream that is open until this is dropped.
pub struct OpenStream {
    streams: Streams,
    token: Option<i64>,
}

impl Streams {
    /// Counts a stream; one without a token is not counted.
    pub fn open(&self, token: Option<i64>) -> Result<OpenStream, Problem> {
        if let Some(token) = token {
            let mut open = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            let count = open.entry(token).or_default();
            if *count >= STREAMS_PER_TOKEN {
                let detail = format!("at most {STREAMS_PER_TOKEN} streams for one token");
                return Err(Problem::new(&kinds::TOO_MANY_STREAMS, detail)
                    .executed(Executed::No)
                    .retry_after(1));
            }
            *count += 1;
        }
        Ok(OpenStream { streams: self.clone(), token })
    }
}

impl Drop for OpenStream {
    fn drop(&mut self) {
        let Some(token) = self.token else { return };
        let mut open = self.streams.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(count) = open.get_mut(&token) {
            *count -= 1;
            if *count == 0 {
                open.remove(&token);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_has_its_limit_and_its_neighbour_another() {
        let rates = Rates::new(NonZeroU32::new(2));
        assert!(rates.admit(1).is_ok());
        assert!(rates.admit(1).is_ok());
        assert_eq!(rates.admit(1).expect_err("the third").to_wire().code, "rate_limited");
        assert!(rates.admit(2).is_ok());
        assert!(Rates::new(None).admit(1).is_ok());
    }

    #[test]
    fn streams_are_counted_while_they_are_open() {
        let streams = Streams::default();
        let mut open: Vec<_> =
            (0..STREAMS_PER_TOKEN).map(|_| streams.open(Some(1)).expect("room")).collect();
        assert!(streams.open(Some(1)).is_err());
        assert!(streams.open(Some(2)).is_ok());
        assert!(streams.open(None).is_ok());
        open.pop();
        assert!(streams.open(Some(1)).is_ok());
        drop(open);
        assert!(streams.0.lock().expect("unpoisoned").is_empty());
    }
}
