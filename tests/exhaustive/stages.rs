//! A link in every stage that it can be in, on either side. Each is made once and cloned from then on.

mod acceptor;
mod dialer;
mod open;
mod variants;

use std::hash::{DefaultHasher, Hasher};

use sessile::{
    Identity, LossCause,
    proto::{Effects, Key, Machine},
    registry::Port,
    wire::{Frame, Login, Secret},
};

use crate::{
    say::login,
    scene::{Link, Scene},
};

/// One side of a link, as far as it has come; the test is at the other end.
#[derive(Clone)]
pub(crate) struct Stage {
    pub(crate) name: String,
    /// The row of "States of a link" in `docs/protocol.md` that tells what may come.
    pub(crate) row: Row,
    /// Whether its own CLOSE was written on this link.
    pub(crate) closed: bool,
    pub(crate) scene: Scene,
    pub(crate) link: Link,
    /// Whose link it is.
    pub(crate) key: Key,
    /// A session next to it, which nothing on this link may touch.
    pub(crate) neighbour: Option<Key>,
}

/// A row of the two tables of states.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Row {
    Acceptor(&'static str),
    Dialer(&'static str),
    /// Not the session's current link: what it brings changes nothing (STATE-5).
    Older,
}

type Made = (Scene, Link, Key);
type Entry = (&'static str, Row, fn() -> Made);

/// Every stage, the acceptor's first; of each side those last that follow on an open link.
pub(crate) fn stages() -> Vec<Stage> {
    let (mut all, acceptor, dialer) = (Vec::new(), acceptor::OPEN, dialer::OPEN);
    let made = |&(name, row, make): &Entry| new(name.to_owned(), row, make());
    all.extend(acceptor::STAGES.iter().map(made));
    all.extend(after_open("acceptor", acceptor, acceptor::served));
    all.extend(dialer::STAGES.iter().map(made));
    all.extend(after_open("dialer", dialer, dialer::opened));
    all
}

fn after_open(side: &str, open: Row, make: fn() -> Made) -> impl Iterator<Item = Stage> {
    open::STAGES.iter().map(move |(name, is_older, then)| {
        let row = if *is_older { Row::Older } else { open };
        new(format!("{side}: {name}"), row, then(make()))
    })
}

fn new(name: String, row: Row, (mut scene, link, key): Made) -> Stage {
    let neighbour = name.starts_with("acceptor").then(|| neighbour(&mut scene));
    scene.events.clear();
    Stage {
        closed: name.contains("CLOSE was written") || name.contains("both closed"),
        name,
        row,
        scene,
        link,
        key,
        neighbour,
    }
}

/// One of them.
pub(crate) fn at(name: &str) -> Stage {
    let mut all = stages().into_iter();
    all.find(|stage| stage.name == name)
        .expect("a stage of this name")
}

/// One of each row of the page.
pub(crate) fn one_of_each_row() -> Vec<Stage> {
    let mut one_each: Vec<Stage> = Vec::new();
    for stage in stages() {
        if !one_each.iter().any(|other| other.row == stage.row) {
            one_each.push(stage);
        }
    }
    one_each
}

impl Stage {
    /// The bytes come, in these pieces.
    pub(crate) fn reads(&mut self, pieces: &[&[u8]]) {
        for piece in pieces {
            self.scene.writes(&mut self.link, piece);
        }
    }

    /// The link is lost because of this, and nothing else happens.
    pub(crate) fn loses_link(&mut self, cause: LossCause) {
        self.scene.cut_for(&mut self.link, cause);
    }

    /// Why the session lost its link last, as the machine shows it.
    pub(crate) fn loss(&self) -> Option<String> {
        self.shows("loss: ")
    }

    /// What the machine shows of one of its fields; `None` where it is forgotten.
    pub(crate) fn shows(&self, field: &str) -> Option<String> {
        let shown = format!("{:?}", self.scene.registry.get(self.key)?);
        let from = shown.find(field)? + field.len();
        // Up to the comma or brace that ends the field: not one that is inside of its brackets.
        let (mut depth, mut end) = (0, from);
        for letter in shown[from..].chars() {
            match letter {
                '(' | '{' | '[' => depth += 1,
                ')' | '}' | ']' if depth > 0 => depth -= 1,
                ',' | '}' if depth == 0 => break,
                _ => {}
            }
            end += letter.len_utf8();
        }
        Some(shown[from..end].to_owned())
    }

    /// The violation by which these bytes cost the link, named by the machine: `None` where they do not. A stranger is held on
    /// to for this, so that it can be asked.
    pub(crate) fn violation(&self, bytes: &[u8]) -> Option<String> {
        let mut probe = self.clone();
        let before = probe.loss();
        // Whoever was asked has no loss of its own from earlier that this could be mistaken for.
        assert!(!before.is_some_and(|loss| loss.starts_with("Protocol")));
        probe.hold_on();
        probe.reads(&[bytes]);
        let after = probe.loss()?;
        after
            .strip_prefix("Protocol(")
            .and_then(|rest| rest.strip_suffix(')'))
            .map(str::to_owned)
    }

    /// The longest message frame that this link takes now.
    pub(crate) fn limit(&self) -> usize {
        let machine = self.scene.registry.get(self.key);
        machine.map_or(0, Machine::frame_limit)
    }

    /// A stranger is not forgotten at its end, so that it can be looked at. Nothing else about it is different.
    pub(crate) fn hold_on(&mut self) {
        if self.scene.registry.get(self.key).is_some() {
            self.scene.on(self.key, |machine, _| machine.claim());
        }
    }

    /// All there is to know of the sessions here but for the clock: what each will do, what it shows, who waits.
    pub(crate) fn print(&self) -> Print {
        let registry = &self.scene.registry;
        let mut keys = registry.keys();
        keys.sort_by_key(|key| key.as_u64());
        let sessions = keys.iter().map(|&key| self.session(key)).collect();
        let counts = [registry.strangers(), registry.len(), registry.occupied()];
        (sessions, counts)
    }

    /// The same of one session.
    pub(crate) fn session(&self, key: Key) -> Option<(u64, String)> {
        let machine = self.scene.registry.get(key)?;
        let mut state = DefaultHasher::new();
        machine.fingerprint(self.scene.now, false, &mut state);
        Some((
            state.finish(),
            format!("{:?}", machine.snapshot(self.scene.now)),
        ))
    }

    /// What observers heard, and who was told to come.
    pub(crate) fn heard(&self) -> String {
        let Scene {
            events,
            offered,
            dials,
            ..
        } = &self.scene;
        format!("{events:?} {offered:?} {dials:?}")
    }
}

/// What [`Stage::print`] gives.
pub(crate) type Print = (Vec<Option<(u64, String)>>, [usize; 3]);

/// Another client, logged in as somebody else, with mail on its way in both directions.
fn neighbour(scene: &mut Scene) -> Key {
    let mut link = scene.link();
    let login = Login {
        instance: [200; 16],
        ..login(1)
    };
    scene.says(&mut link, &[Frame::Login(login)]);
    let key = scene.offered.pop_back().expect("the newest offer");
    scene.on(key, |machine, _| machine.claim());
    let (identity, mut fx) = (Identity::new(43_u64).unwrap(), Effects::default());
    let secret = Secret::new([200; 16]);
    scene
        .registry
        .admit(key, scene.now, identity, secret, &mut fx);
    scene.sends(key, "unacked");
    assert_eq!(scene.hears(&mut link).len(), 2);
    scene.says(&mut link, &[Frame::Ack(0), Frame::Data(b"unread")]);
    key
}

/// The end of a link that its session has given up: it may still bring what was on its way.
fn older(made: Made, end: impl FnOnce(&mut Scene, &mut Link, Key)) -> Made {
    let (mut scene, mut link, key) = made;
    let stale = link.clone();
    end(&mut scene, &mut link, key);
    assert!(link.is_closed() || !current(&scene, &stale));
    (scene, stale, key)
}

fn current(scene: &Scene, link: &Link) -> bool {
    link.port().map(Port::link).is_some_and(|id| {
        scene.registry.keys().iter().any(|&key| {
            let machine = scene.registry.get(key);
            link.port().map(Port::key) == Some(key)
                && machine.and_then(|machine| machine.current_link()) == Some(id)
        })
    })
}
