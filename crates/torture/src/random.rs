//! Small random numbers from a seed: one seed repeats one run's decisions.

/// `SplitMix64` (Steele, Lea and Flood 2014).
#[derive(Clone, Debug)]
pub struct Random(u64);

impl Random {
    pub fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// A stream of its own for the part of a run that these numbers name.
    pub fn of(seed: u64, parts: &[u64]) -> Self {
        let mut random = Self(seed);
        for part in parts {
            random = Self(random.next() ^ part.wrapping_mul(0x9E37_79B9_7F4A_7C15));
        }
        random
    }

    pub fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    /// A number below `end`, which is not 0.
    pub fn below(&mut self, end: u64) -> u64 {
        self.next() % end
    }

    /// An index into something with `len` elements.
    pub fn index(&mut self, len: usize) -> usize {
        usize::try_from(self.below(len as u64)).expect("below a length")
    }

    pub fn one_in(&mut self, n: u64) -> bool {
        self.below(n) == 0
    }

    /// A number from `from` to `to`, both included.
    pub fn number(&mut self, from: i64, to: i64) -> i64 {
        let span = u64::try_from(to - from + 1).expect("from is not above to");
        from + i64::try_from(self.below(span)).expect("a small span")
    }

    pub fn pick<'a, T>(&mut self, from: &'a [T]) -> &'a T {
        &from[self.index(from.len())]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_seed_gives_one_stream_and_parts_give_others() {
        let take = |mut random: Random| [random.next(), random.next(), random.next()];
        assert_eq!(take(Random::of(7, &[1, 2])), take(Random::of(7, &[1, 2])));
        assert_ne!(take(Random::of(7, &[1, 2])), take(Random::of(7, &[2, 1])));
        assert_ne!(take(Random::of(7, &[1])), take(Random::of(8, &[1])));
        let mut random = Random::new(1);
        for _ in 0..1_000 {
            assert!((-3..=5).contains(&random.number(-3, 5)));
            assert!(random.index(4) < 4);
        }
    }
}
