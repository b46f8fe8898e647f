//! A frame as the fields of a vector, and the way back.

use sessile::wire::{
    Beat, Close, Frame, GoAway, Login, Refused, Resume, Resumed, RetryClass, Secret, Terms, Welcome,
};

use crate::file::{Vector, to_hex};

/// What a vector must say of this frame, which took `used` bytes: every field of it.
pub(crate) fn of(frame: &Frame<'_>, used: usize) -> Vec<(String, String)> {
    let mut out = Fields(Vec::new());
    out.add("type", frame.name());
    // No `..` in any pattern: a field that is added to a frame has to be added here.
    match frame {
        Frame::Login(Login {
            version,
            oldest,
            features,
            instance,
            attempt,
            terms,
            credentials,
        }) => {
            out.add("version", version)
                .add("oldest", oldest)
                .add("features", features);
            out.add("instance", to_hex(instance))
                .add("attempt", attempt);
            out.terms(*terms).add("credentials", to_hex(credentials));
        }
        Frame::Welcome(Welcome {
            version,
            features,
            session,
            epoch,
            secret,
            terms,
            identity,
        }) => {
            out.add("version", version)
                .add("features", features)
                .add("session", session);
            out.add("epoch", epoch)
                .add("secret", to_hex(secret.as_bytes()));
            out.terms(*terms).add("identity", to_hex(identity));
        }
        Frame::Refused(Refused {
            code,
            retry,
            taken,
            attempt,
            redirect,
            text,
        }) => {
            out.add("code", code)
                .retry(*retry)
                .add("taken", taken)
                .add("attempt", attempt);
            out.add("redirect", redirect).add("text", text);
        }
        Frame::Resume(Resume {
            version,
            session,
            secret,
            attempt,
            received,
            taken,
        }) => {
            out.add("version", version).add("session", session);
            out.add("secret", to_hex(secret.as_bytes()))
                .add("attempt", attempt);
            out.add("received", received).add("taken", taken);
        }
        Frame::Resumed(Resumed {
            epoch,
            secret,
            received,
            taken,
        }) => {
            out.add("epoch", epoch)
                .add("secret", to_hex(secret.as_bytes()));
            out.add("received", received).add("taken", taken);
        }
        Frame::Ping(Beat {
            nonce,
            clock,
            tick,
            echo,
            held,
        })
        | Frame::Pong(Beat {
            nonce,
            clock,
            tick,
            echo,
            held,
        }) => {
            out.add("nonce", nonce)
                .add("clock", clock)
                .add("tick", tick);
            out.add("echo", echo).add("held", held);
        }
        Frame::Close(Close {
            code,
            retry,
            taken,
            text,
        }) => {
            out.add("code", code)
                .retry(*retry)
                .add("taken", taken)
                .add("text", text);
        }
        Frame::GoAway(GoAway {
            within_ms,
            retry,
            redirect,
            text,
        }) => {
            out.add("within_ms", within_ms).retry(*retry);
            out.add("redirect", redirect).add("text", text);
        }
        Frame::Ack(taken) | Frame::Closed(taken) => {
            out.add("taken", taken);
        }
        Frame::Challenge(bytes) | Frame::Answer(bytes) => {
            out.add("bytes", to_hex(bytes));
        }
        Frame::Data(payload) | Frame::Volatile(payload) => {
            out.add("payload", to_hex(payload));
        }
        Frame::Extension(kind) => {
            out.add("kind", kind).add("skipped", used - 5);
        }
    }
    out.0
}

/// The bytes that the fields of `vector` encode to; `None` for what nobody writes.
pub(crate) fn encode(vector: &Vector) -> Option<Vec<u8>> {
    let v = vector;
    let bytes = |key: &str| v.hex(key);
    let instance = || bytes("instance").try_into().expect("16 bytes");
    let secret = || Secret::new(bytes("secret").try_into().expect("16 bytes"));
    let (buffer, mut out) = (buffer(v), Vec::new());
    let frame = match v.get("type") {
        "LOGIN" => Frame::Login(Login {
            version: v.number("version"),
            oldest: v.number("oldest"),
            features: v.number("features"),
            instance: instance(),
            attempt: v.number("attempt"),
            terms: terms(v),
            credentials: &buffer,
        }),
        "CHALLENGE" => Frame::Challenge(&buffer),
        "ANSWER" => Frame::Answer(&buffer),
        "WELCOME" => Frame::Welcome(Welcome {
            version: v.number("version"),
            features: v.number("features"),
            session: v.number("session"),
            epoch: v.number("epoch"),
            secret: secret(),
            terms: terms(v),
            identity: &buffer,
        }),
        "REFUSED" => Frame::Refused(Refused {
            code: v.number("code"),
            retry: retry(v),
            taken: v.number("taken"),
            attempt: v.number("attempt"),
            redirect: v.get("redirect"),
            text: v.get("text"),
        }),
        "RESUME" => Frame::Resume(Resume {
            version: v.number("version"),
            session: v.number("session"),
            secret: secret(),
            attempt: v.number("attempt"),
            received: v.number("received"),
            taken: v.number("taken"),
        }),
        "RESUMED" => Frame::Resumed(Resumed {
            epoch: v.number("epoch"),
            secret: secret(),
            received: v.number("received"),
            taken: v.number("taken"),
        }),
        "DATA" => Frame::Data(&buffer),
        "VOLATILE" => Frame::Volatile(&buffer),
        "ACK" => Frame::Ack(v.number("taken")),
        "PING" => Frame::Ping(beat(v)),
        "PONG" => Frame::Pong(beat(v)),
        "CLOSE" => Frame::Close(Close {
            code: v.number("code"),
            retry: retry(v),
            taken: v.number("taken"),
            text: v.get("text"),
        }),
        "CLOSED" => Frame::Closed(v.number("taken")),
        "GOAWAY" => Frame::GoAway(GoAway {
            within_ms: v.number("within_ms"),
            retry: retry(v),
            redirect: v.get("redirect"),
            text: v.get("text"),
        }),
        "EXTENSION" => return None,
        other => panic!("{}: unknown type {other}", v.name),
    };
    frame.encode(&mut out);
    assert_eq!(out.len(), frame.encoded_len(), "{}", v.name);
    Some(out)
}

/// The one field of a vector that a frame borrows as bytes.
fn buffer(v: &Vector) -> Vec<u8> {
    let borrowed = ["credentials", "identity", "bytes", "payload"];
    let key = v
        .fields
        .iter()
        .find(|(key, _)| borrowed.contains(&key.as_str()));
    key.map_or_else(Vec::new, |(key, _)| v.hex(key))
}

fn terms(v: &Vector) -> Terms {
    Terms {
        heartbeat_ms: v.number("heartbeat_ms"),
        lease_ms: v.number("lease_ms"),
        resume_window_ms: v.number("resume_window_ms"),
        window_messages: v.number("window_messages"),
        window_bytes: v.number("window_bytes"),
        max_message: v.number("max_message"),
    }
}

fn retry(v: &Vector) -> RetryClass {
    match (v.get("retry"), v.number("retry_after_ms")) {
        ("0", 0) => RetryClass::Now,
        ("1", ms) => RetryClass::After(ms),
        ("2", 0) => RetryClass::Never,
        other => panic!("{}: no retry class: {other:?}", v.name),
    }
}

fn beat(v: &Vector) -> Beat {
    Beat {
        nonce: v.number("nonce"),
        clock: v.number("clock"),
        tick: v.number("tick"),
        echo: v.number("echo"),
        held: v.number("held"),
    }
}

struct Fields(Vec<(String, String)>);

impl Fields {
    fn add(&mut self, key: &str, value: impl ToString) -> &mut Self {
        self.0.push((key.to_owned(), value.to_string()));
        self
    }

    fn terms(&mut self, terms: Terms) -> &mut Self {
        let Terms {
            heartbeat_ms,
            lease_ms,
            resume_window_ms,
            window_messages,
            window_bytes,
            max_message,
        } = terms;
        self.add("heartbeat_ms", heartbeat_ms)
            .add("lease_ms", lease_ms)
            .add("resume_window_ms", resume_window_ms);
        self.add("window_messages", window_messages)
            .add("window_bytes", window_bytes)
            .add("max_message", max_message)
    }

    fn retry(&mut self, retry: RetryClass) -> &mut Self {
        let (class, ms) = match retry {
            RetryClass::Now => (0, 0),
            RetryClass::After(ms) => (1, ms),
            RetryClass::Never => (2, 0),
        };
        self.add("retry", class).add("retry_after_ms", ms)
    }
}
