//! ItemEventStore: an inventory ledger. Every change of a count is an event in an append-only log,
//! the count is kept beside it in the same transaction, and the two can be proved to agree.
//!
//! The way in: a [`command::Request`] goes to [`Ledger::execute`], which queues it for the
//! ledger's writer. The writer decides ([`decide`]) on the counts it holds in memory ([`book`]),
//! appends through the contract with a database ([`store`]), commits, and answers.
//!
//! - The words: [`ids`], [`text`], [`time`], [`reason`], [`limits`].
//! - What is asked, recorded and refused, and who may: [`command`], [`event`], [`item`],
//!   [`inventory`], [`settings`], [`rejection`], [`access`].
//! - The rules, pure: [`book`], [`facts`], [`decide`].
//! - What is derived besides the counts, pure: [`summary`].
//! - The flows: [`ledgers`], [`ledger`], `writer`, [`follow`], `verify`, `rebuild` and `refresh`
//!   ([`report`]),
//!   [`chart`].
//! - The contract with a database, and the backends: [`store`], [`query`], [`request`],
//!   [`token`].
//! - The world: [`clock`], `entropy`, [`error`].

pub mod access;
pub mod book;
pub mod chart;
pub mod clock;
pub mod command;
pub mod decide;
mod entropy;
pub mod error;
pub mod event;
pub mod facts;
mod failpoint;
pub mod follow;
mod hash;
pub mod ids;
pub mod inventory;
pub mod item;
pub mod ledger;
pub mod ledgers;
pub mod limits;
pub mod query;
pub mod reason;
mod rebuild;
mod refresh;
pub mod rejection;
pub mod report;
pub mod request;
pub mod settings;
pub mod store;
pub mod summary;
pub mod text;
pub mod time;
pub mod token;
mod verify;
mod writer;

pub use ledger::Ledger;
pub use ledgers::Ledgers;
