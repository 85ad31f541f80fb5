//! The campaigns: each breaks one kind of thing, again and again.

pub mod ambiguous;
pub mod backends;
pub mod clients;
pub mod every;
pub mod images;
pub mod kill;
pub mod power;
mod session;
pub mod simulate;
pub mod steps;

#[cfg(test)]
mod tests;
