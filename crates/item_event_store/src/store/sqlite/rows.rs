//! Rows to values and values to rows. Text that was accepted once is not judged again; a name that
//! is none of ours means that the file is damaged.

use crate::event::Event;
use crate::ids::{Epoch, IdempotencyKey, ItemId, LedgerName, Position};
use crate::inventory::Count;
use crate::item::{Item, ItemAction, ItemChange};
use crate::reason::{Kind, Reason};
use crate::request::{RequestTrace, StoredRequest};
use crate::settings::Settings;
use crate::store::{Head, LedgerInfo, outcome};
use crate::summary::{DaySum, Summary, SummaryKey, SummaryRow};
use crate::text::Text;
use crate::time::{Day, Timestamp};
use crate::token::{Token, TokenRow};
use rusqlite::types::{FromSql, FromSqlError, FromSqlResult, ToSql, ToSqlOutput, ValueRef};
use rusqlite::{Result, Row};
use std::error::Error;

/// Names that are stored by `as_str` and read by `FromStr`.
macro_rules! names {
    ($($name:ty),*) => {$(
        impl ToSql for $name {
            fn to_sql(&self) -> Result<ToSqlOutput<'_>> {
                Ok(self.as_str().into())
            }
        }

        impl FromSql for $name {
            fn column_result(value: ValueRef<'_>) -> FromSqlResult<Self> {
                value.as_str()?.parse().map_err(damaged)
            }
        }
    )*};
}

/// Numbers with a type of their own.
macro_rules! numbers {
    ($($number:ident),*) => {$(
        impl ToSql for $number {
            fn to_sql(&self) -> Result<ToSqlOutput<'_>> {
                Ok(self.0.into())
            }
        }

        impl FromSql for $number {
            fn column_result(value: ValueRef<'_>) -> FromSqlResult<Self> {
                value.as_i64().map($number)
            }
        }
    )*};
}

names!(Reason, Kind, Epoch, IdempotencyKey, LedgerName, crate::access::Role);
numbers!(ItemId, Position);

impl ToSql for Timestamp {
    fn to_sql(&self) -> Result<ToSqlOutput<'_>> {
        Ok(self.micros().into())
    }
}

impl FromSql for Timestamp {
    fn column_result(value: ValueRef<'_>) -> FromSqlResult<Self> {
        value.as_i64().map(Self::from_micros)
    }
}

impl ToSql for Day {
    fn to_sql(&self) -> Result<ToSqlOutput<'_>> {
        Ok(self.to_string().into())
    }
}

impl FromSql for Day {
    fn column_result(value: ValueRef<'_>) -> FromSqlResult<Self> {
        value.as_str()?.parse().map_err(damaged)
    }
}

impl<const MAX: usize> ToSql for Text<MAX> {
    fn to_sql(&self) -> Result<ToSqlOutput<'_>> {
        Ok(self.as_str().into())
    }
}

impl<const MAX: usize> FromSql for Text<MAX> {
    fn column_result(value: ValueRef<'_>) -> FromSqlResult<Self> {
        value.as_str().map(Self::stored)
    }
}

impl ToSql for ItemAction {
    fn to_sql(&self) -> Result<ToSqlOutput<'_>> {
        Ok(self.as_str().into())
    }
}

impl FromSql for ItemAction {
    fn column_result(value: ValueRef<'_>) -> FromSqlResult<Self> {
        let text = value.as_str()?;
        [Self::Created, Self::Edited, Self::Archived, Self::Unarchived]
            .into_iter()
            .find(|action| action.as_str() == text)
            .ok_or_else(|| FromSqlError::Other(format!("unknown action '{text}'").into()))
    }
}

fn damaged(error: impl Error + Send + Sync + 'static) -> FromSqlError {
    FromSqlError::Other(Box::new(error))
}

/// The columns of `head.sql`.
pub(super) fn head(row: &Row<'_>) -> Result<Head> {
    Ok(Head {
        position: row.get(0)?,
        epoch: row.get(1)?,
        items_revision: row.get(2)?,
        counts_revision: row.get(3)?,
        last_request_id: row.get(4)?,
        last_created_at: row.get(5)?,
        settings: settings(row, 6)?,
        created_at: row.get(9)?,
    })
}

/// Three columns from `first` on.
fn settings(row: &Row<'_>, first: usize) -> Result<Settings> {
    Ok(Settings {
        time_zone: row.get(first)?,
        day_start_hour: row.get(first + 1)?,
        archived_at: row.get(first + 2)?,
    })
}

/// The columns of `ledger_info.sql`.
pub(super) fn ledger_info(row: &Row<'_>) -> Result<LedgerInfo> {
    Ok(LedgerInfo { name: row.get(0)?, created_at: row.get(1)?, settings: settings(row, 2)? })
}

/// The columns of `event.sql`, and of every statement that gives events.
pub(super) fn event(row: &Row<'_>) -> Result<Event> {
    Ok(Event {
        id: row.get(0)?,
        item_id: row.get(1)?,
        quantity_change: row.get(2)?,
        reason: row.get(3)?,
        created_at: row.get(4)?,
        version: row.get(5)?,
        quantity_after: row.get(6)?,
        kind: row.get(7)?,
        occurred_at: row.get(8)?,
        actor: row.get(9)?,
        reference: row.get(10)?,
        note: row.get(11)?,
        corrects_event_id: row.get(12)?,
        request_id: row.get(13)?,
    })
}

/// The first nine columns of every statement that gives items.
pub(super) fn item(row: &Row<'_>) -> Result<Item> {
    Ok(Item {
        id: row.get(0)?,
        name: row.get(1)?,
        sku: row.get(2)?,
        unit: row.get(3)?,
        allow_negative: row.get(4)?,
        archived_at: row.get(5)?,
        created_at: row.get(6)?,
        updated_at: row.get(7)?,
        revision: row.get(8)?,
    })
}

/// Five columns from `first` on: a count, or NULL when there is no such row.
pub(super) fn count(row: &Row<'_>, first: usize) -> Result<Option<Count>> {
    let Some(quantity) = row.get(first)? else { return Ok(None) };
    Ok(Some(Count {
        quantity,
        version: row.get(first + 1)?,
        last_event_id: row.get(first + 2)?,
        created_at: row.get(first + 3)?,
        updated_at: row.get(first + 4)?,
    }))
}

/// The columns of `item_changes.sql`.
pub(super) fn item_change(row: &Row<'_>) -> Result<ItemChange> {
    let revision = row.get(0)?;
    Ok(ItemChange {
        revision,
        action: row.get(2)?,
        actor: row.get(3)?,
        position: row.get(4)?,
        item: Item {
            id: row.get(1)?,
            name: row.get(5)?,
            sku: row.get(6)?,
            unit: row.get(7)?,
            allow_negative: row.get(8)?,
            archived_at: row.get(9)?,
            created_at: row.get(10)?,
            updated_at: row.get(11)?,
            revision,
        },
    })
}

/// The columns of `request.sql`.
pub(super) fn request(row: &Row<'_>) -> Result<StoredRequest> {
    let outcome = row.get_ref(6)?.as_str().map_err(|e| unreadable(6, e))?;
    Ok(StoredRequest {
        id: row.get(0)?,
        key: row.get(1)?,
        hash: row.get(2)?,
        actor: row.get(3)?,
        created_at: row.get(4)?,
        position: row.get(5)?,
        outcome: outcome::decode(outcome).map_err(|e| unreadable(6, e))?,
    })
}

/// The columns of `request_traces.sql`.
pub(super) fn request_trace(row: &Row<'_>) -> Result<RequestTrace> {
    let outcome = row.get_ref(4)?.as_str().map_err(|e| unreadable(4, e))?;
    let (events, item_revisions) = outcome::trace(outcome).map_err(|e| unreadable(4, e))?;
    Ok(RequestTrace {
        id: row.get(0)?,
        actor: row.get(1)?,
        created_at: row.get(2)?,
        position: row.get(3)?,
        events,
        item_revisions,
    })
}

/// The columns of `summary.sql`.
pub(super) fn summary(row: &Row<'_>) -> Result<Summary> {
    Ok(Summary {
        position: row.get(0)?,
        time_zone: row.get(1)?,
        day_start_hour: row.get(2)?,
        clearing: row.get(3)?,
    })
}

/// The columns of `summary_all.sql` and its kin.
pub(super) fn summary_row(row: &Row<'_>) -> Result<SummaryRow> {
    let kind = match row.get_ref(3)?.as_str()? {
        "" => None,
        _ => Some(row.get(3)?),
    };
    let key = SummaryKey { day: row.get(0)?, item_id: row.get(1)?, reason: row.get(2)?, kind };
    Ok(SummaryRow { key, sum: DaySum { events: row.get(4)?, quantity_change: row.get(5)? } })
}

fn unreadable(column: usize, error: impl Error + Send + Sync + 'static) -> rusqlite::Error {
    let text = rusqlite::types::Type::Text;
    rusqlite::Error::FromSqlConversionFailure(column, text, Box::new(error))
}

/// The columns of `tokens.sql`.
pub(super) fn token(row: &Row<'_>) -> Result<Token> {
    Ok(Token {
        id: row.get(0)?,
        row: TokenRow {
            name: row.get(1)?,
            role: row.get(2)?,
            ledger: row.get(3)?,
            hash: row.get(4)?,
            created_at: row.get(5)?,
            expires_at: row.get(6)?,
        },
        revoked_at: row.get(7)?,
    })
}
