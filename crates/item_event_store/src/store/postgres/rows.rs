//! Rows to values and values to rows. Text that was accepted once is not judged again; what none of
//! our rows can hold means that the table is damaged.

use crate::error::StoreError;
use crate::event::{Balance, Event};
use crate::ids::{Epoch, IdempotencyKey, ItemId, Position};
use crate::inventory::Count;
use crate::item::{Item, ItemAction, ItemChange};
use crate::reason::{Kind, Reason};
use crate::request::{RequestTrace, StoredRequest};
use crate::settings::Settings;
use crate::store::{Head, LedgerInfo, Result, outcome};
use crate::summary::{DaySum, Summary, SummaryKey, SummaryRow};
use crate::text::Text;
use crate::time::{Day, Timestamp};
use crate::token::{Token, TokenRow};
use std::error::Error;
use tokio_postgres::Row;
use tokio_postgres::types::private::BytesMut;
use tokio_postgres::types::{FromSql, IsNull, ToSql, Type, accepts, to_sql_checked};

type Converted<T> = std::result::Result<T, Box<dyn Error + Sync + Send>>;

/// PostgreSQL counts microseconds and days from here: 2000-01-01T00:00:00Z.
const EPOCH_MICROS: i64 = 946_684_800_000_000;
const EPOCH_DAY: i32 = 10_957;

impl ToSql for Timestamp {
    fn to_sql(&self, ty: &Type, out: &mut BytesMut) -> Converted<IsNull> {
        (self.micros() - EPOCH_MICROS).to_sql(ty, out)
    }

    accepts!(TIMESTAMPTZ);
    to_sql_checked!();
}

impl<'a> FromSql<'a> for Timestamp {
    fn from_sql(ty: &Type, raw: &'a [u8]) -> Converted<Self> {
        Ok(Self::from_micros(i64::from_sql(ty, raw)?.saturating_add(EPOCH_MICROS)))
    }

    accepts!(TIMESTAMPTZ);
}

impl ToSql for Day {
    fn to_sql(&self, ty: &Type, out: &mut BytesMut) -> Converted<IsNull> {
        (self.number() - EPOCH_DAY).to_sql(ty, out)
    }

    accepts!(DATE);
    to_sql_checked!();
}

impl<'a> FromSql<'a> for Day {
    fn from_sql(ty: &Type, raw: &'a [u8]) -> Converted<Self> {
        Ok(Self::from_number(i32::from_sql(ty, raw)?.saturating_add(EPOCH_DAY)))
    }

    accepts!(DATE);
}

/// A row whose cells are read with a word on what is wrong with them.
pub(super) struct Cells<'a>(pub &'a Row);

impl<'a> Cells<'a> {
    pub fn get<T: FromSql<'a>>(&self, column: usize) -> Result<T> {
        self.0.try_get(column).map_err(|error| {
            let cause = error.source().map(ToString::to_string).unwrap_or_default();
            StoreError::Corrupt(format!("{error}: {cause}"))
        })
    }

    /// An INTEGER.
    pub fn int(&self, column: usize) -> Result<i64> {
        Ok(self.get::<i32>(column)?.into())
    }

    /// A name that is read by `FromStr`.
    pub fn name<T: std::str::FromStr<Err: std::fmt::Display>>(&self, column: usize) -> Result<T> {
        parse(self.get(column)?)
    }

    pub fn optional_name<T: std::str::FromStr<Err: std::fmt::Display>>(
        &self,
        column: usize,
    ) -> Result<Option<T>> {
        self.get::<Option<&str>>(column)?.map(parse).transpose()
    }

    /// An array, which is NULL when it has nothing.
    fn array<T: FromSql<'a>>(&self, column: usize) -> Result<Vec<T>> {
        Ok(self.get::<Option<Vec<T>>>(column)?.unwrap_or_default())
    }

    fn text<const MAX: usize>(&self, column: usize) -> Result<Text<MAX>> {
        Ok(Text::stored(self.get(column)?))
    }

    fn optional_text<const MAX: usize>(&self, column: usize) -> Result<Option<Text<MAX>>> {
        Ok(self.get::<Option<&str>>(column)?.map(Text::stored))
    }

    fn position(&self, column: usize) -> Result<Position> {
        self.get(column).map(Position)
    }

    pub fn item_id(&self, column: usize) -> Result<ItemId> {
        self.int(column).map(ItemId)
    }

    fn hour(&self, column: usize) -> Result<i8> {
        let hour = i8::try_from(self.get::<i16>(column)?);
        hour.map_err(|_| StoreError::Corrupt("an hour is 0 to 23".into()))
    }

    fn hash(&self, column: usize) -> Result<[u8; 32]> {
        let bytes: &[u8] = self.get(column)?;
        bytes.try_into().map_err(|_| StoreError::Corrupt("a hash has 32 bytes".into()))
    }
}

fn parse<T: std::str::FromStr<Err: std::fmt::Display>>(text: &str) -> Result<T> {
    text.parse().map_err(|error| StoreError::Corrupt(format!("'{text}': {error}")))
}

/// The columns of `head.sql`.
pub(super) fn head(row: &Row) -> Result<Head> {
    let row = Cells(row);
    Ok(Head {
        position: row.position(0)?,
        epoch: row.name::<Epoch>(1)?,
        items_revision: row.get(2)?,
        counts_revision: row.get(3)?,
        last_request_id: row.get(4)?,
        last_created_at: row.get(5)?,
        settings: settings(&row, 6)?,
        created_at: row.get(9)?,
    })
}

/// Three columns from `first` on.
fn settings(row: &Cells<'_>, first: usize) -> Result<Settings> {
    Ok(Settings {
        time_zone: row.get(first)?,
        day_start_hour: row.hour(first + 1)?,
        archived_at: row.get(first + 2)?,
    })
}

/// The columns of `ledgers.sql`.
pub(super) fn ledger_info(row: &Row) -> Result<LedgerInfo> {
    let row = Cells(row);
    Ok(LedgerInfo { name: row.name(0)?, created_at: row.get(1)?, settings: settings(&row, 2)? })
}

/// The columns of `event.sql`, and of every statement that gives events.
pub(super) fn event(row: &Row) -> Result<Event> {
    let row = Cells(row);
    Ok(Event {
        id: row.position(0)?,
        item_id: row.item_id(1)?,
        quantity_change: row.int(2)?,
        reason: row.name::<Reason>(3)?,
        created_at: row.get(4)?,
        version: row.get(5)?,
        quantity_after: row.int(6)?,
        kind: row.optional_name::<Kind>(7)?,
        occurred_at: row.get(8)?,
        actor: row.optional_text(9)?,
        reference: row.optional_text(10)?,
        note: row.optional_text(11)?,
        corrects_event_id: row.get::<Option<i64>>(12)?.map(Position),
        request_id: row.get(13)?,
    })
}

/// Five columns from `first` on, each an array: of events, what each makes of its item's count.
pub(super) fn balances(row: &Row, first: usize) -> Result<Vec<Balance>> {
    let row = Cells(row);
    let ids: Vec<i64> = row.array(first)?;
    let (items, versions): (Vec<i32>, Vec<i64>) = (row.array(first + 1)?, row.array(first + 2)?);
    let (quantities, times): (Vec<i32>, Vec<Timestamp>) =
        (row.array(first + 3)?, row.array(first + 4)?);
    let balances = ids.into_iter().zip(items).zip(versions).zip(quantities).zip(times);
    Ok(balances
        .map(|((((id, item), version), quantity), created_at)| Balance {
            id: Position(id),
            item_id: ItemId(item.into()),
            version,
            quantity_after: quantity.into(),
            created_at,
        })
        .collect())
}

/// The first nine columns of every statement that gives items.
pub(super) fn item(row: &Row) -> Result<Item> {
    let row = Cells(row);
    Ok(Item {
        id: row.item_id(0)?,
        name: row.text(1)?,
        sku: row.optional_text(2)?,
        unit: row.text(3)?,
        allow_negative: row.get(4)?,
        archived_at: row.get(5)?,
        created_at: row.get(6)?,
        updated_at: row.get(7)?,
        revision: row.get(8)?,
    })
}

/// Five columns from `first` on: a count, or NULL when there is no such row.
pub(super) fn count(row: &Row, first: usize) -> Result<Option<Count>> {
    let row = Cells(row);
    let Some(quantity) = row.get::<Option<i32>>(first)? else { return Ok(None) };
    Ok(Some(Count {
        quantity: quantity.into(),
        version: row.get(first + 1)?,
        last_event_id: row.get::<Option<i64>>(first + 2)?.map(Position),
        created_at: row.get(first + 3)?,
        updated_at: row.get(first + 4)?,
    }))
}

/// An item and its count.
pub(super) fn counted_item(row: &Row) -> Result<(Item, Option<Count>)> {
    Ok((item(row)?, count(row, 9)?))
}

/// The columns of `item_changes.sql`.
pub(super) fn item_change(row: &Row) -> Result<ItemChange> {
    let row = Cells(row);
    let (revision, action): (i64, &str) = (row.get(0)?, row.get(2)?);
    let action =
        [ItemAction::Created, ItemAction::Edited, ItemAction::Archived, ItemAction::Unarchived]
            .into_iter()
            .find(|known| known.as_str() == action)
            .ok_or_else(|| StoreError::Corrupt(format!("unknown action '{action}'")))?;
    Ok(ItemChange {
        revision,
        action,
        actor: row.optional_text(3)?,
        position: row.position(4)?,
        item: Item {
            id: row.item_id(1)?,
            name: row.text(5)?,
            sku: row.optional_text(6)?,
            unit: row.text(7)?,
            allow_negative: row.get(8)?,
            archived_at: row.get(9)?,
            created_at: row.get(10)?,
            updated_at: row.get(11)?,
            revision,
        },
    })
}

/// The columns of `requests.sql`.
pub(super) fn request(row: &Row) -> Result<StoredRequest> {
    let row = Cells(row);
    let outcome = outcome::decode(row.get(6)?).map_err(unreadable)?;
    Ok(StoredRequest {
        id: row.get(0)?,
        key: row.name::<IdempotencyKey>(1)?,
        hash: row.hash(2)?,
        actor: row.text(3)?,
        created_at: row.get(4)?,
        position: row.position(5)?,
        outcome,
    })
}

/// The columns of `request_traces.sql`.
pub(super) fn request_trace(row: &Row) -> Result<RequestTrace> {
    let row = Cells(row);
    let (events, item_revisions) = outcome::trace(row.get(4)?).map_err(unreadable)?;
    Ok(RequestTrace {
        id: row.get(0)?,
        actor: row.text(1)?,
        created_at: row.get(2)?,
        position: row.position(3)?,
        events,
        item_revisions,
    })
}

fn unreadable(error: impl Error) -> StoreError {
    StoreError::Corrupt(format!("the outcome of a request: {error}"))
}

/// The columns of `summary.sql`.
pub(super) fn summary(row: &Row) -> Result<Summary> {
    let row = Cells(row);
    Ok(Summary {
        position: row.position(0)?,
        time_zone: row.get(1)?,
        day_start_hour: row.hour(2)?,
        clearing: row.get(3)?,
    })
}

/// The columns of `summary_all.sql` and its kin.
pub(super) fn summary_row(row: &Row) -> Result<SummaryRow> {
    let row = Cells(row);
    let kind: &str = row.get(3)?;
    let kind = if kind.is_empty() { None } else { Some(parse(kind)?) };
    let key = SummaryKey { day: row.get(0)?, item_id: row.item_id(1)?, reason: row.name(2)?, kind };
    Ok(SummaryRow { key, sum: DaySum { events: row.get(4)?, quantity_change: row.get(5)? } })
}

/// The columns of `tokens.sql`.
pub(super) fn token(row: &Row) -> Result<Token> {
    let row = Cells(row);
    Ok(Token {
        id: row.get(0)?,
        row: TokenRow {
            name: row.text(1)?,
            role: row.name(2)?,
            ledger: row.optional_name(3)?,
            hash: row.hash(4)?,
            created_at: row.get(5)?,
            expires_at: row.get(6)?,
        },
        revoked_at: row.get(7)?,
    })
}
