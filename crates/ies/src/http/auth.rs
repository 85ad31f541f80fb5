//! The gate that every request passes: who calls, how often, and whether the role suffices. Which
//! role a route needs stands in [`super::router`].

use super::limits::REQUEST_TIMEOUT;
use super::problem::{Problem, kinds, too_slow, unknown};
use super::{Service, Shared};
use axum::extract::{FromRequestParts, Request, State};
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderValue, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use item_event_store::access::{Caller, Role};
use item_event_store::ids::LedgerName;
use item_event_store::time::Timestamp;
use item_event_store::token::{Token, hash_presented};
use std::sync::Arc;
use std::time::Instant;
use subtle::ConstantTimeEq;

/// What a caller must be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Needs {
    /// Anybody.
    Open,
    /// The holder of a token with this role or a stronger one.
    Role(Role),
}

/// How a route is guarded.
#[derive(Clone, Copy, Debug)]
pub struct Access {
    /// Who may call.
    pub needs: Needs,
    /// Whether it may take longer than [`super::limits::REQUEST_TIMEOUT`].
    pub unhurried: bool,
    /// Whether it is about the store, so that a token for one ledger is not enough.
    pub whole_store: bool,
}

/// A caller within this process, who needs no token. Extensions do not travel over a network, so
/// nobody else can claim to be one.
#[derive(Clone, Debug)]
pub struct LocalCaller(pub Caller);

/// Who calls.
#[derive(Clone, Debug)]
pub struct Identity {
    /// The actor and the role.
    pub caller: Caller,
    /// The token; `None` for a caller within this process.
    pub token: Option<TokenRef>,
    /// The only ledger that the caller may see; `None` for every ledger of the store.
    pub ledger: Option<LedgerName>,
}

/// A token that was presented.
#[derive(Clone, Copy, Debug)]
pub struct TokenRef {
    /// Its number.
    pub id: i64,
    hash: [u8; 32],
}

impl<S: Send + Sync> FromRequestParts<S> for Identity {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        let identity = parts.extensions.get::<Self>().cloned();
        identity.ok_or_else(|| Problem::internal("a handler that asks who calls on an open route"))
    }
}

/// Lets a request through to its handler, or not.
pub async fn gate(
    State((service, access)): State<(Service, Access)>,
    mut request: Request,
    next: Next,
) -> Response {
    if let Needs::Role(required) = access.needs {
        let identity = match identify(&service, Claim::of(&request)).await {
            Ok(identity) => identity,
            Err(problem) => return problem.into_response(),
        };
        if let Err(problem) = admit(&service, &identity, required, access.whole_store) {
            return problem.into_response();
        }
        request.extensions_mut().insert(identity);
    }
    if access.unhurried {
        return next.run(request).await;
    }
    let reads = request.method().is_safe();
    match tokio::time::timeout(REQUEST_TIMEOUT, next.run(request)).await {
        Ok(response) => response,
        Err(_) if reads => too_slow().into_response(),
        Err(_) => unknown().into_response(),
    }
}

fn admit(
    service: &Shared,
    identity: &Identity,
    required: Role,
    whole_store: bool,
) -> Result<(), Problem> {
    if let Some(token) = identity.token {
        service.rates.admit(token.id)?;
    }
    if identity.caller.role < required {
        tracing::info!(actor = %identity.caller.actor, role = %identity.caller.role, "forbidden");
        return Err(Problem::forbidden(required));
    }
    if whole_store && identity.ledger.is_some() {
        tracing::info!(actor = %identity.caller.actor, "forbidden: the token is for one ledger");
        let detail = "this needs a token for all ledgers of the store";
        return Err(Problem::new(&kinds::FORBIDDEN_FOR_LEDGER, detail));
    }
    Ok(())
}

/// What a request says about its caller.
enum Claim {
    Local(Caller),
    Token([u8; 32]),
    NoToken,
    Nothing,
}

impl Claim {
    fn of(request: &Request) -> Self {
        if let Some(LocalCaller(caller)) = request.extensions().get::<LocalCaller>() {
            return Self::Local(caller.clone());
        }
        match bearer(request.headers()) {
            None => Self::Nothing,
            Some(presented) => hash_presented(presented).map_or(Self::NoToken, Self::Token),
        }
    }
}

async fn identify(service: &Shared, claim: Claim) -> Result<Identity, Problem> {
    let refused = || {
        let challenge = "Bearer realm=\"ies\", error=\"invalid_token\"";
        unauthenticated("the token is unknown, expired or revoked", challenge)
    };
    let hash = match claim {
        Claim::Local(caller) => return Ok(Identity { caller, token: None, ledger: None }),
        Claim::Token(hash) => hash,
        Claim::NoToken => return Err(refused()),
        Claim::Nothing => {
            let detail = "send Authorization: Bearer and a token";
            return Err(unauthenticated(detail, "Bearer realm=\"ies\""));
        }
    };
    let token = match service.known_tokens.get(&hash, Instant::now()) {
        Ok(token) => token,
        Err(lookup) => {
            let token = Arc::new(look_up(service, hash).await?.ok_or_else(refused)?);
            service.known_tokens.keep(&lookup, &token);
            token
        }
    };
    if !token.holds_at(Timestamp::now()) {
        return Err(refused());
    }
    let caller = Caller { actor: token.row.name.clone(), role: token.row.role };
    let ledger = token.row.ledger.clone();
    Ok(Identity { caller, token: Some(TokenRef { id: token.id, hash }), ledger })
}

/// The token with this hash.
async fn look_up(service: &Shared, hash: [u8; 32]) -> Result<Option<Token>, Problem> {
    let token = service.ledgers.store().token_by_hash(hash).await?;
    Ok(token.filter(|token| token.row.hash.ct_eq(&hash).into()))
}

/// Whether a token that was let in still holds. When that cannot be told, it does not.
pub async fn still_holds(service: &Shared, token: TokenRef) -> bool {
    let found = look_up(service, token.hash).await;
    matches!(found, Ok(Some(token)) if token.holds_at(Timestamp::now()))
}

fn unauthenticated(detail: &str, challenge: &'static str) -> Problem {
    tracing::info!(detail, "unauthenticated");
    Problem::new(&kinds::UNAUTHENTICATED, detail)
        .header(header::WWW_AUTHENTICATE, HeaderValue::from_static(challenge))
}

fn bearer(headers: &HeaderMap) -> Option<&str> {
    let mut values = headers.get_all(header::AUTHORIZATION).iter();
    let text = values.next()?.to_str().ok()?;
    let (scheme, token) = text.split_once(' ')?;
    let only = values.next().is_none() && scheme.eq_ignore_ascii_case("bearer");
    only.then(|| token.trim())
}
