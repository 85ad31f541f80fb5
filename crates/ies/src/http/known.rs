//! Tokens that were looked up lately, so that not every request asks the database. What this
//! process does to a token holds at once; what another one does, within [`TOKEN_MEMORY`].

use super::limits::TOKEN_MEMORY;
use item_event_store::token::Token;
use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

/// The tokens, by their hash. Only those that exist are kept, so it cannot be filled from outside.
#[derive(Default)]
pub struct KnownTokens(Mutex<State>);

#[derive(Default)]
struct State {
    /// How often everything was forgotten.
    generation: u64,
    tokens: HashMap<[u8; 32], (Arc<Token>, Instant)>,
}

/// A look into the database that has yet to be made: what it finds is kept only if nothing was
/// forgotten meanwhile.
pub struct Lookup {
    generation: u64,
    at: Instant,
}

impl KnownTokens {
    /// The token with this hash, if it was looked up a short time before `now`.
    pub fn get(&self, hash: &[u8; 32], now: Instant) -> Result<Arc<Token>, Lookup> {
        self.with(|state| match state.tokens.get(hash) {
            Some((token, at)) if now.duration_since(*at) < TOKEN_MEMORY => Ok(Arc::clone(token)),
            _ => Err(Lookup { generation: state.generation, at: now }),
        })
    }

    /// Keeps what was found.
    pub fn keep(&self, lookup: &Lookup, token: &Arc<Token>) {
        self.with(|state| {
            if state.generation == lookup.generation {
                state.tokens.insert(token.row.hash, (Arc::clone(token), lookup.at));
            }
        });
    }

    /// Forgets all of them: one has changed.
    pub fn forget(&self) {
        self.with(|state| {
            state.generation += 1;
            state.tokens.clear();
        });
    }

    fn with<T>(&self, change: impl FnOnce(&mut State) -> T) -> T {
        change(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use item_event_store::access::Role;
    use item_event_store::time::Timestamp;
    use item_event_store::token::{Secret, TokenRow};

    fn token() -> Arc<Token> {
        let row = TokenRow {
            name: "anna".parse().expect("a name"),
            role: Role::Baker,
            ledger: None,
            hash: Secret::random().hash(),
            created_at: Timestamp::now(),
            expires_at: None,
        };
        Arc::new(Token { id: 1, row, revoked_at: None })
    }

    #[test]
    fn a_token_is_known_for_a_short_time() {
        let (known, token, start) = (KnownTokens::default(), token(), Instant::now());
        let lookup = known.get(&token.row.hash, start).expect_err("never seen");
        known.keep(&lookup, &token);
        let last = start + TOKEN_MEMORY.checked_sub(std::time::Duration::from_nanos(1)).expect("");
        assert!(known.get(&token.row.hash, last).is_ok());
        assert!(known.get(&token.row.hash, start + TOKEN_MEMORY).is_err());
    }

    #[test]
    fn what_was_found_before_a_change_is_not_kept_after_it() {
        let (known, token, now) = (KnownTokens::default(), token(), Instant::now());
        let lookup = known.get(&token.row.hash, now).expect_err("never seen");
        known.forget();
        known.keep(&lookup, &token);
        let lookup = known.get(&token.row.hash, now).expect_err("forgotten");
        known.keep(&lookup, &token);
        assert!(known.get(&token.row.hash, now).is_ok());
        known.forget();
        assert!(known.get(&token.row.hash, now).is_err());
    }
}
