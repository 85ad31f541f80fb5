//! What the results look like: pictures, tables, sentences. Everything here is made of the files of
//! [`crate::results`], so that it can be made again without measuring.

mod bars;
mod goals;
mod lines;
mod report;
mod svg;

pub use goals::of as goals;
pub use report::render;

use crate::results::Measured;

/// A picture of a scenario.
#[derive(Clone, Copy)]
pub enum Picture {
    /// A row for each contender that has `only` in its name.
    Bars { file: &'static str, title: &'static str, measure: &'static str, only: &'static str },
    /// A line for each of them.
    Lines {
        file: &'static str,
        title: &'static str,
        measure: &'static str,
        only: &'static str,
        x: Axis,
        y: Axis,
    },
}

/// How an axis runs, and its unit.
#[derive(Clone, Copy)]
pub enum Axis {
    Linear(&'static str),
    Log(&'static str),
    /// Shares of answers in percent: each step leaves a tenth of what the one before left.
    Share,
}

impl Axis {
    pub const fn linear(unit: &'static str) -> Self {
        Self::Linear(unit)
    }

    pub const fn log(unit: &'static str) -> Self {
        Self::Log(unit)
    }

    fn unit(self) -> &'static str {
        match self {
            Self::Linear(unit) | Self::Log(unit) => unit,
            Self::Share => "share of the answers that took no longer",
        }
    }

    fn moved(self, value: f64) -> f64 {
        match self {
            Self::Linear(_) => value,
            Self::Log(_) => value.log10(),
            Self::Share => -(1.0 - value / 100.0).log10(),
        }
    }
}

impl Picture {
    pub fn file(&self) -> &'static str {
        match self {
            Self::Bars { file, .. } | Self::Lines { file, .. } => file,
        }
    }

    pub fn title(&self) -> &'static str {
        match self {
            Self::Bars { title, .. } | Self::Lines { title, .. } => title,
        }
    }

    /// Draws it; `None` when nothing of it was measured.
    pub fn draw(&self, measured: &Measured) -> Option<String> {
        match self {
            Self::Bars { title, measure, only, .. } => bars::draw(measured, title, measure, only),
            Self::Lines { title, measure, only, x, y, .. } => {
                lines::draw(measured, title, (measure, only), *x, *y)
            }
        }
    }
}

fn is_ours(contender: &str) -> bool {
    contender.starts_with("ItemEventStore")
}

/// A number with three significant digits or all before the point, thousands apart.
pub fn number(value: f64) -> String {
    let digits = match value.abs() {
        0.0 => 0,
        large if large >= 100.0 => 0,
        middle if middle >= 10.0 => 1,
        small if small >= 1.0 => 2,
        _ => 3,
    };
    let text = format!("{value:.digits$}");
    let (whole, fraction) = text.split_once('.').unwrap_or((&text, ""));
    let fraction = fraction.trim_end_matches('0');
    let (sign, whole) = whole.strip_prefix('-').map_or(("", whole), |rest| ("-", rest));
    let mut grouped = String::from(sign);
    for (at, digit) in whole.chars().enumerate() {
        if at > 0 && (whole.len() - at) % 3 == 0 {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    if fraction.is_empty() { grouped } else { format!("{grouped}.{fraction}") }
}

/// A whole number, thousands apart.
pub fn count(value: impl TryInto<u32>) -> String {
    number(value.try_into().map_or(f64::NAN, f64::from))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_short_and_readable() {
        for (value, text) in [
            (0.0, "0"),
            (0.0123, "0.012"),
            (1.5, "1.5"),
            (12.345, "12.3"),
            (999.9, "1,000"),
            (1_234_567.8, "1,234,568"),
            (-4_321.0, "-4,321"),
        ] {
            assert_eq!(number(value), text);
        }
    }
}
