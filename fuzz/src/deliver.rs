//! Bytes arrive and bytes are written, and what must not change by it has not.

use sessile::{
    Reason,
    proto::{Effects, Heard, Key, Machine, Phase},
    registry::Reading,
    wire::{Frame, Resumed, needed},
};

use crate::{
    books::Stand,
    link, reach,
    world::{World, next_secret},
};

impl World {
    /// The first bytes of what is on its way arrive.
    pub(crate) fn deliver(&mut self, index: usize, most: usize) {
        let Some((mut port, bytes)) = self.links[index].arrive(most) else {
            return;
        };
        let key = port.key();
        let machine = self.registry.get(key);
        let current = machine.is_some_and(|one| one.current_link() == Some(port.link()));
        let stranger = machine.is_some_and(Machine::is_stranger);
        let before = self.links[index].said.len() - bytes.len();
        reach::meet(
            machine.filter(|_| current),
            &self.links[index].said[..before],
            &bytes,
        );
        let unread = machine.map_or(0, Machine::unread);
        let acked = self.acked(key);
        // S7, S8: a stranger and a link of old change nobody.
        let before = (stranger || !current).then(|| self.stands());
        let (mut rest, mut fx, mut secrets) = (&bytes[..], Effects::default(), self.secrets);
        let reading = loop {
            let left = rest.len();
            let fresh = &mut || next_secret(&mut secrets);
            match self
                .registry
                .read(&mut port, self.now, &mut rest, &mut fx, fresh)
            {
                Reading::More => assert!(rest.len() < left, "a turn that gets nowhere"),
                reading => break reading,
            }
        };
        self.secrets = secrets;
        if !current {
            assert_eq!(reading, Reading::Close, "a link that is nobody's");
            assert!(fx.is_empty(), "{fx:?}");
        }
        if reading == Reading::Continue && !rest.is_empty() {
            // Only where a RESUME was refused: nothing that follows it counts, and the link ends.
            let phase = self.registry.get(key).map(Machine::phase);
            assert!(
                phase.is_none_or(|phase| phase == Phase::Ended),
                "bytes were left lying"
            );
        }
        if let Some(before) = before {
            self.check_unharmed(&before, [key, port.key(), self.expired_by(index)]);
        }
        if port.key() != key {
            self.check_proof(index, port.key());
            self.check_epoch(port.key());
        }
        self.check_mail(key, unread);
        self.perform(fx);
        if current {
            self.take_in(index, key, bytes.len(), acked, reading == Reading::Continue);
        }
        self.links[index].put_back(port, reading == Reading::Continue);
    }

    /// The same where a host is at hand: frame by frame, as links do it that have one.
    pub(crate) fn deliver_to_host(&mut self, index: usize) {
        let hosted = self.links[index].port.as_ref().is_some_and(|port| {
            let machine = self.registry.get(port.key());
            machine.is_some_and(|one| one.identity().is_some())
        });
        if !hosted {
            return self.deliver(index, usize::MAX);
        }
        let Some((mut port, bytes)) = self.links[index].arrive(usize::MAX) else {
            return;
        };
        let (key, link, now, mut rest, mut fx) = (
            port.key(),
            port.link(),
            self.now,
            &bytes[..],
            Effects::default(),
        );
        // Its host may be called while another link takes the session over.
        let machine = self.registry.get(key);
        let current = machine.is_some_and(|one| one.current_link() == Some(link));
        let unread = machine.map_or(0, Machine::unread);
        let acked = self.acked(key);
        let before = (!current).then(|| self.stands());
        self.registry.prepare(&mut port);
        let open = loop {
            let frame = match port.next(&mut rest) {
                Ok(None) => break true,
                Ok(Some(frame)) => frame,
                Err(violation) => {
                    self.registry.input(key, now, &mut fx, |machine, cx| {
                        machine.handle_violation(cx, link, violation);
                    });
                    break false;
                }
            };
            match self
                .registry
                .apply_direct(key, link, now, &frame, None, &mut fx)
            {
                Heard::Applied => {}
                Heard::Direct if matches!(frame, Frame::Data(_)) => {
                    self.books.entry(key).or_default().taken += 1;
                }
                Heard::Direct => assert!(matches!(frame, Frame::Volatile(_))),
                Heard::Stale => break false,
                Heard::Offered => panic!("a session presents itself anew"),
                Heard::Resume(_) => panic!("a session brings back another one"),
            }
        };
        if let Some(before) = before {
            self.check_unharmed(&before, []);
        }
        self.check_mail(key, unread);
        self.perform(fx);
        if current {
            self.take_in(index, key, bytes.len(), acked, open);
        }
        self.links[index].put_back(port, open);
    }

    /// What the core has for a link is read and checked.
    pub(crate) fn hear(&mut self, index: usize) {
        let (now, mut fx, mut out) = (self.now, Effects::default(), Vec::new());
        let Some(port) = self.links[index].port.take() else {
            return;
        };
        let key = port.key();
        let machine = self.registry.get(key);
        let current = machine.is_some_and(|one| one.current_link() == Some(port.link()));
        let acked = self.registry.snapshot(key, now).map_or(0, |one| one.acked);
        let close = loop {
            let before = out.len();
            let transmit = self.registry.transmit(&port, now, &mut out, &mut fx);
            if !transmit.more {
                break transmit.close;
            }
            assert!(
                out.len() > before,
                "a turn that writes nothing, and wants another"
            );
        };
        assert!(
            current || (close && out.is_empty()),
            "a link of old is written to"
        );
        self.links[index].put_back(port, !close);
        link::listen(self, index, key, acked, &out);
        self.perform(fx);
    }

    fn stands(&self) -> Vec<(Key, Stand)> {
        let stand = |one: &Machine| (one.key(), Stand::of(&self.registry, one, self.now));
        self.machines().map(stand).collect()
    }

    fn check_unharmed(&self, before: &[(Key, Stand)], involved: impl AsRef<[Key]>) {
        for (key, stand) in before {
            if involved.as_ref().contains(key) || stand.is_due(self.now) {
                continue;
            }
            let machine = self.registry.get(*key).expect("a stranger made it vanish");
            assert_eq!(
                Stand::of(&self.registry, machine, self.now),
                *stand,
                "{key:?}"
            );
        }
    }

    /// What came before a peer's CLOSE can be read after it.
    fn check_mail(&self, key: Key, unread: usize) {
        let machine = self.registry.get(key);
        let closed = |one: &&Machine| {
            one.ended()
                .is_some_and(|end| end.reason() == Reason::ClosedByPeer)
        };
        assert!(
            machine
                .filter(closed)
                .is_none_or(|one| one.unread() >= unread),
            "mail is gone"
        );
    }

    /// How far a session's messages are acknowledged; after its end they may have been handed back, acknowledged or not.
    fn acked(&self, key: Key) -> Option<u64> {
        let snapshot = self.registry.snapshot(key, self.now)?;
        (snapshot.phase != Phase::Ended).then_some(snapshot.acked)
    }

    /// The last `new` bytes of a link were taken, and it is open: what they say can be (T10, R10). They prove that the session's
    /// newest secret had arrived.
    fn take_in(&mut self, index: usize, key: Key, new: usize, acked: Option<u64>, open: bool) {
        let link = &self.links[index];
        if !link.known || link.key() != key {
            return;
        }
        let book = self.books.entry(key).or_default();
        let (before, mut at, mut whole) = (link.said.len() - new, 0, false);
        let (checked, mut acked) = (acked.is_some(), acked.unwrap_or_default());
        link::frames(&link.said, |frame| {
            at += needed(&link.said[at..]).unwrap_or_default();
            if open && at > before {
                whole = true;
                match frame {
                    Frame::Ack(taken) if checked => {
                        assert!(
                            acked <= *taken && *taken <= link.written(),
                            "{frame:?} after {acked}"
                        );
                        acked = *taken;
                    }
                    Frame::Resumed(Resumed {
                        received, taken, ..
                    }) => {
                        assert!(acked <= *taken && taken <= received && *received <= book.written);
                        acked = *taken;
                    }
                    _ => {}
                }
            }
            None::<()>
        });
        book.proof.hear(whole);
    }

    /// S3: a session has a new link. Epochs grow for every identity, whichever session it is in.
    pub(crate) fn check_epoch(&mut self, key: Key) {
        let Some(machine) = self.registry.get(key) else {
            return;
        };
        let (epoch, identity) = (machine.epoch(), machine.identity().expect("logged in"));
        let last = self.epochs.entry(identity.as_bytes().to_vec()).or_default();
        assert!(epoch > *last, "{epoch} after {last}: {machine:?}");
        *last = epoch;
        self.books.entry(key).or_default().epoch = epoch;
    }

    /// Where no time is given to come back, who proves a session that is still up is too late already: that ends it.
    fn expired_by(&self, index: usize) -> Key {
        let link = &self.links[index];
        let session = link::frames(&link.said, |frame| match frame {
            Frame::Resume(resume) => Some(Key::from_u64(resume.session)),
            _ => None,
        });
        let at_once = self.registry.settings().resume_window.is_zero();
        session.filter(|_| at_once).unwrap_or(link.key())
    }

    /// A link moved to a session: its RESUME was good.
    fn check_proof(&mut self, index: usize, session: Key) {
        let resume = link::frames(&self.links[index].said, |frame| match frame {
            Frame::Resume(resume) => Some(resume.clone()),
            _ => None,
        });
        let resume = resume.expect("a link moved without RESUME");
        assert_eq!(resume.session, session.as_u64());
        let fresh = self.secrets.into();
        let book = self.books.entry(session).or_default();
        assert!(
            resume.taken <= resume.received && resume.received <= book.written,
            "{resume:?}"
        );
        book.proof.accept(&resume, fresh);
    }
}
