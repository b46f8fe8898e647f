//! Threat T27: a transport that goes neither forward nor away.

use std::{
    io,
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering::SeqCst},
    },
    task::{Context, Poll, Waker},
};

use futures::io::{AsyncRead, AsyncWrite};
use sessile::{Config, EventKind, Identity, LossCause, Notice, transport::Link, wire::Frame};

use super::{One, login_frame};
use crate::common::World;

/// Logs in, and takes so many writes; from then on it takes no byte of any, or is at its end.
struct Stuck {
    login: Vec<Vec<u8>>,
    is_welcome: bool,
    reader: Option<Waker>,
    writes: usize,
    ends: bool,
    asked: Arc<AtomicUsize>,
}

impl Link for Stuck {}

impl AsyncRead for Stuck {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &mut [u8],
    ) -> Poll<io::Result<usize>> {
        self.asked.fetch_add(1, SeqCst);
        // The answer to WELCOME comes after it.
        if self.login.len() == 1 && !self.is_welcome {
            self.reader = Some(cx.waker().clone());
            return Poll::Pending;
        }
        if let Some(next) = self.login.pop() {
            bytes[..next.len()].copy_from_slice(&next);
            cx.waker().wake_by_ref();
            return Poll::Ready(Ok(next.len()));
        }
        match self.ends && self.writes == 0 {
            true => Poll::Ready(Ok(0)),
            false => {
                self.reader = Some(cx.waker().clone());
                Poll::Pending
            }
        }
    }
}

impl AsyncWrite for Stuck {
    fn poll_write(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.asked.fetch_add(1, SeqCst);
        if self.writes == 0 && !self.ends {
            return Poll::Ready(Ok(0));
        }
        self.writes = self.writes.saturating_sub(1);
        self.is_welcome = true;
        if let Some(reader) = self.reader.take() {
            reader.wake();
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

#[test]
fn a_link_that_takes_no_byte_or_is_at_its_end_is_lost_at_once() {
    for (ends, cause) in [
        (false, LossCause::Io(io::ErrorKind::WriteZero)),
        (true, LossCause::ClosedByPeer),
    ] {
        let world = World::new();
        let (server, _) = world.server(Config::new());
        let mut login = vec![Vec::new(), Vec::new()];
        Frame::Ack(0).encode(&mut login[0]);
        login_frame(b"stuck").encode(&mut login[1]);
        let asked = Arc::new(AtomicUsize::new(0));
        let stuck = Stuck {
            login,
            is_welcome: false,
            reader: None,
            // WELCOME and a message; and one more, behind which there is nothing.
            writes: 2 + usize::from(ends),
            ends,
            asked: Arc::clone(&asked),
        };
        let mut door = server.listen_over(One(Some(stuck)));
        let peer = world.run(door.next()).expect("it asks");
        let mut session = peer.admit(Identity::new("stuck").expect("short"));
        let mut events = session.events();
        world.settle();
        assert!(session.phase().is_up());
        world.run(session.send("taken")).expect("room");
        world.settle();
        let before = asked.load(SeqCst);
        world.run(session.send("one more")).ok();
        world.settle();
        assert!(!session.phase().is_up());
        let asked = asked.load(SeqCst) - before;
        assert!(asked <= 3, "asked {asked} times");
        let told = std::iter::from_fn(|| world.try_run(std::pin::pin!(events.next())).flatten());
        let causes: Vec<_> = told
            .filter_map(|notice| match notice {
                Notice::Event(event) => match event.kind() {
                    EventKind::LinkLost(cause) => Some(*cause),
                    _ => None,
                },
                Notice::Lagged(_) => None,
            })
            .collect();
        assert_eq!(causes, [cause]);
    }
}
