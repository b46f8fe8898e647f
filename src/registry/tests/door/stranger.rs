//! A server whose strangers are bytes.

use std::{net::SocketAddr, time::Duration};

use crate::{
    Config, Identity, RejectCode, Rejection,
    proto::{Effect, Effects, Key, Time},
    registry::{Port, Reading, Registry},
    wire::{Decoder, Frame, Login, Resume, RetryClass, Secret, Terms, VERSION},
};

pub(in crate::registry::tests) const SECOND: Duration = Duration::from_secs(1);

/// A server whose strangers are bytes.
pub(in crate::registry::tests) struct Door {
    pub(in crate::registry::tests) registry: Registry,
    pub(in crate::registry::tests) now: Time,
    pub(in crate::registry::tests) offered: Vec<Key>,
    pub(in crate::registry::tests) secrets: u8,
    pub(in crate::registry::tests) clients: u8,
}

/// One link of a stranger.
pub(in crate::registry::tests) struct Stranger {
    pub(in crate::registry::tests) port: Port,
    pub(in crate::registry::tests) up: bool,
}

impl Door {
    pub(in crate::registry::tests) fn new(config: Config) -> Self {
        Self {
            registry: Registry::new(config.validate().unwrap(), 7),
            now: Time::START + SECOND,
            offered: Vec::new(),
            secrets: 0,
            clients: 0,
        }
    }

    pub(in crate::registry::tests) fn knock(&mut self, network: u8) -> Stranger {
        self.try_knock(network).expect("there is room")
    }

    pub(in crate::registry::tests) fn try_knock(&mut self, network: u8) -> Option<Stranger> {
        let mut stranger = self.try_knock_unheard(network)?;
        self.say(&mut stranger, &[]);
        Some(stranger)
    }

    /// The link has had no turn yet.
    pub(in crate::registry::tests) fn try_knock_unheard(
        &mut self,
        network: u8,
    ) -> Option<Stranger> {
        let (remote, fx) = (Some(from(network)), &mut Effects::default());
        let port = self.registry.accept(self.now, remote, fx)?;
        Some(Stranger { port, up: true })
    }

    /// Bytes arrive, and the link's answer is what comes back.
    pub(in crate::registry::tests) fn say(
        &mut self,
        stranger: &mut Stranger,
        mut bytes: &[u8],
    ) -> Vec<u8> {
        let mut fx = Effects::default();
        let secrets = &mut self.secrets;
        let fresh = &mut || {
            *secrets += 1;
            Secret::new([*secrets; 16])
        };
        loop {
            let port = &mut stranger.port;
            match self
                .registry
                .read(port, self.now, &mut bytes, &mut fx, fresh)
            {
                Reading::More => {}
                Reading::Continue => break,
                Reading::Close => {
                    stranger.up = false;
                    break;
                }
            }
        }
        let mut out = Vec::new();
        if stranger.up {
            let said = self
                .registry
                .transmit(&stranger.port, self.now, &mut out, &mut fx);
            stranger.up = !said.close;
        }
        for effect in fx.drain() {
            if let Effect::Offered(key) = effect {
                self.offered.push(key);
            }
        }
        out
    }

    /// A login of which the host says so.
    pub(in crate::registry::tests) fn log_in(
        &mut self,
        network: u8,
        says: Result<u64, Rejection>,
    ) -> Heard {
        self.say_login(network, &login(b"who"), says)
    }

    pub(in crate::registry::tests) fn say_login(
        &mut self,
        network: u8,
        login: &[u8],
        says: Result<u64, Rejection>,
    ) -> Heard {
        let mut stranger = self.knock(network);
        let answer = self.say(&mut stranger, login);
        let Some(key) = self.offered.pop() else {
            return Heard::of(&answer);
        };
        let mut fx = Effects::default();
        match says {
            Ok(number) => {
                let (identity, secret) = (Identity::new(number).unwrap(), Secret::new([99; 16]));
                self.registry
                    .admit(key, self.now, identity, secret, &mut fx);
            }
            Err(why) => {
                let reject = |machine: &mut crate::proto::Machine,
                              cx: &mut crate::proto::Cx<'_>| {
                    machine.reject(cx, &why)
                };
                self.registry.input(key, self.now, &mut fx, reject);
            }
        }
        let answer = self.say(&mut stranger, &[]);
        Heard::of(&answer)
    }

    pub(in crate::registry::tests) fn resume(
        &mut self,
        network: u8,
        session: u64,
        secret: [u8; 16],
    ) -> Vec<u8> {
        self.say_resume(network, &resume(session, secret))
    }

    /// On a link of its own, which is lost at once.
    pub(in crate::registry::tests) fn say_resume(&mut self, network: u8, resume: &[u8]) -> Vec<u8> {
        let mut stranger = self.knock(network);
        let answer = self.say(&mut stranger, resume);
        self.leave(stranger);
        answer
    }

    pub(in crate::registry::tests) fn leave(&mut self, stranger: Stranger) {
        let (key, link) = (stranger.port.key(), stranger.port.link());
        let cause = crate::LossCause::ClosedByPeer;
        self.registry
            .input(key, self.now, &mut Effects::default(), |machine, cx| {
                machine.link_down(cx, link, cause)
            });
    }

    /// A session of number 1 that has lost its link and whose secret is all 99.
    pub(in crate::registry::tests) fn lost_session(&mut self) -> u64 {
        self.lost_session_of(1)
    }

    pub(in crate::registry::tests) fn lost_session_of(&mut self, who: u64) -> u64 {
        let mut stranger = self.knock(200);
        let session = self.logged_in_on(&mut stranger, who);
        self.leave(stranger);
        session
    }

    /// A session on this link, proven.
    pub(in crate::registry::tests) fn logged_in_on(
        &mut self,
        stranger: &mut Stranger,
        who: u64,
    ) -> u64 {
        self.clients = self.clients.wrapping_add(1);
        self.say(stranger, &login_of(self.clients, b"who"));
        let key = self.offered.pop().expect("asked");
        let (identity, secret) = (Identity::new(who).unwrap(), Secret::new([99; 16]));
        self.registry
            .admit(key, self.now, identity, secret, &mut Effects::default());
        self.say(stranger, &[]); // WELCOME
        self.say(stranger, &encoded(&Frame::Ack(0)));
        key.as_u64()
    }
}

/// What a link was told.
#[derive(Debug, PartialEq, Eq)]
pub(in crate::registry::tests) enum Heard {
    Welcome,
    Resumed,
    Refused(RejectCode, RetryClass),
}

impl Heard {
    pub(in crate::registry::tests) fn of(mut answer: &[u8]) -> Self {
        match Decoder::new().next(&mut answer).unwrap() {
            Some(Frame::Welcome(_)) => Self::Welcome,
            Some(Frame::Resumed(_)) => Self::Resumed,
            Some(Frame::Refused(why)) => Self::Refused(RejectCode::from_code(why.code), why.retry),
            other => panic!("{other:?}"),
        }
    }
}

pub(in crate::registry::tests) fn from(network: u8) -> SocketAddr {
    SocketAddr::from(([192, 0, 2, network], 7))
}

pub(in crate::registry::tests) fn encoded(frame: &Frame<'_>) -> Vec<u8> {
    let mut bytes = Vec::new();
    frame.encode(&mut bytes);
    bytes
}

pub(in crate::registry::tests) fn login(credentials: &[u8]) -> Vec<u8> {
    login_of(7, credentials)
}

pub(in crate::registry::tests) fn login_of(instance: u8, credentials: &[u8]) -> Vec<u8> {
    login_nth(instance, 1, credentials)
}

pub(in crate::registry::tests) fn login_nth(
    instance: u8,
    attempt: u64,
    credentials: &[u8],
) -> Vec<u8> {
    encoded(&Frame::Login(Login {
        version: VERSION,
        oldest: VERSION,
        features: 0,
        instance: [instance; 16],
        attempt,
        terms: Terms {
            heartbeat_ms: 2_000,
            lease_ms: 6_000,
            resume_window_ms: 120_000,
            window_messages: 16,
            window_bytes: 1 << 16,
            max_message: 1 << 10,
        },
        credentials,
    }))
}

pub(in crate::registry::tests) fn resume(session: u64, secret: [u8; 16]) -> Vec<u8> {
    resume_attempt(session, secret, 1)
}

pub(in crate::registry::tests) fn resume_attempt(
    session: u64,
    secret: [u8; 16],
    attempt: u64,
) -> Vec<u8> {
    encoded(&Frame::Resume(Resume {
        version: VERSION,
        session,
        secret: Secret::new(secret),
        attempt,
        received: 0,
        taken: 0,
    }))
}

/// A frame that everybody has to skip, of so many bytes in all.
pub(in crate::registry::tests) fn extension(len: usize) -> Vec<u8> {
    let mut bytes = vec![0x80; len];
    bytes[..4].copy_from_slice(&(len as u32 - 4).to_be_bytes());
    bytes
}
