//! Randomness: the only place where the library asks the operating system for it.

use crate::ids::Epoch;

/// Random bytes.
///
/// # Panics
/// When the operating system gives none: nothing that needs them may go on without.
pub(crate) fn random_bytes<const N: usize>() -> [u8; N] {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes).expect("the operating system gives randomness");
    bytes
}

impl Epoch {
    /// An epoch that no ledger has had before.
    #[must_use]
    pub fn random() -> Self {
        Self::from_number(u64::from_be_bytes(random_bytes()))
    }
}
