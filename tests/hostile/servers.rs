//! A client that dialed the wrong server.

use std::time::Duration;

use sessile::{
    Config, Connecting, Credentials, Ended, EventKind, LoggedIn, LoginError, LossCause, Reason,
    Reconnect, RejectCode, Retry, Session, Violation,
    transport::Accept,
    wire::{Beat, Close, Frame, Refused, Resumed, RetryClass, Secret, Terms, VERSION, Welcome},
};

use super::{LIMIT, Owned, Raw, TERMS, invalid_vectors, vectors};
use crate::common::{World, drain};

/// A client's session whose server is the test.
struct Trap {
    world: World,
    listener: sessile::transport::memory::MemoryAcceptor,
}

impl Trap {
    fn new() -> Self {
        let world = World::new();
        let listener = world.network.listener();
        Self { world, listener }
    }

    /// A client that has connected, and the server's end of its link.
    fn caught(&mut self) -> (Session<Connecting>, Raw) {
        // Comes back so soon that no number of lies outlasts the session.
        let quick = Reconnect::new()
            .base(Duration::from_millis(10))
            .cap(Duration::from_millis(100));
        let session = self.world.connect(Config::new().reconnect(quick));
        let raw = self.accept();
        (session, raw)
    }

    fn accept(&mut self) -> Raw {
        let link = self.world.run_within(LIMIT, self.listener.accept());
        Raw::new(&self.world, link.expect("somebody dials"))
    }

    /// What becomes of a login that is answered with these bytes, and the server's end of its link.
    fn login(&mut self, answer: &[u8]) -> (Result<Session<LoggedIn>, LoginError>, Raw) {
        let (session, mut raw) = self.caught();
        let login = session.login(&Credentials::token("alice"));
        self.world.settle();
        raw.frames();
        raw.send(answer);
        (self.world.run_within(LIMIT, login), raw)
    }

    fn logged_in(&mut self) -> (Session<LoggedIn>, Raw) {
        let (session, mut raw) = self.login(&bytes(&welcome()));
        raw.frames();
        (session.expect("a fair welcome"), raw)
    }

    /// The client comes back: what its RESUME says, and the link.
    fn resumed(&mut self) -> (u64, u64, Raw) {
        let mut raw = self.accept();
        self.world.settle();
        match raw.frames().as_slice() {
            [Owned::Resume { received, taken }] => (*received, *taken, raw),
            other => panic!("{other:?}"),
        }
    }

    /// Why the link was lost.
    fn loss(&self, session: &mut Session<LoggedIn>) -> LossCause {
        match self.world.run_within(LIMIT, session.recv()) {
            Err(Ended::Lost(lost)) => lost.cause(),
            other => panic!("{other:?}"),
        }
    }
}

fn bytes(frame: &Frame<'_>) -> Vec<u8> {
    let mut bytes = Vec::new();
    frame.encode(&mut bytes);
    bytes
}

fn fair() -> Welcome<'static> {
    Welcome {
        version: VERSION,
        features: 0,
        session: 7,
        epoch: 3,
        secret: Secret::new([1; 16]),
        terms: TERMS,
        identity: b"alice",
    }
}

fn welcome() -> Frame<'static> {
    Frame::Welcome(fair())
}

fn resumed(epoch: u64, received: u64, taken: u64) -> Frame<'static> {
    Frame::Resumed(Resumed {
        epoch,
        secret: Secret::new([2; 16]),
        received,
        taken,
    })
}

#[test]
fn a_welcome_that_nobody_can_live_with_fails_the_login_and_the_next_one_may_work() {
    let set = |change: fn(&mut Terms)| {
        let mut welcome = fair();
        change(&mut welcome.terms);
        welcome
    };
    let wrong = [
        set(|terms| terms.heartbeat_ms = 0),
        set(|terms| terms.heartbeat_ms = u32::MAX),
        set(|terms| terms.lease_ms = 2_999),
        set(|terms| terms.lease_ms = u32::MAX),
        set(|terms| terms.resume_window_ms = u32::MAX),
        set(|terms| terms.window_messages = 0),
        set(|terms| terms.window_messages += 1),
        set(|terms| terms.window_bytes = u32::MAX),
        set(|terms| terms.window_bytes = terms.max_message - 1),
        set(|terms| terms.max_message = 0),
        set(|terms| terms.max_message = u32::MAX),
        Welcome { epoch: 0, ..fair() },
        Welcome {
            version: 2,
            ..fair()
        },
        Welcome {
            version: 0,
            ..fair()
        },
    ];
    for welcome in wrong {
        let mut trap = Trap::new();
        let (outcome, mut raw) = trap.login(&bytes(&Frame::Welcome(welcome.clone())));
        let error = outcome.expect_err("terms that hurt");
        assert_eq!(error.closed().reason(), Reason::LinkLost, "{welcome:?}");
        assert!(!raw.is_up());
        // The same session logs in at a server that is fair.
        let login = error.into_session().login(&Credentials::token("alice"));
        let mut raw = trap.accept();
        trap.world.settle();
        raw.send(&bytes(&self::welcome()));
        let _session = trap.world.run_within(LIMIT, login).expect("a fair welcome");
    }
}

#[test]
fn every_frame_instead_of_a_welcome_ends_the_login_and_panics_nobody() {
    let mut all = vectors();
    all.extend(invalid_vectors());
    for bytes in all {
        for cut in [bytes.len(), bytes.len() / 2, 3] {
            let mut trap = Trap::new();
            let (outcome, raw) = trap.login(&bytes[..cut.min(bytes.len())]);
            if let Ok(session) = outcome {
                assert!(cut > 60, "let in by {cut} bytes");
                drop(session);
            }
            drop(raw);
            trap.world.pass(Duration::from_secs(10));
        }
    }
}

#[test]
fn every_frame_after_a_welcome_costs_the_link_at_most() {
    let mut all = vectors();
    all.extend(invalid_vectors());
    for bytes in all {
        let mut trap = Trap::new();
        let (mut session, mut raw) = trap.logged_in();
        raw.send(&bytes);
        trap.world.pass(Duration::from_millis(100));
        let _ = session.try_recv();
        let ended = matches!(session.check(), Err(Ended::Closed(_)));
        let frame = sessile::wire::decode(&bytes, 1 << 20);
        let close = matches!(frame, Ok(Some((Frame::Close(_), _))));
        assert_eq!(ended, close, "only CLOSE ends a session");
        drop((session, raw));
        trap.world.pass(Duration::from_secs(10));
    }
}

#[test]
fn what_is_out_of_place_or_out_of_range_is_a_loss_that_says_so() {
    let mut flood = Vec::new();
    for _ in 0..=TERMS.window_messages {
        Frame::Data(b"").encode(&mut flood);
    }
    let cases: [(Vec<u8>, Violation); 6] = [
        (bytes(&welcome()), Violation::OutOfPlace),
        (bytes(&resumed(4, 0, 0)), Violation::OutOfPlace),
        (bytes(&Frame::Closed(0)), Violation::OutOfPlace),
        (bytes(&Frame::Ack(1)), Violation::AckOutOfRange),
        (flood, Violation::WindowExceeded),
        (vec![0; 4], Violation::Empty),
    ];
    for (bytes, violation) in cases {
        let mut trap = Trap::new();
        let (mut session, mut raw) = trap.logged_in();
        raw.send(&bytes);
        while let Ok(Some(_)) = session.try_recv() {}
        assert_eq!(trap.loss(&mut session), LossCause::Protocol(violation));
        assert!(!raw.is_up());
    }
}

/// The client keeps its messages through every lie about where the server is, and delivers them to the truth.
#[test]
fn a_resume_that_is_answered_with_lies_loses_nothing() {
    let mut trap = Trap::new();
    let (mut session, mut raw) = trap.logged_in();
    for message in ["one", "two", "three"] {
        session.try_send(message).expect("room");
    }
    trap.world.settle();
    assert_eq!(raw.frames().len(), 3);
    drop(raw);
    let lost = match trap.world.run_within(LIMIT, session.recv()) {
        Err(Ended::Lost(lost)) => lost,
        other => panic!("{other:?}"),
    };
    let resume = trap.world.spawn(session.reconnect(lost).resume());
    let lies = [
        bytes(&resumed(0, 0, 0)),
        bytes(&resumed(3, 0, 0)), // an epoch that was before
        bytes(&resumed(4, 4, 0)), // more than was written
        bytes(&resumed(4, 1, 2)), // taken before it was received
        bytes(&resumed(4, u64::MAX, u64::MAX)),
        bytes(&welcome()),
        bytes(&Frame::Data(b"too early")),
        bytes(&Frame::Ack(3)),
        b"HTTP/1.1 400 Bad Request\r\n\r\n".to_vec(),
    ];
    for lie in lies {
        let (received, taken, mut raw) = trap.resumed();
        assert_eq!((received, taken), (0, 0));
        raw.send(&lie);
        assert!(!raw.is_up(), "{lie:?}");
    }
    let (_, _, mut raw) = trap.resumed();
    raw.say(&resumed(4, 1, 1));
    let _session = trap.world.run_within(LIMIT, resume).expect("it resumes");
    trap.world.settle();
    let frames = raw.frames();
    let data: Vec<_> = frames
        .iter()
        .filter_map(|frame| match frame {
            Owned::Data(payload) => Some(payload.as_slice()),
            _ => None,
        })
        .collect();
    assert_eq!(
        data,
        [b"two".as_slice(), b"three"],
        "from where the server is"
    );
}

fn refused(code: u16, retry: RetryClass) -> Vec<u8> {
    bytes(&Frame::Refused(Refused {
        code,
        retry,
        taken: u64::MAX,
        attempt: u64::MAX,
        redirect: "evil.example:1\u{1b}[2J",
        text: "go\naway\u{202e}",
    }))
}

#[test]
fn a_refusal_cannot_send_a_client_away_for_ever_or_act_on_a_terminal() {
    let mut trap = Trap::new();
    let (outcome, _raw) = trap.login(&refused(102, RetryClass::After(u32::MAX)));
    let error = outcome.expect_err("refused");
    let why = error.rejection().expect("by the server");
    assert_eq!(why.code(), RejectCode::Busy);
    assert_eq!(error.retry(), Retry::After(Duration::from_secs(300)));
    for text in [
        why.redirect_to(),
        why.explanation(),
        error.closed().redirect(),
    ] {
        let text = text.expect("said");
        assert!(
            text.is_ascii() && !text.contains(char::is_control),
            "{text}"
        );
    }
    let shown = format!("{error} {error:?}");
    assert!(!shown.contains(char::is_control), "{shown}");
}

#[test]
fn a_server_that_is_always_busy_does_not_keep_a_client_waiting_for_ever() {
    let mut trap = Trap::new();
    let (session, raw) = trap.logged_in();
    let mut events = session.events();
    drop(raw);
    let (_, _, mut raw) = trap.resumed();
    raw.send(&refused(102, RetryClass::After(u32::MAX)));
    let planned = drain(&mut events)
        .into_iter()
        .rev()
        .find_map(|kind| match kind {
            EventKind::ReconnectScheduled { after, .. } => Some(after),
            _ => None,
        });
    let planned = planned.expect("a next attempt");
    assert!(planned <= Duration::from_secs(330), "{planned:?}");
    // By then the server has forgotten the session, by its own terms: the client does not wait for that.
    trap.world.pass(Duration::from_secs(127));
    match session.check() {
        Err(Ended::Closed(closed)) => assert_eq!(closed.reason(), Reason::GaveUp),
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_refused_resume_with_nonsense_ends_the_session_with_everything_undelivered() {
    let mut trap = Trap::new();
    let (mut session, mut raw) = trap.logged_in();
    session.try_send("one").expect("room");
    trap.world.settle();
    raw.frames();
    drop(raw);
    let Err(Ended::Lost(lost)) = trap.world.run_within(LIMIT, session.recv()) else {
        panic!("the link is gone")
    };
    let resume = trap.world.spawn(session.reconnect(lost).resume());
    let (_, _, mut raw) = trap.resumed();
    raw.send(&refused(65_535, RetryClass::Never));
    let mut gone = trap.world.run_within(LIMIT, resume).expect_err("refused");
    let undelivered = gone.take_undelivered();
    assert_eq!(
        undelivered.len(),
        1,
        "`taken` was nonsense and counts for nothing"
    );
    let shown = format!("{gone} {gone:?} {:?}", gone.closed().redirect());
    assert!(!shown.contains(char::is_control), "{shown}");
}

#[test]
fn a_flood_of_pings_is_answered_with_no_more_than_it_can_carry() {
    let mut trap = Trap::new();
    let (session, mut raw) = trap.logged_in();
    let mut pings = Vec::new();
    for nonce in 0..10_000 {
        let beat = Beat {
            nonce,
            ..Beat::default()
        };
        Frame::Ping(beat).encode(&mut pings);
    }
    raw.send(&pings);
    let pongs = raw.frames().len();
    assert!(
        (1..1_000).contains(&pongs),
        "{pongs} answers to 10,000 pings"
    );
    session.check().expect("pings are no offence");
}

#[test]
fn a_close_keeps_what_arrived_before_it_and_its_wait_is_bounded() {
    let mut trap = Trap::new();
    let (mut session, mut raw) = trap.logged_in();
    let mut last = bytes(&Frame::Data(b"last"));
    last.extend(bytes(&Frame::Close(Close {
        code: 17,
        retry: RetryClass::After(u32::MAX),
        taken: u64::MAX,
        text: "a\u{7}b",
    })));
    raw.send(&last);
    let message = trap.world.run_within(LIMIT, session.recv());
    assert_eq!(&*message.expect("before the close"), b"last");
    let Err(Ended::Closed(closed)) = trap.world.run_within(LIMIT, session.recv()) else {
        panic!("it was closed")
    };
    assert_eq!(closed.reason(), Reason::ClosedByPeer);
    assert_eq!(closed.retry(), Retry::After(Duration::from_secs(300)));
    assert!(!closed.to_string().contains(char::is_control));
}
