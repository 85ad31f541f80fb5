//! What was measured, as it is kept: one file a scenario, from which every picture, table and
//! sentence is made.

use crate::machine::Machine;
use crate::measure::{Latency, median};
use anyhow::{Context as _, Result};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// Where the results and what is made of them are kept.
pub const FOLDER: &str = "docs/performance";

/// Everything that one run of a scenario measured.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Measured {
    pub scenario: String,
    /// How it is measured again.
    pub command: String,
    /// When it began.
    pub at: String,
    pub commit: String,
    /// The load average when it began; anything far above 0 was not ours.
    pub load_average: f64,
    /// How long it took, in seconds.
    pub seconds: u64,
    pub machine: Machine,
    /// Of the others that were measured beside us.
    pub versions: BTreeMap<String, String>,
    pub figures: Vec<Figure>,
    pub curves: Vec<Curve>,
}

/// One number of one contender: a value a round.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Figure {
    pub contender: String,
    pub measure: String,
    pub unit: String,
    pub rounds: Vec<f64>,
}

/// Points of one contender.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Curve {
    pub contender: String,
    pub measure: String,
    pub points: Vec<(f64, f64)>,
}

impl Figure {
    pub fn median(&self) -> f64 {
        median(&self.rounds)
    }

    pub fn low(&self) -> f64 {
        self.rounds.iter().copied().fold(f64::INFINITY, f64::min)
    }

    pub fn high(&self) -> f64 {
        self.rounds.iter().copied().fold(f64::NEG_INFINITY, f64::max)
    }
}

impl Measured {
    pub fn figure(&self, contender: &str, measure: &str) -> Option<&Figure> {
        self.figures
            .iter()
            .find(|figure| figure.contender == contender && figure.measure == measure)
    }

    /// The curves of a measure, in the order in which their contenders ran.
    pub fn curves(&self, measure: &str) -> Vec<&Curve> {
        self.curves.iter().filter(|curve| curve.measure == measure).collect()
    }

    fn file(folder: &Path, scenario: &str) -> PathBuf {
        folder.join("results").join(format!("{scenario}.json"))
    }

    pub fn read(folder: &Path, scenario: &str) -> Result<Option<Self>> {
        let file = Self::file(folder, scenario);
        if !file.exists() {
            return Ok(None);
        }
        let text = std::fs::read_to_string(&file)?;
        serde_json::from_str(&text).map(Some).with_context(|| file.display().to_string())
    }

    pub fn write(&self, folder: &Path) -> Result<()> {
        let file = Self::file(folder, &self.scenario);
        std::fs::create_dir_all(folder.join("results"))?;
        std::fs::write(&file, serde_json::to_string_pretty(self)? + "\n")?;
        Ok(())
    }
}

/// Takes down what the rounds of a scenario measure.
#[derive(Default)]
pub struct Record {
    pub figures: Vec<Figure>,
    pub curves: Vec<Curve>,
    pub versions: BTreeMap<String, String>,
    latencies: Vec<(String, String, Latency)>,
}

impl Record {
    /// A number, in the unit that stands in the table.
    pub fn figure(&mut self, contender: &str, measure: &str, unit: &str, value: f64) {
        eprintln!("  {contender:44} {measure:32} {:>14} {unit}", crate::page::number(value));
        let known = self
            .figures
            .iter_mut()
            .find(|figure| figure.contender == contender && figure.measure == measure);
        if let Some(figure) = known {
            figure.rounds.push(value);
        } else {
            let (contender, measure, unit) = (contender.into(), measure.into(), unit.into());
            self.figures.push(Figure { contender, measure, unit, rounds: vec![value] });
        }
    }

    /// Latencies: the usual shares as figures, and in the end all rounds' as one curve.
    pub fn latency(&mut self, contender: &str, measure: &str, latency: &Latency) {
        for share in [50.0, 99.0, 99.9] {
            let name = format!("{measure} p{share}");
            self.figure(contender, &name, "ms", latency.millis(share));
        }
        let known = self.latencies.iter_mut().find(|(c, m, _)| c == contender && m == measure);
        if let Some((_, _, all)) = known {
            all.add(latency);
        } else {
            let mut all = Latency::default();
            all.add(latency);
            self.latencies.push((contender.into(), measure.into(), all));
        }
    }

    pub fn curve(&mut self, contender: &str, measure: &str, points: Vec<(f64, f64)>) {
        let (contender, measure) = (contender.into(), measure.into());
        self.curves.push(Curve { contender, measure, points });
    }

    pub fn version(&mut self, who: &str, version: &str) {
        self.versions.insert(who.to_owned(), version.to_owned());
    }

    /// Nothing more comes.
    pub fn finish(&mut self) {
        for (contender, measure, latency) in std::mem::take(&mut self.latencies) {
            self.curve(&contender, &measure, latency.curve());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rounds_come_together_in_one_figure() {
        let mut record = Record::default();
        for value in [3.0, 1.0, 2.0] {
            record.figure("a", "rate", "per second", value);
            record.figure("b", "rate", "per second", value * 10.0);
        }
        let [a, b] = record.figures.as_slice() else { panic!("two figures") };
        assert_eq!((a.median(), a.low(), a.high()), (2.0, 1.0, 3.0));
        assert_eq!(b.rounds, [30.0, 10.0, 20.0]);
    }
}
