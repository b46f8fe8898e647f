//! What a run was like, for people.

use std::{collections::BTreeMap, fmt};

use super::{
    checker::Sums,
    plan::Kind,
    world::{HEARTBEAT, LEASE},
};

/// Times in microseconds, by what happened.
#[derive(Default)]
pub(crate) struct Figures {
    of: BTreeMap<Kind, Times>,
    pub(crate) sums: Sums,
}

#[derive(Default)]
struct Times {
    /// From the fault to each side's notice of it.
    noticed: Vec<u64>,
    /// From its end until everybody was served.
    back: Vec<u64>,
}

/// What is promised for silence is the lease and a heartbeat; this much is for the machine.
const MARGIN: u64 = 50_000;

impl Figures {
    pub(crate) fn noticed(&mut self, kind: Kind, after: u64) {
        self.of.entry(kind).or_default().noticed.push(after);
    }

    pub(crate) fn back(&mut self, kind: Kind, after: u64) {
        self.of.entry(kind).or_default().back.push(after);
    }

    pub(crate) fn add(&mut self, other: Self) {
        for (kind, times) in other.of {
            let all = self.of.entry(kind).or_default();
            all.noticed.extend(times.noticed);
            all.back.extend(times.back);
        }
        self.sums += other.sums;
    }

    /// How often this happened.
    pub(crate) fn count(&self, kind: Kind) -> usize {
        self.of.get(&kind).map_or(0, |times| times.back.len())
    }

    pub(crate) fn kills(&self) -> usize {
        let kills = Kind::ALL.into_iter().filter(|kind| kind.is_kill());
        kills.map(|kind| self.count(kind)).sum()
    }

    /// Of the notices of silence, how many there were, and how many were later than what is promised and the margin.
    fn late(&self) -> (usize, usize) {
        let bound = (LEASE + HEARTBEAT).as_micros() as u64 + MARGIN;
        let silent = self.of.iter().filter(|(kind, _)| kind.is_silence());
        let all = silent.flat_map(|(_, times)| &times.noticed);
        let (late, in_time): (Vec<u64>, Vec<u64>) = all.partition(|&&after| after > bound);
        (late.len() + in_time.len(), late.len())
    }
}

impl fmt::Display for Figures {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (head, sub) = ("noticed after, ms", "all served again after, ms");
        writeln!(f, "{:<27}{:>7}  {head:^29}  {sub:^29}", "fault", "times")?;
        let of = "min   median      max";
        writeln!(f, "{:34}  {of:>29}  {of:>29}", "")?;
        for (kind, times) in &self.of {
            let (count, noticed, back) = (
                times.back.len(),
                spread(&times.noticed),
                spread(&times.back),
            );
            writeln!(f, "{kind:<27}{count:>7}  {noticed:>29}  {back:>29}")?;
        }
        let (silent, late) = self.late();
        let bound = (LEASE + HEARTBEAT).as_millis() as u64 + MARGIN / 1_000;
        writeln!(
            f,
            "\nsilence noticed {silent} times, {late} of them later than {bound} ms\n"
        )?;
        let Sums {
            sessions,
            accepted,
            delivered,
            recovered,
            undelivered,
            never_sent,
            perished,
        } = self.sums;
        writeln!(f, "processes killed       {:>10}", self.kills())?;
        writeln!(f, "sessions               {sessions:>10}")?;
        writeln!(f, "messages accepted      {accepted:>10}")?;
        writeln!(f, "delivered once         {delivered:>10}")?;
        writeln!(
            f,
            "handed back, not there {undelivered:>10}   of all handed back, {never_sent} as never sent"
        )?;
        writeln!(
            f,
            "recovered              {recovered:>10}   handed back as unknown, or the sender killed, and there"
        )?;
        write!(f, "gone with their sender {perished:>10}")
    }
}

/// Least, middle and most, in milliseconds.
fn spread(micros: &[u64]) -> String {
    let mut sorted = micros.to_vec();
    sorted.sort_unstable();
    let (Some(&least), Some(&most)) = (sorted.first(), sorted.last()) else {
        return "-".into();
    };
    let middle = sorted[sorted.len() / 2];
    let ms = |micros: u64| micros as f64 / 1_000.0;
    format!("{:.1} {:>8.1} {:>8.1}", ms(least), ms(middle), ms(most))
}
