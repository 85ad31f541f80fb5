//! A picture of lines: a curve a contender, named at its end.

use super::svg::{Anchor, Canvas, FAINT, INK, OTHERS, OURS, WIDTH};
use super::{Axis, is_ours, number};
use crate::results::{Curve, Measured};

const HEIGHT: f64 = 450.0;
const TOP: f64 = 66.0;
const BOTTOM: f64 = 52.0;
const LEFT: f64 = 84.0;
/// For the names.
const RIGHT: f64 = 330.0;
const LABEL_HEIGHT: f64 = 16.0;

/// Draws the curves of a measure. `only`: what a contender's name has in it.
pub fn draw(
    measured: &Measured,
    title: &str,
    (measure, only): (&str, &str),
    x_axis: Axis,
    y_axis: Axis,
) -> Option<String> {
    let mut curves = measured.curves(measure);
    curves.retain(|curve| curve.contender.contains(only));
    let all = || curves.iter().flat_map(|curve| curve.points.iter());
    let across = Range::of(x_axis, all().map(|point| point.0), (LEFT, WIDTH - RIGHT))?;
    let up = Range::of(y_axis, all().map(|point| point.1), (HEIGHT - BOTTOM, TOP))?;
    let described: Vec<String> = curves.iter().filter_map(|curve| describe(curve)).collect();
    let mut canvas = Canvas::new(HEIGHT, title, &described.join("; "));
    grid(&mut canvas, &across, &up);
    let mut others = OTHERS.iter().cycle();
    let mut labels: Vec<(f64, &str, &str)> = Vec::new();
    for curve in curves {
        let ours = is_ours(&curve.contender) && !labels.iter().any(|(_, c, _)| *c == OURS);
        let colour = if ours { OURS } else { others.next().copied().unwrap_or(INK) };
        let place = |point: &(f64, f64)| (across.place(point.0), up.place(point.1));
        let points: Vec<(f64, f64)> = curve.points.iter().map(place).collect();
        canvas.line(&points, colour, if ours { 2.5 } else { 1.8 });
        if points.len() <= 24 {
            for point in &points {
                canvas.dot(*point, colour);
            }
        }
        labels.extend(points.last().map(|point| (point.1, colour, curve.contender.as_str())));
    }
    name_ends(&mut canvas, labels);
    Some(canvas.finish())
}

fn describe(curve: &Curve) -> Option<String> {
    let (first, last) = (curve.points.first()?, curve.points.last()?);
    let from = format!("{} at {}", number(first.1), number(first.0));
    Some(format!("{}: {from}, {} at {}", curve.contender, number(last.1), number(last.0)))
}

/// The names at the ends of the lines, moved apart where they would cover each other.
fn name_ends(canvas: &mut Canvas, mut labels: Vec<(f64, &str, &str)>) {
    labels.sort_by(|a, b| a.0.total_cmp(&b.0));
    let mut free = TOP - LABEL_HEIGHT;
    let mut below = labels.len() as f64;
    for (y, colour, name) in labels {
        // Those below need their room too.
        let lowest = HEIGHT - BOTTOM + LABEL_HEIGHT - below * LABEL_HEIGHT;
        let at = y.min(lowest).max(free);
        canvas.words((WIDTH - RIGHT + 10.0, at + 4.5), Anchor::Start, colour, name);
        free = at + LABEL_HEIGHT;
        below -= 1.0;
    }
}

fn grid(canvas: &mut Canvas, across: &Range, up: &Range) {
    for (value, words) in up.ticks() {
        let y = up.place(value);
        canvas.line(&[(LEFT, y), (WIDTH - RIGHT, y)], FAINT, 1.0);
        canvas.words((LEFT - 8.0, y + 4.5), Anchor::End, INK, &words);
    }
    for (value, words) in across.ticks() {
        let x = across.place(value);
        canvas.line(&[(x, HEIGHT - BOTTOM), (x, HEIGHT - BOTTOM + 5.0)], INK, 1.0);
        canvas.words((x, HEIGHT - BOTTOM + 20.0), Anchor::Middle, INK, &words);
    }
    canvas.line(&[(LEFT, HEIGHT - BOTTOM), (WIDTH - RIGHT, HEIGHT - BOTTOM)], INK, 1.0);
    let middle = f64::midpoint(LEFT, WIDTH - RIGHT);
    canvas.words((middle, HEIGHT - 10.0), Anchor::Middle, INK, across.axis.unit());
    canvas.words((20.0, TOP - 12.0), Anchor::Start, INK, up.axis.unit());
}

/// An axis with the values that it has to show, and where it lies in the picture.
struct Range {
    axis: Axis,
    low: f64,
    high: f64,
    place: (f64, f64),
}

impl Range {
    fn of(
        axis: Axis,
        values: impl Iterator<Item = f64> + Clone,
        place: (f64, f64),
    ) -> Option<Self> {
        let moved = values.map(|value| axis.moved(value)).filter(|value| value.is_finite());
        let low = moved.clone().fold(f64::INFINITY, f64::min);
        let high = moved.fold(f64::NEG_INFINITY, f64::max);
        if low > high {
            return None;
        }
        let (low, high) = match axis {
            Axis::Linear(_) => {
                let step = step(high - low.min(0.0));
                ((low.min(0.0) / step).floor() * step, (high / step).ceil().max(1.0) * step)
            }
            Axis::Log(_) => (low.floor(), high.ceil().max(low.floor() + 1.0)),
            Axis::Share => (low, high.max(low + 1.0)),
        };
        Some(Self { axis, low, high, place })
    }

    fn place(&self, value: f64) -> f64 {
        let share = (self.axis.moved(value) - self.low) / (self.high - self.low);
        self.place.0 + share.clamp(0.0, 1.0) * (self.place.1 - self.place.0)
    }

    /// The values that are named, with their names.
    fn ticks(&self) -> Vec<(f64, String)> {
        let mut ticks = Vec::new();
        match self.axis {
            Axis::Linear(_) => {
                let step = step(self.high - self.low);
                let mut value = self.low;
                while value <= self.high + step / 2.0 {
                    ticks.push((value, number(value)));
                    value += step;
                }
            }
            Axis::Log(_) => {
                let mut power = self.low;
                while power <= self.high {
                    ticks.push((10_f64.powf(power), number(10_f64.powf(power))));
                    power += 1.0;
                }
            }
            Axis::Share => {
                for share in [10.0, 50.0, 75.0, 90.0, 99.0, 99.9, 99.99] {
                    let within = (self.low..=self.high).contains(&self.axis.moved(share));
                    ticks.extend(within.then(|| (share, format!("{share} %"))));
                }
            }
        }
        ticks
    }
}

/// 1, 2 or 5 times a power of ten, so that a span has about six steps.
fn step(span: f64) -> f64 {
    let rough = (span / 6.0).max(f64::MIN_POSITIVE);
    let power = 10_f64.powf(rough.log10().floor());
    let factors = [1.0, 2.0, 5.0, 10.0];
    power * factors.into_iter().find(|factor| power * factor >= rough * 0.999).unwrap_or(10.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn steps_are_round() {
        for (span, expected) in [(6.0, 1.0), (7.0, 2.0), (30.0, 5.0), (550.0, 100.0)] {
            assert!((step(span) - expected).abs() < 1e-9, "{span}: {}", step(span));
        }
    }

    #[test]
    fn values_fall_into_the_picture() {
        let log = Range::of(Axis::log("ms"), [0.2, 30.0].into_iter(), (400.0, 50.0)).expect("one");
        assert!((log.place(0.1) - 400.0).abs() < 1e-9, "a whole power of ten below");
        assert!((log.place(100.0) - 50.0).abs() < 1e-9, "a whole power of ten above");
        assert_eq!(log.ticks().len(), 4);
        let share = Range::of(Axis::Share, [50.0, 99.9].into_iter(), (0.0, 100.0)).expect("one");
        assert!((share.place(99.9) - 100.0).abs() < 1e-6);
        assert!(Range::of(Axis::Share, std::iter::empty(), (0.0, 1.0)).is_none());
    }
}
