//! Breadth first through everything that can happen, over the code that ships.
//!
//! A state is the list of what happened on the way to it, and is built again from there by doing the same once more. So the
//! search keeps of each state its print (64 bits), its parent and one action, which is about 20 bytes, and no state but
//! those on the way to the one that it looks at: states of one level lie in the order of their parents, so that this way
//! changes little from one to the next. (A library that searches wants states to be values that it can keep: a machine
//! here takes kilobytes.)
//!
//! Two different states with the same print would be taken for one. With n states the chance of any such pair is below
//! n * n / 2^65: for 10^8 states less than 3 in 10,000.

use std::{
    collections::HashSet,
    hash::{BuildHasherDefault, Hasher},
    time::Instant,
};

use super::{action::Action, bounds::Bounds, marks::Marks, world::World};

/// What a search found.
#[derive(Debug)]
pub(crate) struct Found {
    pub(crate) states: usize,
    /// Steps tried, many of which lead to states that were known.
    pub(crate) steps: u64,
    /// The longest shortest way to a state.
    pub(crate) depth: usize,
    /// Nothing is left: every state within the bounds was looked at.
    pub(crate) complete: bool,
    pub(crate) marks: Marks,
    /// The shortest way to something that must never be, and what that is.
    pub(crate) violation: Option<(Vec<Action>, String)>,
}

/// How far a search is.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Progress {
    pub(crate) states: usize,
    pub(crate) waiting: usize,
    pub(crate) depth: usize,
    pub(crate) began: Instant,
}

/// How a search is done.
pub(crate) struct Search<'a> {
    pub(crate) bounds: Bounds,
    /// It stops, incomplete, beyond so many states.
    pub(crate) most: usize,
    pub(crate) threads: usize,
    /// Told now and then.
    pub(crate) report: &'a mut dyn FnMut(Progress),
}

/// Every state found, by number: how one gets there.
#[derive(Default)]
struct Log {
    parents: Vec<u32>,
    actions: Vec<u16>,
}

type Prints = HashSet<u64, BuildHasherDefault<Same>>;

/// What a thread brings back: states that are new to it, and what it met.
#[derive(Default)]
struct Batch {
    found: Vec<(u64, u32, u16)>,
    steps: u64,
    marks: Marks,
    violation: Option<(u32, u16, String)>,
}

/// States looked at between two times that threads compare what they found.
const BATCH: usize = 1 << 15;

impl Search<'_> {
    /// Looks at everything, or stops at the first thing that must never be.
    #[allow(
        clippy::disallowed_methods,
        reason = "the clock is for people who wait"
    )]
    pub(crate) fn run(self) -> Found {
        let began = Instant::now();
        let (mut log, mut prints) = (Log::default(), Prints::default());
        prints.insert(World::new(self.bounds).print());
        log.push(0, 0);
        let mut walkers: Vec<Walker> = (0..self.threads)
            .map(|_| Walker::new(self.bounds))
            .collect();
        let mut found = Found {
            states: 1,
            steps: 0,
            depth: 0,
            complete: false,
            marks: Marks::default(),
            violation: None,
        };
        let (mut next, mut level_ends) = (0, 1);
        while next < log.len() {
            if next == level_ends {
                found.depth += 1;
                level_ends = log.len();
            }
            let until = level_ends.min(next + BATCH);
            for batch in expand(&mut walkers, next..until, &log, &prints) {
                found.steps += batch.steps;
                found.marks.add(&batch.marks);
                for (print, parent, action) in batch.found {
                    if prints.insert(print) {
                        log.push(parent, action);
                    }
                }
                if let Some((parent, action, violation)) = batch.violation
                    && found.violation.is_none()
                {
                    let mut way = log.way(parent);
                    way.push(Action::unpack(action));
                    found.violation = Some((way, violation));
                }
            }
            next = until;
            found.states = log.len();
            (self.report)(Progress {
                states: log.len(),
                waiting: log.len() - next,
                depth: found.depth,
                began,
            });
            if found.violation.is_some() || log.len() > self.most {
                return found;
            }
        }
        found.complete = true;
        found
    }
}

/// Splits states among threads, in order, and gives back in the same order what they found.
fn expand(
    walkers: &mut [Walker],
    states: std::ops::Range<usize>,
    log: &Log,
    prints: &Prints,
) -> Vec<Batch> {
    let share = states.len().div_ceil(walkers.len());
    if walkers.len() == 1 || share < 64 {
        return vec![walkers[0].expand(states, log, prints)];
    }
    std::thread::scope(|scope| {
        let mut from = states.start;
        let mut threads = Vec::new();
        for walker in walkers {
            let piece = from..(from + share).min(states.end);
            from = piece.end;
            threads.push(scope.spawn(move || walker.expand(piece, log, prints)));
        }
        let joined = threads.into_iter().map(|thread| thread.join());
        joined
            .map(|batch| batch.expect("a thread of the search panicked"))
            .collect()
    })
}

/// Goes from state to state; keeps the states on the way to the last one.
struct Walker {
    way: Vec<(usize, World)>,
}

impl Walker {
    fn new(bounds: Bounds) -> Self {
        Self {
            way: vec![(0, World::new(bounds))],
        }
    }

    /// Tries everything that can happen in each of these states.
    fn expand(&mut self, states: std::ops::Range<usize>, log: &Log, prints: &Prints) -> Batch {
        let mut batch = Batch::default();
        let mut known = Prints::default();
        for state in states {
            let world = self.go(state, log);
            for action in world.actions() {
                let mut next = world.clone();
                next.marks = Marks::default();
                next.step(action);
                batch.steps += 1;
                let print = next.print();
                let new =
                    next.violation.is_none() && !prints.contains(&print) && known.insert(print);
                if new {
                    next.violation = next.heal();
                }
                batch.marks.add(&next.marks);
                if let Some(violation) = next.violation {
                    batch.violation = Some((state as u32, action.pack(), violation));
                    return batch;
                }
                if new {
                    batch.found.push((print, state as u32, action.pack()));
                }
            }
        }
        batch
    }

    /// The state of this number: back to where the ways part, and forward from there.
    fn go(&mut self, state: usize, log: &Log) -> &World {
        let mut ahead = Vec::new();
        let mut at = state;
        loop {
            while self.way.last().is_some_and(|(last, _)| *last > at) {
                self.way.pop();
            }
            match self.way.last() {
                Some((last, _)) if *last == at => break,
                _ => {
                    ahead.push(at);
                    at = log.parents[at] as usize;
                }
            }
        }
        for state in ahead.into_iter().rev() {
            let mut world = self
                .way
                .last()
                .expect("the beginning is always on the way")
                .1
                .clone();
            world.repeat(Action::unpack(log.actions[state]));
            self.way.push((state, world));
        }
        &self.way.last().expect("it was just put there").1
    }
}

impl Log {
    fn len(&self) -> usize {
        self.parents.len()
    }

    fn push(&mut self, parent: u32, action: u16) {
        self.parents.push(parent);
        self.actions.push(action);
    }

    fn way(&self, state: u32) -> Vec<Action> {
        let mut way = Vec::new();
        let mut at = state as usize;
        while at != 0 {
            way.push(Action::unpack(self.actions[at]));
            at = self.parents[at] as usize;
        }
        way.reverse();
        way
    }
}

/// A print is a hash already.
#[derive(Default)]
struct Same(u64);

impl Hasher for Same {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, _: &[u8]) {
        unreachable!("prints are numbers");
    }

    fn write_u64(&mut self, print: u64) {
        self.0 = print;
    }
}
