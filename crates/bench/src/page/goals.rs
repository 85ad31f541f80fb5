//! The goals: one contender's figure beside another's, as a ratio, and what it should be. They
//! stand in `goals.txt`.

use super::number;
use crate::measure::median;
use crate::results::Measured;
use anyhow::{Context as _, Result, bail};
use std::collections::BTreeMap;

const GOALS: &str = include_str!("../../goals.txt");
const HEADING: &str = "| | reached | wanted | |\n|---|---:|---:|---|\n";

struct Goal {
    scenario: &'static str,
    what: &'static str,
    /// A contender, and the one beside it; and of each what is measured.
    contenders: [&'static str; 2],
    measures: [&'static str; 2],
    wanted: Wanted,
}

/// What a ratio should be.
enum Wanted {
    AtLeast(f64),
    AtMost(f64),
}

fn goals() -> Vec<Goal> {
    let lines = GOALS.lines().filter(|line| !line.starts_with('#'));
    lines.map(|line| goal(line).expect("a goal")).collect()
}

fn goal(line: &'static str) -> Result<Goal> {
    let fields: Vec<&str> = line.split(" | ").collect();
    let [scenario, what, contender, beside, measure, wanted] = fields[..] else {
        bail!("{line}: six fields");
    };
    let wanted = match wanted.split_once(' ').context("a sign and a number")? {
        (">=", bound) => Wanted::AtLeast(bound.parse()?),
        ("<=", bound) => Wanted::AtMost(bound.parse()?),
        _ => bail!("{wanted}: no such sign"),
    };
    let (of, beside_of) = measure.split_once(" / ").unwrap_or((measure, measure));
    let (contenders, measures) = ([contender, beside], [of, beside_of]);
    Ok(Goal { scenario, what, contenders, measures, wanted })
}

/// The goals that one scenario measured, and how many it did not.
pub fn of(measured: &Measured) -> (String, usize) {
    let goals = goals();
    let its = goals.iter().filter(|goal| goal.scenario == measured.scenario);
    let rows: Vec<Option<String>> = its.map(|goal| row(goal, measured)).collect();
    let missing = rows.iter().filter(|row| row.is_none()).count();
    let rows: String = rows.into_iter().flatten().collect();
    (if rows.is_empty() { rows } else { HEADING.to_owned() + &rows }, missing)
}

/// The goals that were measured.
pub fn table(all: &BTreeMap<&'static str, Measured>) -> String {
    let goals = goals();
    let rows = goals.iter().filter_map(|goal| row(goal, all.get(goal.scenario)?));
    HEADING.to_owned() + &rows.collect::<String>()
}

fn row(goal: &Goal, measured: &Measured) -> Option<String> {
    let ratios = ratios(goal, measured)?;
    let middle = median(&ratios);
    let low = ratios.iter().copied().fold(f64::INFINITY, f64::min);
    let high = ratios.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let (wanted, met) = match goal.wanted {
        Wanted::AtLeast(bound) => (format!("at least {}", number(bound)), middle >= bound),
        Wanted::AtMost(bound) => (format!("at most {}", number(bound)), middle <= bound),
    };
    let range = if ratios.len() < 2 {
        String::new()
    } else {
        format!(" ({} – {})", number(low), number(high))
    };
    let met = if met { "yes" } else { "**no**" };
    Some(format!("| {} | {}{range} | {wanted} | {met} |\n", goal.what, number(middle)))
}

/// The ratio of each round where both have as many rounds, else that of the medians.
fn ratios(goal: &Goal, measured: &Measured) -> Option<Vec<f64>> {
    let of = measured.figure(goal.contenders[0], goal.measures[0])?;
    let beside = measured.figure(goal.contenders[1], goal.measures[1])?;
    if of.rounds.len() == beside.rounds.len() {
        return Some(of.rounds.iter().zip(&beside.rounds).map(|(a, b)| a / b).collect());
    }
    Some(vec![of.median() / beside.median()])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_goal_is_one_of_a_scenario() {
        for goal in goals() {
            let known = crate::scenario::ALL.iter().any(|known| known.name == goal.scenario);
            assert!(known, "{}", goal.scenario);
        }
        assert!(goal("post | a | b | c | d | about 3").is_err());
    }
}
