//! `ies serve`: opens the store for writing and serves the API until it is told to stop.

use crate::cli::demo;
use crate::cli::exit::{Exit, Failure};
use crate::cli::output::Output;
use crate::cli::place::PlaceArgs;
use crate::cli::schedule::Every;
use crate::http;
use item_event_store::Ledgers;
use item_event_store::access::Role;
use item_event_store::clock::SystemClock;
use item_event_store::ids::LedgerName;
use item_event_store::store::{self, Mode, Store};
use item_event_store::time::Timestamp;
use item_event_store::token::{Secret, TokenRow};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use std::io::{self, IsTerminal as _};
use std::net::SocketAddr;
use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::TcpListener;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio_util::sync::CancellationToken;
use tracing_subscriber::EnvFilter;

/// How often the service looks for ledgers that nobody uses.
const CLOSE_IDLE_EVERY: Duration = Duration::from_secs(30);

/// `ies serve`.
#[derive(Debug, clap::Args)]
pub struct Serve {
    /// Where to listen; another address than loopback is reachable from outside
    #[arg(long, value_name = "HOST:PORT", default_value = "127.0.0.1:7420")]
    addr: SocketAddr,
    /// Fill an empty store with a small bakery of 30 days
    #[arg(long)]
    demo: bool,
    /// Requests that one token may send in a second; 0 for no limit
    #[arg(long, value_name = "NUMBER", default_value_t = http::limits::REQUESTS_PER_SECOND)]
    requests_per_second: u32,
    /// How often the daily summaries of ledgers in use are refreshed: 10s, 1m, at most 5m; or off
    #[arg(long, value_name = "DURATION", default_value_t)]
    summary_every: Every,
}

impl Serve {
    /// Serves until it is told to stop.
    pub async fn run(self, settings: &PlaceArgs, output: Output) -> Result<Exit, Failure> {
        log_to_stderr()?;
        raise_open_files();
        let url = settings.store("serve")?;
        let ledgers = Ledgers::new(store::open(&url, Mode::Write).await?, Arc::new(SystemClock));
        let main = ledgers.store().ledger(&LedgerName::default()).await?;
        // Before anything is made in the store: a port that is taken must not cost a token.
        let listener = TcpListener::bind(self.addr).await.map_err(|error| {
            Failure::new(Exit::Unavailable, format!("cannot listen on {}: {error}", self.addr))
                .hint("--addr names another port; --addr 127.0.0.1:0 takes any that is free")
        })?;
        let address =
            listener.local_addr().map_err(|error| Failure::new(Exit::Io, error.to_string()))?;
        if self.demo {
            output.message(&demo::fill(&main).await?);
        }
        drop(main);
        if let Some(secret) = first_token(ledgers.store()).await? {
            output.print(&format!("admin token: {}", secret.reveal()))?;
        }
        // Whoever reads that it listens may tell it to stop.
        let stop = Stop::listen()?;
        output.print(&format!("listening on http://{address}"))?;
        let options =
            http::Options { requests_per_second: NonZeroU32::new(self.requests_per_second) };
        let service = http::Service::new(ledgers.clone(), options);
        let ended = serve_until(stop, listener, service, &ledgers, self.summary_every).await;
        ledgers.close().await;
        ended
    }
}

/// Every connection and every open ledger takes files: as many as this process may have.
fn raise_open_files() {
    let limit = getrlimit(Resource::Nofile);
    let raised = Rlimit { current: limit.maximum, maximum: limit.maximum };
    if let Err(error) = setrlimit(Resource::Nofile, raised) {
        tracing::warn!(%error, "the number of open files stays limited");
    }
}

/// A store without tokens gets one, whose secret is shown this once.
async fn first_token(store: &dyn Store) -> Result<Option<Secret>, Failure> {
    if !store.tokens().await?.is_empty() {
        return Ok(None);
    }
    let secret = Secret::random();
    let name = "admin".parse().map_err(|error| Failure::new(Exit::Bug, format!("{error}")))?;
    let row = TokenRow {
        name,
        role: Role::Admin,
        ledger: None,
        hash: secret.hash(),
        created_at: Timestamp::now(),
        expires_at: None,
    };
    store.add_token(row).await?;
    Ok(Some(secret))
}

/// The signals that end the service.
struct Stop {
    interrupt: Signal,
    terminate: Signal,
}

impl Stop {
    fn listen() -> Result<Self, Failure> {
        let listen = |kind| {
            signal(kind).map_err(|error| Failure::new(Exit::Io, format!("no signals: {error}")))
        };
        let interrupt = listen(SignalKind::interrupt())?;
        Ok(Self { interrupt, terminate: listen(SignalKind::terminate())? })
    }

    async fn told(&mut self) {
        tokio::select! {
            _ = self.interrupt.recv() => {}
            _ = self.terminate.recv() => {}
        }
    }
}

async fn serve_until(
    mut stop: Stop,
    listener: TcpListener,
    service: http::Service,
    ledgers: &Ledgers,
    summary_every: Every,
) -> Result<Exit, Failure> {
    let shutdown = CancellationToken::new();
    let mut serving = tokio::spawn(http::serve(listener, service, shutdown.clone()));
    let failed = tokio::select! {
        ended = &mut serving => return served(ended),
        () = close_idle(ledgers) => None,
        () = summary_every.refresh(ledgers) => None,
        reason = ledgers.failed() => Some(reason),
        () = stop.told() => None,
    };
    tracing::info!("shutting down");
    shutdown.cancel();
    let ended = served(serving.await);
    match failed {
        None => ended,
        Some(reason) => {
            let message = format!("the storage failed, so the ledger takes no more: {reason}");
            Err(Failure::new(Exit::Io, message)
                .hint("every answer that was given holds; put the storage right and start again"))
        }
    }
}

/// Closes ledgers that nobody uses, now and then, for ever.
async fn close_idle(ledgers: &Ledgers) {
    let mut now_and_then = tokio::time::interval(CLOSE_IDLE_EVERY);
    loop {
        now_and_then.tick().await;
        ledgers.close_idle().await;
    }
}

fn served(ended: Result<io::Result<()>, tokio::task::JoinError>) -> Result<Exit, Failure> {
    match ended {
        Ok(Ok(())) => Ok(Exit::Ok),
        Ok(Err(error)) => Err(Failure::new(Exit::Io, format!("serving failed: {error}"))),
        Err(error) => Err(Failure::new(Exit::Bug, format!("serving failed: {error}"))),
    }
}

/// The log: for people on a terminal, as JSON for everything else.
fn log_to_stderr() -> Result<(), Failure> {
    let set = |name| std::env::var(name).ok().filter(|value| !value.is_empty());
    let wanted = set("IES_LOG").or_else(|| set("RUST_LOG")).unwrap_or_else(|| "info".to_owned());
    let filter = EnvFilter::try_new(&wanted).map_err(|error| {
        Failure::new(Exit::Config, format!("IES_LOG or RUST_LOG '{wanted}': {error}"))
    })?;
    let log = tracing_subscriber::fmt().with_env_filter(filter).with_writer(io::stderr);
    if io::stderr().is_terminal() {
        let no_colour = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
        log.with_ansi(!no_colour).init();
    } else {
        log.json().init();
    }
    Ok(())
}
