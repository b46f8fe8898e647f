//! A log, taken apart into the sessions that it is about. What can be wrong in one log alone is said here.

use std::collections::{BTreeMap, BTreeSet};

use super::{
    checker::{Class, Log, Verdict},
    journal::{Handed, What},
};

/// A session, as its client counts it: the process, and which one of it.
pub(crate) type Key = (u32, u64);

/// A session in its client's log.
#[derive(Debug, Default)]
pub(crate) struct ClientSession {
    pub(crate) epoch: u64,
    pub(crate) tried: BTreeSet<u64>,
    pub(crate) accepted: Vec<u64>,
    pub(crate) got: Vec<u64>,
    pub(crate) acked: u64,
    pub(crate) list: Option<Vec<Handed>>,
    ended: bool,
}

/// A session in a server's log.
#[derive(Debug, Default)]
pub(crate) struct ServerSession {
    /// Whose messages it took.
    pub(crate) of: Key,
    pub(crate) first_epoch: Option<u64>,
    pub(crate) taken: Vec<u64>,
    pub(crate) answered: Vec<u64>,
    pub(crate) list: Option<Vec<Handed>>,
    epoch: u64,
    ended: bool,
}

pub(crate) fn client_sessions(
    log: &Log<'_>,
    verdict: &mut Verdict,
) -> BTreeMap<Key, ClientSession> {
    let mut sessions: BTreeMap<Key, ClientSession> = BTreeMap::new();
    let (mut life, mut current, mut done) = (0, (0, 0), false);
    for entry in log.entries {
        match &entry.what {
            What::Began(process) => life = *process,
            What::Login { session, epoch, .. } => {
                if sessions.get(&current).is_some_and(|before| !before.ended) {
                    verdict.add(Class::Endless, format_args!("{current:?} before {session}"));
                }
                current = (life, *session);
                let new = ClientSession {
                    epoch: *epoch,
                    ..ClientSession::default()
                };
                if sessions.insert(current, new).is_some() {
                    verdict.add(Class::Afterlife, format_args!("{current:?} began again"));
                }
            }
            What::Try(name) | What::Accepted(name) | What::Got(name) => {
                let session = sessions.entry(current).or_default();
                if (name.life, name.session) != current {
                    verdict.add(Class::Unexpected, format_args!("{name:?} in {current:?}"));
                    continue;
                }
                if session.ended {
                    verdict.add(Class::Afterlife, format_args!("{name:?} after the end"));
                }
                match &entry.what {
                    What::Try(_) => drop(session.tried.insert(name.number)),
                    What::Accepted(_) => session.accepted.push(name.number),
                    _ => session.got.push(name.number),
                }
            }
            What::Damaged(name) => verdict.add(Class::Unexpected, format_args!("damaged: {name}")),
            What::Acked { session, count } => {
                let session = sessions.entry((life, *session)).or_default();
                session.acked = session.acked.max(*count);
            }
            What::Undelivered { session, list } => {
                let key = (life, *session);
                if list.iter().any(|it| (it.name.life, it.name.session) != key) {
                    verdict.add(Class::Miscounted, format_args!("{key:?}: others' messages"));
                }
                let session = sessions.entry(key).or_default();
                if session.list.replace(list.clone()).is_some() {
                    verdict.add(Class::Miscounted, format_args!("{key:?}: a second list"));
                }
            }
            What::Ended { session, .. } => {
                let session = sessions.entry((life, *session)).or_default();
                if std::mem::replace(&mut session.ended, true) {
                    verdict.add(Class::Afterlife, format_args!("{current:?} ended again"));
                }
            }
            What::Done => done = true,
            What::Refused(_) | What::Resumed { .. } | What::Event { .. } => {}
            other => verdict.add(Class::Strange, format_args!("a client: {other:?}")),
        }
    }
    check_events(log, verdict);
    for (key, session) in &sessions {
        let may_be_open = log.killed && *key == current;
        if !may_be_open && (!session.ended || session.list.is_none()) {
            verdict.add(Class::Endless, format_args!("{key:?}, at its client"));
        }
    }
    if !log.killed && !done {
        verdict.add(
            Class::Endless,
            format_args!("client {life} was not killed, and is not done"),
        );
    }
    sessions
}

pub(crate) fn server_sessions(
    log: &Log<'_>,
    number: usize,
    verdict: &mut Verdict,
) -> Vec<ServerSession> {
    let mut sessions: BTreeMap<u64, ServerSession> = BTreeMap::new();
    let mut epochs: BTreeMap<&str, u64> = BTreeMap::new();
    for entry in log.entries {
        match &entry.what {
            What::Login {
                session,
                epoch,
                who,
            } => {
                let newest = epochs.insert(who, *epoch);
                if newest.is_some_and(|newest| newest >= *epoch) {
                    verdict.add(
                        Class::Epoch,
                        format_args!("{who}: {newest:?}, then {epoch}"),
                    );
                }
                let new = ServerSession {
                    first_epoch: Some(*epoch),
                    ..ServerSession::default()
                };
                if sessions.insert(*session, new).is_some() {
                    verdict.add(Class::Afterlife, format_args!("{session} began again"));
                }
            }
            What::Taken {
                session,
                epoch,
                name,
            } => {
                let it = sessions.entry(*session).or_default();
                if it.ended {
                    verdict.add(Class::Afterlife, format_args!("{name:?} after the end"));
                }
                if it.epoch > *epoch {
                    let was = it.epoch;
                    verdict.add(
                        Class::Epoch,
                        format_args!("{name:?} on {epoch}, after {was}"),
                    );
                }
                it.epoch = *epoch;
                let key = (name.life, name.session);
                if it.taken.is_empty() {
                    it.of = key;
                }
                if it.of == key {
                    it.taken.push(name.number);
                } else {
                    verdict.add(Class::Unexpected, format_args!("{name:?} in {:?}", it.of));
                }
            }
            What::Answered { session, name } => {
                sessions
                    .entry(*session)
                    .or_default()
                    .answered
                    .push(name.number);
            }
            What::Undelivered { session, list } => {
                let it = sessions.entry(*session).or_default();
                if it.list.replace(list.clone()).is_some() {
                    verdict.add(Class::Miscounted, format_args!("{session}: a second list"));
                }
            }
            What::Ended { session, .. } => {
                let it = sessions.entry(*session).or_default();
                if std::mem::replace(&mut it.ended, true) {
                    verdict.add(Class::Afterlife, format_args!("{session} ended again"));
                }
            }
            What::Unanswered { .. } | What::Event { .. } => {}
            other => verdict.add(Class::Strange, format_args!("a server: {other:?}")),
        }
    }
    check_events(log, verdict);
    for (session, it) in &sessions {
        if !log.killed && (!it.ended || it.list.is_none()) {
            verdict.add(
                Class::Endless,
                format_args!("{session}, at server {number}"),
            );
        }
    }
    sessions.into_values().collect()
}

/// The end is the last event of every session, and comes once.
fn check_events(log: &Log<'_>, verdict: &mut Verdict) {
    let mut ended = BTreeSet::new();
    for entry in log.entries {
        let What::Event { session, kind, .. } = &entry.what else {
            continue;
        };
        if ended.contains(session) {
            verdict.add(
                Class::Afterlife,
                format_args!("{kind} of {session} after the end"),
            );
        }
        if kind == "ended" {
            ended.insert(session);
        }
    }
}
