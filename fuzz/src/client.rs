//! Target `client`: a registry that dials, and a server that answers whatever it likes, when it likes, on any link.

use std::time::Duration;

use bytes::Bytes;
use sessile::{
    Reason, Retry,
    proto::{Key, Phase, Side as End, closed},
    registry::Port,
    wire::{Frame, Welcome},
};

use crate::{
    app, books::check_deadlines, checker::Side, choices::Choices, grammar, grammar::TERMS,
    link::Link, world::World,
};

struct Client {
    world: World,
    session: Key,
    /// Whether a login may be asked for: none is under way, and none has succeeded.
    idle: bool,
    held: Vec<Key>,
}

/// Two bytes of limits, then deeds.
pub fn client(bytes: &[u8]) {
    let mut choices = Choices::new(bytes);
    let mut world = World::new(&mut choices, Side::Dialer);
    let session = world.registry.dialer([7; 16], 0, u64::from(choices.byte()));
    let mut client = Client {
        world,
        session,
        idle: true,
        held: vec![session],
    };
    if choices.flag() {
        // The first link was dialed before the session existed.
        client.first_link();
    }
    while !choices.is_empty() {
        client.act(&mut choices);
        client.check();
    }
    app::end(&mut client.world, &client.held);
}

impl Client {
    fn first_link(&mut self) {
        let session = self.session;
        let link = self
            .world
            .on(session, |machine, cx| machine.first_link(cx, None));
        self.world
            .links
            .extend(link.map(|link| Link::new(Port::new(session, link))));
    }

    fn act(&mut self, choices: &mut Choices<'_>) {
        let deed = choices.below(16);
        let link = self.world.any_link(choices);
        match (deed, link) {
            (0, _) => self.log_in(choices),
            (1, _) | (_, None) => self.dial(choices),
            (2..6, Some(link)) => {
                let frame = grammar::frame(choices, &self.world.knows(link));
                self.world.links[link].on_way.extend(frame);
                if choices.byte() < 200 {
                    self.world.deliver(link, usize::MAX);
                }
            }
            (6, Some(link)) => {
                self.world.links[link].on_way.extend(choices.short());
                self.world.deliver(link, usize::from(choices.byte()));
            }
            (7, Some(link)) => self.welcome(link),
            (8, Some(link)) => self.world.deliver(link, usize::from(choices.byte())),
            (9 | 10, Some(link)) => self.world.hear(link),
            (11, Some(link)) => self.world.cut(link),
            (12, Some(link)) => self.world.deliver_to_host(link),
            (13, _) => {
                let time =
                    [1, 25_000, 700_000, 2_100_000, 6_500_000, 30_000_000, 0][choices.below(7)];
                let late = choices.byte() >= 192;
                self.world.pass(Duration::from_micros(time), late);
            }
            _ => self.app(choices),
        }
    }

    fn app(&mut self, choices: &mut Choices<'_>) {
        if !self.held.contains(&self.session) || !app::act(&mut self.world, self.session, choices) {
            self.start_over(choices);
        }
    }

    /// Another session of the same client, as after an end that was not to be.
    fn start_over(&mut self, choices: &mut Choices<'_>) {
        self.held.retain(|&key| key != self.session);
        self.session = self
            .world
            .registry
            .dialer([7; 16], 100, u64::from(choices.byte()));
        self.held.push(self.session);
        self.idle = true;
    }

    fn log_in(&mut self, choices: &mut Choices<'_>) {
        let session = self.session;
        match self
            .world
            .on(session, |machine, _| machine.login_outcome())
            .flatten()
        {
            Some(Ok(())) => self.idle = false,
            Some(Err(failure)) => {
                assert!(!failure.closed.to_string().is_empty());
                self.idle = true;
            }
            None => {}
        }
        let deed = choices.byte();
        let phase = self
            .world
            .registry
            .get(session)
            .map(|machine| machine.phase());
        let before_login = matches!(phase, Some(Phase::Dialing | Phase::Connecting));
        match deed {
            0..160 if self.idle && before_login => {
                let len = if deed == 0 {
                    sessile::wire::CREDENTIALS_BYTES + 1
                } else {
                    deed.into()
                };
                self.idle = false;
                self.world.on(session, |machine, cx| {
                    machine.login(cx, Bytes::from(vec![7; len]))
                });
                self.dial(choices);
            }
            160..208 => {
                let asked = self
                    .world
                    .on(session, |machine, _| machine.take_challenge());
                if asked.flatten().is_some() {
                    let answer = (deed < 200).then(|| Bytes::from_static(b"me"));
                    self.world
                        .on(session, |machine, cx| machine.answer(cx, answer));
                }
            }
            208..224 if !self.idle && before_login => {
                self.idle = self
                    .world
                    .on(session, |machine, cx| machine.cancel_login(cx))
                    == Some(true);
            }
            224..240 => drop(self.world.on(session, |machine, _| machine.take_nudge())),
            240..248 => drop(self.world.on(session, |machine, cx| machine.stop(cx))),
            248.. if phase == Some(Phase::Ended) => {
                self.world.on(session, |machine, cx| {
                    machine.close(cx, closed(Reason::Dropped))
                });
                app::let_go(&mut self.world, session);
                self.start_over(choices);
            }
            _ => {}
        }
    }

    /// The dial that was asked for first succeeds, or fails.
    fn dial(&mut self, choices: &mut Choices<'_>) {
        let Some((key, link)) = self.world.dials.pop_front() else {
            return;
        };
        let outcome = choices.byte();
        if outcome >= 224 {
            let again = if choices.flag() {
                Retry::Now
            } else {
                Retry::Never
            };
            self.world.on(key, |machine, cx| {
                machine.dial_failed(cx, link, "nobody", again)
            });
        } else if self
            .world
            .on(key, |machine, cx| machine.link_up(cx, link, None))
            == Some(true)
        {
            self.world.links.push(Link::new(Port::new(key, link)));
            let index = self.world.links.len() - 1;
            if outcome < 160 {
                self.world.hear(index);
            }
        }
    }

    /// What a server does that means well.
    fn welcome(&mut self, link: usize) {
        let secret = self.world.fresh_secret();
        let mut frame = Vec::new();
        Frame::Welcome(Welcome {
            version: sessile::wire::VERSION,
            features: 0,
            session: 7,
            epoch: 1,
            secret,
            terms: TERMS,
            identity: b"me",
        })
        .encode(&mut frame);
        self.world.links[link].on_way.extend(frame);
        self.world.deliver(link, usize::MAX);
    }

    /// What holds of a client whatever its server writes.
    fn check(&self) {
        let registry = &self.world.registry;
        check_deadlines(registry, self.world.now);
        for machine in self.world.machines() {
            assert_eq!(machine.side(), End::Dialer);
        }
        // Nobody is a stranger to himself, nor in the collection of a server.
        assert_eq!((registry.strangers(), registry.len()), (0, 0));
    }
}
