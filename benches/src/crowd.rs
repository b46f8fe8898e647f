use std::time::Duration;

use sessile::{
    Config, Identity,
    proto::{Effect, Effects, Key, Time, Wake},
    registry::{Port, Reading, Registry},
    wire::{Beat, Decoder, Frame, Secret, Terms},
};

use crate::encode_login;

/// A server's core with many sessions, and of each client no more than its end of the wire: what it says is written here,
/// frame by frame.
pub struct Crowd {
    pub now: Time,
    pub registry: Registry,
    /// By slot of the session.
    ports: Vec<Port>,
    fx: Effects,
    out: Vec<u8>,
    due: Vec<Key>,
}

/// The default heartbeat interval: logins are spread over one, so that beats are, too.
const INTERVAL: Duration = Duration::from_secs(2);

impl Crowd {
    pub fn empty(most: usize) -> Self {
        let config = Config::new()
            .pending_logins(65_536)
            .early_drop(100)
            .admission_rate(100_000)
            .admission_burst(1_000_000)
            .max_sessions(most.max(1_000_000));
        let settings = config.validate().expect("limits within range");
        Self {
            now: Time::from_micros(1_000_000),
            registry: Registry::new(settings, 1000),
            ports: Vec::new(),
            fx: Effects::default(),
            out: Vec::new(),
            due: Vec::new(),
        }
    }

    /// So many sessions, logged in evenly over whole intervals and in an order that memory is not in, and one beat later.
    pub fn logged_in(sessions: usize) -> Self {
        let mut crowd = Self::empty(sessions);
        let over = INTERVAL * (1 + sessions as u32 / 400_000); // more in a second would not be let in
        let (began, mut done) = (crowd.now, 0);
        let mut random = fastrand::Rng::with_seed(1);
        while done < sessions {
            let mut ports: Vec<Port> = (0..(sessions - done).min(65_536))
                .map(|_| crowd.accept())
                .collect();
            random.shuffle(&mut ports);
            for port in ports {
                crowd.pass_to(began + over.mul_f64(done as f64 / sessions as f64));
                crowd.log_in(port, done as u64);
                done += 1;
            }
        }
        assert_eq!(crowd.registry.len(), sessions);
        crowd.pass(INTERVAL);
        crowd
    }

    pub fn accept(&mut self) -> Port {
        self.registry
            .accept(self.now, None, &mut self.fx)
            .expect("room for one more")
    }

    /// The whole of a login: LOGIN read, the host's yes, WELCOME written, and the first frame that proves that it came.
    pub fn log_in(&mut self, mut port: Port, number: u64) -> Key {
        let mut login = std::mem::take(&mut self.out);
        login.clear();
        encode_login(number, &number.to_be_bytes(), &mut login);
        bring(
            &mut self.registry,
            &mut port,
            self.now,
            &login,
            &mut self.fx,
        );
        self.out = login;
        let key = port.key();
        self.registry
            .input(key, self.now, &mut self.fx, |machine, _| machine.claim());
        let (identity, secret) = (Identity::from(number), Secret::new([7; 16]));
        self.registry
            .admit(key, self.now, identity, secret, &mut self.fx);
        let slot = key.slot() as usize;
        if slot >= self.ports.len() {
            self.ports.resize(slot + 1, Port::new(key, port.link()));
        }
        self.ports[slot] = port;
        assert!(self.write(key) > 0, "no WELCOME");
        self.hear(key, &Frame::Ack(0));
        self.fx.drain();
        key
    }

    /// One frame of a client arrives.
    pub fn hear(&mut self, key: Key, frame: &Frame<'_>) {
        let mut bytes = std::mem::take(&mut self.out);
        bytes.clear();
        frame.encode(&mut bytes);
        let Self {
            now,
            registry,
            ports,
            fx,
            ..
        } = self;
        bring(registry, &mut ports[key.slot() as usize], *now, &bytes, fx);
        self.out = bytes;
    }

    /// The application reads one message.
    pub fn take(&mut self, key: Key) -> usize {
        let taken = self
            .registry
            .input(key, self.now, &mut self.fx, |machine, cx| {
                let epoch = machine.epoch();
                machine.recv(cx, epoch)
            });
        self.fx.drain();
        let received = taken.expect("a session").expect("a link");
        received.expect("a message").payload.len()
    }

    /// What a session has to say goes out; how many bytes it was.
    pub fn write(&mut self, key: Key) -> usize {
        self.out.clear();
        let port = &self.ports[key.slot() as usize];
        let transmit = self
            .registry
            .transmit(port, self.now, &mut self.out, &mut self.fx);
        assert!(!transmit.close && !transmit.more);
        self.out.len()
    }

    /// Lets time pass, tick by tick: each beat that is due is written, and its answer read. How many there were.
    pub fn pass(&mut self, time: Duration) -> usize {
        self.pass_to(self.now + time)
    }

    fn pass_to(&mut self, until: Time) -> usize {
        let mut beats = 0;
        while let Some(next) = self.registry.next_deadline().filter(|&next| next <= until) {
            self.now = self.now.max(next);
            beats += self.tick();
        }
        self.now = self.now.max(until);
        beats
    }

    /// The next tick at which anything is due, whenever it is.
    pub fn next_tick(&mut self) -> usize {
        let next = self.registry.next_deadline().expect("sessions");
        self.now = self.now.max(next);
        self.tick()
    }

    fn tick(&mut self) -> usize {
        let mut due = std::mem::take(&mut self.due);
        loop {
            let more = self.registry.handle_due(self.now, &mut self.fx);
            due.extend(self.fx.drain().filter_map(|effect| match effect {
                Effect::Wake(key, who) if who.has(Wake::LINK) => Some(key),
                Effect::Wake(..) => None,
                other => panic!("{other:?}"),
            }));
            if !more {
                break;
            }
        }
        let beats = due.len();
        for key in due.drain(..) {
            self.beat(key);
        }
        self.due = due;
        beats
    }

    /// PING out, PONG in.
    fn beat(&mut self, key: Key) {
        assert_eq!(self.write(key), PING_BYTES);
        let mut decoder = Decoder::new();
        let mut bytes = &self.out[..];
        let Ok(Some(Frame::Ping(ping))) = decoder.next(&mut bytes) else {
            panic!("no beat");
        };
        let pong = Beat {
            nonce: ping.nonce,
            clock: 1,
            tick: 0,
            echo: ping.clock,
            held: 0,
        };
        self.hear(key, &Frame::Pong(pong));
        self.fx.drain();
    }

    pub fn keys(&self) -> Vec<Key> {
        self.ports.iter().map(Port::key).collect()
    }
}

fn bring(registry: &mut Registry, port: &mut Port, now: Time, mut bytes: &[u8], fx: &mut Effects) {
    let fresh = &mut || unreachable!("nobody comes back here");
    let reading = registry.read(port, now, &mut bytes, fx, fresh);
    assert_eq!((reading, bytes.len()), (Reading::Continue, 0));
}

/// Length, type, and a beat.
const PING_BYTES: usize = 4 + 1 + 32;

/// What a client with a default `Config` asks for; a server sets the times itself.
pub const TERMS: Terms = Terms {
    heartbeat_ms: 2_000,
    lease_ms: 6_000,
    resume_window_ms: 120_000,
    window_messages: 1_024,
    window_bytes: 1024 * 1024,
    max_message: 1024 * 1024 - 256,
};
