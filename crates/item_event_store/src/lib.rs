//! x
#![allow(missing_docs)]
pub mod access;
pub mod book;
pub mod chart;
pub mod command;
pub mod decide;
pub mod error;
pub mod event;
pub mod follow;
mod hash;
pub mod ids;
pub mod inventory;
pub mod item;
pub mod ledger;
pub mod limits;
pub mod query;
pub mod reason;
pub mod rejection;
pub mod report;
pub mod request;
pub mod store;
pub mod text;
pub mod time;
pub mod token;
