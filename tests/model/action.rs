//! What can happen in a state, as a small number, and in words.

use sessile::proto::{Machine, Phase};

use super::world::{ACCEPTOR, DIALER, UP, World};

/// One thing that happens.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Action {
    /// A client logs in on a new link, and LOGIN goes out.
    Login(usize),
    /// A client that lost its link dials again, and RESUME goes out.
    Redial(usize),
    /// The dial that it waits for fails.
    DialFails(usize),
    /// The host admits who presented himself on this link.
    Admit(usize),
    /// The client sends a message, or the server does.
    Send(usize),
    SendDown,
    /// An application takes a message: the client's, or the server's of this session.
    Take(usize),
    TakeDown(usize),
    /// An end writes all that it has to write; a frame, or the end of the stream, arrives; half a frame does, and the link
    /// breaks; an end notices that the link is broken, and what was on its way to it is gone.
    Write(usize, usize),
    Deliver(usize, usize),
    Tear(usize, usize),
    Break(usize, usize),
    /// A client closes its session, or the server does, or the server's host removes it.
    Close(usize),
    CloseDown,
    Remove,
    /// The server asks whether its peer is there.
    Probe,
    /// A process is gone at once, and another takes its place.
    Crash(usize),
    CrashServer,
    /// Time passes while no byte moves.
    PassBeat,
    PassLease,
    PassWindow,
}

use Action::*;

impl Action {
    /// Two bytes are all that the search keeps of it.
    pub(crate) const fn pack(self) -> u16 {
        let (kind, a, b) = match self {
            Login(client) => (0, client, 0),
            Redial(client) => (1, client, 0),
            DialFails(client) => (2, client, 0),
            Admit(link) => (3, link, 0),
            Send(client) => (4, client, 0),
            SendDown => (5, 0, 0),
            Take(client) => (6, client, 0),
            TakeDown(story) => (7, story, 0),
            Write(link, side) => (8, link, side),
            Deliver(link, side) => (9, link, side),
            Tear(link, side) => (10, link, side),
            Break(link, side) => (11, link, side),
            Close(client) => (12, client, 0),
            CloseDown => (13, 0, 0),
            Remove => (14, 0, 0),
            Probe => (15, 0, 0),
            Crash(client) => (16, client, 0),
            CrashServer => (17, 0, 0),
            PassBeat => (18, 0, 0),
            PassLease => (19, 0, 0),
            PassWindow => (20, 0, 0),
        };
        kind << 8 | (a as u16) << 4 | b as u16
    }

    pub(crate) fn unpack(packed: u16) -> Self {
        let (a, b) = (usize::from(packed >> 4 & 15), usize::from(packed & 15));
        match packed >> 8 {
            0 => Login(a),
            1 => Redial(a),
            2 => DialFails(a),
            3 => Admit(a),
            4 => Send(a),
            5 => SendDown,
            6 => Take(a),
            7 => TakeDown(a),
            8 => Write(a, b),
            9 => Deliver(a, b),
            10 => Tear(a, b),
            11 => Break(a, b),
            12 => Close(a),
            13 => CloseDown,
            14 => Remove,
            15 => Probe,
            16 => Crash(a),
            17 => CrashServer,
            18 => PassBeat,
            19 => PassLease,
            _ => PassWindow,
        }
    }

    /// The deed without its object: what coverage counts.
    pub(crate) fn deed(self) -> String {
        let debug = format!("{self:?}");
        debug.split('(').next().unwrap_or_default().to_owned()
    }
}

impl World {
    /// Everything that can happen now.
    pub(crate) fn actions(&self) -> Vec<Action> {
        let mut all = Vec::with_capacity(32);
        for client in 0..usize::from(self.bounds.clients) {
            self.of_client(client, &mut all);
        }
        self.of_server(&mut all);
        for link in 0..self.links.len() {
            for side in [DIALER, ACCEPTOR] {
                self.of_link(link, side, &mut all);
            }
        }
        let passes = [
            (self.left.beats, PassBeat),
            (self.left.leases, PassLease),
            (self.left.windows, PassWindow),
        ];
        all.extend(
            passes
                .into_iter()
                .filter(|(left, _)| *left > 0)
                .map(|(_, pass)| pass),
        );
        all
    }

    fn of_client(&self, client: usize, all: &mut Vec<Action>) {
        let may_dial = self.links.len() < usize::from(self.bounds.links);
        let kept = &self.clients[client];
        let machine = self.client(client);
        let idle = machine.is_none_or(|machine| {
            machine.phase() == Phase::Dialing && machine.current_link().is_none()
        });
        if idle && kept.dial.is_none() && may_dial {
            all.push(Login(client));
        }
        // Another program has nothing to lose before its first login; the same program may crash at any time.
        if self.left.crashes > 0 && (client == 0 || machine.is_some()) {
            all.push(Crash(client));
        }
        let Some(machine) = machine else { return };
        if self.wants_link(client) && may_dial {
            all.push(Redial(client));
        }
        if kept.dial.is_some() {
            all.push(DialFails(client));
        }
        let Some(story) = kept.story else { return };
        if machine.has_mail() {
            all.push(Take(client));
        }
        if machine.phase() == Phase::Ended {
            return;
        }
        let accepted = self.stories[story]
            .as_ref()
            .map_or(0, |story| story.lanes[UP].accepted);
        if accepted < self.bounds.up {
            all.push(Send(client));
        }
        if self.left.closes > 0 {
            all.push(Close(client));
        }
    }

    /// Whether a client that lost its link, or has last words to say, would dial.
    pub(crate) fn wants_link(&self, client: usize) -> bool {
        let down = |machine: &Machine| {
            machine.phase() == Phase::Reconnecting && machine.current_link().is_none()
        };
        self.clients[client].dial.is_some() || self.client(client).is_some_and(down)
    }

    fn of_server(&self, all: &mut Vec<Action>) {
        let offered = |link: &usize| {
            self.at(*link, ACCEPTOR)
                .is_some_and(|machine| machine.is_admissible(self.now))
        };
        all.extend((0..self.links.len()).filter(offered).map(Admit));
        let mail = |story: &usize| self.peer(*story).is_some_and(Machine::has_mail);
        all.extend((0..self.stories.len()).filter(mail).map(TakeDown));
        if self.left.server_crashes > 0 {
            all.push(CrashServer);
        }
        let Some(live) = self.live() else { return };
        let sent = self.stories[live]
            .as_ref()
            .map_or(0, |story| story.lanes[1].accepted);
        if sent < self.bounds.down {
            all.push(SendDown);
        }
        if self.left.closes > 0 {
            all.push(CloseDown);
        }
        if self.left.removals > 0 {
            all.push(Remove);
        }
        if self.left.probes > 0 {
            all.push(Probe);
        }
    }

    fn of_link(&self, link: usize, side: usize, all: &mut Vec<Action>) {
        let wire = &self.links[link];
        if wire.ends[side].is_none() {
            return;
        }
        if !self.is_current(link, side) || self.wants_transmit(link, side) {
            all.push(Write(link, side));
        }
        let more = !wire.queue[side].is_empty();
        let closed = wire.ends[1 - side].is_none();
        if more || closed {
            all.push(Deliver(link, side));
        }
        if more || !closed {
            all.push(Break(link, side));
        }
        if more && self.bounds.torn {
            all.push(Tear(link, side));
        }
    }
}
