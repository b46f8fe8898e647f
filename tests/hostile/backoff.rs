//! A server that lets a client in and throws it out again: it cannot make the client hammer it (threats T28 and T35).

use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use sessile::{
    Config, EventKind, Reconnect, Update,
    transport::{Accept, memory::MemoryAcceptor},
    wire::{Close, Frame, Refused, Resumed, RetryClass, Secret, VERSION, Welcome},
};

use super::{Owned, Raw, TERMS};
use crate::common::{MINUTE, On, SECOND, World};

/// How often it is thrown out.
const TIMES: u32 = 10_000;

/// What a client planned: whether its session comes back or it logs in anew, the how manieth attempt, and when.
type Plans = Arc<Mutex<Vec<(bool, u32, Duration)>>>;

struct Trap {
    world: World,
    listener: MemoryAcceptor,
    plans: Plans,
    epoch: u64,
}

impl Trap {
    fn new(policy: Reconnect) -> Self {
        let world = World::new();
        let listener = world.network.listener();
        let mut client = world.supervise(Config::new().reconnect(policy), "alice");
        let plans = Plans::default();
        let seen = Arc::clone(&plans);
        let program = async move {
            while let Some(update) = client.next().await {
                if let Update::Event(event) = &update
                    && let EventKind::ReconnectScheduled { attempt, after } = event.kind()
                {
                    let mut seen = seen.lock().expect("no panic holds it");
                    seen.push((event.epoch() > 0, *attempt, *after));
                }
            }
        };
        world.spawn_on(On::Client, program).detach();
        Self {
            world,
            listener,
            plans,
            epoch: 0,
        }
    }

    /// The client's next link, and what it says there.
    fn comes(&mut self) -> (Raw, bool) {
        let link = self.world.run_within(MINUTE, self.listener.accept());
        let mut raw = Raw::new(&self.world, link.expect("somebody dials"));
        self.world.settle();
        let frames = raw.frames();
        let back = matches!(frames.as_slice(), [Owned::Resume { .. }]);
        assert_eq!(frames.len(), 1, "{frames:?}");
        (raw, back)
    }

    fn welcomes(&mut self, raw: &mut Raw) {
        self.epoch += 1;
        raw.say(&Frame::Welcome(Welcome {
            version: VERSION,
            features: 0,
            session: 7,
            epoch: self.epoch,
            secret: Secret::new([1; 16]),
            terms: TERMS,
            identity: b"alice",
        }));
    }

    /// Lets it in, whether it logs in or comes back.
    fn lets_in(&mut self) -> Raw {
        let (mut raw, back) = self.comes();
        if back {
            self.epoch += 1;
            raw.say(&Frame::Resumed(Resumed {
                epoch: self.epoch,
                secret: Secret::new([2; 16]),
                received: 0,
                taken: 0,
            }));
        } else {
            self.welcomes(&mut raw);
        }
        raw
    }

    fn plans(&self) -> Vec<(bool, u32, Duration)> {
        std::mem::take(&mut *self.plans.lock().expect("no panic holds it"))
    }

    /// What was planned of one kind is one series that never begins again, and it took its time.
    fn assert_patient(&self, of_sessions: bool, times: u32, since: Duration) {
        let all = self.plans();
        let of: Vec<_> = all.iter().filter(|plan| plan.0 == of_sessions).collect();
        assert_eq!(of.len(), times as usize);
        for (number, (_, attempt, after)) in (1..).zip(of) {
            assert_eq!(*attempt, number, "it begins again");
            assert!(
                *after <= SECOND * (1 << (number - 1).min(5)).min(30),
                "{number}: {after:?}"
            );
        }
        // Half of the cap in the middle: 10,000 draws are within 3 % of it.
        let took = (self.world.clock.now() - since).as_secs_f64() / f64::from(times);
        println!("one attempt in {took:.2} s");
        assert!((14.5..16.5).contains(&took), "one attempt in {took:.2} s");
    }

    /// A link that was up for long enough ends the series.
    fn assert_forgives(mut self, of_sessions: bool) {
        let mut raw = self.lets_in();
        for _ in 0..17 {
            raw.say(&Frame::Volatile(b"it lives"));
            self.world.pass(SECOND * 2);
        }
        self.plans();
        if !of_sessions {
            raw.say(&Frame::Close(Close {
                code: 17,
                retry: RetryClass::Now,
                taken: 0,
                text: "",
            }));
        }
        drop(raw);
        self.world.settle();
        let plans = self.plans();
        let last = plans.last().map(|plan| (plan.0, plan.1));
        assert_eq!(last, Some((of_sessions, 1)), "{plans:?}");
    }
}

#[test]
fn a_login_that_is_closed_at_once_does_not_reset_the_backoff() {
    let mut trap = Trap::new(Reconnect::new());
    let since = trap.world.clock.now();
    for _ in 0..TIMES {
        let (mut raw, back) = trap.comes();
        assert!(!back);
        trap.welcomes(&mut raw);
        raw.say(&Frame::Close(Close {
            code: 17,
            retry: RetryClass::Now,
            taken: 0,
            text: "again",
        }));
    }
    trap.world.settle();
    trap.assert_patient(false, TIMES, since);
    trap.assert_forgives(false);
}

#[test]
fn a_login_that_is_cut_and_whose_resume_is_refused_does_not_reset_the_backoff() {
    let mut trap = Trap::new(Reconnect::new());
    let since = trap.world.clock.now();
    for _ in 0..TIMES {
        let (mut raw, back) = trap.comes();
        assert!(!back);
        trap.welcomes(&mut raw);
        drop(raw);
        // Each session tries once, within the first second.
        let (mut raw, back) = trap.comes();
        assert!(back);
        raw.say(&Frame::Refused(Refused {
            code: 8,
            retry: RetryClass::Now,
            taken: 0,
            attempt: 0,
            redirect: "",
            text: "",
        }));
    }
    trap.world.settle();
    trap.assert_patient(false, TIMES, since);
}

#[test]
fn a_resume_that_is_cut_at_once_does_not_reset_the_backoff() {
    let mut trap = Trap::new(Reconnect::new());
    drop(trap.lets_in());
    let since = trap.world.clock.now();
    for _ in 0..TIMES {
        drop(trap.lets_in());
    }
    trap.world.settle();
    let last = trap.plans.lock().expect("no panic holds it").pop();
    assert!(last.is_some_and(|last| last.1 == TIMES + 1), "{last:?}");
    trap.assert_patient(true, TIMES, since);
    trap.assert_forgives(true);
}

/// A server may say "at once" as often as it likes: an eighth of the backoff is waited all the same.
#[test]
fn a_server_that_asks_for_no_wait_gets_an_eighth_of_the_backoff() {
    let mut trap = Trap::new(Reconnect::new());
    let since = trap.world.clock.now();
    for _ in 0..TIMES {
        let (mut raw, _) = trap.comes();
        trap.welcomes(&mut raw);
        raw.say(&Frame::Close(Close {
            code: 17,
            retry: RetryClass::After(0),
            taken: 0,
            text: "",
        }));
    }
    trap.world.settle();
    let took = (trap.world.clock.now() - since).as_secs_f64() / f64::from(TIMES);
    assert!((1.8..2.0).contains(&took), "one attempt in {took:.2} s");
}
