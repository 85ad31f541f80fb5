//! `ies chart`: an item's stock over time, in the terminal or as a picture.

mod svg;
mod terminal;

use crate::cli::api::Api;
use crate::cli::exit::{Exit, Failure};
use crate::cli::output::{Output, many};
use crate::wire;
use item_event_store::time::Day;
use std::path::PathBuf;

/// `ies chart`.
#[derive(Debug, clap::Args)]
pub struct ChartArgs {
    /// An id, or sku:…
    item: String,
    /// Draw a picture into this file instead; `-` is standard output
    #[arg(long, value_name = "FILE")]
    svg: Option<PathBuf>,
    /// The first day: 2026-11-01
    #[arg(long, value_name = "DAY")]
    from: Option<Day>,
    /// The last day
    #[arg(long, value_name = "DAY")]
    to: Option<Day>,
}

impl ChartArgs {
    /// Draws it.
    pub async fn run(self, api: &Api, output: Output) -> Result<Exit, Failure> {
        let id = api.item_id(&self.item).await?;
        let mut chart: wire::Chart = api.get(&format!("/v1/items/{id}/chart"), &[]).await?;
        // Days are written so that their order is that of their texts.
        let first = self.from.map(|day| day.to_string());
        let last = self.to.map(|day| day.to_string());
        chart.days.retain(|day| {
            first.as_ref().is_none_or(|first| *first <= day.day)
                && last.as_ref().is_none_or(|last| day.day <= *last)
        });
        match &self.svg {
            None => output.show(&chart, terminal::draw)?,
            Some(file) if file.as_os_str() == "-" => output.print(&svg::draw(&chart))?,
            Some(file) => {
                std::fs::write(file, svg::draw(&chart)).map_err(|error| {
                    Failure::new(Exit::CannotCreate, format!("{}: {error}", file.display()))
                })?;
                let days = many(chart.days.len() as u64, "day");
                output.message(&format!("{days} of {} in {}", chart.name, file.display()));
            }
        }
        Ok(Exit::Ok)
    }
}

/// What came in during a day, and what went out (negative).
fn flows(day: &wire::ChartDay) -> (i64, i64) {
    let changes = [day.initial, day.batch, day.bakeoff, day.special_order, day.adjustment];
    let sum = |keep: fn(&i64) -> bool| changes.iter().copied().filter(keep).sum();
    (sum(|change| *change > 0), sum(|change| *change < 0))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Three days of a croissant.
    pub fn three_days() -> wire::Chart {
        let day = |day: &str, opening, batch, bakeoff, closing, lowest| wire::ChartDay {
            day: day.to_owned(),
            opening,
            initial: 0,
            batch,
            bakeoff,
            special_order: 0,
            adjustment: 0,
            closing,
            lowest,
        };
        wire::Chart {
            position: 9,
            item_id: 1,
            name: "Croissant & co".to_owned(),
            unit: "piece".to_owned(),
            days: vec![
                day("2026-11-21", 0, 48, -30, 18, 0),
                day("2026-11-22", 18, 24, -42, 0, 0),
                day("2026-11-23", 0, 40, -13, 27, 0),
            ],
        }
    }

    #[test]
    fn flows_split_a_day_into_in_and_out() {
        let mut day = three_days().days.remove(0);
        day.adjustment = -3;
        assert_eq!(flows(&day), (48, -33));
    }
}
