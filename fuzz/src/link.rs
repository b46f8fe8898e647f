//! The fuzzer's end of a link, and what is checked of whatever the core writes to it.

use sessile::{
    proto::Key,
    registry::Port,
    wire::{Beat, Frame, decode},
};

use crate::{
    books::numbered,
    world::{World, decode_all},
};

pub(crate) struct Link {
    /// The core's end, as long as it is open.
    pub(crate) port: Option<Port>,
    key: Key,
    /// Everything that arrived at the core.
    pub(crate) said: Vec<u8>,
    pub(crate) on_way: Vec<u8>,
    /// Bytes that the core wrote.
    heard: usize,
    /// Number of the next message that the core writes.
    next: Option<u64>,
    /// The core has said that it knows who is here.
    pub(crate) known: bool,
    /// The dialer has written RESUME here.
    resuming: bool,
    /// The host has asked back: what it asks is its own business.
    asked: bool,
    pub(crate) beat: Beat,
}

impl Link {
    pub(crate) fn new(port: Port) -> Self {
        Self {
            key: port.key(),
            port: Some(port),
            said: Vec::new(),
            on_way: Vec::new(),
            heard: 0,
            next: None,
            known: false,
            resuming: false,
            asked: false,
            beat: Beat::default(),
        }
    }

    /// The session that the link belongs to now, or did last.
    pub(crate) const fn key(&self) -> Key {
        self.key
    }

    /// The number below which the core has written every message to this link, or need not.
    pub(crate) fn written(&self) -> u64 {
        self.next.or_else(|| stated(&self.said)).unwrap_or(0)
    }

    /// Takes the port, to be [put back](Self::put_back), and what arrives.
    pub(crate) fn arrive(&mut self, most: usize) -> Option<(Port, Vec<u8>)> {
        if self.on_way.is_empty() {
            return None;
        }
        let port = self.port.take()?;
        let rest = self.on_way.split_off(most.min(self.on_way.len()));
        let bytes = std::mem::replace(&mut self.on_way, rest);
        self.said.extend_from_slice(&bytes);
        Some((port, bytes))
    }

    pub(crate) fn put_back(&mut self, port: Port, open: bool) {
        self.key = port.key();
        self.port = open.then_some(port);
    }
}

/// What an end that is not trusted was told is read, frame by frame, and compared with what the books say. `acked`
/// were acknowledged before it was written.
pub(crate) fn listen(world: &mut World, index: usize, key: Key, acked: u64, bytes: &[u8]) {
    world.links[index].heard += bytes.len();
    decode_all(bytes, |frame| hear(world, index, key, acked, frame))
        .expect("the core writes frames");
    let link = &world.links[index];
    // R3: whoever is not known is answered with little.
    if !link.known && !link.asked {
        assert!(
            link.heard <= 3 * link.said.len(),
            "{} for {}",
            link.heard,
            link.said.len()
        );
    }
}

fn hear(world: &mut World, index: usize, key: Key, acked: u64, frame: &Frame<'_>) {
    let book = world.books.entry(key).or_default();
    let link = &mut world.links[index];
    // S2: whatever says `taken` says what the application was given, no more and no less.
    let taken = match frame {
        Frame::Ack(taken) | Frame::Closed(taken) => Some(*taken),
        Frame::Resume(resume) => Some(resume.taken),
        Frame::Resumed(resumed) => Some(resumed.taken),
        Frame::Close(close) => Some(close.taken),
        _ => None,
    };
    assert!(
        taken.is_none_or(|taken| taken == book.taken),
        "{frame:?}, {} were given",
        book.taken
    );
    // R6: between RESUME and RESUMED a dialer says nothing but that it leaves.
    if link.resuming && stated(&link.said).is_none() {
        assert!(matches!(frame, Frame::Close(_)), "{frame:?} before RESUMED");
    }
    match frame {
        Frame::Welcome(welcome) => {
            assert_eq!(welcome.session, key.as_u64());
            link.next = Some(0);
            link.known = true;
            world.known.push((welcome.session, welcome.secret.clone()));
            assert_eq!(welcome.epoch, book.epoch);
        }
        Frame::Resumed(resumed) => {
            link.next = stated(&link.said);
            link.known = true;
            world.known.push((key.as_u64(), resumed.secret.clone()));
            assert_eq!(resumed.epoch, book.epoch);
        }
        Frame::Resume(_) => (link.known, link.resuming) = (true, true),
        Frame::Login(_) => link.known = true,
        Frame::Challenge(_) => link.asked = true,
        Frame::Data(payload) => {
            // A dialer's link says nothing before its messages: they go on from where the other end said it was.
            // Unless its last words contradicted that: what they say was taken is not written again.
            let number = link.written().max(acked);
            assert!(number < book.accepted, "never accepted");
            let expected = numbered(number, payload.len());
            assert_eq!(
                **payload,
                expected[..],
                "lost, doubled or out of order: not {number}"
            );
            link.next = Some(number + 1);
            book.written = book.written.max(number + 1);
        }
        Frame::Ping(beat) => link.beat = *beat,
        _ => {}
    }
    // A few secrets of old are as good as many.
    if world.known.len() > 8 {
        world.known.remove(0);
    }
}

/// Where the fuzzer's end said on this link that it was: the core goes on from there.
fn stated(said: &[u8]) -> Option<u64> {
    frames(said, |frame| match frame {
        Frame::Resume(resume) => Some(resume.received),
        Frame::Resumed(resumed) => Some(resumed.received),
        _ => None,
    })
}

/// The first of the frames that is of use.
pub(crate) fn frames<R>(
    mut bytes: &[u8],
    mut find: impl FnMut(&Frame<'_>) -> Option<R>,
) -> Option<R> {
    while let Ok(Some((frame, used))) = decode(bytes, usize::MAX) {
        if let Some(found) = find(&frame) {
            return Some(found);
        }
        bytes = &bytes[used..];
    }
    None
}
