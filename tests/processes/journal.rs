//! A process's log, read while it is written: what `examples/echo/log.rs` writes, a line for each thing.

use std::{
    fmt,
    fs::File,
    io::{self, Read},
    path::Path,
};

/// What one process wrote so far.
pub(crate) struct Journal {
    file: File,
    /// A line that is not whole yet, or never will be: its writer was killed.
    rest: String,
    pub(crate) entries: Vec<Entry>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Entry {
    /// Microseconds since 1970.
    pub(crate) at: u64,
    pub(crate) what: What,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum What {
    /// A client's process, by its number.
    Began(u32),
    /// A session began; at a server, with its first message.
    Login {
        session: u64,
        epoch: u64,
        who: String,
    },
    Try(Name),
    Accepted(Name),
    Refused(Name),
    Got(Name),
    Damaged(String),
    Acked {
        session: u64,
        count: u64,
    },
    Resumed {
        session: u64,
        epoch: u64,
    },
    Taken {
        session: u64,
        epoch: u64,
        name: Name,
    },
    Answered {
        session: u64,
        name: Name,
    },
    /// Taken, and there was nobody to answer any more.
    Unanswered {
        session: u64,
        name: Name,
    },
    Event {
        session: u64,
        epoch: u64,
        kind: String,
    },
    Undelivered {
        session: u64,
        list: Vec<Handed>,
    },
    Ended {
        session: u64,
        reason: String,
    },
    Done,
    /// Anything else: nobody writes that in good order.
    Strange(String),
}

/// A message's name: whose it is, of which of its sessions, and which one.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct Name {
    pub(crate) life: u32,
    pub(crate) session: u64,
    pub(crate) number: u64,
}

/// A message that was handed back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Handed {
    pub(crate) name: Name,
    pub(crate) never_sent: bool,
    pub(crate) sequence: u64,
}

impl Journal {
    /// Of a file that is there already.
    pub(crate) fn open(path: &Path) -> io::Result<Self> {
        Ok(Self {
            file: File::open(path)?,
            rest: String::new(),
            entries: Vec::new(),
        })
    }

    /// Reads what was written since.
    pub(crate) fn read_on(&mut self) {
        let read = self.file.read_to_string(&mut self.rest);
        read.expect("logs can be read, and are text");
        let whole = self.rest.rfind('\n').map_or(0, |end| end + 1);
        self.entries.extend(parse(&self.rest[..whole]));
        self.rest.drain(..whole);
    }
}

/// Whole lines.
pub(crate) fn parse(lines: &str) -> impl Iterator<Item = Entry> + '_ {
    lines.lines().map(|line| {
        let (at, what) = line.split_once(' ').unwrap_or((line, ""));
        let at = at.parse().ok();
        let read = at.zip(What::parse(what));
        let strange = || (at.unwrap_or_default(), What::Strange(line.into()));
        let (at, what) = read.unwrap_or_else(strange);
        Entry { at, what }
    })
}

impl What {
    fn parse(line: &str) -> Option<Self> {
        let (what, rest) = line.split_once(' ').unwrap_or((line, ""));
        let mut words = rest.split(' ');
        let mut word = || words.next().filter(|word| !word.is_empty());
        Some(match what {
            "began" => Self::Began(life(word()?)?),
            "login" => Self::Login {
                session: word()?.parse().ok()?,
                epoch: word()?.parse().ok()?,
                who: word()?.into(),
            },
            "try" => Self::Try(Name::parse(word()?)?),
            "accepted" => Self::Accepted(Name::parse(word()?)?),
            "refused" => Self::Refused(Name::parse(word()?)?),
            "got" => Self::Got(Name::parse(word()?)?),
            "damaged" => Self::Damaged(rest.into()),
            "acked" => Self::Acked {
                session: word()?.parse().ok()?,
                count: word()?.parse().ok()?,
            },
            "resumed" => Self::Resumed {
                session: word()?.parse().ok()?,
                epoch: word()?.parse().ok()?,
            },
            "taken" => Self::Taken {
                session: word()?.parse().ok()?,
                epoch: word()?.parse().ok()?,
                name: Name::parse(word()?)?,
            },
            "answered" => {
                let session = word()?.parse().ok()?;
                let _epoch = word()?;
                let name = Name::parse(word()?)?;
                Self::Answered { session, name }
            }
            "unanswered" => Self::Unanswered {
                session: word()?.parse().ok()?,
                name: Name::parse(word()?)?,
            },
            "event" => Self::Event {
                session: word()?.parse().ok()?,
                epoch: word()?.parse().ok()?,
                kind: word()?.trim_end_matches([':', ',']).into(),
            },
            "undelivered" => Self::Undelivered {
                session: word()?.parse().ok()?,
                list: words.map(Handed::parse).collect::<Option<_>>()?,
            },
            "ended" => Self::Ended {
                session: word()?.parse().ok()?,
                reason: word()?.into(),
            },
            "done" => Self::Done,
            _ => return None,
        })
    }
}

impl Name {
    /// `alice-4711/2/17`
    fn parse(word: &str) -> Option<Self> {
        let mut parts = word.split('/');
        let name = Self {
            life: life(parts.next()?)?,
            session: parts.next()?.parse().ok()?,
            number: parts.next()?.parse().ok()?,
        };
        parts.next().is_none().then_some(name)
    }
}

impl Handed {
    /// `alice-4711/2/17:unknown:17`
    fn parse(word: &str) -> Option<Self> {
        let mut parts = word.split(':');
        Some(Self {
            name: Name::parse(parts.next()?)?,
            never_sent: match parts.next()? {
                "never-sent" => true,
                "unknown" => false,
                _ => return None,
            },
            sequence: parts.next()?.parse().ok()?,
        })
    }
}

/// `alice-4711`: the number of the process.
fn life(word: &str) -> Option<u32> {
    word.rsplit_once('-')?.1.parse().ok()
}

impl fmt::Debug for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            life,
            session,
            number,
        } = self;
        write!(f, "{life}/{session}/{number}")
    }
}
