//! What was measured: a figure for each server, load and round.

use std::collections::BTreeMap;

use anyhow::{Context, ensure};
use serde_json::Value;

/// Servers are compared with this one.
pub(crate) const BASE: &str = "lean_smol";

pub(crate) struct Measured {
    /// In the order in which they were measured.
    pub(crate) servers: Vec<String>,
    pub(crate) rounds: u64,
    /// By server, load and name of the figure: a value for each round.
    figures: BTreeMap<[String; 3], BTreeMap<u64, f64>>,
}

impl Measured {
    /// Lines of JSON: `{"server": .., "load": .., "round": .., "figures": {..}}`.
    pub(crate) fn read(text: &str) -> anyhow::Result<Self> {
        let mut measured = Self {
            servers: Vec::new(),
            rounds: 0,
            figures: BTreeMap::new(),
        };
        for (number, line) in text.lines().enumerate() {
            measured
                .take(line)
                .with_context(|| format!("line {}: {line}", number + 1))?;
        }
        ensure!(measured.rounds > 0, "nothing was measured");
        Ok(measured)
    }

    fn take(&mut self, line: &str) -> anyhow::Result<()> {
        let line: Value = serde_json::from_str(line)?;
        let word = |name| line[name].as_str().map(str::to_owned);
        let server = word("server").context("no server")?;
        let load = word("load").context("no load")?;
        let round = line["round"].as_u64().context("no round")?;
        self.rounds = self.rounds.max(round);
        if !self.servers.contains(&server) {
            self.servers.push(server.clone());
        }
        for (name, value) in line["figures"].as_object().context("no figures")? {
            let value = value
                .as_f64()
                .with_context(|| format!("{name} is no number"))?;
            let key = [server.clone(), load.clone(), name.clone()];
            let twice = self.figures.entry(key).or_default().insert(round, value);
            ensure!(twice.is_none(), "a load that was put on twice in one round");
        }
        Ok(())
    }

    pub(crate) fn median(&self, server: &str, load: &str, figure: &str) -> Option<f64> {
        median(self.rounds_of(server, load, figure)?.values().copied())
    }

    /// Of the ratios to the base in each round: what slows one round down slows both.
    pub(crate) fn ratio(&self, server: &str, load: &str, figure: &str) -> Option<f64> {
        let base = self.rounds_of(BASE, load, figure)?;
        let rounds = self.rounds_of(server, load, figure)?.iter();
        median(rounds.filter_map(|(round, value)| Some(value / base.get(round)?)))
    }

    /// How far apart the rounds are, as a share of their median.
    pub(crate) fn spread(&self, server: &str, load: &str, figure: &str) -> Option<f64> {
        let values = self.rounds_of(server, load, figure)?.values().copied();
        let (least, most) = (
            values.clone().fold(f64::MAX, f64::min),
            values.fold(f64::MIN, f64::max),
        );
        Some((most - least) / self.median(server, load, figure)?)
    }

    /// Of all servers, loads and rounds.
    pub(crate) fn total(&self, figure: &str) -> f64 {
        let of_all = self
            .figures
            .iter()
            .filter(|([_, _, name], _)| name == figure);
        of_all.flat_map(|(_, rounds)| rounds.values()).sum()
    }

    fn rounds_of(&self, server: &str, load: &str, figure: &str) -> Option<&BTreeMap<u64, f64>> {
        self.figures
            .get(&[server.into(), load.into(), figure.into()])
    }
}

fn median(values: impl Iterator<Item = f64>) -> Option<f64> {
    let mut values: Vec<f64> = values.filter(|value| value.is_finite()).collect();
    values.sort_by(f64::total_cmp);
    let upper = *values.get(values.len() / 2)?;
    let lower = values[(values.len() - 1) / 2];
    Some(f64::midpoint(lower, upper))
}

#[cfg(test)]
mod tests {
    use super::{Measured, median};

    const LINES: &str = r#"{"server":"lean_smol","load":"echo","round":1,"figures":{"us":2.0}}
{"server":"other","load":"echo","round":1,"figures":{"us":3.0}}
{"server":"lean_smol","load":"echo","round":2,"figures":{"us":4.0}}
{"server":"other","load":"echo","round":2,"figures":{"us":8.0}}
{"server":"lean_smol","load":"echo","round":3,"figures":{"us":3.0}}
{"server":"other","load":"echo","round":3,"figures":{"us":6.0}}"#;

    #[test]
    fn medians_are_of_all_rounds_and_ratios_of_each() {
        let measured = Measured::read(LINES).unwrap();
        assert_eq!(measured.median("other", "echo", "us"), Some(6.0));
        assert_eq!(measured.ratio("other", "echo", "us"), Some(2.0));
        assert_eq!(measured.ratio("lean_smol", "echo", "us"), Some(1.0));
        assert_eq!(measured.spread("lean_smol", "echo", "us"), Some(2.0 / 3.0));
        assert_eq!(measured.median("other", "idle", "us"), None);
        assert_eq!(measured.total("us"), 26.0);
        assert_eq!(measured.rounds, 3);
    }

    #[test]
    fn a_median_of_an_even_number_is_between_the_two_in_the_middle() {
        assert_eq!(median([4.0, 1.0, 3.0, 2.0].into_iter()), Some(2.5));
        assert_eq!(median([].into_iter()), None);
    }

    #[test]
    fn a_round_that_was_measured_twice_is_an_error() {
        let line = LINES.lines().next().unwrap();
        assert!(Measured::read(&format!("{line}\n{line}")).is_err());
    }
}
