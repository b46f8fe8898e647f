//! What goes wrong, and how it is put right again.

use std::{sync::Arc, time::Duration};

use super::{
    faults::Fault,
    link::Known,
    process::Role,
    simulation::{Checked, Sim, Wrong},
    stranger,
};
use crate::{
    Spawn,
    proto::{Key, Side},
    transport::memory::{Direction, LinkControl, Network},
};

/// What is to happen later.
pub(super) enum Plan {
    /// A stopped process goes on.
    GoOn(usize),
    /// A killed process starts again.
    Start(usize),
    /// A link delivers what it held back.
    Release(LinkControl, Direction),
    /// A server's dials are answered again.
    Answer(Network),
    /// Timers are on time again.
    OnTime,
}

const BOTH: [Direction; 2] = [Direction::ToAcceptor, Direction::ToDialer];

impl Sim {
    /// Something goes wrong.
    pub(super) fn inject(&mut self) -> Checked {
        let Some(fault) = self.faults.draw(&mut self.rng) else {
            return Ok(());
        };
        if self.strike(fault)? {
            let mark = format!("fault:{fault}");
            self.world.state().trace.mark(&mark);
        }
        Ok(())
    }

    /// True where there was something for it to strike.
    fn strike(&mut self, fault: Fault) -> Result<bool, Wrong> {
        match fault {
            Fault::CrashClient => return self.crash(Role::Client),
            Fault::CrashServer => return self.crash(Role::Server),
            Fault::Pause => return Ok(self.stop_one()),
            Fault::PauseAll => {
                let time = self.span(20_000);
                self.say(&format!("everybody is stopped for {time:?}"));
                self.world.clock.advance(time);
                let now = self.world.now();
                for process in self.processes.iter_mut().filter(|one| !one.paused) {
                    process.woke_after(now, time);
                }
                self.carry_out();
            }
            Fault::LateTimers => {
                self.timers_late = true;
                let time = self.span(20_000);
                self.plan(time, Plan::OnTime);
            }
            Fault::SpuriousWakes => {
                for process in &self.processes {
                    process.tasks.wake_any(&mut self.rng);
                }
            }
            Fault::DialTwice => self.world.state().dial_twice = true,
            Fault::Delay
            | Fault::Refuse
            | Fault::Unanswered
            | Fault::ResetAfterAccept
            | Fault::FailAccepts
            | Fault::Storm
            | Fault::Replay
            | Fault::SilentStrangers => return Ok(self.strike_network(fault)),
            _ => return Ok(self.strike_link(fault)),
        }
        Ok(true)
    }

    fn strike_network(&mut self, fault: Fault) -> bool {
        let networks = self.world.networks();
        let Some((name, network)) = self.rng.choice(&networks) else {
            return false;
        };
        match fault {
            Fault::Delay => {
                let choices = [0, 0, 1, 20, 150, 1_000, 5_000].map(Duration::from_millis);
                let delay = choices[self.rng.usize(..choices.len())];
                self.say(&format!("links to {name} take {delay:?}"));
                network.set_delay(delay);
                self.world.state().jitter = self.rng.bool();
            }
            Fault::Refuse => {
                self.say(&format!("dials to {name} are refused"));
                network.refuse(true);
                let time = self.span(20_000);
                self.plan(time, Plan::Answer(network.clone()));
            }
            Fault::Unanswered => {
                self.say(&format!("dials to {name} hear nothing"));
                network.swallow_dials(true);
                let time = self.span(20_000);
                self.plan(time, Plan::Answer(network.clone()));
            }
            Fault::ResetAfterAccept => {
                let count = self.rng.u32(1..4);
                self.say(&format!("the next {count} links to {name} do not last"));
                let mut state = self.world.state();
                state.doomed.insert(Arc::clone(name), count);
            }
            Fault::FailAccepts => {
                let count = self.rng.usize(1..6);
                self.say(&format!("{name} cannot accept {count} times"));
                network.fail_accepts(count);
            }
            Fault::Storm => {
                self.say(&format!("all links to {name} are cut"));
                network.cut();
            }
            Fault::Replay => return self.replay(name, network),
            Fault::SilentStrangers => {
                let count = self.rng.usize(1..20);
                self.say(&format!("{count} silent strangers at {name}"));
                for _ in 0..count {
                    let time = self.span(10_000);
                    let dialer = network.dialer();
                    self.stranger(stranger::silent(Arc::clone(&self.world), dialer, time));
                }
            }
            _ => return false,
        }
        true
    }

    /// A stranger says what somebody said before it.
    fn replay(&mut self, name: &Arc<str>, network: &Network) -> bool {
        let tapes = self.world.state().tapes.of(name);
        let Some(tape) = self.rng.choice(&tapes) else {
            return false;
        };
        let honest = !self.world.state().rogue_networks.contains(name);
        let Some(mut first) = stranger::first_frame(tape, honest) else {
            return false;
        };
        if let Some((session, attempt)) = first.resume
            && self.rng.bool()
            && self.is_proven_after(session, attempt)
            && let Some(stolen) = first.with_next_attempt()
        {
            self.world.state().trace.mark("replay:stolen-secret");
            first = stolen;
        }
        self.say(&format!("a stranger at {name} replays a {}", first.name));
        let session = first.resume.map(|(session, _)| session);
        self.world.state().replayed.extend(session);
        let time = self.span(3_000);
        let (world, dialer) = (Arc::clone(&self.world), network.dialer());
        self.stranger(stranger::replayer(world, dialer, first, time));
        true
    }

    /// Whether the secret that this attempt used has a successor, and that one is known to have arrived.
    fn is_proven_after(&self, session: u64, attempt: u64) -> bool {
        let key = Key::from_u64(session);
        let mut acceptors = self.watched.iter().filter(|one| one.side == Side::Acceptor);
        acceptors
            .find_map(|one| one.vitals(key))
            .is_some_and(|vitals| vitals.proven && vitals.attempt >= attempt)
    }

    fn stranger(&mut self, program: impl Future<Output = ()> + Send + 'static) {
        let crowd = match self.processes.iter().position(|one| &*one.name == CROWD) {
            Some(index) => index,
            None => {
                self.process(
                    CROWD,
                    Role::Rogue,
                    |node| async move { node.forever().await },
                );
                let index = self.processes.len() - 1;
                self.start(index);
                index
            }
        };
        self.processes[crowd].tasks.spawn_boxed(Box::pin(program));
    }

    fn strike_link(&mut self, fault: Fault) -> bool {
        let links = self.live_links();
        let Some(link) = self.rng.choice(&links).cloned() else {
            return false;
        };
        let Known { from, to, control } = &link;
        let way = BOTH[self.rng.usize(..2)];
        let said = match fault {
            Fault::Jitter => {
                let delay = self.span(300);
                control.set_delay(delay);
                format!("takes {delay:?}")
            }
            Fault::CutAtByte => {
                let bytes = match self.rng.bool() {
                    true => self.rng.u64(..80),
                    false => self.rng.u64(..2_000),
                };
                control.cut_after(bytes, way);
                format!("is cut after {bytes} more bytes {way:?}")
            }
            Fault::Cut => {
                control.cut();
                "is cut".to_owned()
            }
            Fault::HalfOpen => {
                control.half_open(way);
                format!("is half open: whoever writes {way:?} knows")
            }
            Fault::BlackHole => {
                let _ = BOTH.map(|way| control.black_hole(way, true));
                "swallows everything".to_owned()
            }
            Fault::OneWay => {
                control.black_hole(way, true);
                format!("swallows what is written {way:?}")
            }
            Fault::Clog => {
                let time = self.span(8_000);
                let ways = if self.rng.bool() { &BOTH[..] } else { &[way] };
                for &way in ways {
                    control.hold(way, true);
                    self.plan(time, Plan::Release(control.clone(), way));
                }
                format!("is clogged for {time:?}")
            }
            Fault::Trickle => {
                let bytes = 1 << self.rng.u32(..6);
                control.chunk(bytes);
                control.capacity(bytes * 8);
                format!("passes {bytes} bytes at a time, and holds {}", bytes * 8)
            }
            Fault::HalfClose => {
                control.finish(way);
                format!("is finished {way:?}")
            }
            Fault::ResetUnread => {
                control.reset_unread(true);
                "resets where bytes are left unread".to_owned()
            }
            _ => return false,
        };
        self.say(&format!("the link from {from} to {to} {said}"));
        true
    }

    fn live_links(&self) -> Vec<Known> {
        let mut state = self.world.state();
        state.links.retain(|known| known.control.is_up());
        state.links.clone()
    }

    fn stop_one(&mut self) -> bool {
        let able: Vec<usize> = (0..self.processes.len())
            .filter(|&index| self.processes[index].is_up())
            .collect();
        let Some(&index) = self.rng.choice(&able) else {
            return false;
        };
        let time = self.span(20_000);
        self.say_of(index, &format!("is stopped for {time:?}"));
        self.processes[index].stop(self.world.now());
        self.plan(time, Plan::GoOn(index));
        true
    }

    fn crash(&mut self, role: Role) -> Result<bool, Wrong> {
        let able: Vec<usize> = (0..self.processes.len())
            .filter(|&index| self.processes[index].running && self.processes[index].role == role)
            .collect();
        let Some(&index) = self.rng.choice(&able) else {
            return Ok(false);
        };
        self.check_process(index)?; // the last that it said counts
        let name = Arc::clone(&self.processes[index].name);
        // The kernel ends its links: in order, by a reset, or not at all where the machine went with it.
        let how = self.rng.u8(..3);
        for known in self.live_links() {
            if known.from != name && known.to != name {
                continue;
            }
            match how {
                0 => {}
                1 => known.control.cut(),
                _ => drop(BOTH.map(|way| known.control.black_hole(way, true))),
            }
        }
        let after = self.span(8_000);
        let how = [
            "its links end",
            "its links are reset",
            "its links fall silent",
        ][how as usize];
        self.say_of(index, &format!("is killed, {how}; back in {after:?}"));
        self.watched.retain(|one| one.node != index);
        self.processes[index].kill();
        self.plan(after, Plan::Start(index));
        // A runtime that its dying process started was never there.
        self.world.state().started.retain(|one| one.node != index);
        Ok(true)
    }

    /// Up to so many milliseconds, and more often few than many.
    fn span(&mut self, most: u64) -> Duration {
        let most = most >> self.rng.u32(..6);
        Duration::from_millis(self.rng.u64(..=most))
    }

    fn plan(&mut self, after: Duration, plan: Plan) {
        self.planned += 1;
        let at = self.world.now() + after;
        self.plans.insert((at, self.planned), plan);
    }

    /// Does what is planned for now or earlier.
    pub(super) fn carry_out(&mut self) {
        let now = self.world.now();
        while let Some(entry) = self.plans.first_entry() {
            if entry.key().0 > now {
                return;
            }
            let plan = entry.remove();
            self.do_plan(plan);
        }
    }

    fn do_plan(&mut self, plan: Plan) {
        match plan {
            Plan::GoOn(index) => {
                if self.processes[index].go_on(self.world.now()) {
                    self.say_of(index, "goes on");
                }
            }
            Plan::Start(index) => {
                if !self.processes[index].running {
                    self.start(index);
                }
            }
            Plan::Release(control, way) => control.hold(way, false),
            Plan::Answer(network) => {
                network.refuse(false);
                network.swallow_dials(false);
            }
            Plan::OnTime => self.timers_late = false,
        }
    }

    /// Nothing goes wrong any more. Links that swallow stay as they are: a peer has to find that out.
    pub(super) fn heal(&mut self) {
        self.say("the world is healed");
        while let Some((_, plan)) = self.plans.pop_first() {
            self.do_plan(plan);
        }
        for (_, network) in self.world.networks() {
            network.refuse(false);
            network.swallow_dials(false);
            network.fail_accepts(0);
            network.set_delay(Duration::from_millis(self.rng.u64(..40)));
        }
        for known in self.live_links() {
            known.control.chunk(usize::MAX);
            known.control.capacity(usize::MAX);
        }
        let waiting = {
            let mut state = self.world.state();
            state.doomed.clear();
            state.dial_twice = false;
            state.jitter = false;
            state.healed = true;
            std::mem::take(&mut state.waiting)
        };
        waiting.into_iter().for_each(std::task::Waker::wake);
    }
}

/// Strangers without a process of their own.
const CROWD: &str = "(crowd)";
