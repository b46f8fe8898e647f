//! Frames out of decisions: each of them well formed, most of them plausible, any of them where it does not belong.

use sessile::wire::{
    Beat, Close, Frame, GoAway, IDENTITY_BYTES, Login, Refused, Resume, Resumed, RetryClass,
    Secret, Terms, VERSION, Welcome,
};

use crate::choices::Choices;

/// What the fuzzer's end of a link knows of the session behind it: true values for fields, near which most are chosen.
#[derive(Clone, Debug, Default)]
pub(crate) struct Knows {
    /// Sessions and their secrets, the newest last.
    pub(crate) secrets: Vec<(u64, Secret)>,
    /// The session of this link.
    pub(crate) session: u64,
    pub(crate) epoch: u64,
    /// Messages that the core has written in this session.
    pub(crate) written: u64,
    /// The attempt that comes next, of logins or of resumes.
    pub(crate) attempt: u64,
    pub(crate) beat: Beat,
}

/// What both ends want unless something else was chosen.
pub(crate) const TERMS: Terms = Terms {
    heartbeat_ms: 2_000,
    lease_ms: 6_000,
    resume_window_ms: 10_000,
    window_messages: 4,
    window_bytes: 1_024,
    max_message: 64,
};

/// The bytes of one frame.
pub(crate) fn frame(choices: &mut Choices<'_>, knows: &Knows) -> Vec<u8> {
    let mut out = Vec::new();
    let text = ["", "because", "\u{1F980}\0\n", "elsewhere:7000"][choices.below(4)];
    let frame = match choices.below(20) {
        0 => Frame::Login(login(choices, knows)),
        1 => Frame::Challenge(choices.short()),
        2 => Frame::Answer(choices.short()),
        3 => Frame::Welcome(welcome(choices, knows)),
        4 => Frame::Refused(Refused {
            code: code(choices),
            retry: retry(choices),
            taken: choices.number(knows.written),
            attempt: choices.number(knows.attempt),
            redirect: if choices.flag() { text } else { "" },
            text,
        }),
        5 | 6 => Frame::Resume(resume(choices, knows)),
        7 => Frame::Resumed(Resumed {
            epoch: choices.number(knows.epoch.wrapping_add(1)),
            secret: secret(choices, knows),
            received: choices.number(knows.written),
            taken: choices.number(knows.written),
        }),
        8 | 9 => Frame::Data(payload(choices)),
        10 => Frame::Volatile(payload(choices)),
        11 | 12 => Frame::Ack(choices.number(knows.written)),
        13 => Frame::Ping(beat(choices, knows)),
        14 => Frame::Pong(beat(choices, knows)),
        15 => Frame::Close(Close {
            code: code(choices),
            retry: retry(choices),
            taken: choices.number(knows.written),
            text,
        }),
        16 => Frame::Closed(choices.number(knows.written)),
        17 => Frame::Extension(0x80 | choices.byte()),
        18 => Frame::GoAway(GoAway {
            within_ms: choices.number(1_000) as u32 % 3_600_001,
            retry: retry(choices),
            redirect: if choices.flag() { text } else { "" },
            text,
        }),
        _ => return damaged(choices, knows),
    };
    frame.encode(&mut out);
    out
}

/// A plausible LOGIN.
pub(crate) fn login<'a>(choices: &mut Choices<'a>, knows: &Knows) -> Login<'a> {
    let (version, oldest) = match choices.byte() {
        0..240 => (VERSION, VERSION),
        240..248 => (VERSION + 1, VERSION),
        _ => (VERSION + 2, VERSION + 1),
    };
    Login {
        version,
        oldest,
        features: 0,
        instance: [choices.byte() % 3; 16],
        attempt: choices.number(knows.attempt),
        terms: terms(choices),
        credentials: choices.short(),
    }
}

fn welcome<'a>(choices: &mut Choices<'a>, knows: &Knows) -> Welcome<'a> {
    let odd = choices.byte();
    Welcome {
        version: if odd == 255 { VERSION + 1 } else { VERSION },
        features: u32::from(odd == 254),
        session: choices.number(knows.session),
        epoch: choices.number(1),
        secret: secret(choices, knows),
        terms: terms(choices),
        identity: choices.at_most(IDENTITY_BYTES),
    }
}

fn resume(choices: &mut Choices<'_>, knows: &Knows) -> Resume {
    let (session, secret) = match knows.secrets.len() {
        0 => (knows.session, Secret::new([choices.byte(); 16])),
        known => {
            let at = known - 1 - choices.below(known);
            let (session, secret) = &knows.secrets[at];
            match choices.byte() {
                // The secret of another session, or of no one.
                byte @ 224..240 => (*session, knows.secrets[usize::from(byte) % known].1.clone()),
                240.. => (*session, Secret::new([0; 16])),
                _ => (*session, secret.clone()),
            }
        }
    };
    Resume {
        version: if choices.byte() == 255 {
            VERSION + 1
        } else {
            VERSION
        },
        session: choices.number(session),
        secret,
        attempt: choices.number(knows.attempt),
        received: choices.number(knows.written),
        taken: choices.number(knows.written),
    }
}

fn secret(choices: &mut Choices<'_>, knows: &Knows) -> Secret {
    match (choices.byte(), knows.secrets.last()) {
        (250.., Some((_, known))) => known.clone(),
        (byte, _) => Secret::new([byte; 16]),
    }
}

/// Those that both ends want, most often, else with one of them changed.
fn terms(choices: &mut Choices<'_>) -> Terms {
    let mut terms = TERMS;
    let field = match choices.below(16) {
        0 => &mut terms.heartbeat_ms,
        1 => &mut terms.lease_ms,
        2 => &mut terms.resume_window_ms,
        3 => &mut terms.window_messages,
        4 => &mut terms.window_bytes,
        5 => &mut terms.max_message,
        _ => return terms,
    };
    *field = choices.number(u64::from(*field)) as u32;
    terms
}

fn payload<'a>(choices: &mut Choices<'a>) -> &'a [u8] {
    /// What a message may be, and one byte more.
    const LONGEST: usize = 65;
    match choices.byte() {
        0..160 => b"message",
        160..192 => b"",
        192..224 => &[7; LONGEST - 1],
        224..232 => &[7; LONGEST],
        _ => choices.short(),
    }
}

fn beat(choices: &mut Choices<'_>, knows: &Knows) -> Beat {
    let Beat {
        nonce, clock, tick, ..
    } = knows.beat;
    Beat {
        nonce: choices.number(nonce.into()) as u32,
        clock: choices.number(clock),
        tick: choices.number(tick),
        echo: choices.number(clock),
        held: choices.number(0) as u32,
    }
}

/// A reason, a rejection, a host's own code, or any.
fn code(choices: &mut Choices<'_>) -> u16 {
    match choices.byte() {
        code @ 0..120 => u16::from(code) % 21,
        code @ 120..220 => 100 + u16::from(code) % 8,
        220..230 => 1_000,
        _ => choices.number(0) as u16,
    }
}

fn retry(choices: &mut Choices<'_>) -> RetryClass {
    match choices.below(3) {
        0 => RetryClass::Now,
        1 => RetryClass::After(choices.number(1_000) as u32),
        _ => RetryClass::Never,
    }
}

/// A frame with one byte changed, cut short, or longer than it says.
fn damaged(choices: &mut Choices<'_>, knows: &Knows) -> Vec<u8> {
    // Deeper than once it gets nowhere.
    let mut bytes = if choices.is_empty() {
        vec![0; 5]
    } else {
        frame(choices, knows)
    };
    let at = choices.below(bytes.len());
    match choices.below(4) {
        0 => bytes[at] ^= 1 << choices.below(8),
        1 => bytes.truncate(at.max(1)),
        2 => bytes.insert(at, choices.byte()),
        _ => bytes[at] = choices.byte(),
    }
    bytes
}
