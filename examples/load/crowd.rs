//! Many sessions on one thread, each as its protocol has it: they log in, beat when they are silent, answer what comes back with
//! the next message if they are told to, and come back themselves where their protocol can.

use std::{
    cmp::Reverse,
    collections::BinaryHeap,
    io,
    net::SocketAddr,
    time::{Duration, Instant},
};

use anyhow::{Context, bail, ensure};
use mio::{Events, Poll, Token};

use crate::{
    dialect::Protocol,
    member::{Member, Read},
    socket,
    tally::Tally,
};

/// So many may be between connecting and admission: no server turns anybody away then.
const AT_ONCE: usize = 256;

/// The poll counts in milliseconds and wakes late rather than early: whatever is due within one is done now.
const SLACK: Duration = Duration::from_millis(1);

/// How long an acknowledgement waits for something to go with.
const ACK_DELAY: Duration = Duration::from_millis(25);

/// How long an answer to a login or resume is waited for, and the longest pause before another attempt.
const LOGIN_DEADLINE: Duration = Duration::from_secs(5);
const LONGEST_PAUSE: Duration = Duration::from_secs(30);

/// How long the whole crowd may take to log in, or to leave.
const RAMP: Duration = Duration::from_secs(120);
const GOODBYE: Duration = Duration::from_secs(5);

#[expect(
    clippy::disallowed_methods,
    reason = "the library's clock is its own; this one measures it"
)]
pub(crate) fn now() -> Instant {
    Instant::now()
}

pub(crate) struct Plan {
    pub(crate) protocol: Protocol,
    pub(crate) server: SocketAddr,
    pub(crate) sessions: usize,
    pub(crate) heartbeat: Duration,
    /// Of a message: at least the eight that say which one it is.
    pub(crate) bytes: usize,
    /// How many messages of each session may be on their way.
    pub(crate) depth: usize,
    /// Whether messages will be sent.
    pub(crate) echoes: bool,
    /// The longest pause before the first attempt to come back.
    pub(crate) backoff: Duration,
}

pub(crate) struct Crowd {
    plan: Plan,
    poll: Poll,
    events: Events,
    buffer: Vec<u8>,
    payload: Vec<u8>,
    members: Vec<Member>,
    up: usize,
    left: usize,
    timers: BinaryHeap<Reverse<(Instant, usize, Due)>>,
    /// Whether each message that comes back is answered with the next one.
    pub(crate) echoing: bool,
    pub(crate) tally: Tally,
    mood: Mood,
}

/// What a link is that ends.
#[derive(PartialEq, Eq)]
enum Mood {
    /// A failure of the whole load.
    Stays,
    /// Dialed again.
    ComesBack,
    /// What was wanted.
    Leaves,
}

#[derive(PartialEq, Eq, PartialOrd, Ord)]
enum Due {
    /// A heartbeat, if nothing else was written meanwhile.
    Beat,
    /// One in any case.
    EarlyBeat,
    Ack,
    Dial,
    /// The answer to the hello of the link of this number.
    Answer(u32),
}

impl Crowd {
    pub(crate) fn new(plan: Plan) -> anyhow::Result<Self> {
        Ok(Self {
            poll: Poll::new()?,
            events: Events::with_capacity(1_024),
            buffer: vec![0; 256 << 10],
            payload: vec![b'x'; plan.bytes],
            members: Vec::with_capacity(plan.sessions),
            up: 0,
            left: 0,
            timers: BinaryHeap::new(),
            echoing: false,
            tally: Tally::default(),
            mood: Mood::Stays,
            plan,
        })
    }

    pub(crate) fn len(&self) -> usize {
        self.plan.sessions
    }

    /// How many have an open link.
    pub(crate) fn up(&self) -> usize {
        self.up
    }

    /// How many messages were sent and did not come back yet.
    pub(crate) fn on_their_way(&self) -> u64 {
        self.members.iter().map(Member::on_their_way).sum()
    }

    /// Logs all of them in, a few hundred at a time.
    pub(crate) fn log_in(&mut self, mut progress: impl FnMut(usize)) -> anyhow::Result<()> {
        let deadline = now() + RAMP;
        while self.up < self.plan.sessions {
            while self.members.len() < self.plan.sessions && self.members.len() - self.up < AT_ONCE
            {
                let number = self.members.len();
                let Plan {
                    echoes,
                    bytes,
                    depth,
                    ..
                } = self.plan;
                let dialect = self.plan.protocol.dialect(number, echoes, bytes, depth);
                self.members.push(Member::new(dialect, now()));
                self.dial(number)?;
            }
            ensure!(now() < deadline, "only {} were let in", self.up);
            self.turn(deadline)?;
            progress(self.up);
        }
        Ok(())
    }

    /// Spreads the heartbeats over a whole interval, as those of a real crowd are; logins come in a heap.
    pub(crate) fn spread_beats(&mut self) {
        let (begin, share) = (now(), self.heartbeat(0) / self.plan.sessions as u32);
        for number in 0..self.members.len() {
            let due = begin + share * number as u32;
            self.timers.push(Reverse((due, number, Due::EarlyBeat)));
        }
    }

    /// The interval that holds for who is logged in: the server's own, where it has one.
    pub(crate) fn heartbeat(&self, number: usize) -> Duration {
        let agreed = self.members[number].agreed_heartbeat();
        agreed.unwrap_or(self.plan.heartbeat)
    }

    /// Each sends so many messages.
    pub(crate) fn burst(&mut self, messages: usize) -> anyhow::Result<()> {
        for number in 0..self.members.len() {
            self.say(number, messages)?;
            self.flush(number)?;
        }
        Ok(())
    }

    /// Each has so many messages to send, and every second one did not get round to it yet.
    pub(crate) fn half_a_burst(&mut self, messages: usize) -> anyhow::Result<()> {
        for number in 0..self.members.len() {
            self.say(number, messages)?;
            if number % 2 == 0 {
                self.flush(number)?;
            }
        }
        Ok(())
    }

    fn say(&mut self, number: usize, messages: usize) -> anyhow::Result<()> {
        let member = &mut self.members[number];
        let all = member.on_their_way() as usize + messages;
        let window = member.window();
        ensure!(all <= window, "{all} messages in a window of {window}");
        for _ in 0..messages {
            member.say_next(&mut self.payload, now());
        }
        Ok(())
    }

    /// Ends every link without a word, and comes back as the protocol has it: each after a pause of its own.
    pub(crate) fn cut(&mut self) {
        self.mood = Mood::ComesBack;
        for number in 0..self.members.len() {
            self.hang_up(number, Duration::ZERO);
        }
    }

    /// Says goodbye; a server keeps those that only go. Where nobody answers a goodbye, the links just end.
    pub(crate) fn leave(&mut self) -> anyhow::Result<()> {
        self.mood = Mood::Leaves;
        let deadline = now() + GOODBYE;
        for number in 0..self.members.len() {
            if !self.members[number].leave() {
                return Ok(());
            }
            self.flush(number)?;
        }
        while self.left < self.plan.sessions {
            ensure!(
                now() < deadline,
                "the goodbye of {} was not answered",
                self.plan.sessions - self.left
            );
            self.turn(deadline)?;
        }
        Ok(())
    }

    /// Goes on until then.
    pub(crate) fn run_until(&mut self, then: Instant) -> anyhow::Result<()> {
        while now() < then {
            self.turn(then)?;
        }
        Ok(())
    }

    /// Does what is due, then waits for something, but no longer than until `then`.
    pub(crate) fn turn(&mut self, then: Instant) -> anyhow::Result<()> {
        let started = now();
        while let Some(Reverse((due, ..))) = self.timers.peek()
            && *due <= started + SLACK
        {
            if let Some(Reverse((_, number, due))) = self.timers.pop() {
                self.fire(number, due)?;
            }
        }
        let next = self.timers.peek();
        let next = next.map_or(then, |Reverse((due, ..))| *due - SLACK);
        let patience = next.min(then).saturating_duration_since(now());
        let mut events = std::mem::replace(&mut self.events, Events::with_capacity(0));
        match self.poll.poll(&mut events, Some(patience)) {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            polled => polled?,
        }
        for event in &events {
            self.meet(event.token().0)?;
        }
        self.events = events;
        Ok(())
    }

    fn fire(&mut self, number: usize, due: Due) -> anyhow::Result<()> {
        let interval = self.heartbeat(number);
        let member = &mut self.members[number];
        match due {
            Due::Dial => return self.dial(number),
            Due::Answer(link) => {
                if member.waits_on(link) {
                    return self.lost(number, &io::ErrorKind::TimedOut.into());
                }
                return Ok(());
            }
            Due::Ack => member.acknowledge(),
            Due::EarlyBeat if member.up() => {
                member.beat();
                self.tally.pings += 1;
            }
            Due::Beat if member.up() => {
                if member.said() + interval <= now() + SLACK {
                    member.beat();
                    self.tally.pings += 1;
                    self.flush(number)?;
                }
                let due = self.members[number].said() + interval;
                self.timers.push(Reverse((due, number, Due::Beat)));
                return Ok(());
            }
            Due::Beat => member.beats = false,
            Due::EarlyBeat => {}
        }
        self.flush(number)
    }

    fn dial(&mut self, number: usize) -> anyhow::Result<()> {
        let socket = socket::connect(self.plan.server, number, self.plan.sessions);
        let mut socket = socket.with_context(|| format!("link number {number}"))?;
        socket::register(&self.poll, &mut socket, Token(number))?;
        let member = &mut self.members[number];
        let link = member.dialed(socket);
        if self.mood == Mood::ComesBack {
            let deadline = now() + LOGIN_DEADLINE;
            self.timers
                .push(Reverse((deadline, number, Due::Answer(link))));
        }
        self.meet(number) // on this machine it is there already
    }

    /// Something came for this one, or there is room for what it writes.
    fn meet(&mut self, number: usize) -> anyhow::Result<()> {
        let member = &mut self.members[number];
        match member.connected() {
            Ok(true) => {}
            Ok(false) => return Ok(()),
            Err(error) => return self.lost(number, &error),
        }
        let read = member.read(&mut self.buffer, &mut self.tally)?;
        self.follow(number, &read)?;
        if let Some(error) = read.ended {
            return self.lost(number, &error);
        }
        self.flush(number)
    }

    fn follow(&mut self, number: usize, read: &Read) -> anyhow::Result<()> {
        let member = &mut self.members[number];
        if read.admitted || read.resumed.is_some() {
            member.open();
            self.up += 1;
            if !member.beats {
                member.beats = true;
                let due = now() + self.heartbeat(number);
                self.timers.push(Reverse((due, number, Due::Beat)));
            }
        }
        let member = &mut self.members[number];
        if let Some(from) = read.resumed {
            self.tally.resumed += 1;
            self.tally.replayed += member.say_again(from, &mut self.payload)?;
        }
        if let Some(after) = read.busy {
            ensure!(
                self.mood == Mood::ComesBack,
                "the server has no room for link {number}"
            );
            self.tally.turned_away += 1;
            self.hang_up(number, after);
            return Ok(());
        }
        if read.left {
            self.left += 1;
        }
        if self.echoing {
            for _ in 0..read.messages {
                member.say_next(&mut self.payload, now());
            }
        } else if read.messages > 0 {
            let due = now() + ACK_DELAY;
            self.timers.push(Reverse((due, number, Due::Ack)));
        }
        Ok(())
    }

    fn flush(&mut self, number: usize) -> anyhow::Result<()> {
        match self.members[number].flush(now()) {
            Ok(()) => Ok(()),
            Err(error) => self.lost(number, &error),
        }
    }

    fn lost(&mut self, number: usize, why: &io::Error) -> anyhow::Result<()> {
        match self.mood {
            Mood::Stays => bail!("link {number} ended: {why}"),
            Mood::Leaves => {}
            Mood::ComesBack => {
                self.tally.lost_links += 1;
                self.hang_up(number, Duration::ZERO);
            }
        }
        Ok(())
    }

    /// Ends a link, and dials again after a pause that is drawn, but not before `after`.
    fn hang_up(&mut self, number: usize, after: Duration) {
        let member = &mut self.members[number];
        if member.up() {
            self.up -= 1;
        }
        let tries = member.hang_up();
        let most = self.plan.backoff * (1 << tries.min(10));
        let pause = after + most.min(LONGEST_PAUSE).mul_f64(fastrand::f64());
        self.timers
            .push(Reverse((now() + pause, number, Due::Dial)));
    }
}
