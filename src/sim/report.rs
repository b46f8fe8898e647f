use std::{collections::BTreeMap, fmt, time::Duration};

/// What came of a simulated life in which nothing was wrong.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Report {
    /// The seed that made it.
    pub seed: u64,
    /// How many steps it took: tasks that ran, and moves of the clock.
    pub steps: u64,
    /// How much time passed in it.
    pub time: Duration,
    /// How long clients took to come to their ends once the world was healed.
    pub recovery: Duration,
    /// A hash of everything that happened: the same seed gives the same, in every build.
    pub trace_hash: u64,
    /// How often each thing happened: `fault:cut`, `dialer:resumed`, `ended:expired`, and what programs marked themselves.
    pub marks: BTreeMap<String, u64>,
}

/// What is wrong in a simulated life: its seed repeats it.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Failure {
    /// The seed that made it.
    pub seed: u64,
    /// What is wrong, in a sentence.
    pub what: String,
    /// What happened before, to the session concerned, for people.
    pub timeline: String,
}

/// What came of many lives.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct Summary {
    /// How many lives.
    pub lives: u64,
    /// Their steps.
    pub steps: u64,
    /// The time that passed in them.
    pub time: Duration,
    /// The longest time that clients took to come to their ends once their world was healed, and its seed.
    pub longest_recovery: (Duration, u64),
    /// One hash of them all, in order.
    pub trace_hash: u64,
    /// How often each thing happened in all of them.
    pub marks: BTreeMap<String, u64>,
    /// In how many lives each thing happened.
    pub lives_with: BTreeMap<String, u64>,
}

impl Summary {
    /// Adds a life.
    pub fn add(&mut self, report: &Report) {
        self.lives += 1;
        self.steps += report.steps;
        self.time += report.time;
        self.longest_recovery = self.longest_recovery.max((report.recovery, report.seed));
        self.trace_hash = self.trace_hash.rotate_left(5) ^ report.trace_hash;
        for (mark, count) in &report.marks {
            *self.marks.entry(mark.clone()).or_default() += count;
            *self.lives_with.entry(mark.clone()).or_default() += 1;
        }
    }

    /// Of these marks, those that no life passed: what never happened was not tested.
    ///
    /// ```
    /// use sessile::sim::Summary;
    ///
    /// assert_eq!(Summary::default().missing(["fault:cut"]), ["fault:cut"]);
    /// ```
    pub fn missing<'a>(&self, marks: impl IntoIterator<Item = &'a str>) -> Vec<&'a str> {
        let never = |mark: &&str| !self.marks.contains_key(*mark);
        marks.into_iter().filter(never).collect()
    }
}

impl fmt::Display for Summary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(
            f,
            "{} lives, {} steps, {:.1} hours of their time, trace {:016x}",
            self.lives,
            self.steps,
            self.time.as_secs_f64() / 3_600.0,
            self.trace_hash
        )?;
        let (longest, seed) = self.longest_recovery;
        writeln!(
            f,
            "longest way back in a world that is well: {:.1} s, seed {seed}",
            longest.as_secs_f64()
        )?;
        writeln!(f, "{:<40} {:>12} {:>8}", "what happened", "times", "lives")?;
        for (mark, count) in &self.marks {
            let lives = self.lives_with.get(mark).copied().unwrap_or_default();
            writeln!(f, "{mark:<40} {count:>12} {lives:>8}")?;
        }
        Ok(())
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            seed,
            what,
            timeline,
        } = self;
        write!(f, "seed {seed}: {what}\n\n{timeline}")
    }
}

impl std::error::Error for Failure {}
