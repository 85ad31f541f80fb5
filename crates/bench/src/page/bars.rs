//! A picture of bars: a row a contender, as long as the median of its rounds, with the range of
//! them as a thin line.

use super::svg::{Anchor, Canvas, FAINT, INK, OTHERS, OURS, WIDTH};
use super::{is_ours, number};
use crate::results::{Figure, Measured};

const TOP: f64 = 48.0;
const ROW: f64 = 28.0;
const BAR: f64 = 16.0;
const LEFT: f64 = 340.0;
/// For the value behind the longest bar.
const RIGHT: f64 = 140.0;

/// Draws the figures of a measure, in the order in which the contenders ran.
/// `only`: what a contender's name has in it.
pub fn draw(measured: &Measured, title: &str, measure: &str, only: &str) -> Option<String> {
    let shown = |figure: &&Figure| figure.measure == measure && figure.contender.contains(only);
    let figures: Vec<&Figure> = measured.figures.iter().filter(shown).collect();
    let most = figures.iter().map(|figure| figure.high()).fold(0.0, f64::max);
    if figures.is_empty() {
        return None;
    }
    let described: Vec<String> = figures
        .iter()
        .map(|figure| format!("{}: {}", figure.contender, number(figure.median())))
        .collect();
    let rows: f64 = figures.iter().map(|_| ROW).sum();
    let mut canvas = Canvas::new(TOP + rows + 12.0, title, &described.join("; "));
    let scale = (WIDTH - LEFT - RIGHT) / most.max(f64::MIN_POSITIVE);
    canvas.line(&[(LEFT, TOP - 4.0), (LEFT, TOP + rows)], FAINT, 1.0);
    let mut y = TOP;
    for figure in figures {
        let middle = y + ROW / 2.0 - 2.0;
        let colour = if is_ours(&figure.contender) { OURS } else { OTHERS[4] };
        canvas.words((LEFT - 10.0, middle + 4.5), Anchor::End, INK, &figure.contender);
        let length = (figure.median() * scale).max(1.0);
        canvas.bar((LEFT, middle - BAR / 2.0), (length, BAR), colour);
        let (low, high) = (LEFT + figure.low() * scale, LEFT + figure.high() * scale);
        if high - low > 1.0 {
            canvas.line(&[(low, middle), (high, middle)], INK, 1.0);
            for end in [low, high] {
                canvas.line(&[(end, middle - 3.0), (end, middle + 3.0)], INK, 1.0);
            }
        }
        let after = high.max(LEFT + length) + 8.0;
        let value = format!("{} {}", number(figure.median()), short(&figure.unit));
        canvas.words((after, middle + 4.5), Anchor::Start, INK, &value);
        y += ROW;
    }
    Some(canvas.finish())
}

fn short(unit: &str) -> &str {
    if unit == "per second" { "/s" } else { unit }
}
