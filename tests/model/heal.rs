//! The network works again: whoever has a session comes back to it, and nothing is missing (L1, L2).

use sessile::proto::{Machine, Phase};

use super::{
    action::Action::{self, *},
    bounds::Often,
    world::{ACCEPTOR, DIALER, World},
};

/// Steps within which everything must be well. A conversation of the bounds' size needs a fraction of them.
const ENOUGH: usize = 300;

impl World {
    /// For each client that has no link: it dials once more, nothing breaks, and all is well. What is not is returned.
    pub(crate) fn heal(&mut self) -> Option<String> {
        for client in 0..usize::from(self.bounds.clients) {
            let (idle, lost) = (self.is_idle(client), self.is_lost(client));
            if !idle && !lost {
                continue;
            }
            let mut healed = self.clone();
            healed.left = Often::default();
            healed.repeat(if lost { Redial(client) } else { Login(client) });
            let link = healed.links.len() - 1;
            healed.run(client, link);
            healed.judge(client);
            self.marks.healed(lost);
            if let Some(violation) = healed.violation {
                return Some(format!("{violation}, though the network works again"));
            }
        }
        None
    }

    /// It has no session and is not about to.
    fn is_idle(&self, client: usize) -> bool {
        self.clients[client].dial.is_none()
            && self.client(client).is_none_or(|machine| {
                machine.phase() == Phase::Dialing && machine.current_link().is_none()
            })
    }

    /// It has lost its link, and both ends still have the session.
    fn is_lost(&self, client: usize) -> bool {
        let Some(story) = self.clients[client].story else {
            return false;
        };
        let lost = self.client(client).is_some_and(|machine| {
            machine.phase() == Phase::Reconnecting && machine.current_link().is_none()
        });
        lost && self.live() == Some(story)
    }

    /// Everything on this link goes on until nothing does, and programs read what comes.
    fn run(&mut self, client: usize, link: usize) {
        for _ in 0..ENOUGH {
            let Some(next) = self.next_good(client, link) else {
                return;
            };
            self.repeat(next); // what must hold after each step is looked at where the search comes by
            if self.violation.is_some() {
                return;
            }
        }
        self.fail("no end to it");
    }

    fn next_good(&self, client: usize, link: usize) -> Option<Action> {
        for side in [DIALER, ACCEPTOR] {
            let wire = &self.links[link];
            if wire.ends[side].is_none() {
                continue;
            }
            if !wire.queue[side].is_empty() || wire.ends[1 - side].is_none() {
                return Some(Deliver(link, side));
            }
            if !self.is_current(link, side) || self.wants_transmit(link, side) {
                return Some(Write(link, side));
            }
        }
        let stranger = self.at(link, ACCEPTOR);
        if stranger.is_some_and(|machine| machine.is_admissible(self.now)) {
            return Some(Admit(link));
        }
        if self.client(client).is_some_and(Machine::has_mail) {
            return Some(Take(client));
        }
        let live = self.live()?;
        let mail = self.peer(live).is_some_and(Machine::has_mail);
        mail.then_some(TakeDown(live))
    }

    fn judge(&mut self, client: usize) {
        let well = self.phase(client) == Some(Phase::LoggedIn)
            && self.live().is_some()
            && self.live() == self.clients[client].story;
        self.check(well, "a client is locked out (L1)");
        let Some(Some(story)) = self.live().map(|live| self.stories[live].as_ref()) else {
            return;
        };
        let delivered = story
            .lanes
            .iter()
            .all(|lane| lane.delivered == lane.accepted);
        let ends = [
            self.client(client),
            self.live().and_then(|live| self.peer(live)),
        ];
        let acked = ends.into_iter().flatten().all(|machine| {
            let snapshot = machine.snapshot(self.now);
            snapshot.acked == snapshot.sent
        });
        self.check(delivered, "a message is not delivered (L2)");
        self.check(acked, "a message that was taken is not acknowledged (R9)");
    }
}
