//! What became of every message, from the logs of all processes that were there. Jepsen's words: lost, duplicated, unexpected,
//! reordered, gap, recovered.

use std::{collections::BTreeMap, fmt, ops::AddAssign};

use super::{
    flow::Flow,
    journal::Entry,
    sessions::{ClientSession, Key, ServerSession, client_sessions, server_sessions},
};

/// What is wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Class {
    /// Accepted, and neither delivered nor handed back; or acknowledged and not delivered.
    Lost,
    /// Delivered again.
    Duplicated,
    /// Delivered, and nobody sent it; or it was certain that it was not delivered.
    Unexpected,
    /// Delivered after one that was sent later.
    Reordered,
    /// One before it was not delivered.
    Gap,
    /// The list of what was not delivered is not what was accepted and not acknowledged.
    Miscounted,
    /// A session without an end, or without the list.
    Endless,
    /// Something after the end.
    Afterlife,
    /// A link that is older than another one, and was listened to.
    Epoch,
    /// A line that says nothing that anybody is to say.
    Strange,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Violation {
    pub(crate) class: Class,
    pub(crate) what: String,
}

/// How many messages had which fate, both ways.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Sums {
    pub(crate) sessions: u64,
    pub(crate) accepted: u64,
    pub(crate) delivered: u64,
    /// Handed back as unknown, or its sender was killed; and it did arrive.
    pub(crate) recovered: u64,
    /// Handed back, and it did not arrive.
    pub(crate) undelivered: u64,
    /// Of these and those, how many were certain not to have been sent.
    pub(crate) never_sent: u64,
    /// Their sender was killed, and they did not arrive.
    pub(crate) perished: u64,
}

/// The log of one process.
pub(crate) struct Log<'a> {
    pub(crate) entries: &'a [Entry],
    /// It was ended by force: what it did not write, nobody will.
    pub(crate) killed: bool,
}

#[derive(Debug, Default)]
pub(crate) struct Verdict {
    pub(crate) sums: Sums,
    pub(crate) violations: Vec<Violation>,
}

/// All logs of one world, each server's in the order in which they lived.
pub(crate) fn check(clients: &[Log<'_>], servers: &[Log<'_>]) -> Verdict {
    let mut verdict = Verdict::default();
    let mut mine = BTreeMap::new();
    for log in clients {
        mine.extend(client_sessions(log, &mut verdict));
    }
    let mut theirs: BTreeMap<Key, Vec<ServerSession>> = BTreeMap::new();
    for (number, log) in servers.iter().enumerate() {
        for session in server_sessions(log, number, &mut verdict) {
            theirs.entry(session.of).or_default().push(session);
        }
    }
    for key in theirs.keys().filter(|key| !mine.contains_key(key)) {
        verdict.add(Class::Unexpected, format!("nobody had a session {key:?}"));
    }
    for (key, session) in &mine {
        let served = theirs.get(key).map_or(&[][..], Vec::as_slice);
        verdict.check_pair(*key, session, served);
    }
    verdict
}

impl Verdict {
    pub(crate) fn add(&mut self, class: Class, what: impl fmt::Display) {
        let what = what.to_string();
        self.violations.push(Violation { class, what });
    }

    fn check_pair(&mut self, key: Key, mine: &ClientSession, served: &[ServerSession]) {
        self.sums.sessions += 1;
        let nobody = ServerSession::default();
        let theirs = served.first().unwrap_or(&nobody);
        if let [_, _, ..] = served {
            let count = served.len();
            self.add(
                Class::Unexpected,
                format_args!("{key:?} is {count} sessions at servers"),
            );
        }
        let strays = served.iter().skip(1).flat_map(|other| &other.taken);
        let taken: Vec<u64> = theirs.taken.iter().chain(strays).copied().collect();
        Flow {
            what: format!("up, {key:?}"),
            tried: mine.tried.iter().copied().collect(),
            accepted: &mine.accepted,
            received: &taken,
            acked: mine.acked,
            list: mine.list.as_deref(),
        }
        .check(self);
        Flow {
            what: format!("down, {key:?}"),
            tried: taken.iter().copied().collect(),
            accepted: &theirs.answered,
            received: &mine.got,
            acked: 0,
            list: theirs.list.as_deref(),
        }
        .check(self);
        if theirs.first_epoch.is_some_and(|epoch| epoch < mine.epoch) {
            self.add(Class::Epoch, format!("{key:?} was served on an older link"));
        }
    }
}

impl AddAssign for Sums {
    fn add_assign(&mut self, other: Self) {
        self.sessions += other.sessions;
        self.accepted += other.accepted;
        self.delivered += other.delivered;
        self.recovered += other.recovered;
        self.undelivered += other.undelivered;
        self.never_sent += other.never_sent;
        self.perished += other.perished;
    }
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}: {}", self.class, self.what)
    }
}
