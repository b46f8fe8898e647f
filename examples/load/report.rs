//! What came out, for people or for machines.

use std::fmt::Display;

use serde_json::{Map, Value};

use crate::start::print;

pub(crate) struct Report {
    json: bool,
    figures: Map<String, Value>,
    failure: Option<&'static str>,
}

impl Report {
    pub(crate) fn new(json: bool) -> Self {
        Self {
            json,
            figures: Map::new(),
            failure: None,
        }
    }

    /// Said at once, to people.
    pub(crate) fn line(&self, line: impl Display) {
        if !self.json {
            print(line);
        }
    }

    pub(crate) fn figure(&mut self, name: &str, value: f64) {
        self.figures.insert(name.into(), value.into());
    }

    pub(crate) fn failed(&mut self, why: &'static str) {
        self.failure = Some(why);
    }

    /// Ends it: the figures in one line for machines, and a failure where something was not as it must be.
    pub(crate) fn end(self) -> anyhow::Result<()> {
        if self.json {
            print(Value::from(self.figures));
        }
        self.failure.map_or(Ok(()), |why| Err(anyhow::anyhow!(why)))
    }
}
