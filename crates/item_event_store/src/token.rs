//! Access tokens: `ies_` and 256 random bits. Only the SHA-256 is kept.

use crate::access::Role;
use crate::entropy::random_bytes;
use crate::ids::LedgerName;
use crate::text::Actor;
use crate::time::Timestamp;
use sha2::Digest;
use std::fmt::Write as _;

/// What precedes the random part, so that scanners for leaked secrets find it.
const PREFIX: &str = "ies_";
const SECRET_BYTES: usize = 32;

/// A token as its holder has it. Shown once, never stored, never printed by `Debug`.
pub struct Secret(String);

/// A token as the store keeps it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Token {
    /// Its number within the store.
    pub id: i64,
    /// What it says and the SHA-256 of its secret.
    pub row: TokenRow,
    /// Since when it holds no more.
    pub revoked_at: Option<Timestamp>,
}

/// What a token says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TokenRow {
    /// Who holds it: the actor of every event it causes.
    pub name: Actor,
    /// What its holder may do.
    pub role: Role,
    /// The only ledger that it is for; `None` for every ledger of the store.
    pub ledger: Option<LedgerName>,
    /// SHA-256 of the secret.
    pub hash: [u8; 32],
    /// When it was made.
    pub created_at: Timestamp,
    /// From when on it holds no more.
    pub expires_at: Option<Timestamp>,
}

impl Secret {
    /// A new secret from the operating system's randomness.
    #[must_use]
    pub fn random() -> Self {
        let bytes: [u8; SECRET_BYTES] = random_bytes();
        let mut text = String::from(PREFIX);
        for byte in bytes {
            let _ = write!(text, "{byte:02x}");
        }
        Self(text)
    }

    /// The secret itself, to be shown to its holder once.
    #[must_use]
    pub fn reveal(&self) -> &str {
        &self.0
    }

    /// What is kept of it.
    #[must_use]
    pub fn hash(&self) -> [u8; 32] {
        hash_secret(&self.0)
    }
}

impl std::fmt::Debug for Secret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Secret(…)")
    }
}

/// The SHA-256 of a token as it was presented; `None` when it has not the form of one.
#[must_use]
pub fn hash_presented(presented: &str) -> Option<[u8; 32]> {
    let digits = presented.strip_prefix(PREFIX)?;
    let hex = |b: u8| b.is_ascii_digit() || (b'a'..=b'f').contains(&b);
    (digits.len() == 2 * SECRET_BYTES && digits.bytes().all(hex)).then(|| hash_secret(presented))
}

fn hash_secret(secret: &str) -> [u8; 32] {
    sha2::Sha256::digest(secret.as_bytes()).into()
}

impl Token {
    /// Whether it holds at a time.
    #[must_use]
    pub fn holds_at(&self, now: Timestamp) -> bool {
        self.revoked_at.is_none() && self.row.expires_at.is_none_or(|expires| now < expires)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_is_known_by_its_hash_and_never_printed() {
        let secret = Secret::random();
        assert_eq!(secret.reveal().len(), 4 + 64);
        assert_eq!(hash_presented(secret.reveal()), Some(secret.hash()));
        assert_eq!(format!("{secret:?}"), "Secret(…)");
        for bad in ["", "ies_", "ies_xyz", &secret.reveal()[1..], &format!("{}0", secret.reveal())]
        {
            assert_eq!(hash_presented(bad), None);
        }
    }
}
