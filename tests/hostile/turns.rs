//! A session that always has something lets those be found whose bytes are still in the kernel.

use std::{
    io::{self, IoSliceMut},
    pin::Pin,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, AtomicUsize, Ordering::SeqCst},
    },
    task::{Context, Poll, Wake, Waker},
    thread::{self, Thread},
};

use futures::io::{AsyncRead, AsyncWrite};
use sessile::{
    Admission, Admit, Config, Host, Message, Multi, Offer, Rejection, Runtime, Spawn, Turn,
    transport::Link,
    wire::{self, Frame},
};

use super::{LIMIT, One, login_frame};

/// No turn takes so many bytes.
const ENOUGH: usize = 1 << 20;

/// A peer that logs in and then brings as much as is asked for, at once, for ever.
struct Flood {
    login: Option<Vec<u8>>,
    is_welcome: bool,
    /// One after the other, for ever: a read takes up where the last one ended.
    frames: Vec<u8>,
    at: usize,
    /// A read brings so much at most.
    piece: usize,
    /// Whether nothing more is there for a moment when all frames were read, and whether it is that moment.
    rests: bool,
    is_resting: bool,
    turn: Turns,
    /// How much was to be read at once, at most: before WELCOME, and since.
    asked: Arc<[AtomicUsize; 2]>,
    /// How often it was written to.
    written: Arc<AtomicUsize>,
}

impl Flood {
    fn new(frames: usize) -> Self {
        let (mut login, mut bytes) = (Vec::new(), Vec::new());
        login_frame(b"flood").encode(&mut login);
        (0..frames).for_each(|_| wire::encode_volatile(b"", &mut bytes));
        Self {
            login: Some(login),
            is_welcome: false,
            frames: bytes,
            at: 0,
            piece: usize::MAX,
            rests: false,
            is_resting: false,
            turn: Arc::default(),
            asked: Arc::default(),
            written: Arc::default(),
        }
    }
}

impl Link for Flood {}

impl AsyncRead for Flood {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &mut [u8],
    ) -> Poll<io::Result<usize>> {
        self.poll_read_vectored(cx, &mut [IoSliceMut::new(bytes)])
    }

    fn poll_read_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        parts: &mut [IoSliceMut<'_>],
    ) -> Poll<io::Result<usize>> {
        let room = parts.iter().map(|part| part.len()).sum();
        self.asked[usize::from(self.is_welcome)].fetch_max(room, SeqCst);
        if let Some(login) = self.login.take() {
            parts[0][..login.len()].copy_from_slice(&login);
            return Poll::Ready(Ok(login.len()));
        }
        if !self.is_welcome || std::mem::take(&mut self.is_resting) {
            cx.waker().wake_by_ref();
            return Poll::Pending;
        }
        let turn = self.turn[0].load(SeqCst);
        if turn >= ENOUGH {
            cx.waker().wake_by_ref();
            return Poll::Pending; // it failed already
        }
        let ahead = &self.frames[self.at..];
        let count = ahead.len().min(room).min(self.piece);
        let mut ahead = &ahead[..count];
        for part in parts {
            let (here, rest) = ahead.split_at(part.len().min(ahead.len()));
            part[..here.len()].copy_from_slice(here);
            ahead = rest;
        }
        self.at = (self.at + count) % self.frames.len();
        self.is_resting = self.rests && self.at == 0;
        self.turn[0].store(turn + count, SeqCst);
        self.turn[1].fetch_max(turn + count, SeqCst);
        Poll::Ready(Ok(count))
    }
}

impl AsyncWrite for Flood {
    fn poll_write(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.written.fetch_add(1, SeqCst);
        if !self.is_welcome {
            self.is_welcome = true;
            let mut proof = Vec::new();
            Frame::Ack(0).encode(&mut proof);
            self.login = Some(proof);
        }
        Poll::Ready(Ok(bytes.len()))
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_close(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}

struct Everybody;

impl Admit for Everybody {
    type Peer = ();

    async fn admit(&self, _: &Offer) -> Result<Admission<()>, Rejection> {
        Ok(Admission::new(1u64, ()))
    }
}

impl Host for Everybody {
    fn on_message(&self, _: &mut Turn<'_, ()>, _: Message<'_>) {}
}

/// Runs the tasks of a runtime on the thread of the test, and sees by which thread they are woken.
#[derive(Clone, Default)]
struct Tasks(Arc<Mutex<Vec<Boxed>>>);

/// Bytes that were read in this turn, and in the longest.
type Turns = Arc<[AtomicUsize; 2]>;

type Boxed = Pin<Box<dyn Future<Output = ()> + Send>>;

impl Spawn for Tasks {
    fn spawn_boxed(&self, task: Boxed) {
        self.0.lock().expect("no panic holds it").push(task);
    }
}

struct Woken {
    test: Thread,
    is_woken: AtomicBool,
    by_others: AtomicUsize,
}

impl Wake for Woken {
    fn wake(self: Arc<Self>) {
        if thread::current().id() != self.test.id() {
            self.by_others.fetch_add(1, SeqCst);
        }
        self.is_woken.store(true, SeqCst);
        self.test.unpark();
    }
}

impl Tasks {
    /// So many polls; how many of the wakes were another thread's. Here that is the reactor's.
    fn run(&self, polls: usize) -> usize {
        self.run_turns(polls, |_| ())
    }

    /// The same; each poll is a turn, which begins with this.
    fn run_turns(&self, polls: usize, mut begin: impl FnMut(usize)) -> usize {
        let (mut tasks, mut done) = (Vec::new(), 0);
        while done < polls {
            for task in self.0.lock().expect("no panic holds it").drain(..) {
                let woken = Woken {
                    test: thread::current(),
                    is_woken: true.into(),
                    by_others: 0.into(),
                };
                tasks.push((task, Arc::new(woken)));
            }
            let before = done;
            tasks.retain_mut(|(task, woken)| {
                if !woken.is_woken.swap(false, SeqCst) {
                    return true;
                }
                done += 1;
                begin(done);
                let waker = Waker::from(Arc::clone(woken));
                task.as_mut()
                    .poll(&mut Context::from_waker(&waker))
                    .is_pending()
            });
            if done == before {
                let is_woken = |(_, woken): &(Boxed, Arc<Woken>)| woken.is_woken.load(SeqCst);
                // The first time may be for a wake that was seen already.
                for _ in 0..2 {
                    if !tasks.iter().any(is_woken) {
                        thread::park_timeout(LIMIT / 4);
                    }
                }
                assert!(tasks.iter().any(is_woken), "nobody is, after {done} turns");
            }
        }
        let by_others = tasks.iter().map(|(_, woken)| woken.by_others.load(SeqCst));
        by_others.sum()
    }
}

/// Threat T26. A task that wakes itself is run again before anybody looks for bytes in the kernel: an executor of smol looks when nobody
/// is left to be run, and otherwise after 200 tasks. So of the turns of a flood every fourth ends with a wait for whoever looks.
#[test]
fn a_flood_lets_the_reactor_look_who_else_is_there() {
    // As much as a turn takes in one read; and so much that a read is many turns.
    for frames in [64, 4_096] {
        let tasks = Tasks::default();
        let config = Config::new().turn_frames(64);
        let server = Runtime::<Multi>::start_on(config, tasks.clone());
        let server = server.expect("a config that starts");
        let _serving = server.serve_over(One(Some(Flood::new(frames))), Everybody);
        let looks = tasks.run(1_000);
        assert_eq!(server.sessions().len(), 1, "it floods");
        assert!(
            (200..=300).contains(&looks),
            "reads of {frames} frames: {looks} looks in 1,000 turns"
        );
    }
}

/// What a stranger may send at once is little; who is let in is none any more, also where its frames go to a host past the registry.
#[test]
fn who_is_let_in_to_a_host_is_read_like_anybody() {
    let tasks = Tasks::default();
    let server = Runtime::<Multi>::start_on(Config::new(), tasks.clone());
    let server = server.expect("a config that starts");
    let flood = Flood::new(1);
    let asked = Arc::clone(&flood.asked);
    let _serving = server.serve_over(One(Some(flood)), Everybody);
    tasks.run(100);
    let asked = [&asked[0], &asked[1]].map(|asked| asked.load(SeqCst));
    assert_eq!(asked, [2 * 1_024, 64 * 1_024]);
}

/// Threat T26. A turn ends after 64 KiB also where its reads bring few frames, or none: parts of a long message, each less than there
/// is room for. Only the message's end may be read with the beginning of the next one, 4 KiB.
#[test]
fn a_turn_reads_so_many_bytes_whatever_frames_they_are_of() {
    for (message, piece) in [
        (500_000, usize::MAX),
        (500_000, 3_001),
        (40_000, usize::MAX),
        (40_000, 7_000),
        (3_000, 2_999),
    ] {
        let tasks = Tasks::default();
        let config = Config::new().max_message(1 << 20).turn_frames(65_536);
        let server = Runtime::<Multi>::start_on(config, tasks.clone());
        let server = server.expect("a config that starts");
        let mut flood = Flood::new(0);
        wire::encode_volatile(&vec![7; message], &mut flood.frames);
        flood.piece = piece;
        let turn = Arc::clone(&flood.turn);
        let _serving = server.serve_over(One(Some(flood)), Everybody);
        tasks.run_turns(200, |_| turn[0].store(0, SeqCst));
        assert_eq!(server.sessions().len(), 1, "it floods");
        let longest = turn[1].load(SeqCst);
        assert!(
            (32 * 1_024..=68 * 1_024).contains(&longest),
            "messages of {message} in pieces of {piece}: {longest} bytes in one turn"
        );
    }
}

/// One message a turn where it takes more than half of one, and it is read in one piece but for its beginning: also where nothing was
/// there before it, and its beginning is all that one read brings; and where the next one is there already, of which the rest of the
/// turn would bring a part.
#[test]
fn a_long_message_is_one_turn_whether_or_not_more_come_behind_it() {
    const LEN: usize = 40_000;
    for (messages, rests) in [(1, true), (200, false)] {
        let tasks = Tasks::default();
        let server = Runtime::<Multi>::start_on(Config::new(), tasks.clone());
        let server = server.expect("a config that starts");
        let mut flood = Flood::new(0);
        flood.rests = rests;
        (0..messages).for_each(|_| wire::encode_volatile(&[7; LEN], &mut flood.frames));
        let turn = Arc::clone(&flood.turn);
        let _serving = server.serve_over(One(Some(flood)), Everybody);
        let mut turns = Vec::new();
        tasks.run_turns(100, |_| turns.push(turn[0].swap(0, SeqCst)));
        turns.retain(|&bytes| bytes > 0);
        assert_eq!(server.sessions().len(), 1, "it floods");
        // That long messages come is known since the first one.
        let settled = turns.get(5..).unwrap_or_default();
        assert!(settled.len() > 30, "{turns:?}");
        assert!(
            settled.iter().all(|&bytes| bytes == LEN + 5),
            "{messages} in a row: {turns:?}"
        );
    }
}

/// Threat T26. What a stranger may say in all is another bound: a program may have set it high.
#[test]
fn a_strangers_turn_is_short_however_much_it_may_say_and_whatever_pieces_it_comes_in() {
    for piece in [usize::MAX, 700] {
        let tasks = Tasks::default();
        let config = Config::new().stranger_bytes(1 << 20);
        let server = Runtime::<Multi>::start_on(config, tasks.clone());
        let server = server.expect("a config that starts");
        let mut flood = Flood::new(0);
        (flood.login, flood.is_welcome) = (None, true); // it does not ask
        flood.piece = piece;
        flood.frames = vec![0x80; 1_000];
        flood.frames[..4].copy_from_slice(&996_u32.to_be_bytes());
        let turn = Arc::clone(&flood.turn);
        let _serving = server.serve_over(One(Some(flood)), Everybody);
        let mut read = 0;
        tasks.run_turns(100, |_| read += turn[0].swap(0, SeqCst));
        assert!(read > 100_000, "{read} bytes: it does not flood");
        assert_eq!(turn[1].load(SeqCst), 2 * 1_024);
    }
}

/// A long message is many turns, in which nothing is to be answered; what others have for its sender goes out all the same.
#[test]
fn a_message_without_an_end_in_sight_holds_nothing_up_that_goes_the_other_way() {
    const LEN: usize = 16 << 20;
    let tasks = Tasks::default();
    let config = Config::new().max_message(LEN).unacked_bytes(LEN);
    let server = Runtime::<Multi>::start_on(config, tasks.clone());
    let server = server.expect("a config that starts");
    let mut flood = Flood::new(0);
    let Frame::Login(mut login) = login_frame(b"flood") else {
        panic!("it is one");
    };
    (login.terms.max_message, login.terms.window_bytes) = (LEN as u32, LEN as u32);
    let mut bytes = Vec::new();
    Frame::Login(login).encode(&mut bytes);
    flood.login = Some(bytes);
    wire::encode_volatile(&vec![7; LEN], &mut flood.frames);
    let (turn, written) = (Arc::clone(&flood.turn), Arc::clone(&flood.written));
    let _serving = server.serve_over(One(Some(flood)), Everybody);
    let mut before = 0;
    // Less than the message is long.
    tasks.run_turns(200, |turns| {
        turn[0].store(0, SeqCst);
        if turns == 100 {
            before = written.load(SeqCst);
            assert!(server.sessions().broadcast("a word").refused.is_empty());
        }
    });
    assert_eq!(server.sessions().len(), 1, "it floods");
    assert_eq!(written.load(SeqCst) - before, 1);
}
