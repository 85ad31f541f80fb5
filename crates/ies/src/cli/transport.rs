//! The two ways to the API: over the network, or the service's own router called within this
//! process on a store. What a command prints is the same on both, because it is the same answer.

use crate::cli::exit::{Exit, Failure};
use crate::cli::place::{Place, PlaceArgs};
use crate::http;
use bytes::Bytes;
use http_body_util::{BodyExt as _, Full, combinators::UnsyncBoxBody};
use hyper::header::{AUTHORIZATION, HeaderName, HeaderValue};
use hyper::{Request, Response, Uri};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use item_event_store::Ledgers;
use item_event_store::access::{Caller, Role};
use item_event_store::clock::SystemClock;
use item_event_store::error::StoreError;
use item_event_store::store::{self, Mode};
use std::sync::Arc;
use tower::ServiceExt as _;

/// The header that names the ledger.
const LEDGER: HeaderName = HeaderName::from_static("ledger");

/// The body of an answer, from either way.
pub type Body = UnsyncBoxBody<Bytes, Box<dyn std::error::Error + Send + Sync>>;

/// What a command needs the ledger for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Access {
    /// Reading, which works beside a running server.
    Read,
    /// Writing, which on a store excludes every other process.
    Write,
}

/// A way to the API.
pub enum Transport {
    /// A server at an address.
    Remote(Box<Remote>),
    /// A store, opened by this process.
    Local(Box<Local>),
}

/// A server, and the token for it.
pub struct Remote {
    client: Client<HttpConnector, Full<Bytes>>,
    base: String,
    authorization: Option<HeaderValue>,
    ledger: Option<HeaderValue>,
}

/// The service on an opened store.
pub struct Local {
    service: http::Service,
    ledgers: Ledgers,
    caller: Caller,
    ledger: Option<HeaderValue>,
}

impl Transport {
    /// Opens the way that the settings name.
    pub async fn open(settings: &PlaceArgs, access: Access) -> Result<Self, Failure> {
        let ledger = settings.ledger.as_ref().map(|name| {
            HeaderValue::try_from(name.as_str()).expect("a ledger's name is visible ASCII")
        });
        match settings.place()? {
            Place::Server(url) => Remote::new(&url, settings.token.as_deref(), ledger)
                .map(|remote| Self::Remote(Box::new(remote))),
            Place::Store(url) => {
                let mode = match access {
                    Access::Read => Mode::Read,
                    Access::Write => Mode::Write,
                };
                let store = store::open(&url, mode).await?;
                let ledgers = Ledgers::new(store, Arc::new(SystemClock));
                // So that what is wrong is said at once. A ledger that is named may be one to make.
                match ledgers.get(&settings.ledger()).await {
                    Err(StoreError::NotFound(_)) if settings.ledger.is_some() => {}
                    opened => drop(opened?),
                }
                let caller = Caller { actor: settings.actor.clone(), role: Role::Admin };
                let service = http::Service::new(ledgers.clone(), http::Options::default());
                Ok(Self::Local(Box::new(Local { service, ledgers, caller, ledger })))
            }
        }
    }

    /// Sends a request whose address is a path, and answers when the head of the answer is there.
    pub async fn send(&self, request: Request<Full<Bytes>>) -> Result<Response<Body>, Failure> {
        match self {
            Self::Remote(remote) => remote.send(request).await,
            Self::Local(local) => local.send(request).await,
        }
    }

    /// Finishes what was begun and lets go of the store.
    pub async fn close(&self) {
        if let Self::Local(local) = self {
            local.ledgers.close().await;
        }
    }
}

impl Remote {
    fn new(url: &str, token: Option<&str>, ledger: Option<HeaderValue>) -> Result<Self, Failure> {
        if url.starts_with("https://") {
            return Err(Failure::new(Exit::Config, "https is not spoken yet").hint(
                "run a TLS tunnel on this machine (stunnel, ssh -L, a reverse proxy) and name its \
                 http:// address",
            ));
        }
        let base = url.trim_end_matches('/');
        let valid = base.parse::<Uri>().is_ok_and(|uri| {
            uri.scheme_str() == Some("http")
                && uri.authority().is_some_and(|place| !place.as_str().contains('@'))
                && uri.path_and_query().is_some_and(|rest| rest == "/")
        });
        if !valid {
            // Not shown: it may hold a secret, as addresses of other services do.
            let message = "a server's address is http://HOST:PORT and nothing more";
            return Err(Failure::new(Exit::Usage, message).hint("the token goes into IES_TOKEN"));
        }
        let authorization = token.map(authorization).transpose()?;
        let client = Client::builder(TokioExecutor::new()).build_http();
        Ok(Self { client, base: base.to_owned(), authorization, ledger })
    }

    async fn send(&self, mut request: Request<Full<Bytes>>) -> Result<Response<Body>, Failure> {
        let address = format!("{}{}", self.base, request.uri());
        *request.uri_mut() = address
            .parse()
            .map_err(|_| Failure::new(Exit::Bug, format!("bad address {address}")))?;
        if let Some(value) = &self.authorization {
            request.headers_mut().insert(AUTHORIZATION, value.clone());
        }
        name_ledger(&mut request, self.ledger.as_ref());
        match self.client.request(request).await {
            Ok(answer) => Ok(answer.map(|body| body.map_err(Into::into).boxed_unsync())),
            Err(error) if error.is_connect() => {
                let message = format!("no server answers at {}", self.base);
                Err(Failure::new(Exit::Unavailable, message)
                    .hint("'ies serve' starts one; --server or IES_SERVER names another"))
            }
            Err(error) => Err(Failure::new(
                Exit::Unavailable,
                format!("the connection to {} broke: {}", self.base, innermost(&error)),
            )),
        }
    }
}

impl Local {
    async fn send(&self, mut request: Request<Full<Bytes>>) -> Result<Response<Body>, Failure> {
        request.extensions_mut().insert(http::LocalCaller(self.caller.clone()));
        name_ledger(&mut request, self.ledger.as_ref());
        match self.service.router().oneshot(request).await {
            Ok(answer) => Ok(answer.map(|body| body.map_err(Into::into).boxed_unsync())),
            Err(never) => match never {},
        }
    }
}

fn name_ledger(request: &mut Request<Full<Bytes>>, ledger: Option<&HeaderValue>) {
    if let Some(name) = ledger {
        request.headers_mut().insert(LEDGER, name.clone());
    }
}

fn authorization(token: &str) -> Result<HeaderValue, Failure> {
    let mut value = HeaderValue::try_from(format!("Bearer {token}"))
        .map_err(|_| Failure::new(Exit::Usage, "the token has characters that no token has"))?;
    value.set_sensitive(true);
    Ok(value)
}

/// What an error says at its root, where the reason is.
pub fn innermost(error: &dyn std::error::Error) -> String {
    let mut innermost = error;
    while let Some(source) = innermost.source() {
        innermost = source;
    }
    innermost.to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_server_is_named_by_a_plain_http_address() {
        for good in ["http://127.0.0.1:7420", "http://localhost:7420/"] {
            assert!(Remote::new(good, Some("ies_x"), None).is_ok(), "{good}");
        }
        for bad in [
            "127.0.0.1:7420",
            "ftp://a",
            "http://",
            "http://a/v1",
            "a b",
            "http://a:b@c",
            "http://a/?b",
            "http://a?b",
        ] {
            assert_eq!(
                Remote::new(bad, None, None).err().map(|e| e.exit),
                Some(Exit::Usage),
                "{bad}"
            );
        }
        let tls = Remote::new("https://a", None, None).err().expect("refused");
        assert!(tls.hint.expect("a hint").contains("tunnel"));
    }
}
