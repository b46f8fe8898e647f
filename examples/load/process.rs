//! What the kernel accounts to a process.

use std::{fs, time::Duration};

use anyhow::Context;

/// What a process has used of CPUs, in two accounts.
#[derive(Clone, Copy)]
pub(crate) struct Cpu {
    /// Of the threads that are there, to the nanosecond. One that ends takes its account with it.
    threads: Duration,
    /// Of all there ever were, to the [`TICK`].
    all: Duration,
}

/// What `/proc/PID/stat` counts in, on every Linux (`USER_HZ`).
const TICK: Duration = Duration::from_millis(10);

impl Cpu {
    /// What was used between two looks. Neither account says too much: the first misses who ended, the second up to a tick.
    pub(crate) fn since(self, before: Self) -> Duration {
        let threads = self.threads.saturating_sub(before.threads);
        threads.max(self.all.saturating_sub(before.all + TICK))
    }
}

/// A process by its id, or `self`.
pub(crate) struct Process(String);

impl Process {
    pub(crate) fn numbered(id: u32) -> Self {
        Self(id.to_string())
    }

    pub(crate) fn own() -> Self {
        Self("self".into())
    }

    /// Memory that is there, not only asked for. The kernel counts its pages for this: what `VmRSS` says may lag behind.
    pub(crate) fn memory(&self) -> anyhow::Result<u64> {
        let text = self.read("smaps_rollup")?;
        let kib = text.lines().find_map(|line| line.strip_prefix("Rss:"));
        let kib = kib.and_then(|kib| kib.trim().strip_suffix(" kB"));
        let kib: u64 = kib.context("no memory is accounted")?.trim().parse()?;
        Ok(kib << 10)
    }

    /// Time on a CPU so far.
    pub(crate) fn cpu(&self) -> anyhow::Result<Cpu> {
        Ok(Cpu {
            threads: self.of_threads()?,
            all: self.of_all()?,
        })
    }

    fn of_threads(&self) -> anyhow::Result<Duration> {
        let mut nanoseconds = 0;
        for task in fs::read_dir(self.path("task")).with_context(|| self.unknown())? {
            let path = task?.path().join("schedstat");
            let Ok(text) = fs::read_to_string(path) else {
                continue; // it ended a moment ago
            };
            let on_cpu = text.split_whitespace().next();
            nanoseconds += on_cpu.context("no time is accounted")?.parse::<u64>()?;
        }
        Ok(Duration::from_nanos(nanoseconds))
    }

    fn of_all(&self) -> anyhow::Result<Duration> {
        let text = self.read("stat")?;
        // Behind the program's name, which may be anything: user time is the 12th, system time the 13th.
        let (_, behind) = text.rsplit_once(')').context("no time is accounted")?;
        let mut ticks = 0;
        for field in behind.split_whitespace().skip(11).take(2) {
            ticks += field.parse::<u64>()?;
        }
        Ok(TICK * u32::try_from(ticks)?)
    }

    /// How many files, and so sockets, it may have.
    pub(crate) fn files(&self) -> anyhow::Result<usize> {
        let text = self.read("limits")?;
        let line = text.lines().find(|line| line.starts_with("Max open files"));
        let soft = line.and_then(|line| line.split_whitespace().nth(3));
        let soft = soft.context("no limit of open files is told")?;
        Ok(soft.parse().unwrap_or(usize::MAX)) // "unlimited"
    }

    fn read(&self, what: &str) -> anyhow::Result<String> {
        fs::read_to_string(self.path(what)).with_context(|| self.unknown())
    }

    fn path(&self, what: &str) -> String {
        format!("/proc/{}/{what}", self.0)
    }

    fn unknown(&self) -> String {
        format!("cannot see what process {} uses", self.0)
    }
}
