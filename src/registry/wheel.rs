//! One deadline per session, all sessions in one structure.
//!
//! Two forms. A client has one session, so few deadlines are a plain list that is searched from end to end:
//! tens of bytes. Many are hashed into slots by their tick ([`many`]), so that arming, moving and firing cost
//! the same at a thousand sessions and at a million. The second form is never left again: a server that had
//! many sessions will have many again.

mod bits;
mod many;
#[cfg(test)]
mod tests;

use self::many::Many;
use crate::proto::Time;
use std::fmt;

/// Deadlines of slab indices, at most one per index, fired in the order of their ticks.
///
/// A deadline never fires before its time, and not later than one [tick](Wheel::TICK_MICROS) after it, given
/// that [`pop_due`](Wheel::pop_due) is called at [`next`](Wheel::next). A deadline that is in the past when it
/// is armed is due at once, behind those that were due already.
#[derive(Clone)]
pub struct Wheel {
    form: Form,
}

#[derive(Clone)]
enum Form {
    Few(Few),
    Many(Box<Many>),
}

/// The small form: in order of arming.
#[derive(Clone)]
struct Few {
    cursor: u64,
    list: Vec<Entry>,
}

#[derive(Clone)]
struct Entry {
    at: u64,
    key: u32,
}

/// At most so many deadlines are searched from end to end: 64 entries are 16 cache lines, read in sequence,
/// which is about what a hashed slot costs in cache misses.
const FEW: usize = 64;

impl Wheel {
    /// Length of a tick. The shortest delay in use is the 25 ms that an acknowledgement may wait, and 4 ms is
    /// a sixth of it; a finer tick would wake more often, a coarser one would be felt.
    pub const TICK_MICROS: u64 = 4_000;

    /// A wheel without deadlines; allocates nothing.
    #[must_use]
    pub const fn new() -> Self {
        Self {
            form: Form::Few(Few {
                cursor: 0,
                list: Vec::new(),
            }),
        }
    }

    /// Sets the deadline of `key`, or moves it.
    ///
    /// `key` is a slab index: memory grows with the largest one ever armed, not with their number.
    pub fn arm(&mut self, key: u32, at: Time) {
        let at = at.as_micros();
        match &mut self.form {
            Form::Few(few) => {
                few.disarm(key);
                few.list.push(Entry { at, key });
                if few.list.len() > FEW {
                    let mut many = Box::new(Many::new(few.cursor));
                    for entry in &few.list {
                        many.arm(entry.key, entry.at);
                    }
                    self.form = Form::Many(many);
                }
            }
            Form::Many(many) => many.arm(key, at),
        }
    }

    /// Removes the deadline of `key`, if it has one.
    pub fn disarm(&mut self, key: u32) {
        match &mut self.form {
            Form::Few(few) => few.disarm(key),
            Form::Many(many) => many.disarm(key),
        }
    }

    /// The deadline of `key`, exactly as it was armed.
    #[must_use]
    pub fn armed(&self, key: u32) -> Option<Time> {
        let at = match &self.form {
            Form::Few(few) => few.list.iter().find(|e| e.key == key).map(|e| e.at),
            Form::Many(many) => many.armed(key),
        };
        at.map(Time::from_micros)
    }

    /// When to call [`pop_due`](Self::pop_due) next: the tick at which the next deadline fires, or an earlier
    /// one at which the wheel has work of its own. `None` while nothing is armed.
    #[must_use]
    pub fn next(&self) -> Option<Time> {
        let tick = match &self.form {
            Form::Few(few) => few.first().map(|(_, tick)| tick),
            Form::Many(many) => many.next(),
        };
        tick.map(|tick| Time::from_micros(tick.saturating_mul(Self::TICK_MICROS)))
    }

    /// Takes one key whose deadline has passed, the one with the earliest tick. `None`: nothing more is due.
    ///
    /// One at a time, so that the caller can stop at its budget and go on later.
    pub fn pop_due(&mut self, now: Time) -> Option<u32> {
        match &mut self.form {
            Form::Few(few) => few.pop_due(passed(now)),
            Form::Many(many) => many.pop_due(passed(now)),
        }
    }

    /// How many keys have a deadline.
    #[must_use]
    pub fn len(&self) -> usize {
        match &self.form {
            Form::Few(few) => few.list.len(),
            Form::Many(many) => many.len(),
        }
    }

    /// Whether no key has a deadline.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

impl Default for Wheel {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for Wheel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Wheel")
            .field("len", &self.len())
            .field("next", &self.next())
            .finish_non_exhaustive()
    }
}

impl Few {
    fn disarm(&mut self, key: u32) {
        if let Some(index) = self.list.iter().position(|entry| entry.key == key) {
            self.list.remove(index);
        }
    }

    /// Index and tick of the entry to fire first.
    fn first(&self) -> Option<(usize, u64)> {
        self.list
            .iter()
            .map(|entry| fires(entry.at).max(self.cursor))
            .enumerate()
            .min_by_key(|&(_, tick)| tick)
    }

    fn pop_due(&mut self, now: u64) -> Option<u32> {
        match self.first() {
            Some((index, tick)) if tick <= now => {
                self.cursor = tick;
                Some(self.list.remove(index).key)
            }
            _ => {
                self.cursor = self.cursor.max(now);
                None
            }
        }
    }
}

/// The tick at which a deadline fires: the first that does not begin before it.
const fn fires(at: u64) -> u64 {
    at.div_ceil(Wheel::TICK_MICROS)
}

/// The last tick that has begun. At the end of time all have, or deadlines there could never fire.
const fn passed(now: Time) -> u64 {
    const END: u64 = Time::END.as_micros();
    match now.as_micros() {
        END => fires(END),
        micros => micros / Wheel::TICK_MICROS,
    }
}
