//! What a stranger costs: alone in its file, since it reads the memory of its process.
//!
//! The worst that a stranger can make a server keep: the longest credentials, with no answer of the host yet, and behind them
//! the longest beginning of a frame.

#![cfg(target_os = "linux")]

#[path = "common/memory.rs"]
mod memory;
#[path = "protocol/say.rs"]
#[allow(dead_code, reason = "tests/protocol uses the rest")]
mod say;

use std::{
    io::{Read, Write},
    net::{SocketAddr, TcpStream},
};

use memory::{all_files, peak};
use sessile::{
    Config, Multi, Runtime,
    wire::{CREDENTIALS_BYTES, Frame, Login},
};

const STRANGERS: usize = 1_000;

/// What one may cost, all in all.
const ALLOWED: usize = 8 * 1_024;

fn login() -> Vec<u8> {
    say::bytes(&[Frame::Login(Login {
        credentials: &[b'x'; CREDENTIALS_BYTES],
        ..say::login(1)
    })])
}

#[test]
fn a_thousand_strangers_at_their_worst_cost_less_than_8_kib_each() {
    all_files();
    let config = Config::new()
        .pending_logins(STRANGERS)
        .pending_per_prefix(STRANGERS)
        .early_drop(100)
        .login_deadline(std::time::Duration::from_secs(60));
    let server = Runtime::<Multi>::start(config).expect("a config that starts");
    let mut door = smol::block_on(server.listen("127.0.0.1:0")).expect("a free port");
    let at: SocketAddr = door.local_addr().expect("TCP has addresses");

    // A frame that everybody has to skip, all but its last byte.
    let mut extension = vec![0x80; 1_597];
    extension[..4].copy_from_slice(&1_593u32.to_be_bytes());
    let (begun, rest) = extension.split_at(1_596);
    let worst = [login(), begun.to_vec()].concat();
    let mut strangers = Vec::with_capacity(STRANGERS);
    let mut offers = Vec::with_capacity(STRANGERS);
    let before = peak();
    for _ in 0..STRANGERS {
        let mut stranger = TcpStream::connect(at).expect("there is room");
        stranger.write_all(&worst).expect("the server reads");
        strangers.push(stranger);
    }
    while offers.len() < STRANGERS {
        offers.push(smol::block_on(door.next()).expect("it listens"));
    }
    // The end of the frame, and one that may not come: that the link is closed says that everything before it was read.
    for stranger in &mut strangers {
        stranger.write_all(rest).expect("it is still up");
        stranger
            .write_all(&[0, 0, 0, 1, 0x10])
            .expect("it is still up");
        assert_eq!(
            stranger.read(&mut [0; 16]).unwrap_or(0),
            0,
            "closed without a word"
        );
    }
    let each = (peak() - before) / STRANGERS;
    println!("a stranger at its worst costs {each} bytes");
    assert!(
        each > CREDENTIALS_BYTES,
        "{each} bytes: nothing was kept, so nothing was measured"
    );
    assert!(each <= ALLOWED, "{each} bytes");
}
