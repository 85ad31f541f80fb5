//! The ledgers of the store: which one a request is about, and making, listing and editing them. A
//! token for one ledger is told of another that there is none, whether there is or not.

use super::Service;
use super::auth::Identity;
use super::extract::Json;
use super::headers::{Key, only};
use super::items::location;
use super::problem::{Problem, kinds};
use crate::wire::{self, InvalidMember};
use axum::extract::{FromRequestParts, Path, State};
use axum::http::request::Parts;
use axum::http::{HeaderName, StatusCode};
use axum::response::{IntoResponse, Response};
use item_event_store::Ledger;
use item_event_store::error::StoreError;
use item_event_store::ids::LedgerName;
use item_event_store::settings::{Settings, SettingsChange};
use item_event_store::store::{Head, LedgerInfo};
use item_event_store::time::Timestamp;

const LEDGER: HeaderName = HeaderName::from_static("ledger");

/// The ledger that the request is about: the token's, or the one that the `Ledger` header names, or
/// `main`.
pub struct OpenLedger(pub Ledger);

impl FromRequestParts<Service> for OpenLedger {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, service: &Service) -> Result<Self, Problem> {
        let named = match only(&parts.headers, &LEDGER, &kinds::LEDGER_INVALID)? {
            None => None,
            Some(text) => Some(
                text.parse()
                    .map_err(|error| Problem::new(&kinds::LEDGER_INVALID, format!("{error}")))?,
            ),
        };
        let identity = Identity::from_request_parts(parts, service).await?;
        let name = named.or_else(|| identity.ledger.clone()).unwrap_or_default();
        open(service, &identity, &name).await.map(Self)
    }
}

/// The name in the path.
pub struct Named(LedgerName);

impl<S: Send + Sync> FromRequestParts<S> for Named {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let path = Path::<String>::from_request_parts(parts, state).await;
        let name = path.ok().and_then(|Path(name)| name.parse().ok());
        name.map(Self)
            .ok_or_else(|| Problem::new(&kinds::INVALID_PATH, "no ledger has such a name"))
    }
}

async fn open(
    service: &Service,
    identity: &Identity,
    name: &LedgerName,
) -> Result<Ledger, Problem> {
    if identity.ledger.as_ref().is_some_and(|only| only != name) {
        return Err(not_found(name));
    }
    service.ledgers.get(name).await.map_err(|error| match error {
        StoreError::NotFound(_) => not_found(name),
        other => other.into(),
    })
}

fn not_found(name: &LedgerName) -> Problem {
    Problem::new(&kinds::LEDGER_NOT_FOUND, format!("there is no ledger {name}"))
}

/// Refuses a name that no ledger has.
pub async fn must_exist(service: &Service, name: &LedgerName) -> Result<(), Problem> {
    let ledgers = service.ledgers.store().ledgers().await?;
    let found = ledgers.iter().any(|ledger| ledger.name == *name);
    found.then_some(()).ok_or_else(|| not_found(name))
}

/// A ledger's name in a body.
pub fn ledger_name(text: &str) -> Result<LedgerName, InvalidMember> {
    text.parse().map_err(|error| InvalidMember::new("ledger", "invalid_name", error))
}

/// Makes a ledger.
pub async fn create(
    State(service): State<Service>,
    _key: Key,
    Json(body): Json<wire::CreateLedger>,
) -> Result<Response, Problem> {
    let name: LedgerName = body.name.parse().map_err(|error| {
        Problem::invalid_member(InvalidMember::new("name", "invalid_name", error))
    })?;
    let chosen = change(body.time_zone.as_deref(), body.day_start_hour, None)?;
    let settings = Settings::default().after(&chosen, Timestamp::now());
    let created = service.ledgers.store().create_ledger(&name, &settings).await;
    match created {
        Ok(true) => {}
        Ok(false) => {
            let detail = format!("there is a ledger {name}");
            return Err(Problem::new(&kinds::LEDGER_EXISTS, detail));
        }
        // A name that the store keeps for itself.
        Err(StoreError::Refused(why)) => {
            return Err(Problem::invalid_member(InvalidMember::new("name", "invalid_name", why)));
        }
        Err(error) => return Err(error.into()),
    }
    tracing::info!(ledger = %name, "ledger created");
    let head = service.ledgers.get(&name).await?.store().head().await?;
    let mut response = (StatusCode::CREATED, Json(reply(&name, &head))).into_response();
    response.headers_mut().extend(location(&format!("/v1/ledgers/{name}")));
    Ok(response)
}

/// The ledgers that the caller may see.
pub async fn list(
    State(service): State<Service>,
    identity: Identity,
) -> Result<Json<wire::LedgerList>, Problem> {
    let all = service.ledgers.store().ledgers().await?;
    let seen = all.iter().filter(|info| identity.ledger.as_ref().is_none_or(|o| *o == info.name));
    Ok(Json(wire::LedgerList { ledgers: seen.map(Into::into).collect() }))
}

/// One ledger.
pub async fn get(
    State(service): State<Service>,
    identity: Identity,
    Named(name): Named,
) -> Result<Json<wire::LedgerReply>, Problem> {
    let ledger = open(&service, &identity, &name).await?;
    Ok(Json(reply(&name, &ledger.store().head().await?)))
}

/// Changes what is chosen for a ledger.
pub async fn edit(
    State(service): State<Service>,
    identity: Identity,
    _key: Key,
    Named(name): Named,
    Json(body): Json<wire::EditLedger>,
) -> Result<Json<wire::LedgerReply>, Problem> {
    let ledger = open(&service, &identity, &name).await?;
    let change = change(body.time_zone.as_deref(), body.day_start_hour, body.archived)?;
    let settings = ledger.change_settings(change).await?;
    tracing::info!(ledger = %name, ?settings, "ledger changed");
    let head = ledger.store().head().await?;
    Ok(Json(reply(&name, &Head { settings, ..head })))
}

fn change(
    time_zone: Option<&str>,
    day_start_hour: Option<i64>,
    archived: Option<bool>,
) -> Result<SettingsChange, Problem> {
    let invalid = |member, why: String| {
        Problem::invalid_member(InvalidMember::new(member, "invalid_setting", why))
    };
    let mut change = SettingsChange::default();
    if let Some(name) = time_zone {
        change = change.time_zone(name).map_err(|why| invalid("time_zone", why))?;
    }
    if let Some(hour) = day_start_hour {
        change = change.day_start_hour(hour).map_err(|why| invalid("day_start_hour", why))?;
    }
    Ok(archived.map_or(change.clone(), |archived| change.archived(archived)))
}

fn reply(name: &LedgerName, head: &Head) -> wire::LedgerReply {
    let info = LedgerInfo {
        name: name.clone(),
        created_at: head.created_at,
        settings: head.settings.clone(),
    };
    wire::LedgerReply { position: head.position.0, ledger: (&info).into() }
}

impl From<&LedgerInfo> for wire::Ledger {
    fn from(info: &LedgerInfo) -> Self {
        let Settings { time_zone, day_start_hour, archived_at } = &info.settings;
        Self {
            name: info.name.to_string(),
            time_zone: time_zone.clone(),
            day_start_hour: i64::from(*day_start_hour),
            created_at: info.created_at.to_string(),
            archived_at: archived_at.as_ref().map(ToString::to_string),
        }
    }
}
