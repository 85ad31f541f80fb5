//! Access tokens. They belong to the store and not to a ledger, so that their making is not kept
//! under its idempotency key: sent twice, it makes two, and the first is revoked by its number.

use super::Service;
use super::extract::{Id, Json};
use super::headers::Key;
use super::items::location;
use super::ledgers::{ledger_name, must_exist};
use super::problem::{Problem, kinds};
use crate::wire::{self, InvalidMember, optional_time, text};
use axum::extract::State;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use item_event_store::time::Timestamp;
use item_event_store::token::{Secret, Token, TokenRow};

/// Makes a token, and shows its secret for the only time.
pub async fn create(
    State(service): State<Service>,
    _key: Key,
    Json(body): Json<wire::CreateToken>,
) -> Result<Response, Problem> {
    let secret = Secret::random();
    let row = row(&body, &secret).map_err(Problem::invalid_member)?;
    if let Some(ledger) = &row.ledger {
        must_exist(&service, ledger).await?;
    }
    let token = service.ledgers.store().add_token(row).await?;
    tracing::info!(token = token.id, role = %token.row.role, "token created");
    let path = format!("/v1/tokens/{}", token.id);
    let body = wire::NewToken { token: (&token).into(), secret: secret.reveal().to_owned() };
    let mut response = (StatusCode::CREATED, Json(body)).into_response();
    let headers = response.headers_mut();
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.extend(location(&path));
    Ok(response)
}

/// Every token, without its secret.
pub async fn list(State(service): State<Service>) -> Result<Json<wire::TokenList>, Problem> {
    let tokens = service.ledgers.store().tokens().await?;
    Ok(Json(wire::TokenList { tokens: tokens.iter().map(Into::into).collect() }))
}

/// Revokes a token for ever, and ends its streams. Once more does nothing.
pub async fn revoke(
    State(service): State<Service>,
    _key: Key,
    Id(id): Id,
) -> Result<StatusCode, Problem> {
    let revoked = service.ledgers.store().revoke_token(id, Timestamp::now()).await;
    // Also after an error: it may have happened.
    service.known_tokens.forget();
    let revoked = revoked?;
    if revoked {
        tracing::info!(token = id, "token revoked");
    } else if !service.ledgers.store().tokens().await?.iter().any(|token| token.id == id) {
        return Err(Problem::new(&kinds::TOKEN_NOT_FOUND, format!("there is no token {id}")));
    }
    Ok(StatusCode::NO_CONTENT)
}

fn row(body: &wire::CreateToken, secret: &Secret) -> Result<TokenRow, InvalidMember> {
    let unknown = |error| InvalidMember::new("role", "unknown_name", error);
    Ok(TokenRow {
        name: text("name", &body.name)?,
        role: body.role.parse().map_err(unknown)?,
        ledger: body.ledger.as_deref().map(ledger_name).transpose()?,
        hash: secret.hash(),
        created_at: Timestamp::now(),
        expires_at: optional_time("expires_at", body.expires_at.as_deref())?,
    })
}

impl From<&Token> for wire::Token {
    fn from(token: &Token) -> Self {
        Self {
            id: token.id,
            name: token.row.name.to_string(),
            role: token.row.role.to_string(),
            ledger: token.row.ledger.as_ref().map(ToString::to_string),
            created_at: token.row.created_at.to_string(),
            expires_at: token.row.expires_at.as_ref().map(ToString::to_string),
            revoked_at: token.revoked_at.as_ref().map(ToString::to_string),
        }
    }
}
