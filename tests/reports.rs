//! What a program's log and meters are told: `cargo test --features tracing,metrics --test reports`.

mod common;

use std::{
    collections::BTreeMap,
    io,
    net::SocketAddr,
    pin::Pin,
    sync::{Arc, Mutex},
    task::{Context, Poll, ready},
};

use common::{SECOND, World, lost, on_resume, soon};
use futures::{
    future::join,
    io::{AsyncRead, AsyncWrite},
};
use metrics_util::debugging::{DebugValue, DebuggingRecorder, Snapshotter};
use sessile::{
    Config, Credentials, Door, Identity, Rejection,
    transport::{
        Dial, Link,
        memory::{MemoryDialer, MemoryLink},
    },
    wire::{Decoder, Frame},
};
use tracing_subscriber::fmt::MakeWriter;

#[test]
fn a_session_has_one_span_and_what_happens_to_it_is_told_in_it_in_order() {
    let (world, pages) = (World::new(), Pages::default());
    pages.of(|| {
        let (_server, mut door) = world.server(Config::new());
        let (mut mine, theirs) = world.pair(on_resume(), &mut door, "alice");
        world.cut();
        let lost = lost(&mut mine);
        let mine = world.run_within(60 * SECOND, mine.reconnect(lost).resume());
        let closing = mine.expect("the session is kept").close("");
        drop(theirs);
        world.run(closing);
        world.settle();
    });
    let lines = pages.lines();
    let of = |side: &str| -> Vec<String> {
        let said = lines.iter().filter(|line| line.contains(side));
        let told = said.map(|line| line.split_once("}: ").expect("a span").1.to_owned());
        told.map(|line| {
            line.split_whitespace()
                .nth(1)
                .unwrap_or_default()
                .to_owned()
        })
        .collect()
    };
    let names = |side: &str, kinds: &[&str]| {
        let said = of(side);
        assert_eq!(said.len(), kinds.len(), "{lines:#?}");
        for (said, kind) in said.iter().zip(kinds) {
            assert!(said.starts_with(kind), "{said}, not {kind}: {lines:#?}");
        }
    };
    names(
        "acceptor",
        &[
            "link-up",
            "login-started",
            "logged-in",
            "link-lost",
            "link-up",
            "resumed",
            "ended",
        ],
    );
    let last = lines.last().expect("there are some");
    assert!(last.contains("identity=alice"), "{last}");
    assert!(last.contains("epoch=2"), "{last}");
    assert_eq!(last.matches("identity=").count(), 1, "{last}");
}

#[test]
fn a_subscriber_may_use_the_runtime_that_tells_it() {
    let (world, pages) = (World::new(), Pages::default());
    pages.of(|| {
        let (server, mut door) = world.server(Config::new());
        let seen = Arc::new(Mutex::new(0));
        let (counted, sessions) = (Arc::clone(&seen), server.sessions());
        *pages.also.lock().expect("whole") = Some(Box::new(move || {
            let mut seen = counted.lock().expect("whole");
            *seen = sessions.len().max(*seen);
        }));
        let (mine, _theirs) = world.pair(soon(), &mut door, "alice");
        world.run(mine.close(""));
        assert_eq!(*seen.lock().expect("whole"), 1, "asked while it was told");
    });
}

#[test]
fn a_subscriber_that_panics_is_told_of_what_comes_after() {
    let (world, pages) = (World::new(), Pages::default());
    pages.of(|| {
        let (server, mut door) = world.server(Config::new());
        let (_mine, theirs) = world.pair(soon(), &mut door, "alice");
        *pages.also.lock().expect("whole") = Some(Box::new(|| panic!("the disk is full")));
        let id = theirs.id();
        let removed = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
            server.sessions().remove("alice", "")
        }));
        assert!(removed.is_err());
        pages.also.clear_poison();
        *pages.also.lock().expect("whole") = None;
        let before = pages.lines().len();
        let (_again, theirs) = world.pair(soon(), &mut door, "bob");
        assert_ne!(theirs.id(), id);
        assert!(pages.lines().len() > before);
    });
}

#[test]
fn what_a_peer_says_forges_no_line() {
    let (world, pages) = (World::new(), Pages::default());
    pages.of(|| {
        let (_server, mut door) = world.server(Config::new());
        let session = world.connect(soon());
        let me = Credentials::token("x");
        let reject = async {
            let peer = door.next().await.expect("a peer");
            peer.reject(
                Rejection::bad_credentials().text("no\n INFO sessile: all is well \u{1b}[2J"),
            );
        };
        let (mine, ()) = world.run(join(session.login(&me), reject));
        assert!(mine.is_err());
    });
    let lines = pages.lines();
    assert!(lines.iter().any(|line| line.contains("all is well")));
    for line in &lines {
        assert!(
            !line.trim_start().starts_with("INFO sessile: all"),
            "{line}"
        );
        assert!(!line.contains('\u{1b}'), "{line}");
    }
}

/// Threat T23.
#[test]
fn a_flood_of_logins_that_fail_is_cut_short_in_the_log_and_who_is_let_in_meanwhile_is_told() {
    let (world, pages) = (World::new(), Pages::default());
    let attempt = |door: &mut Door, name: Option<&'static str>| {
        let session = world.connect(soon());
        let me = Credentials::token("x");
        let judge = async {
            let peer = door.next().await.expect("a peer");
            match name {
                Some(name) => Some(peer.admit(Identity::new(name).expect("short"))),
                None => {
                    peer.reject(Rejection::bad_credentials());
                    None
                }
            }
        };
        world.run(join(session.login(&me), judge))
    };
    let told = |what: &str| {
        let lines = pages.lines().into_iter();
        lines
            .filter(|line| line.contains("acceptor") && line.contains(what))
            .count()
    };
    pages.of(|| {
        let (_server, mut door) = world.server(Config::new());
        world.pass(SECOND);
        for _ in 0..100 {
            assert!(attempt(&mut door, None).0.is_err());
        }
        assert_eq!((told("login-failed"), told("ended")), (20, 20));
        let _alice = attempt(&mut door, Some("alice"));
        assert_eq!(told("logged-in"), 1);
        assert_eq!(pages.lines().join(" ").matches("left_out").count(), 0);
        world.pass(SECOND);
        assert!(attempt(&mut door, None).0.is_err());
        assert_eq!(told("login-failed"), 21);
    });
    let lines = pages.lines();
    let left_out: Vec<_> = lines
        .iter()
        .filter(|line| line.contains("left_out"))
        .collect();
    assert_eq!(left_out.len(), 1, "{left_out:?}");
    // Of each of eighty: its link, its login, its failure and its end; of the one who was let in the first two.
    assert!(left_out[0].contains("left_out=322"), "{left_out:?}");
}

#[test]
fn no_secret_is_in_a_log_or_in_what_anything_shows_of_itself() {
    let (world, pages, tape) = (World::new(), Pages::default(), Tape::default());
    let shown = pages.of(|| {
        let mut shown = String::new();
        let (server, mut door) = world.server(Config::new());
        let mut events = server.events();
        let client = world.client(on_resume());
        let dialer = Tap(world.network.dialer(), tape.clone());
        let me = Credentials::token("open-sesame");
        let session = world.run(client.connect_over(dialer)).expect("a network");
        let login = session.login(&me);
        shown += &format!("{me:?} {login:?}");
        let admit = async {
            let peer = door.next().await.expect("a peer");
            let text = format!("{peer:?} {:?}", peer.offer());
            (peer.admit(Identity::new("alice").expect("short")), text)
        };
        let (mine, (theirs, text)) = world.run(join(login, admit));
        let mut mine = mine.expect("admitted");
        shown += &text;
        for _ in 0..3 {
            world.cut();
            let lost = lost(&mut mine);
            let resume = mine.reconnect(lost).resume();
            shown += &format!("{resume:?}");
            mine = world.run_within(60 * SECOND, resume).expect("it is kept");
            shown += &format!("{mine:?} {theirs:?} {server:?} {:?}", server.sessions());
            shown += &format!("{:?} {:?}", mine.snapshot(), theirs.peer());
        }
        for event in common::observed(&mut events) {
            shown += &format!("{event:?} {event}");
        }
        shown
    });
    let secrets = tape.secrets();
    assert_eq!(secrets.len(), 4, "one with WELCOME, one with each RESUMED");
    let all = shown + &pages.lines().join("\n");
    let hex =
        |secret: &[u8]| -> String { secret.iter().map(|byte| format!("{byte:02x}")).collect() };
    for secret in secrets {
        let decimal = format!("{secret:?}");
        for form in [hex(&secret), hex(&secret).to_uppercase(), decimal] {
            assert!(!all.contains(&form[1..form.len() - 1]), "{form}");
        }
    }
    let bytes = format!("{:?}", "open-sesame".as_bytes());
    for form in [
        "open-sesame",
        &bytes[1..bytes.len() - 1],
        &hex(b"open-sesame"),
    ] {
        assert!(!all.contains(form), "{form}");
    }
    assert!(all.contains("alice"), "there was something to find it in");
}

#[test]
fn meters_count_what_happened() {
    let (world, recorder) = (World::new(), DebuggingRecorder::new());
    let meters = recorder.snapshotter();
    metrics::with_local_recorder(&recorder, || {
        let (server, mut door) = world.server(Config::new());
        let (_bob, _peer) = world.pair(on_resume(), &mut door, "bob");
        let (mut mine, mut theirs) = world.pair(on_resume(), &mut door, "alice");
        world.pass(30 * SECOND);
        assert_eq!(server.sessions().len(), 2);
        let mut counted = BTreeMap::new();
        read(&meters, &mut counted);
        assert_eq!(counted["sessile_sessions acceptor logged-in"], 2.0);
        assert_eq!(counted["sessile_logins_total acceptor"], 2.0);
        assert!(counted["sessile_round_trip_seconds"] >= 8.0, "{counted:?}");
        assert!(
            counted["sessile_link_bytes_total read"] > 200.0,
            "{counted:?}"
        );
        assert_eq!(
            counted["sessile_link_bytes_total read"],
            counted["sessile_link_bytes_total written"]
        );

        world.black_hole(&world.link(), true);
        theirs.try_send("twice").expect("room");
        world.cut();
        let lost = lost(&mut mine);
        let mine = world.run_within(60 * SECOND, mine.reconnect(lost).resume());
        world.settle();
        assert!(mine.is_ok());
        assert!(server.sessions().remove("alice", "enough"));
        world.settle();
        read(&meters, &mut counted);
        assert_eq!(
            counted["sessile_resumes_total acceptor"], 1.0,
            "{counted:?}"
        );
        assert_eq!(counted["sessile_replayed_messages_total acceptor"], 1.0);
        assert_eq!(counted["sessile_ended_total acceptor Removed"], 1.0);
        assert_eq!(counted["sessile_links_lost_total acceptor io"], 2.0);
        assert_eq!(counted["sessile_sessions acceptor logged-in"], 0.0);
        assert_eq!(counted["sessile_sessions acceptor reconnecting"], 1.0);
    });
}

/// All that was counted so far: the name, and the labels' values. (This recorder begins anew with every look.)
fn read(meters: &Snapshotter, so_far: &mut BTreeMap<String, f64>) {
    for (key, _, _, value) in meters.snapshot().into_vec() {
        let (_, key) = key.into_parts();
        let labels = key.labels().map(|label| format!(" {}", label.value()));
        let name = labels.fold(key.name().to_owned(), |name, label| name + &label);
        *so_far.entry(name).or_default() += match value {
            DebugValue::Counter(count) => count as f64,
            DebugValue::Gauge(change) => change.into_inner(),
            DebugValue::Histogram(samples) => samples.len() as f64,
        };
    }
}

/// What was written, as a program's log would have it.
#[derive(Clone, Default)]
struct Pages {
    text: Arc<Mutex<Vec<u8>>>,
    /// Called for each line.
    also: Arc<Mutex<Option<Reaction>>>,
}

type Reaction = Box<dyn Fn() + Send>;

impl Pages {
    fn lines(&self) -> Vec<String> {
        let text = self.text.lock().expect("whole");
        let text = String::from_utf8(text.clone()).expect("text");
        text.lines().map(str::to_owned).collect()
    }

    /// Runs with all that is logged on this thread going here.
    fn of<T>(&self, run: impl FnOnce() -> T) -> T {
        let subscriber = tracing_subscriber::fmt()
            .with_max_level(tracing::Level::TRACE)
            .with_ansi(false)
            .without_time()
            .with_writer(self.clone())
            .finish();
        tracing::subscriber::with_default(subscriber, run)
    }
}

impl io::Write for Pages {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if let Some(also) = &*self.also.lock().expect("whole") {
            also();
        }
        self.text.lock().expect("whole").extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl<'a> MakeWriter<'a> for Pages {
    type Writer = Self;

    fn make_writer(&'a self) -> Self {
        self.clone()
    }
}

/// Everything that a client reads is kept.
struct Tap(MemoryDialer, Tape);

struct TapLink(MemoryLink, Tape);

#[derive(Clone, Default)]
struct Tape(Arc<Mutex<Vec<Vec<u8>>>>);

impl Tape {
    /// All that WELCOME and RESUMED gave away.
    fn secrets(&self) -> Vec<Vec<u8>> {
        let mut secrets = Vec::new();
        for link in &*self.0.lock().expect("whole") {
            let (mut decoder, mut rest) = (Decoder::new(), &link[..]);
            while let Ok(Some(frame)) = decoder.next(&mut rest) {
                match frame {
                    Frame::Welcome(welcome) => secrets.push(welcome.secret.as_bytes().to_vec()),
                    Frame::Resumed(resumed) => secrets.push(resumed.secret.as_bytes().to_vec()),
                    _ => {}
                }
            }
        }
        secrets
    }
}

impl Dial for Tap {
    type Link = TapLink;

    async fn dial(&self) -> io::Result<TapLink> {
        let link = self.0.dial().await?;
        self.1.0.lock().expect("whole").push(Vec::new());
        Ok(TapLink(link, self.1.clone()))
    }
}

impl Link for TapLink {
    fn remote_addr(&self) -> Option<SocketAddr> {
        self.0.remote_addr()
    }
}

impl AsyncRead for TapLink {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut [u8],
    ) -> Poll<io::Result<usize>> {
        let read = ready!(Pin::new(&mut self.0).poll_read(cx, buffer))?;
        let mut links = self.1.0.lock().expect("whole");
        let tape = links.last_mut().expect("it was dialed");
        tape.extend_from_slice(&buffer[..read]);
        Poll::Ready(Ok(read))
    }
}

impl AsyncWrite for TapLink {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.0).poll_write(cx, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_flush(cx)
    }

    fn poll_close(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_close(cx)
    }
}
