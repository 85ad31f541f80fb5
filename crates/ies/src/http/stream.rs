//! Server-sent events: the log from a cursor on, first what is stored, then what comes. No gap, no
//! repeat. The next page is read only when the last one has gone out, so that a slow client costs
//! no memory.

use super::Service;
use super::auth::{Identity, TokenRef, still_holds};
use super::events::name_filter;
use super::extract::Query;
use super::ledgers::OpenLedger;
use super::limit::OpenStream;
use super::limits::{HEARTBEAT, STREAM_CHUNK_EVENTS, STREAM_RETRY_MILLIS, TOKEN_RECHECK};
use super::problem::{Problem, kinds};
use crate::wire;
use axum::body::Body;
use axum::extract::State;
use axum::http::{HeaderMap, HeaderName, header};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use item_event_store::event::Event;
use item_event_store::follow::Cursor;
use item_event_store::follow::Follower;
use item_event_store::ids::{ItemId, Position};
use item_event_store::reason::Reason;
use prometheus_client::metrics::gauge::Gauge;
use serde::Deserialize;
use std::collections::VecDeque;
use std::convert::Infallible;
use std::fmt::Write as _;
use tokio::time::{Instant, Interval, MissedTickBehavior, interval_at};

const LAST_EVENT_ID: HeaderName = HeaderName::from_static("last-event-id");

/// From where on, and which events.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Filter {
    after: Option<String>,
    item_id: Option<i64>,
    reason: Option<String>,
}

/// Where a stream begins.
#[derive(Debug, PartialEq, Eq)]
pub enum Start {
    After(Position),
    Resume(Cursor),
}

/// Streams events.
pub async fn stream(
    State(service): State<Service>,
    identity: Identity,
    OpenLedger(ledger): OpenLedger,
    Query(filter): Query<Filter>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let reason = name_filter("reason", filter.reason.as_deref())?;
    let last_event_id = headers.get(LAST_EVENT_ID).map(|value| value.to_str().unwrap_or("?"));
    let open = service.streams.open(identity.token.map(|token| token.id))?;
    let follower = match start(last_event_id, filter.after.as_deref())? {
        Start::After(position) => ledger.follow(position).await?,
        Start::Resume(cursor) => ledger.resume(&cursor).await?,
    };
    let live = Live {
        counted: Counted::new(service.metrics.open_streams.clone(), open),
        token: identity.token,
        item: filter.item_id.map(ItemId),
        reason,
        follower,
        pending: VecDeque::new(),
        greeting: Some(format!("retry: {STREAM_RETRY_MILLIS}\n\n")),
        heartbeat: every(HEARTBEAT),
        recheck: every(TOKEN_RECHECK),
        service,
    };
    let chunks = futures_util::stream::unfold(live, |mut live| async {
        live.next().await.map(|chunk| (Ok::<_, Infallible>(chunk), live))
    });
    let headers = [
        (header::CONTENT_TYPE, "text/event-stream; charset=utf-8"),
        (header::CACHE_CONTROL, "no-store"),
        (HeaderName::from_static("x-accel-buffering"), "no"),
    ];
    Ok((headers, Body::from_stream(chunks)).into_response())
}

/// `Last-Event-ID` wins: a browser sends it when it connects again, to the same address.
pub fn start(last_event_id: Option<&str>, after: Option<&str>) -> Result<Start, Problem> {
    let Some(text) = last_event_id.or(after) else { return Ok(Start::After(Position::START)) };
    if !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit()) {
        let too_large = |_| Problem::new(&kinds::INVALID_CURSOR, "too large a position");
        return text.parse().map(|n| Start::After(Position(n))).map_err(too_large);
    }
    let invalid = |error| Problem::new(&kinds::INVALID_CURSOR, format!("{error}"));
    text.parse().map(Start::Resume).map_err(invalid)
}

fn every(period: std::time::Duration) -> Interval {
    let mut interval = interval_at(Instant::now() + period, period);
    interval.set_missed_tick_behavior(MissedTickBehavior::Delay);
    interval
}

/// A stream that is counted while it lives.
struct Counted {
    gauge: Gauge,
    _open: OpenStream,
}

impl Counted {
    fn new(gauge: Gauge, open: OpenStream) -> Self {
        gauge.inc();
        Self { gauge, _open: open }
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        self.gauge.dec();
    }
}

struct Live {
    service: Service,
    #[expect(dead_code, reason = "held, not read: the stream counts until it is dropped")]
    counted: Counted,
    token: Option<TokenRef>,
    item: Option<ItemId>,
    reason: Option<Reason>,
    follower: Follower,
    pending: VecDeque<Event>,
    greeting: Option<String>,
    heartbeat: Interval,
    recheck: Interval,
}

impl Live {
    /// The next piece; `None` ends the stream.
    async fn next(&mut self) -> Option<Bytes> {
        if let Some(greeting) = self.greeting.take() {
            return Some(greeting.into());
        }
        let closing = self.service.closing.clone();
        while self.pending.is_empty() {
            tokio::select! {
                () = closing.cancelled() => return None,
                _ = self.recheck.tick() => self.check_token().await?,
                _ = self.heartbeat.tick() => return Some(Bytes::from_static(b": hb\n\n")),
                page = self.follower.next() => match page {
                    Ok(page) => self.take(page),
                    Err(error) => {
                        tracing::warn!(%error, "a stream ends");
                        return None;
                    }
                },
            }
        }
        if closing.is_cancelled() {
            return None;
        }
        self.heartbeat.reset();
        Some(self.frames())
    }

    async fn check_token(&self) -> Option<()> {
        match self.token {
            Some(token) if !still_holds(&self.service, token).await => {
                tracing::info!(token = token.id, "a stream ends: its token holds no more");
                None
            }
            _ => Some(()),
        }
    }

    fn take(&mut self, page: Vec<Event>) {
        let (item, reason) = (self.item, self.reason);
        let wanted = |event: &Event| {
            item.is_none_or(|item| event.item_id == item)
                && reason.is_none_or(|reason| event.reason == reason)
        };
        self.pending.extend(page.into_iter().filter(wanted));
    }

    fn frames(&mut self) -> Bytes {
        let count = self.pending.len().min(STREAM_CHUNK_EVENTS);
        let mut text = String::new();
        for event in self.pending.drain(..count) {
            let cursor = self.follower.cursor(&event);
            let json = serde_json::to_string(&wire::Event::from(&event)).unwrap_or_default();
            let _ = write!(text, "id: {cursor}\nevent: {}\ndata: {json}\n\n", event.reason);
        }
        text.into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn last_event_id_wins_over_after() {
        let cursor = "0123456789abcdef-7-89abcdef";
        let resume = Start::Resume(cursor.parse().expect("a cursor"));
        assert_eq!(start(None, None).ok(), Some(Start::After(Position::START)));
        assert_eq!(start(None, Some("5")).ok(), Some(Start::After(Position(5))));
        assert_eq!(start(None, Some(cursor)).ok(), Some(resume));
        assert_eq!(start(Some("6"), Some("5")).ok(), Some(Start::After(Position(6))));
        for bad in ["", "x", "-1", "5 ", "0123456789abcdef-7", "99999999999999999999"] {
            assert!(start(Some(bad), Some("5")).is_err(), "{bad}");
        }
    }
}
