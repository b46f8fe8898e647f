//! The three processes, seen from the fourth.

use std::{
    cell::RefCell,
    env,
    io::{BufRead, BufReader, Lines, Write},
    process::{Child, ChildStdin, ChildStdout, Command, Stdio},
    thread,
    time::Duration,
};

use anyhow::{Context, Result};
use sessile_benches::processor_time_of;

use crate::talk::Latency;

/// Where a process runs.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Place {
    Server,
    Talkers,
    Attacker,
}

impl Place {
    const fn prefix(self) -> &'static [&'static str] {
        match self {
            Self::Server => &["taskset", "-c", "0"],
            Self::Talkers => &["taskset", "-c", "1"],
            Self::Attacker => &["taskset", "-c", "1", "chrt", "--idle", "0"],
        }
    }
}

pub(crate) fn can_pin() -> bool {
    let mut try_it = Command::new("taskset");
    try_it.args(["-c", "1", "chrt", "--idle", "0", "true"]);
    let status = try_it.stderr(Stdio::null()).status();
    status.is_ok_and(|status| status.success())
}

/// This program, started again in another role. It is ended with this.
pub(crate) struct Program {
    child: Child,
    orders: RefCell<Option<ChildStdin>>,
    lines: RefCell<Lines<BufReader<ChildStdout>>>,
}

impl Program {
    pub(crate) fn start(place: Place, pinned: bool, arguments: &[&str]) -> Result<Self> {
        let own = env::current_exe()?;
        let mut command = match (pinned, place.prefix()) {
            (true, [first, rest @ ..]) => {
                let mut command = Command::new(first);
                command.args(rest).arg(own);
                command
            }
            _ => Command::new(own),
        };
        let command = command.args(arguments);
        let mut child = command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()?;
        let orders = child.stdin.take();
        let lines = BufReader::new(child.stdout.take().context("piped")?).lines();
        Ok(Self {
            child,
            orders: RefCell::new(orders),
            lines: RefCell::new(lines),
        })
    }

    /// The next thing that it says.
    pub(crate) fn line(&self) -> Result<String> {
        let line = self.lines.borrow_mut().next();
        Ok(line.context("it ended without a word")??)
    }

    /// What it says once it is ready.
    pub(crate) fn first_line(&self) -> Result<String> {
        self.line()
    }

    pub(crate) fn order(&self, what: &str) -> Result<()> {
        let mut orders = self.orders.borrow_mut();
        let orders = orders.as_mut().context("it was stopped")?;
        Ok(writeln!(orders, "{what}")?)
    }

    /// Its input ends; what it says then.
    pub(crate) fn stop(self) -> Result<String> {
        drop(self.orders.borrow_mut().take());
        self.line()
    }

    /// Time that it was on a core. `taskset` and `chrt` become what they start, so it is the child's.
    pub(crate) fn cpu(&self) -> Result<Duration> {
        Ok(processor_time_of(&self.child.id().to_string())?)
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The well-behaved.
pub(crate) struct Talkers(Program);

impl Talkers {
    pub(crate) fn start(pinned: bool, at: &str, sessions: usize, rate: u32) -> Result<Self> {
        let (sessions, rate) = (sessions.to_string(), rate.to_string());
        let talk = ["talk", at, &sessions, &rate];
        let program = Program::start(Place::Talkers, pinned, &talk)?;
        program.first_line()?;
        Ok(Self(program))
    }

    /// What they feel from now on.
    pub(crate) fn measure(&mut self, time: Duration) -> Result<Latency> {
        self.0.order("begin")?;
        self.0.line()?;
        thread::sleep(time);
        self.0.order("end")?;
        self.0.line()?.parse()
    }
}
