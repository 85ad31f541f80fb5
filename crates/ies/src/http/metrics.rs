//! `OpenMetrics`: how requests go and what the writers do. No label has a value that a caller can
//! make up, and nothing is said of a single ledger.

use super::problem::Problem;
use super::{Service, Shared};
use axum::extract::State;
use axum::http::{Method, header};
use axum::response::{IntoResponse, Response};
use item_event_store::Ledgers;
use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, EncodeLabelSet, EncodeMetric, text};
use prometheus_client::metrics::counter::ConstCounter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::{ConstGauge, Gauge};
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::{Registry, Unit};

/// Those of the OpenTelemetry conventions for HTTP.
const BUCKETS: [f64; 14] =
    [0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1.0, 2.5, 5.0, 7.5, 10.0];

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Labels {
    method: &'static str,
    route: String,
    status: u16,
}

/// What is measured.
pub struct Metrics {
    registry: Registry,
    durations: Family<Labels, Histogram>,
    size_bytes: Gauge,
    /// Event streams that are open.
    pub open_streams: Gauge,
    /// Connections that are open.
    pub open_connections: Gauge,
}

impl Metrics {
    /// Nothing measured yet.
    pub fn new(ledgers: Ledgers) -> Self {
        let durations = Family::new_with_constructor((|| Histogram::new(BUCKETS)) as fn() -> _);
        let metrics = Self {
            registry: Registry::default(),
            durations,
            size_bytes: Gauge::default(),
            open_streams: Gauge::default(),
            open_connections: Gauge::default(),
        };
        metrics.registered(ledgers)
    }

    /// Takes down a request that was answered.
    pub fn answered(&self, method: &'static str, route: String, status: u16, seconds: f64) {
        self.durations.get_or_create(&Labels { method, route, status }).observe(seconds);
    }

    fn registered(mut self, ledgers: Ledgers) -> Self {
        let registry = &mut self.registry;
        registry.register_with_unit(
            "http_server_request_duration",
            "How long requests took, up to the head of the answer",
            Unit::Seconds,
            self.durations.clone(),
        );
        let ours = registry.sub_registry_with_prefix("itemeventstore");
        ours.register_with_unit(
            "ledgers_size",
            "What all ledgers take on storage",
            Unit::Bytes,
            self.size_bytes.clone(),
        );
        ours.register("open_streams", "Event streams open now", self.open_streams.clone());
        ours.register("open_connections", "Connections open now", self.open_connections.clone());
        ours.register_collector(Box::new(Writers(ledgers)));
        self
    }
}

/// Asks the writers for their numbers when they are scraped: of all ledgers together, for these
/// numbers are shown to everybody.
struct Writers(Ledgers);

impl std::fmt::Debug for Writers {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Writers")
    }
}

impl Collector for Writers {
    fn encode(&self, mut encoder: DescriptorEncoder) -> Result<(), std::fmt::Error> {
        let stats = self.0.writer_stats();
        for (name, help, value) in [
            ("writer_batches", "Batches committed", stats.batches),
            ("writer_events", "Events recorded", stats.events),
            ("writer_requests", "Requests answered, replays among them", stats.requests),
        ] {
            let counter = ConstCounter::new(value);
            let metric = encoder.encode_descriptor(name, help, None, counter.metric_type())?;
            counter.encode(metric)?;
        }
        let open = self.0.open_count() as u64;
        for (name, help, value) in [
            ("writer_queued", "Requests waiting for a writer", stats.queued),
            ("open_ledgers", "Ledgers open now", open),
        ] {
            let gauge = ConstGauge::new(i64::try_from(value).unwrap_or(i64::MAX));
            let metric = encoder.encode_descriptor(name, help, None, gauge.metric_type())?;
            gauge.encode(metric)?;
        }
        Ok(())
    }
}

/// A method as a label.
pub fn known_method(method: &Method) -> &'static str {
    match method.as_str() {
        "GET" => "GET",
        "HEAD" => "HEAD",
        "POST" => "POST",
        "PUT" => "PUT",
        "PATCH" => "PATCH",
        "DELETE" => "DELETE",
        _ => "_OTHER",
    }
}

/// Every number, as `OpenMetrics` text.
pub async fn scrape(State(service): State<Service>) -> Result<Response, Problem> {
    let shared: &Shared = &service;
    let bytes = shared.ledgers.store().size_bytes().await?;
    shared.metrics.size_bytes.set(i64::try_from(bytes).unwrap_or(i64::MAX));
    let mut body = String::new();
    text::encode(&mut body, &shared.metrics.registry).map_err(Problem::internal)?;
    let kind = "application/openmetrics-text; version=1.0.0; charset=utf-8";
    Ok(([(header::CONTENT_TYPE, kind)], body).into_response())
}
