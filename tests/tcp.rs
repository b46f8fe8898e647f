//! TCP links on the loopback interface.

use futures::{AsyncReadExt, AsyncWriteExt, StreamExt, future::poll_immediate, try_join};
use sessile::{
    Address,
    transport::{
        Accept, Dial, Link,
        tcp::{TcpAcceptor, TcpDialer, TcpLink},
    },
};
use smol::{Timer, block_on};
use std::{
    future::Future,
    io::{self, ErrorKind, IoSlice},
    net::SocketAddr,
    time::Duration,
};

const LEASE: Duration = Duration::from_secs(6);

fn run<T>(test: impl Future<Output = io::Result<T>>) -> T {
    block_on(smol::future::or(test, async {
        Timer::after(Duration::from_secs(20)).await;
        panic!("the test hangs");
    }))
    .unwrap()
}

async fn acceptor() -> io::Result<(TcpAcceptor, TcpDialer)> {
    let acceptor = TcpAcceptor::bind("127.0.0.1:0", 4096, LEASE).await?;
    let dialer = TcpDialer::new(local(&acceptor), LEASE);
    Ok((acceptor, dialer))
}

async fn links() -> io::Result<(TcpLink, TcpLink)> {
    let (mut acceptor, dialer) = acceptor().await?;
    try_join!(dialer.dial(), acceptor.accept())
}

fn local(acceptor: &TcpAcceptor) -> SocketAddr {
    acceptor.local_addr().expect("bound")
}

#[test]
fn an_echo_and_the_end_of_the_stream() {
    run(async {
        let (client, mut server) = links().await?;
        let echo = async {
            let mut bytes = vec![0; 1000];
            loop {
                let read = server.read(&mut bytes).await?;
                if read == 0 {
                    return server.close().await;
                }
                server.write_all(&bytes[..read]).await?;
            }
        };
        let talk = async {
            let sent: Vec<u8> = (0..300_000).map(|i: u32| (i % 251) as u8).collect();
            let (mut reader, mut writer) = client.split();
            let send = async {
                assert_eq!(
                    writer
                        .write_vectored(&[IoSlice::new(&sent[..3]), IoSlice::new(&sent[3..6])])
                        .await?,
                    6
                );
                writer.write_all(&sent[6..]).await?;
                writer.flush().await?;
                writer.close().await?;
                writer.close().await
            };
            let mut received = Vec::new();
            try_join!(send, reader.read_to_end(&mut received))?;
            assert!(received == sent);
            Ok(())
        };
        try_join!(echo, talk)
    });
}

#[test]
fn both_ends_know_the_other() {
    run(async {
        let (mut acceptor, dialer) = acceptor().await?;
        let (client, server) = try_join!(dialer.dial(), acceptor.accept())?;
        assert_eq!(client.remote_addr(), Some(local(&acceptor)));
        let remote = server.remote_addr().expect("known");
        assert_eq!(remote.ip(), local(&acceptor).ip());
        assert_eq!(format!("{server:?}"), format!("TcpLink({remote})"));
        Ok(())
    });
}

#[test]
fn after_short_reads_nothing_is_missed() {
    // The reader on another thread than the one that runs the reactor, with pauses of all lengths around its
    // registration: whatever comes before it must wake it as well as what comes after.
    run(async {
        let (client, server) = links().await?;
        let ping_pong = |mut link: TcpLink, first: bool| {
            smol::spawn(async move {
                let mut random = fastrand::Rng::with_seed(u64::from(first));
                let mut bytes = [0; 64];
                for turn in 0..5_000_u32 {
                    if first {
                        link.write_all(&turn.to_be_bytes()).await?;
                    }
                    for _ in 0..random.u32(0..2_000) {
                        std::hint::spin_loop();
                    }
                    // Sometimes looked at in vain first, as by a task that waits for several things.
                    let early = match random.bool() {
                        true => poll_immediate(link.read(&mut bytes)).await,
                        false => None,
                    };
                    let read = match early {
                        Some(read) => read?,
                        None => link.read(&mut bytes).await?,
                    };
                    assert_eq!(read, 4);
                    if !first {
                        link.write_all(&turn.to_be_bytes()).await?;
                    }
                }
                io::Result::Ok(link)
            })
        };
        try_join!(ping_pong(client, true), ping_pong(server, false))
    });
}

#[test]
fn many_small_writes_are_read_whole() {
    run(async {
        let (mut client, mut server) = links().await?;
        let count = 20_000_usize;
        let writer = smol::spawn(async move {
            for i in 0..count {
                client.write_all(&[i as u8; 3]).await?;
                if i % 64 == 0 {
                    smol::future::yield_now().await;
                }
            }
            client.close().await?;
            io::Result::Ok(client)
        });
        let mut received = Vec::new();
        // Buffers of changing size: full reads, short reads, and reads that end exactly at the end.
        let mut sizes = [1, 7, 4096, 3, 100].into_iter().cycle();
        loop {
            let mut bytes = vec![0; sizes.next().unwrap_or(1)];
            match server.read(&mut bytes).await? {
                0 => break,
                read => received.extend_from_slice(&bytes[..read]),
            }
        }
        assert_eq!(server.read(&mut [0]).await?, 0, "the end stays the end");
        writer.await?;
        let expected: Vec<u8> = (0..count).flat_map(|i| [i as u8; 3]).collect();
        assert!(received == expected);
        Ok(())
    });
}

#[test]
fn polls_for_nothing_do_not_lose_the_wake() {
    run(async {
        let (mut client, mut server) = links().await?;
        let mut bytes = [0; 16];
        for _ in 0..200 {
            for _ in 0..3 {
                assert!(poll_immediate(server.read(&mut bytes)).await.is_none());
            }
            let reading = smol::spawn(async move {
                let mut bytes = [0; 16];
                let read = server.read(&mut bytes).await?;
                io::Result::Ok((server, bytes[..read].to_vec()))
            });
            client.write_all(b"wake").await?;
            let (back, received) = reading.await?;
            assert_eq!(received, b"wake");
            server = back;
        }
        Ok(())
    });
}

#[test]
fn hundreds_wait_in_the_backlog() {
    run(async {
        let (mut acceptor, dialer) = acceptor().await?;
        let start = Timer::after(Duration::from_millis(900));
        let dials = futures::stream::iter((0..400).map(|_| dialer.dial()))
            .buffer_unordered(400)
            .collect::<Vec<_>>();
        let dialed = dials.await;
        assert!(
            poll_immediate(start).await.is_none(),
            "a dropped SYN waits a second"
        );
        assert!(dialed.iter().all(Result::is_ok));
        for _ in 0..400 {
            acceptor.accept().await?;
        }
        Ok(())
    });
}

#[test]
fn two_cannot_listen_at_one_address_but_one_can_come_back() {
    run(async {
        let (mut first, dialer) = acceptor().await?;
        let address = local(&first);
        let error = TcpAcceptor::bind(address, 16, LEASE).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::AddrInUse);
        assert!(
            error.to_string().starts_with(&address.to_string()),
            "{error}"
        );
        // The server closes first, so that its side of the link is the one in TIME_WAIT.
        let (mut client, server) = try_join!(dialer.dial(), first.accept())?;
        drop(server);
        assert_eq!(client.read(&mut [0]).await?, 0);
        drop((client, first));
        TcpAcceptor::bind(address, 16, LEASE).await?;
        let error = dialer.dial().await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::ConnectionRefused);
        assert!(
            error.to_string().starts_with(&address.to_string()),
            "{error}"
        );
        Ok(())
    });
}

#[test]
fn bad_text_is_reported_where_it_is_used() {
    run(async {
        let dialed = TcpDialer::new("localhost", LEASE).dial().await.map(drop);
        let bound = TcpAcceptor::bind("http://localhost:80", 16, LEASE)
            .await
            .map(drop);
        for (result, text) in [(dialed, "no port"), (bound, "URL")] {
            let error = result.unwrap_err();
            assert_eq!(error.kind(), ErrorKind::InvalidInput);
            assert!(error.to_string().contains(text), "{error}");
        }
        Ok(())
    });
}

#[test]
fn names_and_ipv6_addresses() {
    run(async {
        let mut acceptor = TcpAcceptor::bind(("localhost", 0), 16, LEASE).await?;
        let address = Address::from(("localhost", local(&acceptor).port()));
        let dialer = TcpDialer::new(address, Duration::ZERO);
        try_join!(dialer.dial(), acceptor.accept())?;

        // Not every machine has IPv6; where there is, an IPv4 peer keeps its IPv4 name.
        if let Ok(mut acceptor) = TcpAcceptor::bind("[::]:0", 16, LEASE).await {
            let port = local(&acceptor).port();
            for host in ["127.0.0.1", "::1"] {
                let dialer = TcpDialer::new((host, port), LEASE);
                let (_, server) = try_join!(dialer.dial(), acceptor.accept())?;
                let ip = server.remote_addr().expect("known").ip();
                assert_eq!(ip.to_string(), host);
            }
        }
        Ok(())
    });
}
