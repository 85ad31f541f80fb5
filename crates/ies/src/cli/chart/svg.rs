//! The chart as a picture: what came in and went out as bars, the closing balance as an area, the
//! lowest balance of each day as a dashed line. The same chart gives the same bytes.

use super::flows;
use crate::wire;
use std::fmt::Write as _;

const WIDTH: f64 = 860.0;
const HEIGHT: f64 = 400.0;
const LEFT: f64 = 64.0;
const RIGHT: f64 = 20.0;
const TOP: f64 = 64.0;
const BOTTOM: f64 = 52.0;
/// The most labels below the days.
const DAY_LABELS: usize = 10;
/// About so many steps on the scale.
const STEPS: i64 = 6;

const INK: &str = "#37352f";
const FAINT: &str = "#dedbd3";
const STOCK: &str = "#b08d57";
const STOCK_AREA: &str = "#ead9bd";
const INTO: &str = "#8fb08c";
const OUT_OF: &str = "#c98b7b";

/// Where values and days stand in the picture.
struct Scale {
    low: i64,
    high: i64,
    step: i64,
    days: usize,
}

impl Scale {
    fn new(days: &[wire::ChartDay]) -> Self {
        let values = || {
            days.iter().flat_map(|day| {
                let (into, out) = flows(day);
                [day.closing, day.lowest, into, out]
            })
        };
        let low = values().min().unwrap_or(0).min(0);
        let high = values().max().unwrap_or(0).max(1);
        let step = nice_step(high - low);
        let round_up = |value: i64| (value + step - 1).div_euclid(step) * step;
        let low = low.div_euclid(step) * step;
        Self { low, high: round_up(high), step, days: days.len() }
    }

    fn y(&self, value: i64) -> f64 {
        let share = float(value - self.low) / float(self.high - self.low);
        HEIGHT - BOTTOM - share * (HEIGHT - BOTTOM - TOP)
    }

    fn day_width(&self) -> f64 {
        (WIDTH - LEFT - RIGHT) / float(self.days.max(1))
    }

    /// The middle of a day.
    fn x(&self, day: usize) -> f64 {
        LEFT + (float(day) + 0.5) * self.day_width()
    }
}

/// Quantities and days are far below 2^53, so both are exact as floats.
#[expect(clippy::cast_precision_loss, reason = "what is drawn is far below 2^53")]
fn float<T: TryInto<i64>>(value: T) -> f64 {
    value.try_into().map_or(0.0, |value: i64| value as f64)
}

/// 1, 2 or 5 times a power of ten, so that the scale has about [`STEPS`] steps.
fn nice_step(span: i64) -> i64 {
    let mut step = 1;
    loop {
        for factor in [1, 2, 5] {
            if step * factor * STEPS >= span {
                return step * factor;
            }
        }
        step *= 10;
    }
}

/// Draws it.
pub fn draw(chart: &wire::Chart) -> String {
    let scale = Scale::new(&chart.days);
    let mut out = String::new();
    head(&mut out, chart);
    grid(&mut out, &scale);
    flow_bars(&mut out, chart, &scale);
    lines(&mut out, chart, &scale);
    day_labels(&mut out, chart, &scale);
    out += "</svg>\n";
    out
}

fn head(out: &mut String, chart: &wire::Chart) {
    let name = escaped(&chart.name);
    let unit = escaped(&chart.unit);
    let _ = writeln!(
        out,
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {HEIGHT}\" \
         width=\"{WIDTH}\" height=\"{HEIGHT}\" role=\"img\" aria-labelledby=\"title desc\" \
         font-family=\"system-ui, sans-serif\" font-size=\"12\" fill=\"{INK}\">"
    );
    let _ = writeln!(out, "<title id=\"title\">Stock of {name} in {unit}, by day</title>");
    let _ = writeln!(out, "<desc id=\"desc\">{}</desc>", described(chart));
    let _ = writeln!(out, "<rect width=\"{WIDTH}\" height=\"{HEIGHT}\" fill=\"#ffffff\"/>");
    let _ = writeln!(
        out,
        "<text x=\"{LEFT}\" y=\"26\" font-size=\"16\" font-weight=\"600\">{name}</text>"
    );
    let keys = [(STOCK, "stock at the end of the day"), (INTO, "in"), (OUT_OF, "out")];
    let mut x = LEFT;
    for (colour, words) in keys {
        let _ = writeln!(
            out,
            "<rect x=\"{x}\" y=\"38\" width=\"10\" height=\"10\" fill=\"{colour}\"/>"
        );
        let _ = writeln!(out, "<text x=\"{}\" y=\"47\">{words}</text>", x + 15.0);
        x += 40.0 + 6.5 * float(words.len());
    }
    let _ = writeln!(
        out,
        "<path d=\"M{x} 43h14\" stroke=\"{INK}\" stroke-dasharray=\"3 3\"/>\n\
         <text x=\"{}\" y=\"47\">lowest of the day</text>\n\
         <text x=\"{}\" y=\"47\" text-anchor=\"end\">{unit}</text>",
        x + 19.0,
        WIDTH - RIGHT
    );
}

fn described(chart: &wire::Chart) -> String {
    let (Some(first), Some(last)) = (chart.days.first(), chart.days.last()) else {
        return "No events in this time.".to_owned();
    };
    let highest = chart.days.iter().map(|day| day.closing).max().unwrap_or_default();
    let lowest = chart.days.iter().map(|day| day.lowest).min().unwrap_or_default();
    format!(
        "{} days from {} to {}: from {} to {}, at most {highest} at the end of a day, never below \
         {lowest}.",
        chart.days.len(),
        first.day,
        last.day,
        first.opening,
        last.closing
    )
}

fn grid(out: &mut String, scale: &Scale) {
    let mut value = scale.low;
    while value <= scale.high {
        let y = scale.y(value);
        let colour = if value == 0 { INK } else { FAINT };
        let _ = writeln!(out, "<path d=\"M{LEFT} {y:.1}H{}\" stroke=\"{colour}\"/>", WIDTH - RIGHT);
        let _ = writeln!(
            out,
            "<text x=\"{}\" y=\"{:.1}\" text-anchor=\"end\">{value}</text>",
            LEFT - 8.0,
            y + 4.0
        );
        value += scale.step;
    }
}

fn flow_bars(out: &mut String, chart: &wire::Chart, scale: &Scale) {
    let width = scale.day_width() * 0.5;
    for (place, day) in chart.days.iter().enumerate() {
        let (into, out_of) = flows(day);
        for (flow, colour) in [(into, INTO), (out_of, OUT_OF)] {
            if flow != 0 {
                let (top, foot) = (scale.y(flow.max(0)), scale.y(flow.min(0)));
                let _ = writeln!(
                    out,
                    "<rect x=\"{:.1}\" y=\"{top:.1}\" width=\"{width:.1}\" height=\"{:.1}\" \
                     fill=\"{colour}\"/>",
                    scale.x(place) - width / 2.0,
                    foot - top
                );
            }
        }
    }
}

fn lines(out: &mut String, chart: &wire::Chart, scale: &Scale) {
    if chart.days.is_empty() {
        return;
    }
    let points = |value: fn(&wire::ChartDay) -> i64| {
        let point = |(place, day): (usize, &wire::ChartDay)| {
            format!("{:.1} {:.1}", scale.x(place), scale.y(value(day)))
        };
        chart.days.iter().enumerate().map(point).collect::<Vec<_>>().join("L")
    };
    let closing = points(|day| day.closing);
    let lowest = points(|day| day.lowest);
    let zero = scale.y(0);
    let (first, last) = (scale.x(0), scale.x(chart.days.len() - 1));
    let _ = writeln!(
        out,
        "<path d=\"M{first:.1} {zero:.1}L{closing}L{last:.1} {zero:.1}Z\" fill=\"{STOCK_AREA}\" \
         fill-opacity=\"0.55\"/>\n\
         <path d=\"M{closing}\" fill=\"none\" stroke=\"{STOCK}\" stroke-width=\"2\"/>\n\
         <path d=\"M{lowest}\" fill=\"none\" stroke=\"{INK}\" stroke-dasharray=\"3 3\"/>"
    );
    for (place, day) in chart.days.iter().enumerate() {
        let _ = writeln!(
            out,
            "<circle cx=\"{:.1}\" cy=\"{:.1}\" r=\"2.5\" fill=\"{STOCK}\"><title>{}: {}</title>\
             </circle>",
            scale.x(place),
            scale.y(day.closing),
            day.day,
            day.closing
        );
    }
}

fn day_labels(out: &mut String, chart: &wire::Chart, scale: &Scale) {
    let every = chart.days.len().div_ceil(DAY_LABELS).max(1);
    for (place, day) in chart.days.iter().enumerate().step_by(every) {
        let _ = writeln!(
            out,
            "<text x=\"{:.1}\" y=\"{}\" text-anchor=\"middle\">{}</text>",
            scale.x(place),
            HEIGHT - BOTTOM + 22.0,
            day.day
        );
    }
}

/// Text of a caller inside the picture.
fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

#[cfg(test)]
mod tests {
    use super::super::tests::three_days;
    use super::*;

    #[test]
    fn the_scale_has_round_steps() {
        for (span, step) in
            [(1, 1), (7, 2), (30, 5), (48, 10), (90, 20), (4_000_000_000, 1_000_000_000)]
        {
            assert_eq!(nice_step(span), step, "{span}");
        }
    }

    #[test]
    fn a_picture_is_deterministic_and_names_what_it_shows() {
        let picture = draw(&three_days());
        assert_eq!(picture, draw(&three_days()));
        assert!(
            picture.contains("<title id=\"title\">Stock of Croissant &amp; co in piece, by day")
        );
        assert!(picture.contains(
            "3 days from 2026-11-21 to 2026-11-23: from 0 to 27, at most 27 at the end of a day, \
             never below 0."
        ));
        assert_eq!(picture.matches("<circle").count(), 3);
        assert!(!picture.contains("NaN") && !picture.contains("inf"));
    }

    #[test]
    fn no_days_and_large_counts_are_drawn_too() {
        let empty = wire::Chart { days: Vec::new(), ..three_days() };
        assert!(draw(&empty).contains("No events in this time."));
        let mut large = three_days();
        large.days[0].closing = 2_000_000_000;
        large.days[1].lowest = -2_000_000_000;
        let picture = draw(&large);
        assert!(!picture.contains("NaN") && !picture.contains("-inf"));
    }
}
