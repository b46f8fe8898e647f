//! Long messages: read to where they stay, and written from where they lie. A host is lent short ones from there, too.

mod common;

use std::{
    io::{self, IoSlice, IoSliceMut},
    ops::Range,
    pin::Pin,
    sync::{Arc, Mutex},
    task::{Context, Poll},
};

use bytes::Bytes;
use common::{On, SECOND, World, soon};
use futures::io::{AsyncRead, AsyncWrite};
use sessile::{
    Admission, Admit, Config, Credentials, Host, Identity, Message, Multi, Offer, Rejection,
    Runtime, Turn,
    transport::{Accept, Dial, Link},
    wire::{self, Beat, Frame},
};

/// Where bytes were read to and written from, as addresses.
#[derive(Clone, Default)]
struct Watch(Arc<Mutex<Seen>>);

#[derive(Default)]
struct Seen {
    read: Vec<Range<usize>>,
    written: Vec<Range<usize>>,
}

/// A link that is watched.
struct Watched<L>(L, Watch);

fn of(bytes: &[u8]) -> Range<usize> {
    let begin = bytes.as_ptr().addr();
    begin..begin + bytes.len()
}

impl Watch {
    /// From now on it looks anew.
    fn take_all(&self) -> Seen {
        std::mem::take(&mut *self.0.lock().unwrap())
    }
}

impl Seen {
    /// How many bytes of what lies there were read to there, and how many were written from there.
    fn inside(&self, place: &Range<usize>) -> [usize; 2] {
        [&self.read, &self.written].map(|seen| {
            let inside = seen
                .iter()
                .filter(|one| place.start <= one.start && one.end <= place.end);
            inside.map(Range::len).sum()
        })
    }
}

impl<L: Link> AsyncRead for Watched<L> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &mut [u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.0).poll_read(cx, bytes)
    }

    fn poll_read_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        parts: &mut [IoSliceMut<'_>],
    ) -> Poll<io::Result<usize>> {
        let place = &mut parts[0];
        let read = Pin::new(&mut self.0).poll_read(cx, place);
        if let Poll::Ready(Ok(read)) = read {
            self.1.0.lock().unwrap().read.push(of(&place[..read]));
        }
        read
    }
}

impl<L: Link> AsyncWrite for Watched<L> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.0).poll_write(cx, bytes);
        if let Poll::Ready(Ok(count)) = written {
            self.1.0.lock().unwrap().written.push(of(&bytes[..count]));
        }
        written
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        parts: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let first = parts.iter().find(|part| !part.is_empty());
        self.poll_write(cx, first.map_or(&[], |part| part))
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_flush(cx)
    }

    fn poll_close(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_close(cx)
    }
}

impl<L: Link> Link for Watched<L> {}

/// Whoever dials and accepts watched links.
struct Watching<T>(T, Watch);

impl<D: Dial> Dial for Watching<D> {
    type Link = Watched<D::Link>;

    async fn dial(&self) -> io::Result<Self::Link> {
        Ok(Watched(self.0.dial().await?, self.1.clone()))
    }
}

impl<A: Accept> Accept for Watching<A> {
    type Link = Watched<A::Link>;

    async fn accept(&mut self) -> io::Result<Self::Link> {
        Ok(Watched(self.0.accept().await?, self.1.clone()))
    }
}

/// Echoes, and keeps what it was given where it can without a copy.
#[derive(Clone, Default)]
struct Echo(Arc<Mutex<Vec<Given>>>);

/// Where a message lay, and whether it could be kept there.
type Given = (Range<usize>, bool);

impl Admit for Echo {
    type Peer = ();

    async fn admit(&self, _: &Offer) -> Result<Admission<()>, Rejection> {
        Ok(Identity::from(7_u64).into())
    }
}

impl Host for Echo {
    fn on_message(&self, peer: &mut Turn<'_, ()>, message: Message<'_>) {
        let place = of(&message);
        peer.send(&message).expect("the first answer goes");
        let kept = message.into_bytes();
        self.0
            .lock()
            .unwrap()
            .push((place.clone(), of(&kept) == place));
    }
}

const LEN: usize = 60_000;
/// What a read brings at most, so that the message does not come in one piece.
const PIECE: usize = 10_000;

fn long(first: u8) -> Bytes {
    (0..LEN)
        .map(|at| first.wrapping_add((at % 251) as u8))
        .collect::<Vec<_>>()
        .into()
}

#[test]
fn a_long_message_is_not_copied_between_the_read_and_the_write() {
    let world = World::new();
    let (there, here) = (Watch::default(), Watch::default());
    let host = Echo::default();
    let config = Config::new().clock(world.clock.clone());
    let executor = Arc::clone(world.executor(On::Server));
    let server = Runtime::<Multi>::start_on(config, executor).unwrap();
    let _serving = server.serve_over(
        Watching(world.network.listener(), there.clone()),
        host.clone(),
    );
    let client = world.client(soon());
    let dialer = Watching(world.network.dialer(), here.clone());
    let session = world.run(client.connect_over(dialer)).unwrap();
    let mut session = world.run(session.login(&Credentials::token("me"))).unwrap();
    world.link().chunk(PIECE);

    for first in 0..3 {
        let message = long(first);
        world.run(session.send(&message)).unwrap();
        let answer = world.run(session.recv()).unwrap();
        assert!(*answer == *message, "another message");
        let (place, is_shared) = host.0.lock().unwrap().pop().unwrap();
        assert!(is_shared, "the host was lent it");
        // All is read in place but for what came with the header, of which little is asked for once long messages come. All is
        // written from there.
        let begin = if first == 0 { PIECE } else { 4 * 1_024 };
        let [read, written] = there.take_all().inside(&place);
        assert!(read >= LEN - begin, "the server read {read} bytes in place");
        assert_eq!(written, LEN, "the server wrote a copy");
        let seen = here.take_all();
        let [_, sent] = seen.inside(&of(&message));
        assert_eq!(sent, LEN, "the client wrote a copy");
        let [got, _] = seen.inside(&of(&answer));
        assert!(got >= LEN - begin, "the client read {got} bytes in place");
    }
}

/// A host is called where its message was read, and not at a heartbeat. What is taken for one goes through the mailbox: whole, in order,
/// and copied. So nothing but a heartbeat may be taken for one: not the rest of a message that looks like one, nor what begins with one.
#[test]
fn a_short_message_is_lent_from_where_it_was_read_whatever_it_looks_like() {
    let world = World::new();
    let host = Echo::default();
    let (server, _) = world.server(Config::new());
    let _serving = server.serve_over(world.network.listener(), host.clone());
    let mut beat = Vec::new();
    Frame::Ping(Beat::default()).encode(&mut beat);
    let mut data = Vec::new();
    wire::encode_data(&beat, &mut data);
    let begin = data.len();
    data.extend_from_slice(&beat);

    let session = world.connect(soon());
    let mut session = world.run(session.login(&Credentials::token("me"))).unwrap();
    let mut lent = |message: &[u8]| {
        world.run(session.send(message)).unwrap();
        assert_eq!(*world.run(session.recv()).unwrap(), *message);
        world.pass(10 * SECOND); // acknowledgements and heartbeats: none is on its way with a message
        let (_, is_shared) = host.0.lock().unwrap().pop().unwrap();
        assert!(host.0.lock().unwrap().is_empty());
        !is_shared
    };
    assert!(lent(b"short"));
    assert!(lent(&beat));
    // Its end comes by itself, and is a heartbeat where one may begin.
    world.link().chunk(begin);
    assert!(lent(&data[5..]));
    world.link().chunk(5);
    assert!(lent(&data[5..]));
}
