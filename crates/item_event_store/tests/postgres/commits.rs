//! What a commit looks like on the wire, for the proxies that cut connections there.

/// Sees when a client is about to commit: by a COMMIT, or by a statement that is a transaction of
/// its own.
#[derive(Default)]
pub struct Commits {
    /// How such a statement is bound: the name that it was prepared under, between zeros.
    bound: Option<Vec<u8>>,
}

impl Commits {
    /// Whether one is among what was sent.
    pub fn among(&mut self, sent: &[u8]) -> bool {
        if let Some(text) = find(sent, b"SELECT * FROM ies_append_batch(") {
            let name = sent[..text].iter().rposition(|byte| *byte == 0).unwrap_or(0);
            let begin = sent[..name].iter().rposition(|byte| !byte.is_ascii_digit()).unwrap_or(0);
            self.bound = Some([&[0], &sent[begin..=name]].concat());
            return false;
        }
        let bound = |name: &Vec<u8>| find(sent, name).is_some();
        find(sent, b"COMMIT\0").is_some() || self.bound.as_ref().is_some_and(bound)
    }
}

fn find(sent: &[u8], part: &[u8]) -> Option<usize> {
    sent.windows(part.len()).position(|window| window == part)
}
