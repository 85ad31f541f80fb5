//! The campaigns: each breaks one kind of thing, again and again.

pub mod ambiguous;
pub mod backends;
pub mod clients;
pub mod clock;
pub mod damage;
pub mod every;
pub mod failover;
pub mod full;
pub mod images;
pub mod kill;
pub mod ledgers;
pub mod pooler;
pub mod power;
pub mod restored;
mod session;
pub mod simulate;
pub mod slow;
pub mod steps;
pub mod two;

#[cfg(test)]
mod tests;
