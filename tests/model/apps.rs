//! The programs at both ends: they read, they hear how it ended, they clear away. And what they may be told.

use sessile::{
    Ended, EventKind, Fate, LossCause, Reason, Undelivered,
    proto::{Key, Machine, Phase, Received},
};

use super::{
    apply::Whose,
    world::{ACCEPTOR, DIALER, DOWN, Story, UP, World},
};

impl World {
    /// What programs do at once: a login that failed is noticed, a session that is over is reported and cleared away.
    pub(crate) fn settle(&mut self) {
        self.time();
        for client in 0..self.clients.len() {
            self.login_outcome(client);
            self.end_of_client(client);
        }
        for story in 0..self.stories.len() {
            self.end_of_peer(story);
        }
        self.note();
    }

    /// The next message in order, and no other (S1).
    pub(crate) fn taken(
        &mut self,
        number: usize,
        lane: usize,
        taken: Option<Result<Option<Received>, Ended>>,
    ) {
        let Some(story) = &mut self.stories[number] else {
            return self.fail("a message of a session that never was");
        };
        let Some(Ok(Some(received))) = taken else {
            return self.fail("mail that cannot be read");
        };
        let lane_of = &mut story.lanes[lane];
        let expected = [number as u8, lane as u8, lane_of.delivered];
        let never_sent = lane_of
            .never_sent_from
            .is_some_and(|from| lane_of.delivered >= from);
        let invented = lane_of.delivered >= lane_of.accepted;
        lane_of.delivered += 1;
        self.check(
            received.payload[..] == expected,
            "lost, doubled or reordered (S1)",
        );
        self.check(!invented, "delivered, and nobody sent it (S1)");
        self.check(
            !never_sent,
            "delivered, and its sender was told that it was never sent (S6)",
        );
    }

    pub(crate) fn seen_written(&mut self, payload: &[u8]) {
        if let &[story, lane, number] = payload
            && let Some(Some(story)) = self.stories.get_mut(usize::from(story))
        {
            let lane = &mut story.lanes[usize::from(lane)];
            lane.written = lane.written.max(number + 1);
        }
    }

    fn login_outcome(&mut self, client: usize) {
        let failed = self.clients[client].story.is_none()
            && self.phase(client) == Some(Phase::Dialing)
            && self.clients[client].dial.is_none();
        if !failed {
            return;
        }
        if let Some(Some(Err(failure))) =
            self.on_client(client, |machine, _| machine.login_outcome())
        {
            let reason = failure.closed.reason();
            self.marks.login_failed(reason);
            let fair = matches!(reason, Reason::LinkLost | Reason::LoginTimedOut);
            self.check(
                fair,
                "a login was refused because of the client's own ghost (R12)",
            );
        }
    }

    fn end_of_client(&mut self, client: usize) {
        let over = |machine: &Machine| machine.is_settled() && !machine.has_mail();
        let Some(machine) = self.client(client).filter(|&machine| over(machine)) else {
            return;
        };
        let reason = machine.ended().map(sessile::Closed::reason);
        let attempt = self.login_attempt(client);
        let undelivered = self.on_client(client, |machine, cx| {
            let undelivered = machine.take_undelivered();
            machine.abandon(cx);
            undelivered
        });
        let gone = self.client(client).is_none();
        self.check(gone, "a client keeps a session that is over");
        if let Some(story) = self.clients[client].story {
            self.account(story, UP, &undelivered.unwrap_or_default());
            self.close_story(story, DIALER, reason);
        }
        let kept = &mut self.clients[client];
        kept.login_attempt = attempt;
        (kept.session, kept.story, kept.dial) = (None, None, None);
    }

    fn end_of_peer(&mut self, number: usize) {
        let Some(story) = self.stories[number]
            .as_ref()
            .filter(|story| !story.over[ACCEPTOR])
        else {
            return;
        };
        let key = Key::from_u64(story.key);
        let Some(machine) = self.server.get(key) else {
            return self.fail("a session was forgotten before its holder let it go");
        };
        if !machine.is_settled() || machine.has_mail() {
            return;
        }
        let reason = machine.ended().map(sessile::Closed::reason);
        let undelivered = self.on_server(key, |machine, cx| {
            let undelivered = machine.take_undelivered();
            machine.abandon(cx);
            undelivered
        });
        self.account(number, DOWN, &undelivered.unwrap_or_default());
        self.close_story(number, ACCEPTOR, reason);
    }

    fn close_story(&mut self, story: usize, side: usize, reason: Option<Reason>) {
        if let Some(story) = &mut self.stories[story] {
            story.over[side] = true;
            story.reasons[side] = reason;
        }
    }

    /// What is handed back is exactly what was accepted and not acknowledged, and what was never sent is exactly what no link
    /// ever carried (S6, R14).
    fn account(&mut self, number: usize, lane: usize, undelivered: &[Undelivered]) {
        let Some(story) = &mut self.stories[number] else {
            return;
        };
        let kept = &mut story.lanes[lane];
        let acked = usize::from(kept.accepted).checked_sub(undelivered.len());
        let expected = |(one, sequence): (&Undelivered, usize)| {
            one.sequence() == sequence as u64
                && one.message()[..] == [number as u8, lane as u8, sequence as u8]
        };
        let exact = acked.is_some_and(|acked| undelivered.iter().zip(acked..).all(expected));
        let taken = acked.is_some_and(|acked| acked <= usize::from(kept.delivered));
        let fates = undelivered.iter().all(|one| {
            (one.fate() == Fate::NeverSent) == (one.sequence() >= u64::from(kept.written))
        });
        let never = undelivered.iter().find(|one| one.fate() == Fate::NeverSent);
        kept.never_sent_from = never.map(|one| one.sequence() as u8);
        let delivered = kept
            .never_sent_from
            .is_some_and(|from| kept.delivered > from);
        self.check(
            exact,
            "what is handed back is not what was accepted and not acknowledged (S6)",
        );
        self.check(taken, "acknowledged, and nobody will ever take it (S2, S6)");
        self.check(fates, "`NeverSent` is not what no link ever carried (R14)");
        self.check(!delivered, "never sent, and yet delivered (S6)");
    }

    /// What is told has to be true.
    pub(crate) fn hear(&mut self, whose: Whose, event: &EventKind) {
        self.marks.event(whose, event);
        match event {
            EventKind::LinkLost(LossCause::Protocol(violation)) => {
                self.fail(format!("an honest peer is accused: {violation}"));
            }
            EventKind::Ended(closed) => {
                let fair = match whose {
                    Whose::Client(client) => self.is_fair(client, closed.reason()),
                    Whose::Server => true,
                };
                self.marks.ended(whose, closed.reason());
                self.check(
                    fair,
                    &format!("told {:?}, which is not so", closed.reason()),
                );
            }
            _ => {}
        }
    }

    /// Whether something happened that a client may be told so.
    fn is_fair(&self, client: usize, reason: Reason) -> bool {
        let (often, left) = (self.bounds.often, self.left);
        let waited = often.windows > left.windows || often.leases > left.leases;
        let crashed = often.server_crashes > left.server_crashes;
        let Some(story) = self.clients[client]
            .story
            .and_then(|story| self.stories[story].as_ref())
        else {
            return true;
        };
        match reason {
            Reason::ClosedHere | Reason::ClosedByPeer => often.closes > left.closes,
            Reason::Removed => often.removals > left.removals,
            Reason::TakenOver => self.was_taken_over(story),
            Reason::Gone => crashed || often.windows > left.windows,
            Reason::Expired | Reason::GaveUp => often.windows > left.windows,
            Reason::NeverProven => waited,
            _ => false,
        }
    }

    /// Whether another client was admitted after this one, not its own earlier or later self.
    fn was_taken_over(&self, story: &Story) -> bool {
        self.stories.iter().flatten().any(|later| {
            later.order > story.order && self.instance_of(later) != self.instance_of(story)
        })
    }

    pub(crate) fn instance_of(&self, story: &Story) -> (usize, u8) {
        let life = if self.bounds.stable_instance {
            0
        } else {
            story.life
        };
        (story.client, life)
    }
}
