//! Numbers out of many: latencies as a histogram, rounds as a median and a range.

use hdrhistogram::Histogram;
use serde::{Deserialize, Serialize};
use std::time::{Duration, Instant};

/// The longest latency that is told apart; a longer one counts as this.
const LONGEST: Duration = Duration::from_mins(2);
/// The shares of answers whose latency a curve shows, in percent.
pub const SHARES: [f64; 14] =
    [1.0, 10.0, 25.0, 50.0, 75.0, 90.0, 95.0, 97.5, 99.0, 99.5, 99.75, 99.9, 99.95, 99.99];

/// Latencies in nanoseconds, to three digits.
pub struct Latency(Histogram<u64>);

impl Default for Latency {
    fn default() -> Self {
        let longest = u64::try_from(LONGEST.as_nanos()).expect("below 2^64");
        Self(Histogram::new_with_bounds(1, longest, 3).expect("bounds that fit"))
    }
}

impl Latency {
    pub fn record(&mut self, latency: Duration) {
        self.0.saturating_record(u64::try_from(latency.as_nanos()).unwrap_or(u64::MAX));
    }

    pub fn add(&mut self, other: &Self) {
        self.0.add(&other.0).expect("the same bounds");
    }

    /// The latency that this share of the answers (in percent) did not exceed, in milliseconds.
    pub fn millis(&self, share: f64) -> f64 {
        self.0.value_at_percentile(share) as f64 / 1e6
    }

    /// The shares that so many answers can speak for, with their latencies in milliseconds.
    pub fn curve(&self) -> Vec<(f64, f64)> {
        let answers = self.0.len() as f64;
        let known = |share: &f64| answers * (100.0 - share) / 100.0 >= 10.0;
        SHARES.into_iter().filter(known).map(|share| (share, self.millis(share))).collect()
    }
}

/// How a log grew: events, and seconds since the beginning, now and then.
#[derive(Debug, Serialize, Deserialize)]
pub struct Growth {
    marks: Vec<(usize, f64)>,
    #[serde(skip)]
    begun: Option<Instant>,
}

impl Growth {
    pub fn begin() -> Self {
        Self { marks: vec![], begun: Some(Instant::now()) }
    }

    /// So many more are answered now.
    pub fn add(&mut self, events: usize) {
        let before = self.marks.last().map_or(0, |mark| mark.0);
        let seconds = self.begun.map_or(0.0, |begun| begun.elapsed().as_secs_f64());
        self.marks.push((before + events, seconds));
    }

    pub fn events(&self) -> usize {
        self.marks.last().map_or(0, |mark| mark.0)
    }

    /// Events a second after a warm-up, or in all where little is left after it.
    pub fn rate_after(&self, warm_up: Duration) -> f64 {
        let warm = warm_up.as_secs_f64();
        let before = self.marks.iter().find(|mark| mark.1 >= warm).copied();
        let last = self.marks.last().copied().unwrap_or((0, 0.0));
        let before = before.filter(|before| before.1 <= last.1 / 2.0).unwrap_or((0, 0.0));
        (last.0 - before.0) as f64 / (last.1 - before.1)
    }

    /// The rate of each piece of about so many events, by the piece's end.
    pub fn pieces(&self, size: usize) -> Vec<(usize, f64)> {
        let mut pieces = Vec::new();
        let mut before = (0, 0.0);
        for &(events, seconds) in &self.marks {
            if events - before.0 >= size {
                pieces.push((events, (events - before.0) as f64 / (seconds - before.1)));
                before = (events, seconds);
            }
        }
        pieces
    }
}

/// The middle of some values; of an even number, the mean of the two in the middle.
pub fn median(values: &[f64]) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    let middle = sorted.len() / 2;
    match sorted.len() {
        0 => f64::NAN,
        odd if odd % 2 == 1 => sorted[middle],
        _ => f64::midpoint(sorted[middle - 1], sorted[middle]),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_median_is_the_middle() {
        assert!((median(&[3.0, 1.0, 2.0]) - 2.0).abs() < f64::EPSILON);
        assert!((median(&[4.0, 1.0]) - 2.5).abs() < f64::EPSILON);
        assert!(median(&[]).is_nan());
    }

    #[test]
    fn growth_is_told_by_pieces_and_after_a_warm_up() {
        let marks = vec![(100, 1.0), (300, 2.0), (400, 3.0)];
        let growth = Growth { marks, begun: None };
        assert_eq!(growth.events(), 400);
        assert_eq!(growth.pieces(150), [(300, 150.0)]);
        assert!((growth.rate_after(Duration::from_secs(1)) - 150.0).abs() < 1e-9);
        assert!((growth.rate_after(Duration::from_secs(9)) - 400.0 / 3.0).abs() < 1e-9);
    }

    #[test]
    fn a_share_is_told_only_by_enough_answers() {
        let mut latency = Latency::default();
        for millis in 1..=1_000 {
            latency.record(Duration::from_millis(millis));
        }
        assert!((latency.millis(50.0) - 500.0).abs() < 1.0);
        assert!((latency.millis(99.0) - 990.0).abs() < 2.0);
        let last = latency.curve().last().map(|(share, _)| *share);
        assert_eq!(last, Some(99.0), "ten of a thousand answers are beyond it");
    }
}
