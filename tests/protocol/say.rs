//! Frames as a test writes them, and as it reads them: one line of text each.

use sessile::wire::{
    Beat, Close, Frame, GoAway, Login, Resume, Resumed, RetryClass, Secret, Terms, Welcome,
};

/// What both sides ask for and grant unless a test says otherwise.
pub(crate) const TERMS: Terms = Terms {
    heartbeat_ms: 2000,
    lease_ms: 6000,
    resume_window_ms: 120_000,
    window_messages: 8,
    window_bytes: 4096,
    max_message: 1024,
};

/// The instance that hand-written logins carry.
pub(crate) const INSTANCE: [u8; 16] = [7; 16];

/// The session that hand-written welcomes make, and its first secret.
pub(crate) const SESSION: u64 = 0x1122_3344;

pub(crate) fn secret(n: u8) -> Secret {
    Secret::new([n; 16])
}

pub(crate) fn login(attempt: u64) -> Login<'static> {
    Login {
        version: 1,
        oldest: 1,
        features: 0,
        instance: INSTANCE,
        attempt,
        terms: TERMS,
        credentials: b"me",
    }
}

pub(crate) fn welcome() -> Welcome<'static> {
    Welcome {
        version: 1,
        features: 0,
        session: SESSION,
        epoch: 1,
        secret: secret(1),
        terms: TERMS,
        identity: b"me",
    }
}

pub(crate) fn resume(session: u64, secret: Secret, attempt: u64) -> Resume {
    Resume {
        version: 1,
        session,
        secret,
        attempt,
        received: 0,
        taken: 0,
    }
}

pub(crate) fn resumed(epoch: u64, received: u64, taken: u64) -> Frame<'static> {
    Frame::Resumed(Resumed {
        epoch,
        secret: secret(epoch as u8),
        received,
        taken,
    })
}

pub(crate) fn close(code: u16, taken: u64) -> Frame<'static> {
    Frame::Close(Close {
        code,
        retry: RetryClass::Never,
        taken,
        text: "",
    })
}

pub(crate) fn refused(code: u16, retry: RetryClass, taken: u64) -> Frame<'static> {
    Frame::Refused(sessile::wire::Refused {
        code,
        retry,
        taken,
        attempt: 0,
        redirect: "",
        text: "",
    })
}

pub(crate) fn ping(nonce: u32, clock: u64) -> Frame<'static> {
    Frame::Ping(Beat {
        nonce,
        clock,
        ..Beat::default()
    })
}

pub(crate) fn go_away(within_ms: u32, retry: RetryClass, redirect: &'static str) -> Frame<'static> {
    Frame::GoAway(GoAway {
        within_ms,
        retry,
        redirect,
        text: "",
    })
}

/// A frame of each type that is well made, and one of a type that may be skipped.
pub(crate) fn samples() -> Vec<Frame<'static>> {
    vec![
        Frame::Login(login(9)),
        Frame::Challenge(b"?"),
        Frame::Answer(b"!"),
        Frame::Welcome(welcome()),
        refused(8, RetryClass::Now, 0),
        Frame::Resume(resume(1, secret(1), 1)),
        resumed(2, 0, 0),
        Frame::Data(b"d"),
        Frame::Volatile(b"v"),
        Frame::Ack(0),
        ping(1, 1),
        Frame::Pong(Beat::default()),
        close(1, 0),
        Frame::Closed(0),
        go_away(1_000, RetryClass::Now, ""),
        Frame::Extension(0x80),
    ]
}

pub(crate) fn bytes(frames: &[Frame<'_>]) -> Vec<u8> {
    let mut out = Vec::new();
    for frame in frames {
        frame.encode(&mut out);
    }
    out
}

/// A frame in one line, without what differs from run to run.
pub(crate) fn line(frame: &Frame<'_>) -> String {
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    let name = frame.name();
    match frame {
        Frame::Login(body) => format!("{name} {} {}", body.attempt, text(body.credentials)),
        Frame::Challenge(body)
        | Frame::Answer(body)
        | Frame::Data(body)
        | Frame::Volatile(body) => {
            format!("{name} {}", text(body))
        }
        Frame::Welcome(body) => format!("{name} epoch {}", body.epoch),
        Frame::Refused(body) => {
            format!(
                "{name} {} {:?} taken {} attempt {}",
                body.code, body.retry, body.taken, body.attempt
            )
        }
        Frame::Resume(body) => {
            format!(
                "{name} {} received {} taken {}",
                body.attempt, body.received, body.taken
            )
        }
        Frame::Resumed(body) => {
            format!(
                "{name} epoch {} received {} taken {}",
                body.epoch, body.received, body.taken
            )
        }
        Frame::Ack(taken) | Frame::Closed(taken) => format!("{name} {taken}"),
        Frame::GoAway(body) => {
            format!(
                "{name} within {} {:?} to {:?} {:?}",
                body.within_ms, body.retry, body.redirect, body.text
            )
        }
        Frame::Ping(_) | Frame::Pong(_) | Frame::Extension(_) => name.to_owned(),
        Frame::Close(body) => format!("{name} {} {:?} taken {}", body.code, body.retry, body.taken),
    }
}
