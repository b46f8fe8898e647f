//! What a search has met: a search that never met a fault has proven nothing about it.

use sessile::{EventKind, Reason};

use super::{action::Action, apply::Whose};

/// A set of things met, small enough to be copied with every state.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Marks {
    deeds: u32,
    frames: [u32; 2],
    events: [u32; 2],
    ends: [u32; 2],
    logins: u32,
    heals: u32,
}

const FRAMES: [&str; 14] = [
    "LOGIN",
    "CHALLENGE",
    "ANSWER",
    "WELCOME",
    "REFUSED",
    "RESUME",
    "RESUMED",
    "DATA",
    "VOLATILE",
    "ACK",
    "PING",
    "PONG",
    "CLOSE",
    "CLOSED",
];

const SIDES: [&str; 2] = ["client", "server"];

impl Marks {
    pub(crate) fn deed(&mut self, action: Action) {
        self.deeds |= 1 << (action.pack() >> 8);
    }

    pub(crate) fn frame(&mut self, side: usize, name: &str) {
        if let Some(number) = FRAMES.iter().position(|known| *known == name) {
            self.frames[side] |= 1 << number;
        }
    }

    pub(crate) fn event(&mut self, whose: Whose, event: &EventKind) {
        let number = EVENTS.iter().position(|known| *known == event.name());
        self.events[side(whose)] |= number.map_or(0, |number| 1 << number);
    }

    pub(crate) fn ended(&mut self, whose: Whose, reason: Reason) {
        self.ends[side(whose)] |= 1 << reason.code();
    }

    pub(crate) fn login_failed(&mut self, reason: Reason) {
        self.logins |= 1 << reason.code();
    }

    /// A client came back, or logged in, once the network let it.
    pub(crate) fn healed(&mut self, back: bool) {
        self.heals |= if back { 1 } else { 2 };
    }

    pub(crate) fn add(&mut self, other: &Self) {
        self.deeds |= other.deeds;
        self.logins |= other.logins;
        self.heals |= other.heals;
        for side in 0..2 {
            self.frames[side] |= other.frames[side];
            self.events[side] |= other.events[side];
            self.ends[side] |= other.ends[side];
        }
    }

    /// In words, one line a kind.
    pub(crate) fn words(&self) -> String {
        let mut lines = Vec::new();
        let deeds = (0..21).filter(|kind| self.deeds >> kind & 1 == 1);
        let deeds: Vec<String> = deeds.map(|kind| Action::unpack(kind << 8).deed()).collect();
        lines.push(format!("deeds: {}", deeds.join(" ")));
        for (side, name) in SIDES.into_iter().enumerate() {
            let frames = picked(self.frames[side], &FRAMES);
            lines.push(format!("read by the {name}: {frames}"));
            lines.push(format!(
                "heard at the {name}: {}",
                picked(self.events[side], &EVENTS)
            ));
            lines.push(format!("ends at the {name}: {}", reasons(self.ends[side])));
        }
        lines.push(format!("logins failed: {}", reasons(self.logins)));
        lines.push(format!(
            "healed: {}",
            picked(self.heals, &["came-back", "logged-in"])
        ));
        lines
            .iter()
            .map(|line| format!("{}\n", line.trim_end()))
            .collect()
    }
}

const EVENTS: [&str; 14] = [
    "link-up",
    "login-started",
    "logged-in",
    "login-failed",
    "suspect",
    "recovered",
    "timed-out",
    "link-lost",
    "reconnect-scheduled",
    "reconnect-started",
    "resumed",
    "taken-over",
    "draining",
    "ended",
];

const fn side(whose: Whose) -> usize {
    match whose {
        Whose::Client(_) => 0,
        Whose::Server => 1,
    }
}

fn picked(set: u32, names: &[&str]) -> String {
    let met = names
        .iter()
        .enumerate()
        .filter(|(number, _)| set >> number & 1 == 1);
    met.map(|(_, name)| *name).collect::<Vec<_>>().join(" ")
}

fn reasons(set: u32) -> String {
    let met = (0..32)
        .filter(|code| set >> code & 1 == 1)
        .filter_map(Reason::from_code);
    met.map(|reason| format!("{reason:?}"))
        .collect::<Vec<_>>()
        .join(" ")
}
