//! What may follow what in the events of a session. It knows nothing of the machine: it is the promise, written once more.

use std::{collections::BTreeMap, time::Duration};

use crate::{Event, EventKind};

pub use crate::proto::Side;

/// One event, as far as the grammar is concerned.
#[derive(Clone, Debug, PartialEq)]
#[allow(
    clippy::exhaustive_structs,
    reason = "no part of the public surface; the fuzz targets have this file, too"
)]
pub struct Fact {
    pub session: u64,
    pub at: Duration,
    pub epoch: u64,
    pub who: Option<String>,
    pub word: &'static str,
    /// Of an attempt to reconnect.
    pub attempt: u32,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// No link, nobody logged in.
    Down,
    Up,
    LoggingIn,
    /// The link went first, the failure of the login it carried is to be told.
    Failing,
    /// An acceptor whose login failed: only its end can follow.
    Failed,
    In,
    Suspect,
    Lost,
    Scheduled(u32),
    Started(u32),
    /// An acceptor's new link: `resumed` follows at once.
    Back,
    /// Only the end can follow.
    TakenOver,
    Over,
}

#[derive(Debug)]
struct Life {
    state: State,
    epoch: u64,
    who: Option<String>,
    attempt: u32,
}

/// The grammar of all sessions of one runtime.
#[derive(Debug)]
pub struct Grammar {
    side: Side,
    lives: BTreeMap<u64, Life>,
    at: Duration,
}

impl Fact {
    pub fn of(event: &Event) -> Self {
        let attempt = match event.kind() {
            EventKind::ReconnectScheduled { attempt, .. }
            | EventKind::ReconnectStarted { attempt } => *attempt,
            _ => 0,
        };
        Self {
            session: event.session(),
            at: event.at(),
            epoch: event.epoch(),
            who: event.identity().map(ToString::to_string),
            word: event.kind().name(),
            attempt,
        }
    }
}

impl Grammar {
    pub const fn new(side: Side) -> Self {
        Self {
            side,
            lives: BTreeMap::new(),
            at: Duration::ZERO,
        }
    }

    /// The next event of the runtime.
    pub fn hear(&mut self, fact: &Fact) -> Result<(), String> {
        if fact.at < self.at {
            return Err(format!("time goes back: {fact:?} after {:?}", self.at));
        }
        self.at = fact.at;
        let life = self.lives.entry(fact.session).or_insert(Life {
            state: State::Down,
            epoch: 0,
            who: None,
            attempt: 0,
        });
        let next = follow(self.side, life.state, fact)
            .ok_or_else(|| format!("{:?}: {fact:?} in {:?}", self.side, life.state))?;
        let grows = match self.side {
            Side::Dialer => matches!(fact.word, "logged-in" | "resumed"),
            Side::Acceptor => fact.word == "logged-in" || next == State::Back,
        };
        if grows && fact.epoch <= life.epoch || !grows && fact.epoch != life.epoch {
            return Err(format!("epoch {} before {fact:?}", life.epoch));
        }
        let named = fact.word == "logged-in";
        if named && fact.who.is_none() || !named && fact.who != life.who {
            return Err(format!("{:?} before {fact:?}", life.who));
        }
        // Counted on over links that break soon, anew after a stable one.
        if let State::Scheduled(attempt) = next {
            if attempt != 1 && attempt != life.attempt + 1 {
                return Err(format!("attempt {} before {fact:?}", life.attempt));
            }
            life.attempt = attempt;
        }
        life.state = next;
        life.epoch = fact.epoch;
        life.who.clone_from(&fact.who);
        Ok(())
    }

    /// Nothing more will come: every session must have ended.
    pub fn finish(&self) -> Result<(), String> {
        let open = self
            .lives
            .iter()
            .find(|(_, life)| life.state != State::Over);
        open.map_or(Ok(()), |(session, life)| {
            Err(format!(
                "{:?}: session {session} never ended: {life:?}",
                self.side
            ))
        })
    }
}

fn follow(side: Side, state: State, fact: &Fact) -> Option<State> {
    use State::{
        Back, Down, Failed, Failing, In, LoggingIn, Lost, Over, Scheduled, Started, Suspect,
        TakenOver, Up,
    };
    let dialer = side == Side::Dialer;
    Some(match (state, fact.word) {
        (Over, _) => return None,
        (Down, "link-up") => Up,
        (Up, "login-started") => LoggingIn,
        (LoggingIn, "logged-in") => In,
        // A client without a link: its dial failed, or was given up.
        (Down | LoggingIn | Failing, "login-failed") if dialer => Down,
        // A supervised client waits before it logs in anew.
        (Down, "reconnect-scheduled") if dialer => Down,
        // Its server sent it elsewhere.
        (Down, "redirected") if dialer => Down,
        // Credentials that fit into no frame: they are never tried.
        (Up, "login-failed") if dialer => Up,
        (Up, "link-lost") if dialer => Down,
        (LoggingIn, "link-lost") if dialer => Failing,
        (LoggingIn, "login-failed") => Failed,
        (In, "suspect") => Suspect,
        (Suspect, "recovered") => In,
        (Suspect, "timed-out") | (In | Suspect, "link-lost") => Lost,
        (Lost, "link-up") if !dialer => Back,
        (Back, "resumed") => In,
        (Lost | Scheduled(_) | Started(_), "reconnect-scheduled") if dialer => {
            Scheduled(fact.attempt)
        }
        (Scheduled(attempt), "reconnect-started") if attempt == fact.attempt => Started(attempt),
        (Started(_), "resumed") => In,
        // An acceptor goes down whatever becomes of its links; who dials hears it on one.
        (In, "draining") => In,
        (Suspect, "draining") => Suspect,
        (Lost, "draining") if !dialer => Lost,
        (In | Suspect | Lost | Scheduled(_) | Started(_), "taken-over") => TakenOver,
        (Down | Up, "ended") if dialer => Over,
        (Failed | In | Suspect | Lost | Scheduled(_) | Started(_) | TakenOver, "ended") => Over,
        _ => return None,
    })
}

/// What a subscriber hears that has read up to `from` of `truth` and reads again now, where `limit` events wait for it at
/// most: how many it missed, and where the rest begins.
pub fn lagged(truth: usize, from: usize, limit: usize) -> (u64, usize) {
    let rest = from.max(truth.saturating_sub(limit));
    ((rest - from) as u64, rest)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `word[@epoch][#attempt]`, of one session that is alice's once it is logged in.
    fn check(side: Side, words: &str) -> Result<(), String> {
        let mut grammar = Grammar::new(side);
        let (mut epoch, mut who) = (0, None);
        for word in words.split_whitespace() {
            let (word, attempt) = word.split_once('#').unwrap_or((word, "0"));
            let (word, new) = word.split_once('@').unwrap_or((word, ""));
            epoch = new.parse().unwrap_or(epoch);
            if word == "logged-in" {
                who = Some("alice".to_owned());
            }
            grammar.hear(&Fact {
                session: 7,
                at: Duration::ZERO,
                epoch,
                who: who.clone(),
                word: Box::leak(word.to_owned().into_boxed_str()),
                attempt: attempt.parse().unwrap(),
            })?;
        }
        grammar.finish()
    }

    const LOGIN: &str = "link-up login-started logged-in@1";

    #[test]
    fn lives_that_may_be() {
        for life in [
            "ended",
            "link-up ended",
            "link-up link-lost ended",
            "link-up login-started link-lost login-failed link-up login-started logged-in@1 ended",
            "login-failed ended",
            "login-failed reconnect-scheduled#3 login-failed ended",
            "redirected reconnect-scheduled#1 login-failed redirected ended",
            "link-up login-failed login-started logged-in@1 ended",
            "LOGIN draining link-lost reconnect-scheduled#1 reconnect-started#1 resumed@2 ended",
            "LOGIN suspect recovered link-lost reconnect-scheduled#1 reconnect-started#1 resumed@2 ended",
            "LOGIN suspect timed-out reconnect-scheduled#1 reconnect-scheduled#2 reconnect-started#2 taken-over ended",
        ] {
            assert_eq!(
                check(Side::Dialer, &life.replace("LOGIN", LOGIN)),
                Ok(()),
                "{life}"
            );
        }
        for life in [
            "link-up login-started login-failed ended",
            "LOGIN ended",
            "LOGIN draining ended",
            "LOGIN link-lost draining link-up@2 resumed ended",
            "LOGIN link-lost link-up@2 resumed ended",
            "LOGIN suspect timed-out link-up@2 resumed taken-over ended",
        ] {
            assert_eq!(
                check(Side::Acceptor, &life.replace("LOGIN", LOGIN)),
                Ok(()),
                "{life}"
            );
        }
    }

    #[test]
    fn lives_that_may_not_be() {
        let both = [
            "login-started ended",                              // before its link
            "logged-in@1 ended",                                // before its link
            "link-up logged-in@1 ended",                        // no login
            "LOGIN",                                            // no end
            "LOGIN ended ended",                                // two ends
            "LOGIN ended link-up",                              // after the end
            "LOGIN ended suspect",                              // after the end
            "LOGIN taken-over",                                 // no end
            "LOGIN taken-over link-lost ended",                 // only the end can follow
            "LOGIN recovered ended",                            // from what?
            "LOGIN timed-out ended",                            // unsuspected
            "LOGIN suspect suspect ended",                      // twice
            "LOGIN link-lost link-lost ended",                  // twice
            "LOGIN link-lost resumed@2 ended",                  // on which link?
            "LOGIN link-lost suspect ended",                    // there is nobody
            "link-up draining login-started logged-in@1 ended", // nobody is logged in
            "LOGIN resumed@2 ended",                            // it was not lost
            "LOGIN link-up@2 resumed ended",                    // it was not lost
            "LOGIN@2 suspect@3 ended",                          // an epoch from nowhere
            "link-up@1 login-started logged-in ended",          // an epoch before the login
            "LOGIN suspect@0 ended",                            // an older epoch
        ];
        for side in [Side::Dialer, Side::Acceptor] {
            for life in both {
                let life = life.replace("LOGIN@2", LOGIN).replace("LOGIN", LOGIN);
                assert!(check(side, &life).is_err(), "{side:?}: {life}");
            }
        }
        for life in [
            "LOGIN link-lost link-up@2 resumed ended", // it dials
            "LOGIN redirected ended",                  // it is logged in here
            "LOGIN link-lost draining ended",          // on which link?
            "LOGIN link-lost reconnect-started#1 resumed@2 ended", // unplanned
            "LOGIN link-lost reconnect-scheduled#1 reconnect-started#2 resumed@2 ended", // another
            "LOGIN link-lost reconnect-scheduled#3 ended", // two are missing
            "LOGIN link-lost reconnect-scheduled#1 resumed@2 ended", // on which link?
            "LOGIN link-lost reconnect-scheduled#1 reconnect-started#1 resumed ended", // same epoch
            "link-up login-started link-lost ended",   // what of the login?
        ] {
            assert!(
                check(Side::Dialer, &life.replace("LOGIN", LOGIN)).is_err(),
                "{life}"
            );
        }
        for life in [
            "ended",                                            // who?
            "link-up login-started ended",                      // what of the login?
            "link-up login-started login-failed link-up ended", // nobody is asked twice
            "link-up login-started login-failed",               // no end
            "LOGIN link-lost reconnect-scheduled#1 ended",      // it waits
            "LOGIN link-lost link-up@2 ended",                  // resumed at once, or not at all
            "LOGIN link-lost link-up resumed ended",            // same epoch
        ] {
            assert!(
                check(Side::Acceptor, &life.replace("LOGIN", LOGIN)).is_err(),
                "{life}"
            );
        }
    }

    #[test]
    fn sessions_are_told_apart_and_time_and_names_hold() {
        let fact = |session, at, who: Option<&str>, word| Fact {
            session,
            at: Duration::from_secs(at),
            epoch: 0,
            who: who.map(Into::into),
            word,
            attempt: 0,
        };
        let mut grammar = Grammar::new(Side::Acceptor);
        assert_eq!(grammar.hear(&fact(1, 5, None, "link-up")), Ok(()));
        assert_eq!(grammar.hear(&fact(2, 5, None, "link-up")), Ok(()));
        assert!(
            grammar.hear(&fact(2, 4, None, "login-started")).is_err(),
            "time"
        );
        assert!(
            grammar
                .hear(&fact(2, 6, Some("bob"), "login-started"))
                .is_err(),
            "a name"
        );
        let nameless = Fact {
            epoch: 1,
            ..fact(1, 7, None, "logged-in")
        };
        assert_eq!(grammar.hear(&fact(1, 7, None, "login-started")), Ok(()));
        assert!(grammar.hear(&nameless).is_err());
    }

    #[test]
    fn what_was_missed_is_counted_exactly() {
        assert_eq!(lagged(10, 3, 16), (0, 3));
        assert_eq!(lagged(20, 3, 16), (1, 4));
        assert_eq!(lagged(20, 20, 16), (0, 20));
        assert_eq!(lagged(100, 3, 16), (81, 84));
    }
}
