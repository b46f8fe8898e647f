use std::{
    collections::BTreeMap,
    fmt,
    hash::{DefaultHasher, Hash, Hasher},
    sync::Arc,
    time::Duration,
};

use crate::Event;

/// Everything that happened in a world, for people, and its hash, for machines: the same seed gives the same.
#[derive(Debug, Default)]
pub(super) struct Trace {
    lines: Vec<Line>,
    hash: DefaultHasher,
    /// How often each mark was passed: faults, phases, reasons.
    marks: BTreeMap<String, u64>,
}

/// One thing that happened.
#[derive(Clone, Debug)]
pub(super) struct Line {
    at: Duration,
    /// A process, or nobody: the world.
    who: Option<Arc<str>>,
    what: What,
}

#[derive(Clone, Debug)]
enum What {
    Event(Event),
    Text(String),
}

impl Trace {
    pub(super) fn event(&mut self, at: Duration, who: &Arc<str>, event: Event) {
        (at, who, event.session(), event.epoch()).hash(&mut self.hash);
        event.kind().name().hash(&mut self.hash);
        self.push(at, Some(who), What::Event(event));
    }

    pub(super) fn text(&mut self, at: Duration, who: Option<&Arc<str>>, text: String) {
        (at, who, &text).hash(&mut self.hash);
        self.push(at, who, What::Text(text));
    }

    /// A task ran. Of no interest to people.
    pub(super) fn ran(&mut self, at: Duration, node: usize, task: u64) {
        (at, node, task).hash(&mut self.hash);
    }

    pub(super) fn mark(&mut self, mark: &str) {
        match self.marks.get_mut(mark) {
            Some(count) => *count += 1,
            None => drop(self.marks.insert(mark.to_owned(), 1)),
        }
    }

    pub(super) fn hash(&self) -> u64 {
        self.hash.finish()
    }

    pub(super) const fn marks(&self) -> &BTreeMap<String, u64> {
        &self.marks
    }

    /// What happened to the session of this identity, and what happened to everybody; or all of it. The last lines.
    pub(super) fn timeline(&self, identity: Option<&str>, most: usize) -> String {
        let concerns = |line: &&Line| match (&line.what, identity) {
            (What::Event(event), Some(identity)) => event
                .identity()
                .is_none_or(|one| one.to_string() == identity),
            _ => true,
        };
        let lines: Vec<&Line> = self.lines.iter().filter(concerns).collect();
        let from = lines.len().saturating_sub(most);
        let mut text = String::new();
        if from > 0 {
            text.push_str(&format!("  ({from} lines before)\n"));
        }
        for line in &lines[from..] {
            text.push_str(&format!("{line}\n"));
        }
        text
    }

    fn push(&mut self, at: Duration, who: Option<&Arc<str>>, what: What) {
        self.lines.push(Line {
            at,
            who: who.map(Arc::clone),
            what,
        });
    }
}

impl fmt::Display for Line {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let who = self.who.as_deref().unwrap_or("*");
        write!(f, "{:>10.3}s  {who:<10} ", self.at.as_secs_f64())?;
        match &self.what {
            What::Text(text) => f.write_str(text),
            What::Event(event) => {
                if let Some(identity) = event.identity().filter(|one| one.to_string() != who) {
                    write!(f, "{identity} ")?;
                }
                write!(f, "[{}] {}", event.epoch(), event.kind())
            }
        }
    }
}
