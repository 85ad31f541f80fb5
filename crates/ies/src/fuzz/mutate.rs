//! New texts from old ones, by a seed.

/// Pieces of the languages that are parsed, and what is easily forgotten.
const PIECES: [&str; 40] = [
    "\"",
    "\\",
    "{",
    "}",
    "[",
    "]",
    ",",
    ":",
    "\n",
    "\r\n",
    "\t",
    " ",
    "-",
    ".",
    "0",
    "-0",
    "null",
    "true",
    "1e400",
    "9223372036854775808",
    "-9223372036854775808",
    "2000000001",
    "\u{0}",
    "\u{feff}",
    "\u{202e}",
    "\u{1f950}",
    "\\u0000",
    "\\ud800",
    "\"command\":",
    "\"item_id\":",
    "\"quantity\":",
    "\"note\":",
    "initial",
    "batch",
    "adjustment",
    "2026-11-23T05:00:00Z",
    "2026-02-30T25:61:61+99:99",
    "00000000",
    "ies_",
    "Bearer ",
];
const MAX_BYTES: usize = 4_096;

pub struct Mutator {
    state: u64,
    corpus: Vec<Vec<u8>>,
}

impl Mutator {
    pub fn new(seed: u64, corpus: Vec<Vec<u8>>) -> Self {
        Self { state: seed, corpus }
    }

    /// A number below `end`, by `SplitMix64`.
    fn below(&mut self, end: usize) -> usize {
        self.state = self.state.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.state;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        let end = end.max(1) as u64;
        usize::try_from((z ^ (z >> 31)) % end).expect("below a usize")
    }

    /// A text of the corpus after a few changes.
    pub fn next(&mut self) -> Vec<u8> {
        let first = self.below(self.corpus.len());
        let mut text = self.corpus[first].clone();
        for _ in 0..=self.below(4) {
            self.change(&mut text);
        }
        text.truncate(MAX_BYTES);
        text
    }

    fn change(&mut self, text: &mut Vec<u8>) {
        let (one, other) = (self.below(text.len() + 1), self.below(text.len() + 1));
        let (from, to) = (one.min(other), one.max(other));
        match self.below(8) {
            0 => text.truncate(from),
            1 => drop(text.drain(from..to)),
            2 => {
                let again = text[from..to].to_vec();
                text.splice(to..to, again);
            }
            3 => {
                let byte = u8::try_from(self.below(256)).expect("a byte");
                text.insert(from, byte);
            }
            4 if from < text.len() => text[from] ^= 1 << self.below(8),
            5 => {
                let which = self.below(self.corpus.len());
                let mut tail = self.corpus[which].clone();
                let cut = self.below(tail.len() + 1);
                text.truncate(from);
                text.extend(tail.drain(cut..));
            }
            _ => {
                let piece = PIECES[self.below(PIECES.len())];
                text.splice(from..from, piece.bytes());
            }
        }
    }
}
