//! The network in memory, which most tests stand on.

use futures::{AsyncReadExt, AsyncWriteExt, future::join};
use shuttle::{future::block_on, thread};

use super::in_any_schedule;
use crate::{
    testing::ManualClock,
    transport::{
        Accept, Dial,
        memory::{Direction, MemoryLink, Network},
    },
};

/// More than a direction holds, so that its writer has to wait.
const LONG: usize = 64 * 1024 + 100;

fn linked() -> (Network, MemoryLink, MemoryLink) {
    let network = Network::with_clock(ManualClock::new());
    let (mut acceptor, dialer) = (network.listener(), network.dialer());
    let (dialed, accepted) = block_on(join(dialer.dial(), acceptor.accept()));
    (network, dialed.unwrap(), accepted.unwrap())
}

#[test]
fn whatever_is_written_arrives_and_so_does_the_end_of_it() {
    in_any_schedule(|| {
        let (network, mut dialed, mut accepted) = linked();
        let link = network.links().pop().expect("a link");
        let writer = thread::spawn(move || {
            let written: Vec<u8> = (0..LONG).map(|at| at as u8).collect();
            block_on(dialed.write_all(&written)).unwrap();
            block_on(dialed.close()).unwrap();
            dialed
        });
        let holder = thread::spawn(move || {
            link.hold(Direction::ToAcceptor, true);
            link.hold(Direction::ToAcceptor, false);
        });
        let mut read = Vec::new();
        block_on(accepted.read_to_end(&mut read)).unwrap();
        assert_eq!(read.len(), LONG);
        assert!(read.iter().enumerate().all(|(at, byte)| *byte == at as u8));
        drop(writer.join().unwrap());
        holder.join().unwrap();
    });
}

#[test]
fn a_cut_is_heard_by_both_ends_whatever_they_wait_for() {
    in_any_schedule(|| {
        let (network, mut dialed, mut accepted) = linked();
        let writer = thread::spawn(move || block_on(dialed.write_all(&[0; LONG])));
        let reader = thread::spawn(move || block_on(accepted.read_exact(&mut [0; LONG + 1])));
        network.cut();
        writer.join().unwrap().ok(); // it may have been done before
        assert!(reader.join().unwrap().is_err());
    });
}

#[test]
fn a_dial_is_accepted_or_refused_whenever_the_listener_goes() {
    in_any_schedule(|| {
        let network = Network::with_clock(ManualClock::new());
        let (mut acceptor, dialer) = (network.listener(), network.dialer());
        let dialing = thread::spawn(move || {
            if let Ok(mut link) = block_on(dialer.dial()) {
                let read = block_on(link.read(&mut [0; 8]));
                assert!(matches!(read, Ok(0) | Err(_)), "{read:?}");
            }
        });
        let other = network.dialer();
        let second = thread::spawn(move || block_on(other.dial()).map(drop));
        // The second is dropped where the first is kept, or the other way round.
        drop(block_on(acceptor.accept()));
        drop(acceptor);
        dialing.join().unwrap();
        second.join().unwrap().ok();
    });
}
