mod last_words;
mod left;
mod read;

use std::{
    io,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, Waker, ready},
};

use bytes::Buf;

use super::{
    hub::{Hub, remember},
    others::Turns,
    scratch::{READ_BYTES, Scratch},
    shared::Shared,
    unsent::Unsent,
};
use crate::{
    LossCause, TlsErrorKind,
    proto::{Machine, Time},
    registry::{Port, Reading},
    transport::AnyLink,
};
use left::Left;
use read::Brought;

/// Drives one link: what it brings goes to the registry, what the registry has for it goes out.
///
/// An idle link owns no buffer: it reads into its thread's scratch, and only what a torn frame or a full socket leaves
/// over is kept.
pub(super) struct Task {
    shared: Arc<Shared>,
    port: Port,
    io: AnyLink,
    left: Option<Box<Left>>,
    state: State,
    /// It is one of the strangers' links that linger, which are limited.
    counted: bool,
    /// It is known who the other end has proven to be.
    certified: bool,
    /// Something was written: a peer that was told nothing misses no last words.
    spoke: bool,
    turns: Turns,
}

#[derive(Debug, PartialEq, Eq, Clone, Copy)]
enum State {
    Open,
    /// The transport takes nothing.
    Blocked,
    /// Everything is encoded that this link will ever say.
    Closing,
    /// All is said: what still comes is read and dropped, for a moment.
    Lingering,
    /// The session knows that this link is over.
    Over,
}

pub(super) fn spawn(shared: &Arc<Shared>, port: Port, io: AnyLink) {
    (shared.spawner).spawn_in_place(Task::new(shared, port, io));
}

impl Task {
    fn new(shared: &Arc<Shared>, port: Port, io: AnyLink) -> Self {
        Self {
            shared: Arc::clone(shared),
            port,
            io,
            left: None,
            state: State::Open,
            counted: false,
            certified: false,
            spoke: false,
            turns: Turns::default(),
        }
    }

    /// Until the link is over; the last words, if there are any, go out before.
    fn drive(&mut self, cx: &mut Context<'_>, scratch: &mut Scratch) -> Poll<()> {
        if self.state != State::Lingering {
            let Poll::Ready(driven) = self.drive_open(cx, scratch) else {
                ready!(self.poll_patience(cx));
                return self.over();
            };
            match driven {
                Ok(()) if self.state == State::Closing && self.may_linger() => self.linger(),
                Ok(()) => return self.over(),
                Err(cause) => {
                    self.report(cause);
                    return self.over();
                }
            }
        }
        ready!(self.poll_linger(cx, scratch));
        self.over()
    }

    fn over(&mut self) -> Poll<()> {
        self.state = State::Over;
        Poll::Ready(())
    }

    /// `Ok` where the link is to close, `Err` where it was lost.
    fn drive_open(
        &mut self,
        cx: &mut Context<'_>,
        scratch: &mut Scratch,
    ) -> Poll<Result<(), LossCause>> {
        self.take_left(|left| left.others.take());
        // Mostly something came, and what it brings about is written with all the rest: so it is read first. Not where something is left
        // from the turn before, and not where a stranger may be refused, who is to hear that whatever else it says.
        let mut wrote =
            self.left.is_some() || self.state != State::Open || self.port.is_strangers();
        let mut more = wrote && self.transmit(cx, scratch, false)?;
        // What is left of this turn, however many reads it takes. A stranger's is short.
        let mut frames = self.shared.settings.turn_frames;
        let mut room = match self.port.is_strangers() {
            true => self.port.read_size(),
            false => READ_BYTES,
        };
        let mut tries = 0;
        loop {
            if self.has_said_all() {
                return Poll::Ready(Ok(()));
            }
            if let Some(coming) = self.left.as_mut().and_then(|left| left.coming.as_mut()) {
                ready!(coming.poll_return(&mut self.port, cx));
                self.take_left(|left| left.coming.take());
                more = self.transmit(cx, scratch, true)?;
                continue;
            }
            let mut unread = self.take_left(|left| std::mem::take(&mut left.unread));
            if !unread.is_empty() {
                let (mut bytes, before) = (&unread[..], unread.len());
                let reading = self.read(&mut bytes, &mut frames);
                let taken = before - bytes.len();
                match reading {
                    Reading::Close => return Poll::Ready(Ok(())),
                    Reading::More => {
                        unread.advance(taken);
                        self.left.get_or_insert_default().unread = unread;
                    }
                    Reading::Continue => {}
                }
                self.transmit(cx, scratch, true)?;
                return self.others_first(cx);
            }
            let brought = match self.poll_bring(cx, scratch, room) {
                Poll::Pending => {
                    if !wrote {
                        more = self.transmit(cx, scratch, false)?;
                    }
                    if more {
                        return self.others_first(cx); // there is more to write
                    }
                    if self.has_said_all() {
                        return Poll::Ready(Ok(()));
                    }
                    return Poll::Pending;
                }
                Poll::Ready(Ok(Brought { all: 0, .. })) => {
                    return Poll::Ready(Err(LossCause::ClosedByPeer));
                }
                Poll::Ready(Ok(brought)) => brought,
                Poll::Ready(Err(error)) if is_interrupted(&error, &mut tries) => continue,
                Poll::Ready(Err(error)) => return Poll::Ready(Err(LossCause::of_io(&error))),
            };
            self.shared.traffic.read(brought.all);
            (tries, room) = (0, room.saturating_sub(brought.all));
            if self.state == State::Closing {
                // Nobody wants what it brings any more, but its last words are still on their way out.
                self.transmit(cx, scratch, true)?;
                return self.others_first(cx);
            }
            let mut bytes = scratch.read.get(..brought.loose).unwrap_or_default();
            if !self.certified && read::is_tls(bytes) {
                return Poll::Ready(Err(LossCause::Tls(TlsErrorKind::NotTls)));
            }
            let mut reading = Reading::Continue;
            if !brought.is_part {
                reading = self.read(&mut bytes, &mut frames);
                match reading {
                    Reading::Close => return Poll::Ready(Ok(())),
                    Reading::More => {
                        let left = self.left.get_or_insert_default();
                        left.unread.extend_from_slice(bytes);
                    }
                    Reading::Continue => {}
                }
                more = self.transmit(cx, scratch, true)?;
                wrote = true;
            }
            // Of a long message only the beginning comes first: half of a turn is left for the rest of it.
            let is_over = room == 0 || (brought.was_full && room <= READ_BYTES / 2);
            if is_over && !wrote {
                more = self.transmit(cx, scratch, false)?; // parts of it bring nothing about, but others may have
            }
            if reading == Reading::More || more || frames == 0 || is_over {
                return self.others_first(cx); // it was a full one
            }
        }
    }

    /// That was a turn.
    pub(super) fn others_first<T>(&mut self, cx: &mut Context<'_>) -> Poll<T> {
        if let Some(others) = self.turns.end(&self.shared, cx) {
            self.left.get_or_insert_default().others = Some(others);
        }
        Poll::Pending
    }

    /// Writes what the session has for this link, as far as the transport takes it. True where there is more. Where this
    /// link was just read, the clock was, too.
    fn transmit(
        &mut self,
        cx: &mut Context<'_>,
        scratch: &mut Scratch,
        just_read: bool,
    ) -> Result<bool, LossCause> {
        if !self.flush(cx)? {
            return self.wait_blocked(cx);
        }
        if self.state == State::Closing {
            return Ok(false);
        }
        let (shared, port) = (&self.shared, &self.port);
        let out = &mut scratch.write;
        out.clear();
        let act = |hub: &mut Hub, now| {
            take_seat(hub, port, cx.waker());
            let (bytes, long) = (&mut out.bytes, Some(&mut out.long));
            hub.registry
                .transmit_parts(port, now, bytes, long, &mut hub.fx)
        };
        let transmit = match just_read {
            true => shared.with_recent(act),
            false => shared.with(act),
        };
        if transmit.close {
            self.state = State::Closing;
            self.take_left(|left| left.coming.take()); // nobody waits for the answer
        }
        if out.is_empty() {
            return Ok(transmit.more);
        }
        self.spoke = true;
        while !out.is_empty() {
            match self.write(cx, out)? {
                Some(count) => out.took(count),
                None => {
                    self.left.get_or_insert_default().unsent = out.rest();
                    self.set_blocked(true);
                    return Ok(false);
                }
            }
        }
        out.clear();
        let _ = self.poll_flush(cx)?;
        Ok(transmit.more)
    }

    /// The transport takes nothing. The session still has to wake this task, to say that the link is lost.
    fn wait_blocked(&self, cx: &Context<'_>) -> Result<bool, LossCause> {
        let (shared, port) = (&self.shared, &self.port);
        let current = shared.with(|hub, _| take_seat(hub, port, cx.waker()));
        if current || self.state == State::Closing {
            Ok(false)
        } else {
            Err(LossCause::WriteStalled) // which the session knows
        }
    }

    /// Writes what was left over. True where nothing is.
    fn flush(&mut self, cx: &mut Context<'_>) -> Result<bool, LossCause> {
        let mut unsent = self.take_left(|left| std::mem::take(&mut left.unsent));
        if unsent.is_empty() {
            return Ok(true);
        }
        let mut progress = false;
        while !unsent.is_empty() {
            match self.write(cx, &unsent)? {
                Some(count) => {
                    unsent.took(count);
                    progress = true;
                }
                None => {
                    if progress {
                        self.set_blocked(true); // the peer reads, if slowly
                    }
                    self.left.get_or_insert_default().unsent = unsent;
                    return Ok(false);
                }
            }
        }
        self.set_blocked(false);
        let _ = self.poll_flush(cx)?;
        Ok(true)
    }

    /// One write: how many bytes were taken, `None` where the transport is full.
    fn write(&mut self, cx: &mut Context<'_>, out: &Unsent) -> Result<Option<usize>, LossCause> {
        let mut tries = 0;
        loop {
            let io = self.io.io();
            let written = out.write_by(|parts| match parts {
                [bytes] => io.poll_write(cx, bytes),
                parts => io.poll_write_vectored(cx, parts),
            });
            return match written {
                Poll::Pending => Ok(None),
                Poll::Ready(Ok(0)) => Err(LossCause::Io(io::ErrorKind::WriteZero)),
                Poll::Ready(Ok(count)) => {
                    self.shared.traffic.written(count);
                    Ok(Some(count))
                }
                Poll::Ready(Err(error)) if is_interrupted(&error, &mut tries) => continue,
                Poll::Ready(Err(error)) => Err(LossCause::of_io(&error)),
            };
        }
    }

    fn poll_flush(&mut self, cx: &mut Context<'_>) -> Result<Poll<()>, LossCause> {
        match self.io.io().poll_flush(cx) {
            Poll::Ready(Err(error)) => Err(LossCause::of_io(&error)),
            Poll::Ready(Ok(())) => Ok(Poll::Ready(())),
            Poll::Pending => Ok(Poll::Pending),
        }
    }

    /// Tells the session since when the transport takes nothing, for it to judge how long is too long.
    fn set_blocked(&mut self, blocked: bool) {
        if self.state != State::Closing {
            self.state = if blocked { State::Blocked } else { State::Open };
        }
        let link = self.port.link();
        self.input(|hub, now, key| {
            hub.input(key, now, |machine, cx| machine.blocked(cx, link, blocked));
        });
    }

    fn report(&self, cause: LossCause) {
        let link = self.port.link();
        self.input(|hub, now, key| {
            hub.input(key, now, |machine, cx| machine.link_down(cx, link, cause));
        });
    }

    fn input(&self, act: impl FnOnce(&mut Hub, Time, crate::proto::Key)) {
        let key = self.port.key();
        self.shared.with(|hub, now| act(hub, now, key));
    }
}

impl Future for Task {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let mut scratch = Scratch::borrow();
        let polled = self.drive(cx, &mut scratch);
        scratch.give_back();
        polled
    }
}

/// A task that is dropped before its end (its executor was) takes its link with it: the session must hear of it.
impl Drop for Task {
    fn drop(&mut self) {
        if self.counted {
            self.shared.with_recent(|hub, _| hub.lingering -= 1);
        }
        if !matches!(self.state, State::Over | State::Lingering) {
            self.report(LossCause::Io(io::ErrorKind::Interrupted));
        }
    }
}

/// Whether to try again at once, which is done three times: a transport that is interrupted for ever is none (threat T27).
fn is_interrupted(error: &io::Error, tries: &mut u32) -> bool {
    *tries += 1;
    error.kind() == io::ErrorKind::Interrupted && *tries <= 3
}

/// Whether this is still its session's link. What is left of an older one must not touch the seat of the link that
/// replaced it: that one would not be woken any more.
fn is_current(hub: &Hub, port: &Port) -> bool {
    let current = hub.registry.get(port.key()).and_then(Machine::current_link);
    current == Some(port.link())
}

/// This task is who is woken for the session's link, if it drives the current one: false where it does not.
fn take_seat(hub: &mut Hub, port: &Port, waker: &Waker) -> bool {
    let current = is_current(hub, port);
    if current {
        remember(&mut hub.seat(port.key()).link, waker);
    }
    current
}
