//! Deciding: commands on the working counts become events, or a rejection. Pure: no clock, no I/O,
//! no SQL; the same book, facts, time and requests always give the same events.

mod draft;
mod rules;

pub use draft::{Base, Decided, Draft, Drafted, Undo};

#[cfg(test)]
mod tests;
