//! Several sessions of one identity, against a list of what they should be: clients log in, lose their links, come back, close and
//! push each other out, as it comes.

use std::time::Duration;

use fastrand::Rng;

use super::door::stranger::{Door, Heard, SECOND, Stranger, encoded, login_nth, resume_attempt};
use crate::{
    Closed, Config, Identity, Reason, RejectCode,
    proto::{Effects, Key, Machine, Phase},
    wire::{Decoder, Frame, RetryClass, Secret},
};

/// A session that should live.
struct Model {
    key: Key,
    who: u64,
    /// Of which client, and its how manieth login this was.
    instance: u8,
    attempt: u64,
    link: Option<Stranger>,
    secret: Secret,
    resumes: u64,
    epoch: u64,
}

struct Life {
    rng: Rng,
    door: Door,
    most: usize,
    /// In the order of their logins.
    live: Vec<Model>,
    logins: u64,
    /// The highest epoch that a link of each identity had.
    highest: [u64; WHO as usize],
    seen: Seen,
}

/// What a life had in it, or it proves nothing.
#[derive(Default)]
struct Seen {
    beside: usize,
    resumed: usize,
    own: usize,
    over_lost: usize,
    over_oldest: usize,
    over_wished: usize,
}

const WHO: u64 = 3;
const CLIENTS: u8 = 6;

impl Life {
    fn new(seed: u64, most: usize) -> Self {
        let config = Config::new()
            .sessions_per_identity(most)
            .comings_a_minute(65_536)
            .takeover_pause(Duration::ZERO)
            .resume_window(SECOND * 3_600)
            .heartbeat_interval(SECOND * 600)
            .lease(SECOND * 3_600);
        Self {
            rng: Rng::with_seed(seed),
            door: Door::new(config),
            most,
            live: Vec::new(),
            logins: 0,
            highest: [0; WHO as usize],
            seen: Seen::default(),
        }
    }

    fn act(&mut self) {
        self.door.now = self.door.now + Duration::from_millis(self.rng.u64(..3) * 500);
        match self.rng.u8(..10) {
            0..5 => self.log_in(),
            5..7 => self.lose(),
            7..9 => self.come_back(),
            _ => self.close(),
        }
        self.check();
    }

    /// Who has to go, in the words of the documentation.
    fn expected(&self, who: u64, instance: u8, wished: Option<Key>) -> Option<usize> {
        let of_it = || (0..self.live.len()).filter(|&at| self.live[at].who == who);
        let own = of_it().find(|&at| self.live[at].instance == instance);
        if own.is_some() || of_it().count() < self.most {
            return own;
        }
        let is_wished = |&at: &usize| Some(self.live[at].key) == wished;
        let lost = |&at: &usize| self.live[at].link.is_none();
        let all = [of_it().find(is_wished), of_it().find(lost), of_it().next()];
        all.into_iter().flatten().next()
    }

    fn log_in(&mut self) {
        let (who, instance) = (self.rng.u64(..WHO), self.rng.u8(1..=CLIENTS));
        self.logins += 1;
        let mut link = self.door.knock(instance);
        let said = login_nth(instance, self.logins, b"who");
        assert_eq!(self.door.say(&mut link, &said), []);
        let key = self.door.offered.pop().expect("asked");
        let wished = match self.rng.u8(..3) {
            0 => self.rng.choice(&self.live).map(|one| one.key),
            _ => None,
        };
        let goes = self.expected(who, instance, wished);
        let secret = Secret::new(self.rng.u128(..).to_be_bytes());
        let (identity, given) = (Identity::from(who), secret.clone());
        let (mut fx, now) = (Effects::default(), self.door.now);
        let registry = &mut self.door.registry;
        registry.admit_over(key, now, identity, given, wished, &mut fx);
        if let Some(at) = goes {
            let old = self.live.remove(at);
            let reason = match old.instance == instance {
                true => Reason::Superseded,
                false => Reason::TakenOver,
            };
            assert_eq!(self.reason(old.key), Some(reason));
            match (reason, wished == Some(old.key), old.link) {
                (Reason::Superseded, ..) => self.seen.own += 1,
                (_, true, _) => self.seen.over_wished += 1,
                (_, _, None) => self.seen.over_lost += 1,
                (_, _, Some(mut link)) => {
                    self.seen.over_oldest += 1;
                    self.door.say(&mut link, &[]);
                    assert!(!link.up, "it is told, and its link is closed");
                }
            }
        }
        let answer = self.door.say(&mut link, &[]);
        self.door.say(&mut link, &encoded(&Frame::Ack(0)));
        let epoch = match Decoder::new().next(&mut &answer[..]) {
            Ok(Some(Frame::Welcome(welcome))) => welcome.epoch,
            other => panic!("{other:?}"),
        };
        self.rises(who, epoch);
        self.live.push(Model {
            key,
            who,
            instance,
            attempt: self.logins,
            link: Some(link),
            secret,
            resumes: 0,
            epoch,
        });
    }

    /// A link's number is above that of every link that its identity ever had.
    fn rises(&mut self, who: u64, epoch: u64) {
        let highest = &mut self.highest[who as usize];
        assert!(epoch > *highest, "{epoch} after {highest}");
        *highest = epoch;
    }

    fn lose(&mut self) {
        let up = (0..self.live.len()).filter(|&at| self.live[at].link.is_some());
        if let Some(at) = self.rng.choice(up.collect::<Vec<_>>())
            && let Some(link) = self.live[at].link.take()
        {
            self.door.leave(link);
        }
    }

    fn come_back(&mut self) {
        let Some(at) = self.rng.choice(0..self.live.len()) else {
            return;
        };
        let one = &mut self.live[at];
        one.resumes += 1;
        let secret = *one.secret.as_bytes();
        let said = resume_attempt(one.key.as_u64(), secret, one.resumes);
        let mut link = self.door.knock(one.instance);
        let answer = self.door.say(&mut link, &said);
        let Ok(Some(Frame::Resumed(resumed))) = Decoder::new().next(&mut &answer[..]) else {
            panic!("{answer:?}");
        };
        self.door.say(&mut link, &encoded(&Frame::Ack(0)));
        one.secret = resumed.secret.clone();
        one.epoch = resumed.epoch;
        one.link = Some(link);
        let (who, epoch) = (one.who, resumed.epoch);
        self.rises(who, epoch);
        self.seen.resumed += 1;
    }

    fn close(&mut self) {
        if let Some(at) = self.rng.choice(0..self.live.len()) {
            let one = self.live.remove(at);
            let (mut fx, now) = (Effects::default(), self.door.now);
            let kick = |machine: &mut Machine, cx: &mut crate::proto::Cx<'_>| {
                machine.kick(cx, Closed::new(Reason::Removed));
            };
            self.door.registry.input(one.key, now, &mut fx, kick);
        }
    }

    fn reason(&self, key: Key) -> Option<Reason> {
        let machine = self.door.registry.get(key)?;
        machine.ended().map(Closed::reason)
    }

    fn check(&mut self) {
        let registry = &self.door.registry;
        assert_eq!(registry.len(), self.live.len());
        for who in 0..WHO {
            let identity = Identity::from(who);
            let of_it = self.live.iter().rev().filter(|one| one.who == who);
            let newest_first: Vec<Key> = of_it.map(|one| one.key).collect();
            assert!(newest_first.len() <= self.most);
            self.seen.beside += usize::from(newest_first.len() > 1);
            assert_eq!(registry.holder(&identity), newest_first.first().copied());
            assert_eq!(registry.holders(identity.as_bytes()), newest_first);
        }
        for one in &self.live {
            let machine = registry.get(one.key).expect("it lives");
            assert_eq!(machine.phase().is_up(), one.link.is_some());
            assert_eq!((machine.epoch(), machine.ended()), (one.epoch, None));
            assert_eq!(machine.instance().1, one.attempt);
        }
    }
}

#[test]
fn random_lives_of_several_sessions_of_an_identity_are_what_a_list_says() {
    for most in [1, 2, 3, 5] {
        let mut seen = Seen::default();
        for seed in 0..40 {
            let mut life = Life::new(seed, most);
            for _ in 0..200 {
                life.act();
            }
            let Seen {
                beside,
                resumed,
                own,
                over_lost,
                over_oldest,
                over_wished,
            } = life.seen;
            seen.beside += beside;
            seen.resumed += resumed;
            seen.own += own;
            seen.over_lost += over_lost;
            seen.over_oldest += over_oldest;
            seen.over_wished += over_wished;
        }
        assert_eq!(seen.beside > 1_000, most > 1, "{most}: {}", seen.beside);
        for count in [seen.resumed, seen.own, seen.over_lost, seen.over_oldest] {
            assert!(count > 20, "{most}: too quiet to prove anything");
        }
        assert!(seen.over_wished > 5, "{most}: {}", seen.over_wished);
    }
}

/// Of one identity: an older login of a client that has a newer one, which is read late.
#[test]
fn a_late_login_of_a_client_is_stale_and_takes_nobodys_place() {
    let mut life = Life::new(1, 3);
    let mut links = Vec::new();
    for (instance, attempt) in [(1, 5), (2, 1), (1, 4), (1, 5)] {
        let mut link = life.door.knock(instance);
        life.door
            .say(&mut link, &login_nth(instance, attempt, b"who"));
        let (key, secret) = (life.door.offered.pop().expect("asked"), [9; 16]);
        let (mut fx, now) = (Effects::default(), life.door.now);
        let identity = Identity::from(0u64);
        let registry = &mut life.door.registry;
        registry.admit(key, now, identity, Secret::new(secret), &mut fx);
        links.push((key, life.door.say(&mut link, &[])));
    }
    assert_eq!(life.door.registry.len(), 2);
    for (key, answer) in &links[2..] {
        let stale = Heard::Refused(RejectCode::Stale, RetryClass::Now);
        assert_eq!(Heard::of(answer), stale);
        let machine = life.door.registry.get(*key);
        assert!(machine.is_none_or(|one| one.phase() == Phase::Ended));
    }
}

/// One client of identity 1.
struct Device {
    key: Key,
    secret: [u8; 16],
    resumes: u64,
    link: Option<Stranger>,
}

impl Device {
    fn log_in(door: &mut Door, instance: u8) -> Self {
        let mut link = door.knock(instance);
        door.say(&mut link, &login_nth(instance, 1, b"who"));
        let (key, secret) = (door.offered.pop().expect("asked"), [99; 16]);
        let (mut fx, identity) = (Effects::default(), Identity::from(1u64));
        let given = Secret::new(secret);
        door.registry.admit(key, door.now, identity, given, &mut fx);
        assert_eq!(Heard::of(&door.say(&mut link, &[])), Heard::Welcome);
        door.say(&mut link, &encoded(&Frame::Ack(0)));
        Self {
            key,
            secret,
            resumes: 0,
            link: Some(link),
        }
    }

    fn lose(&mut self, door: &mut Door) {
        if let Some(link) = self.link.take() {
            door.leave(link);
        }
    }

    /// In milliseconds how long it is to wait, where it is not back.
    fn come_back(&mut self, door: &mut Door) -> Result<(), u32> {
        self.resumes += 1;
        let mut link = door.knock(1);
        let said = resume_attempt(self.key.as_u64(), self.secret, self.resumes);
        let answer = door.say(&mut link, &said);
        match Decoder::new().next(&mut &answer[..]) {
            Ok(Some(Frame::Resumed(resumed))) => {
                self.secret = *resumed.secret.as_bytes();
                door.say(&mut link, &encoded(&Frame::Ack(0)));
                self.link = Some(link);
                Ok(())
            }
            Ok(Some(Frame::Refused(refused))) => {
                assert_eq!(RejectCode::from_code(refused.code), RejectCode::Busy);
                match refused.retry {
                    RetryClass::After(wait) => Err(wait),
                    other => panic!("{other:?}"),
                }
            }
            other => panic!("{other:?}"),
        }
    }
}

/// A router starts anew, twice: nobody is asked to wait for what others of its identity did.
#[test]
fn as_many_comings_are_free_as_all_sessions_together_may_make() {
    let config = Config::new().sessions_per_identity(4).comings_a_minute(3);
    let mut door = Door::new(config);
    let mut devices: Vec<Device> = (1..=4).map(|one| Device::log_in(&mut door, one)).collect();
    for _ in 0..2 {
        for device in &mut devices {
            device.lose(&mut door);
            assert_eq!(device.come_back(&mut door), Ok(()));
        }
    }
    devices[0].lose(&mut door);
    assert_eq!(devices[0].come_back(&mut door), Err(5_000), "the 13th");
}

#[test]
fn nobody_loses_a_session_by_waiting_because_others_of_its_identity_come_and_go() {
    let window = SECOND * 20;
    let config = Config::new()
        .sessions_per_identity(4)
        .comings_a_minute(1)
        .resume_window(window);
    let mut door = Door::new(config);
    let mut devices: Vec<Device> = (1..=4).map(|one| Device::log_in(&mut door, one)).collect();
    let mut patient = devices.pop().expect("four");
    patient.lose(&mut door);
    let lost = door.now;
    let mut came = 0;
    for round in 0.. {
        door.now = door.now + SECOND;
        // The others lose their links one after the other, and ask every second.
        let device = &mut devices[round % 3];
        match device.link {
            Some(_) => device.lose(&mut door),
            None => came += usize::from(device.come_back(&mut door).is_ok()),
        }
        match patient.come_back(&mut door) {
            Ok(()) => break,
            Err(wait) => assert!(
                door.now.since(lost) + Duration::from_millis(wait.into()) <= window / 2,
                "{wait} ms more after {:?}",
                door.now.since(lost)
            ),
        }
    }
    assert!(came > 0, "nobody came before it: this proves nothing");
}
