//! The proxy, checked with bare sockets: a fault that does nothing would let everything pass.

use std::{
    io::{ErrorKind, Read, Write},
    net::{TcpListener, TcpStream},
    time::Duration,
};

use super::{
    process::micros,
    proxy::{Air, Blow, Proxy, Way},
};

/// Longer than anything takes.
const LIMIT: Duration = Duration::from_secs(20);

/// Both ends of a link through a proxy.
struct Line {
    proxy: Proxy,
    listener: TcpListener,
    client: TcpStream,
    server: TcpStream,
}

impl Line {
    fn new() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let proxy = Proxy::open();
        proxy.lead_to(listener.local_addr().ok());
        let (client, server) = dial(&proxy, &listener);
        let mut line = Self {
            proxy,
            listener,
            client,
            server,
        };
        line.passes();
        line
    }

    /// Both ways.
    fn passes(&mut self) {
        let Self { client, server, .. } = self;
        client.write_all(b"up").expect("written");
        assert_eq!(read(server), "up");
        server.write_all(b"down").expect("written");
        assert_eq!(read(client), "down");
    }

    /// What an end reads next, where it must not be anything: a kind of failure, or the end, which is `Ok`.
    fn end(from: &mut TcpStream) -> Result<(), ErrorKind> {
        match from.read(&mut [0; 16]) {
            Ok(0) => Ok(()),
            Ok(read) => panic!("{read} bytes came"),
            Err(error) => Err(error.kind()),
        }
    }
}

fn dial(proxy: &Proxy, listener: &TcpListener) -> (TcpStream, TcpStream) {
    let client = TcpStream::connect(proxy.address()).expect("it listens");
    let (server, _) = listener.accept().expect("it leads here");
    for end in [&client, &server] {
        end.set_read_timeout(Some(LIMIT)).expect("a time");
    }
    (client, server)
}

fn read(from: &mut TcpStream) -> String {
    let mut buffer = [0; 16];
    let read = from.read(&mut buffer).expect("it comes");
    String::from_utf8_lossy(&buffer[..read]).into_owned()
}

#[test]
fn a_reset_is_heard_as_one_at_both_ends_and_a_close_is_none() {
    let mut line = Line::new();
    line.proxy.strike(Blow::Reset);
    for end in [&mut line.client, &mut line.server] {
        assert_eq!(Line::end(end), Err(ErrorKind::ConnectionReset));
    }
    let mut line = Line::new();
    line.proxy.strike(Blow::Close);
    for end in [&mut line.client, &mut line.server] {
        assert_eq!(Line::end(end), Ok(()));
    }
}

#[test]
fn a_half_close_ends_one_way_and_leaves_the_other() {
    let mut line = Line::new();
    line.proxy.strike(Blow::HalfClose(Way::Up));
    assert_eq!(Line::end(&mut line.server), Ok(()));
    line.server.write_all(b"still").expect("written");
    assert_eq!(read(&mut line.client), "still");
    line.client.write_all(b"nowhere").expect("written");

    let mut line = Line::new();
    line.proxy.strike(Blow::HalfClose(Way::Down));
    assert_eq!(Line::end(&mut line.client), Ok(()));
    line.client.write_all(b"still").expect("written");
    assert_eq!(read(&mut line.server), "still");
}

#[test]
fn a_cut_is_at_its_byte() {
    let mut line = Line::new();
    line.proxy.strike(Blow::CutAfter(Way::Up, 7));
    // The link has heard of it once it has carried this.
    line.server.write_all(b"x").expect("written");
    assert_eq!(read(&mut line.client), "x");
    let mut got = Vec::new();
    line.client.write_all(b"0123456789").expect("written");
    let end = line
        .server
        .read_to_end(&mut got)
        .map_err(|error| error.kind());
    assert_eq!(end, Err(ErrorKind::ConnectionReset));
    assert_eq!(got, b"0123456");
    assert_eq!(Line::end(&mut line.client), Err(ErrorKind::ConnectionReset));
}

#[test]
fn a_hole_swallows_bytes_and_ends_and_never_gives_them_back() {
    let mut line = Line::new();
    line.proxy.set_air(&[Way::Up], Air::Hole);
    line.client.write_all(b"nobody hears").expect("written");
    line.server.write_all(b"this way").expect("written");
    assert_eq!(read(&mut line.client), "this way");
    // One link is dead for ever, the next one is well.
    let (mut other, mut there) = dial(&line.proxy, &line.listener);
    line.proxy.set_air(&[Way::Up], Air::Clear);
    other.write_all(b"hello").expect("written");
    assert_eq!(read(&mut there), "hello");
    line.client.write_all(b"nor this").expect("written");
    drop(line.client);
    let short = Duration::from_millis(50);
    line.server.set_read_timeout(Some(short)).expect("a time");
    assert_eq!(Line::end(&mut line.server), Err(ErrorKind::WouldBlock));
}

#[test]
fn a_clog_holds_everything_and_loses_nothing() {
    let mut line = Line::new();
    line.proxy.set_air(&[Way::Up, Way::Down], Air::Clogged);
    line.client.write_all(b"up").expect("written");
    line.server.write_all(b"down").expect("written");
    let short = Duration::from_millis(50);
    for end in [&mut line.client, &mut line.server] {
        end.set_read_timeout(Some(short)).expect("a time");
        assert_eq!(Line::end(end), Err(ErrorKind::WouldBlock));
        end.set_read_timeout(Some(LIMIT)).expect("a time");
    }
    line.proxy.set_air(&[Way::Up, Way::Down], Air::Clear);
    assert_eq!(read(&mut line.server), "up");
    assert_eq!(read(&mut line.client), "down");
    line.passes();
}

#[test]
fn a_slow_link_takes_its_time() {
    let mut line = Line::new();
    let (delay, rate) = (30, 1_000);
    line.proxy.set_air(&[Way::Up], Air::Slow { delay, rate });
    let begin = micros();
    line.client.write_all(&[b'x'; 10]).expect("written");
    assert_eq!(read(&mut line.server), "x".repeat(10));
    let took = micros() - begin;
    assert!(took >= 40_000, "30 ms and ten times one: {took} us");
}

#[test]
fn who_is_refused_is_not_carried_on() {
    let line = Line::new();
    line.proxy.refuse(true);
    let mut refused = TcpStream::connect(line.proxy.address()).expect("it listens");
    refused.set_read_timeout(Some(LIMIT)).expect("a time");
    assert_eq!(Line::end(&mut refused), Err(ErrorKind::ConnectionReset));
    line.proxy.refuse(false);
    let (mut client, mut server) = dial(&line.proxy, &line.listener);
    client.write_all(b"hello").expect("written");
    assert_eq!(read(&mut server), "hello");
}
