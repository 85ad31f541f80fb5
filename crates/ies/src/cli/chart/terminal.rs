//! A chart of bars for the terminal: one row a day, scaled to the highest closing balance.

use super::flows;
use crate::cli::output::{numbers, signed, table, words};
use crate::wire;

/// The length of the longest bar, in characters.
const WIDTH: i64 = 30;
/// A character is cut into eight.
const EIGHTHS: [&str; 8] = ["", "▏", "▎", "▍", "▌", "▋", "▊", "▉"];

/// Draws it.
pub fn draw(chart: &wire::Chart) -> String {
    let title = format!("{}, {} at the end of each day\n", chart.name, chart.unit);
    if chart.days.is_empty() {
        return format!("{title}no events in this time\n");
    }
    let most = chart.days.iter().map(|day| day.closing.abs()).max().unwrap_or(0).max(1);
    let columns = [
        words("DAY"),
        numbers("OPENING"),
        numbers("IN"),
        numbers("OUT"),
        numbers("CLOSING"),
        words(""),
    ];
    let row = |day: &wire::ChartDay| {
        let (into, out) = flows(day);
        let or_blank = |flow| if flow == 0 { String::new() } else { signed(flow) };
        vec![
            day.day.clone(),
            day.opening.to_string(),
            or_blank(into),
            or_blank(out),
            day.closing.to_string(),
            bar(day.closing, most),
        ]
    };
    title + &table(&columns, &chart.days.iter().map(row).collect::<Vec<_>>())
}

/// A bar; below zero it is drawn light, so that nobody takes it for stock.
fn bar(value: i64, most: i64) -> String {
    let eighths = value.abs() * WIDTH * 8 / most;
    let whole = usize::try_from(eighths / 8).unwrap_or_default();
    if value < 0 {
        return "░".repeat(whole.max(1));
    }
    let rest = usize::try_from(eighths % 8).unwrap_or_default();
    "█".repeat(whole) + EIGHTHS[rest]
}

#[cfg(test)]
mod tests {
    use super::super::tests::three_days;
    use super::*;

    #[test]
    fn bars_are_cut_to_the_eighth() {
        assert_eq!(bar(30, 30), "█".repeat(30));
        assert_eq!(bar(0, 30), "");
        assert_eq!(bar(1, 240), "▏");
        assert_eq!(bar(12, 240), "█▌");
        assert_eq!(bar(-1, 30), "░");
    }

    #[test]
    fn a_chart_has_a_row_a_day() {
        let expected = "\
Croissant & co, piece at the end of each day
DAY         OPENING   IN  OUT  CLOSING
2026-11-21        0  +48  -30       18  ████████████████████
2026-11-22       18  +24  -42        0
2026-11-23        0  +40  -13       27  ██████████████████████████████
";
        assert_eq!(draw(&three_days()), expected);
        let empty = wire::Chart { days: Vec::new(), ..three_days() };
        assert!(draw(&empty).ends_with("no events in this time\n"));
    }
}
