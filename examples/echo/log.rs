//! A file of what happened: a line for each thing, in the order in which it happened, with the time.

use std::{
    fmt::Display,
    fs::{File, OpenOptions},
    io::{self, Write},
    process,
    time::{SystemTime, UNIX_EPOCH},
};

use sessile::{Closed, Event, Fate, Undelivered};

/// Appends to a file. Every line is one plain `write`, with no buffer of ours: a process that is killed loses nothing that it
/// wrote, because that is in the kernel's page cache, which outlives it. (A machine that loses its power loses it.)
pub(crate) struct Log(File);

impl Log {
    pub(crate) fn append_to(path: &str) -> io::Result<Self> {
        let file = OpenOptions::new().create(true).append(true).open(path)?;
        Ok(Self(file))
    }

    /// One line: microseconds since 1970, and what. What cannot be written down must not go on.
    pub(crate) fn line(&self, what: impl Display) {
        let line = format!("{} {what}\n", micros());
        if let Err(error) = (&self.0).write_all(line.as_bytes()) {
            eprintln!("the log cannot be written: {error}");
            process::exit(1);
        }
    }

    pub(crate) fn event(&self, event: &Event) {
        let (session, epoch, kind) = (event.session(), event.epoch(), event.kind());
        self.line(format_args!("event {session} {epoch} {kind}"));
    }

    /// A session's end, by whatever number whoever writes this gives it.
    pub(crate) fn ended(&self, session: u64, why: &Closed) {
        self.line(format_args!("ended {session} {:?} {why}", why.reason()));
    }

    /// The whole list in one line, so that it is there or not. A list that is empty says something, too.
    pub(crate) fn undelivered(&self, session: u64, messages: &[Undelivered]) {
        let mut list = String::new();
        for message in messages {
            let fate = match message.fate() {
                Fate::NeverSent => "never-sent",
                Fate::Unknown => "unknown",
            };
            let (name, sequence) = (name(message.message()), message.sequence());
            list.push_str(&format!(" {name}:{fate}:{sequence}"));
        }
        self.line(format_args!("undelivered {session}{list}"));
    }
}

/// A message's first word, by which a log calls it.
pub(crate) fn name(message: &[u8]) -> impl Display + '_ {
    let word = message.split(|&byte| byte == b' ').next();
    let word = word.unwrap_or_default();
    word[..word.len().min(64)].escape_ascii()
}

/// Between two processes of one machine the wall clock is what they have in common.
#[expect(
    clippy::disallowed_methods,
    reason = "the library's clock is its own; this is the reader's"
)]
fn micros() -> u128 {
    let now = SystemTime::now().duration_since(UNIX_EPOCH);
    now.unwrap_or_default().as_micros()
}
