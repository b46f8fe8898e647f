use super::{
    Direction::{ToAcceptor, ToDialer},
    LinkControl, MemoryLink, Network,
};
use crate::{
    testing::ManualClock,
    transport::{Accept, Dial, DynAccept, DynDial, Link},
};
use futures::{AsyncReadExt, AsyncWriteExt, future::poll_immediate, try_join};
use smol::block_on;
use std::{
    future::Future,
    io::{self, ErrorKind},
    sync::Arc,
    task::{Wake, Waker},
    time::Duration,
};

const SECOND: Duration = Duration::from_secs(1);

fn link(network: &Network) -> (MemoryLink, MemoryLink, LinkControl) {
    let (mut acceptor, dialer) = (network.listener(), network.dialer());
    let (dialed, accepted) =
        block_on(async { try_join!(dialer.dial(), acceptor.accept()) }).unwrap();
    let control = network.links().pop().unwrap();
    (dialed, accepted, control)
}

fn now<F: Future + Unpin>(future: F) -> Option<F::Output> {
    block_on(poll_immediate(future))
}

fn kind<T: std::fmt::Debug>(result: Option<io::Result<T>>) -> ErrorKind {
    result.expect("not pending").unwrap_err().kind()
}

/// What can be read now, one read.
fn read(link: &mut MemoryLink) -> Option<io::Result<Vec<u8>>> {
    let mut bytes = [0; 100];
    now(link.read(&mut bytes)).map(|result| Ok(bytes[..result?].to_vec()))
}

fn read_ok(link: &mut MemoryLink) -> Vec<u8> {
    read(link).expect("not pending").unwrap()
}

fn write(link: &mut MemoryLink, bytes: &[u8]) {
    now(link.write_all(bytes)).expect("not pending").unwrap();
}

#[test]
fn bytes_pass_both_ways_and_no_further_than_the_pipe_holds() {
    let (mut a, mut b, _) = link(&Network::new());
    assert!(read(&mut b).is_none());
    write(&mut a, b"to b");
    write(&mut b, b"to a");
    assert_eq!(read_ok(&mut b), b"to b");
    assert_eq!(read_ok(&mut a), b"to a");
    assert_eq!(a.remote_addr(), None);

    assert_eq!(now(a.write(&[7; 100_000])).unwrap().unwrap(), 64 * 1024);
    assert!(now(a.write(b"x")).is_none());
    assert_eq!(read_ok(&mut b), [7; 100]);
    assert_eq!(now(a.write(&[8; 200])).unwrap().unwrap(), 100);
}

#[test]
fn a_megabyte_between_two_tasks_arrives_as_it_was_sent() {
    let sent: Vec<u8> = (0..1 << 20).map(|i: u32| (i % 251) as u8).collect();
    let (mut a, mut b, control) = link(&Network::new());
    control.chunk(1_000);
    let expected = sent.clone();
    let received = block_on(async move {
        let writer = smol::spawn(async move {
            a.write_all(&sent).await?;
            a.close().await?;
            io::Result::Ok(a)
        });
        let mut received = Vec::new();
        b.read_to_end(&mut received).await?;
        writer.await?;
        io::Result::Ok(received)
    });
    assert!(received.unwrap() == expected);
}

#[test]
fn the_end_of_the_stream_comes_after_what_was_written() {
    let (mut a, mut b, control) = link(&Network::new());
    write(&mut a, b"last words");
    now(a.close()).unwrap().unwrap();
    assert_eq!(kind(now(a.write(b"more"))), ErrorKind::BrokenPipe);
    assert_eq!(read_ok(&mut b), b"last words");
    assert_eq!(read_ok(&mut b), b"");
    // The other direction goes on.
    write(&mut b, b"answer");
    assert_eq!(read_ok(&mut a), b"answer");
    drop(b);
    assert_eq!(read_ok(&mut a), b"");
    assert!(control.is_up());
    drop(a);
    assert!(!control.is_up());
}

#[test]
fn dropping_an_end_breaks_the_writes_of_the_other() {
    let (mut a, mut b, _) = link(&Network::new());
    write(&mut a, b"last words");
    write(&mut b, b"never read");
    drop(a);
    assert_eq!(kind(now(b.write(b"x"))), ErrorKind::BrokenPipe);
    assert_eq!(read_ok(&mut b), b"last words");
    assert_eq!(read_ok(&mut b), b"");
}

#[test]
fn a_cut_drops_what_is_under_way_and_resets_both_ends() {
    let network = Network::new();
    let (mut a, mut b, control) = link(&network);
    let (mut c, ..) = link(&network);
    assert_eq!(network.links().len(), 2);
    write(&mut a, b"lost");
    control.cut();
    for end in [&mut a, &mut b] {
        assert_eq!(kind(read(end)), ErrorKind::ConnectionReset);
        assert_eq!(kind(now(end.write(b"x"))), ErrorKind::ConnectionReset);
    }
    let up: Vec<u64> = network.links().iter().map(LinkControl::id).collect();
    assert_eq!(up, [2], "one end of the second is still held");
    assert_eq!(read_ok(&mut c), b"");
}

#[test]
fn a_cut_after_so_many_bytes_is_exact() {
    for after in [0, 1, 9, 10, 11, 25] {
        let (mut a, mut b, control) = link(&Network::new());
        write(&mut b, b"other way");
        control.cut_after(after, ToAcceptor);
        let mut received = Vec::new();
        for _ in 0..3 {
            now(a.write_all(&[5; 10]));
            while let Some(Ok(bytes)) = read(&mut b) {
                received.extend(bytes);
            }
        }
        assert_eq!(received.len() as u64, after);
        for end in [&mut a, &mut b] {
            assert_eq!(kind(read(end)), ErrorKind::ConnectionReset);
        }
        assert!(!control.is_up());
    }
}

#[test]
fn a_black_hole_swallows_one_direction_without_a_word() {
    let (mut a, mut b, control) = link(&Network::new());
    write(&mut a, b"before");
    control.black_hole(ToAcceptor, true);
    write(&mut a, &[0; 200_000]);
    assert_eq!(read_ok(&mut b), b"before");
    assert!(read(&mut b).is_none());
    write(&mut b, b"heard");
    assert_eq!(read_ok(&mut a), b"heard");
    control.black_hole(ToAcceptor, false);
    write(&mut a, b"after");
    assert_eq!(read_ok(&mut b), b"after");

    control.black_hole(ToAcceptor, true);
    drop(a);
    assert!(read(&mut b).is_none(), "not even the end is heard");
    control.black_hole(ToDialer, true);
    write(&mut b, b"to nobody");
    control.cut();
    assert_eq!(kind(read(&mut b)), ErrorKind::ConnectionReset);
}

#[test]
fn chunks_limit_each_read_and_write() {
    let (mut a, mut b, control) = link(&Network::new());
    control.chunk(3);
    assert_eq!(now(a.write(b"abcdefgh")).unwrap().unwrap(), 3);
    write(&mut a, b"defgh");
    assert_eq!(read_ok(&mut b), b"abc");
    control.chunk(0);
    assert_eq!(read_ok(&mut b), b"d");
    control.chunk(usize::MAX);
    assert_eq!(read_ok(&mut b), b"efgh");
}

#[test]
fn delays_pass_with_the_clock_and_nothing_overtakes() {
    let clock = ManualClock::new();
    let network = Network::with_clock(clock.clone());
    let (mut a, mut b, _) = link(&network);
    network.set_delay(2 * SECOND);
    write(&mut a, b"one");
    clock.advance(SECOND);
    network.set_delay(Duration::ZERO);
    write(&mut a, b"two");
    now(a.close()).unwrap().unwrap();
    assert!(read(&mut b).is_none());
    assert_eq!(clock.next_deadline(), Some(2 * SECOND));
    clock.advance_to_next();
    assert_eq!(read_ok(&mut b), b"onetwo");
    assert_eq!(read_ok(&mut b), b"");

    network.set_delay(SECOND);
    write(&mut b, b"never seen");
    assert!(read(&mut a).is_none());
    network.cut();
    assert_eq!(kind(read(&mut a)), ErrorKind::ConnectionReset);
    assert_eq!(clock.next_deadline(), None, "nobody waits any more");

    let (mut acceptor, dialer) = (network.listener(), network.dialer());
    let mut dial = Box::pin(dialer.dial());
    assert!(now(&mut dial).is_none());
    clock.advance(SECOND);
    let mut c = now(&mut dial).unwrap().unwrap();
    let mut d = now(Box::pin(acceptor.accept())).unwrap().unwrap();
    drop(d.control());
    write(&mut c, b"x");
    drop(c);
    assert!(read(&mut d).is_none());
    clock.advance(SECOND);
    assert_eq!((read_ok(&mut d), read_ok(&mut d)), (b"x".to_vec(), vec![]));
}

#[test]
fn dials_fail_as_told_and_are_counted() {
    let network = Network::new();
    let dialer = network.dialer();
    let refused = || match now(Box::pin(dialer.dial())).expect("not pending") {
        Ok(_) => false,
        Err(error) => error.kind() == ErrorKind::ConnectionRefused,
    };
    assert!(refused(), "nobody listens");
    let acceptor = network.listener();
    let waiting = now(Box::pin(dialer.dial())).unwrap();
    network.refuse(true);
    assert!(refused());
    network.refuse(false);
    network.fail_dials(2);
    assert!(refused() && refused() && !refused());
    assert_eq!(network.dials(), 6);
    let second = network.listener();
    drop(acceptor);
    assert!(!refused(), "one still listens");
    drop(second);
    assert!(refused());
    assert_eq!(
        kind(read(&mut waiting.unwrap())),
        ErrorKind::ConnectionReset
    );
}

/// Reads from the link when it is woken, as an executor that runs tasks at once would.
struct Reentrant(LinkControl);

impl Wake for Reentrant {
    fn wake(self: Arc<Self>) {
        assert!(format!("{:?}", self.0).starts_with("LinkControl("));
    }
}

#[test]
fn nobody_is_woken_under_the_lock() {
    let (mut a, mut b, control) = link(&Network::new());
    let waker = Waker::from(Arc::new(Reentrant(control.clone())));
    let mut context = std::task::Context::from_waker(&waker);
    let mut bytes = [0; 10];
    let mut reading = b.read(&mut bytes);
    let mut poll = || std::pin::Pin::new(&mut reading).poll(&mut context);
    assert!(poll().is_pending());
    control.black_hole(ToAcceptor, false);
    assert!(poll().is_pending());
    control.cut();
    assert!(poll().is_ready());
    assert_eq!(kind(read(&mut a)), ErrorKind::ConnectionReset);
}

#[test]
fn transports_without_their_type() {
    let network = Network::new();
    let mut acceptor: Box<dyn DynAccept> = Box::new(network.listener());
    let dialer: Box<dyn DynDial> = Box::new(network.dialer());
    assert_eq!(acceptor.listens_at(), None);
    let links = block_on(async { try_join!(dialer.dial_boxed(), acceptor.accept_boxed()) });
    let (mut dialed, accepted) = links.unwrap();
    assert_eq!(accepted.remote_addr(), None);
    now(dialed.io().write_all(b"boxed")).unwrap().unwrap();
}

#[test]
fn what_is_held_back_arrives_at_once_when_it_is_held_no_longer() {
    let (mut a, mut b, control) = link(&Network::new());
    control.hold(ToAcceptor, true);
    write(&mut a, b"one ");
    write(&mut a, b"two");
    drop(a);
    assert!(read(&mut b).is_none());
    control.hold(ToAcceptor, false);
    assert_eq!(read_ok(&mut b), b"one two");
    assert_eq!(read_ok(&mut b), b"", "and then the end of the stream");
}

#[test]
fn an_end_whose_writing_was_finished_for_it_still_reads() {
    let (mut a, mut b, control) = link(&Network::new());
    write(&mut a, b"last");
    control.finish(ToAcceptor);
    assert_eq!(kind(now(a.write(b"more"))), ErrorKind::BrokenPipe);
    assert_eq!(read_ok(&mut b), b"last");
    assert_eq!(read_ok(&mut b), b"");
    write(&mut b, b"answer");
    assert_eq!(read_ok(&mut a), b"answer");
}

#[test]
fn a_half_open_link_is_reset_at_one_end_and_silent_at_the_other() {
    let (mut a, mut b, control) = link(&Network::new());
    write(&mut a, b"before");
    control.half_open(ToAcceptor);
    assert_eq!(kind(now(a.read(&mut [0; 1]))), ErrorKind::ConnectionReset);
    assert_eq!(kind(now(a.write(b"x"))), ErrorKind::ConnectionReset);
    assert_eq!(read_ok(&mut b), b"before");
    write(&mut b, b"into the void");
    drop(a);
    assert!(read(&mut b).is_none(), "it hears nothing, not even the end");
}

#[test]
fn an_end_that_leaves_bytes_unread_resets_the_link_where_that_was_asked_for() {
    for (asked, expected) in [(false, None), (true, Some(ErrorKind::ConnectionReset))] {
        let (mut a, mut b, control) = link(&Network::new());
        control.reset_unread(asked);
        write(&mut b, b"unread");
        write(&mut a, b"last words");
        drop(a);
        let heard = read(&mut b).expect("not pending");
        assert_eq!(heard.err().map(|error| error.kind()), expected);
    }
}

#[test]
fn dials_can_hear_nothing_and_accepts_can_fail_without_losing_a_link() {
    let network = Network::new();
    let (mut acceptor, dialer) = (network.listener(), network.dialer());
    network.swallow_dials(true);
    assert!(now(Box::pin(dialer.dial())).is_none());
    network.swallow_dials(false);
    let mut waiting = Box::pin(acceptor.accept());
    assert!(now(&mut waiting).is_none());
    network.fail_accepts(2);
    assert_eq!(kind(now(waiting)), ErrorKind::Other);
    let _dialed = now(Box::pin(dialer.dial())).expect("at once").unwrap();
    assert_eq!(kind(now(Box::pin(acceptor.accept()))), ErrorKind::Other);
    now(Box::pin(acceptor.accept())).expect("at once").unwrap();
}

#[test]
fn a_narrow_link_takes_what_it_holds_and_no_more() {
    let (mut a, mut b, control) = link(&Network::new());
    control.capacity(4);
    assert_eq!(now(a.write(b"abcdef")).expect("room").unwrap(), 4);
    assert!(now(a.write(b"ef")).is_none());
    assert_eq!(read_ok(&mut b), b"abcd");
    assert_eq!(now(a.write(b"ef")).expect("room").unwrap(), 2);
}
