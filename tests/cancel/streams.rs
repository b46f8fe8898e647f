//! The first wait of everything that is asked again and again (`door.next`, `events.next`, `client.next`, `inbox.ready`), cancelled
//! after each number of polls; a supervised client as a sink, and its close; and what binds an address.

use std::time::Duration;

use bytes::Bytes;
use futures::{AsyncReadExt, AsyncWriteExt, SinkExt, future::poll_immediate};
use sessile::{
    Admission, Config, Credentials, Ended, Incoming, Notice, Update, What, admit_with,
    transport::{Accept, Dial, tcp::TcpAcceptor},
};

use super::{LIMIT, echo_server, number, numbered, poll_times, slow_pair, slow_world};
use crate::common::{drain, soon};

/// Lives a life for each number of polls, until what was waited for came before it would have been cancelled.
fn sweep(least: usize, mut life: impl FnMut(usize) -> bool) {
    for polls in 0.. {
        if life(polls) {
            assert!(polls > least, "there was nothing to cancel");
            return;
        }
        assert!(polls < 10_000, "it never comes");
    }
}

#[test]
fn a_door_whose_wait_was_cancelled_anywhere_still_shows_who_comes() {
    sweep(5, |polls| {
        let world = slow_world();
        let (server, mut door) = world.server(Config::new());
        let (client, dialer) = (world.client(Config::new()), world.network.dialer());
        let login = world.spawn(async move {
            let session = client.connect_over(dialer).await.expect("up");
            session.login(&Credentials::token("alice")).await
        });
        let early = poll_times(&world, &mut door.next(), polls);
        let done = early.is_some();
        let peer = match early {
            Some(peer) => peer,
            None => world.run_within(LIMIT, door.next()),
        };
        let peer = peer.expect("the door is open");
        assert_eq!(peer.offer().credentials(), b"alice");
        let _theirs = peer.admit(7_u64);
        let _mine = world.run_within(LIMIT, login).expect("admitted");
        assert_eq!(server.sessions().len(), 1, "after {polls} polls");
        let more = world.run(async { poll_immediate(door.next()).await });
        assert!(more.is_none(), "nobody else came");
        done
    });
}

#[test]
fn events_whose_wait_was_cancelled_anywhere_are_all_there() {
    sweep(5, |polls| {
        let world = slow_world();
        let (server, mut door) = world.server(Config::new());
        let (mine, theirs) = slow_pair(&world, &soon(), &mut door);
        let (mut patient, mut hasty) = (server.events(), server.events());
        world.network.links()[0].cut_after(1, sessile::transport::memory::Direction::ToAcceptor);
        drop(mine); // a goodbye, over a link that breaks in it
        let early = poll_times(&world, &mut hasty.next(), polls);
        let done = early.is_some();
        let first = match early {
            Some(first) => first,
            None => world.run_within(LIMIT, hasty.next()),
        };
        let Some(Notice::Event(first)) = first else {
            panic!("after {polls} polls: {first:?}")
        };
        world.pass(Duration::from_secs(10));
        drop(theirs);
        let mut seen = vec![first.kind().clone()];
        seen.extend(drain(&mut hasty));
        assert!(seen.len() > 1, "{seen:?}");
        assert_eq!(seen, drain(&mut patient), "after {polls} polls");
        done
    });
}

/// Takes updates until this message is among them: the names of what came before it.
async fn until_message(
    client: &mut sessile::Client,
    from: Option<Update>,
    last: u64,
) -> Vec<String> {
    let (mut told, mut next) = (Vec::new(), from);
    loop {
        let update = match next.take() {
            Some(update) => update,
            None => client.next().await.expect("it goes on"),
        };
        match update {
            Update::Message(message) if number(&message) == last => return told,
            Update::Message(message) => told.push(number(&message).to_string()),
            Update::Event(event) => told.push(event.kind().name().to_owned()),
            other => panic!("{other:?}"),
        }
    }
}

#[test]
fn a_supervised_client_whose_wait_was_cancelled_anywhere_tells_every_update() {
    // However many updates were taken before: the wait for the next one may be cancelled.
    // After the link the login begins at once; each of the others has to be waited for.
    for (taken, least) in [(0, 1), (1, 0), (2, 1), (3, 1)] {
        sweep(least, |polls| {
            let world = slow_world();
            let _sessions = echo_server(&world, Config::new());
            let mut client = world.supervise(soon(), "alice");
            let mut told = Vec::new();
            for _ in 0..taken.min(3) {
                match world.run_within(LIMIT, client.next()) {
                    Some(Update::Event(event)) => told.push(event.kind().name().to_owned()),
                    other => panic!("{other:?}"),
                }
            }
            if taken == 3 {
                client.try_send(&numbered(0)).expect("logged in");
            }
            let early = poll_times(&world, &mut client.next(), polls);
            let done = early.is_some();
            let rest = world.run_within(LIMIT, async {
                let mut rest = Vec::new();
                let mut next = early.flatten();
                if taken < 3 {
                    // Up to the login; then there is somebody to send to.
                    while told.len() + rest.len() < 3 {
                        let update = match next.take() {
                            Some(update) => update,
                            None => client.next().await.expect("it goes on"),
                        };
                        let Update::Event(event) = update else {
                            panic!("{update:?}")
                        };
                        rest.push(event.kind().name().to_owned());
                    }
                    client.send(&numbered(0)).await.expect("logged in");
                }
                client.send(&numbered(1)).await.expect("logged in");
                rest.extend(until_message(&mut client, next, 1).await);
                rest
            });
            told.extend(rest);
            let expected = ["link-up", "login-started", "logged-in", "0"];
            assert_eq!(told, expected, "{taken} taken, then {polls} polls");
            done
        });
    }
}

#[test]
fn an_inbox_whose_wait_was_cancelled_anywhere_has_all_that_came() {
    sweep(5, |polls| {
        let world = slow_world();
        let (server, _) = world.server(Config::new());
        let admit = admit_with(|_| async { Ok(Admission::new(7_u64, ())) });
        let mut inbox = server.intake_over(world.network.listener(), admit);
        let mut client = world.supervise(soon(), "alice");
        let done = poll_times(&world, &mut Box::pin(inbox.ready()), polls).is_some();
        world
            .run_within(LIMIT, client.send(&numbered(0)))
            .expect("accepted");
        let mut came = Vec::new();
        while came.last().is_none_or(|last| *last != "message") {
            world.run_within(LIMIT, inbox.ready());
            for Incoming { what, .. } in inbox.drain() {
                came.push(match what {
                    What::Joined(()) => "joined",
                    What::Message(message) => {
                        assert_eq!(number(&message), 0);
                        "message"
                    }
                    other => panic!("{other:?}"),
                });
            }
        }
        assert_eq!(came, ["joined", "message"], "after {polls} polls");
        done
    });
}

#[test]
fn a_message_put_into_the_sink_is_sent_once_or_not_at_all_wherever_that_is_cancelled() {
    sweep(3, |polls| {
        let world = slow_world();
        let _sessions = echo_server(&world, Config::new());
        let mut client = world.supervise(soon(), "alice");
        let message = Bytes::copy_from_slice(&numbered(0));
        let accepted = poll_times(&world, &mut SinkExt::send(&mut client, message), polls);
        let done = accepted.is_some();
        world
            .run_within(LIMIT, client.send(&numbered(1)))
            .expect("accepted");
        let told = world.run_within(LIMIT, until_message(&mut client, None, 1));
        let first = told.iter().filter(|what| *what == "0").count();
        assert_eq!(first, usize::from(done), "after {polls} polls: {told:?}");
        done
    });
}

#[test]
fn a_supervised_client_whose_close_is_cancelled_anywhere_still_says_goodbye() {
    for as_a_sink in [false, true] {
        sweep(3, |polls| {
            let world = slow_world();
            let (_server, mut door) = world.server(Config::new());
            world.network.set_delay(Duration::ZERO);
            let (mut client, mut theirs) = crate::common::frames::joined(&world, soon(), &mut door);
            world.network.set_delay(Duration::from_millis(3));
            client.try_send(&numbered(0)).expect("logged in");
            // The peer reads while the client waits, or there would be no end to its wait.
            let reader = world.spawn_on(crate::common::On::Server, async move {
                let message = theirs.recv().await.expect("sent before the close");
                (number(&message), theirs.recv().await)
            });
            let done = if as_a_sink {
                let done = poll_times(&world, &mut SinkExt::close(&mut client), polls);
                drop(client);
                done.is_some()
            } else {
                let mut close = client.close("good night");
                poll_times(&world, &mut close, polls).is_some()
            };
            let (first, end) = world.run_within(LIMIT, reader);
            assert_eq!(first, 0, "after {polls} polls");
            assert!(
                matches!(end, Err(Ended::Closed(_))),
                "after {polls} polls: {end:?}"
            );
            world.pass(Duration::from_secs(5));
            assert_eq!(world.network.links().len(), 0, "after {polls} polls");
            done
        });
    }
}

#[test]
fn an_accept_that_was_cancelled_anywhere_loses_no_link() {
    sweep(2, |polls| {
        let world = slow_world();
        let (mut acceptor, dialer) = (world.network.listener(), world.network.dialer());
        let dial = world.spawn(async move { dialer.dial().await });
        let early = poll_times(&world, &mut Box::pin(acceptor.accept()), polls);
        let done = early.is_some();
        let accepted = match early {
            Some(accepted) => accepted,
            None => world.run_within(LIMIT, acceptor.accept()),
        };
        let mut accepted = accepted.expect("somebody dials");
        let mut dialed = world.run_within(LIMIT, dial).expect("somebody listens");
        world.run_within(LIMIT, async {
            dialed.write_all(b"x").await.expect("it is the same link");
            let mut byte = [0];
            accepted.read_exact(&mut byte).await.expect("it came");
            assert_eq!(&byte, b"x");
        });
        done
    });
}

#[test]
fn a_dial_that_was_cancelled_anywhere_leaves_no_link_behind() {
    sweep(1, |polls| {
        let world = slow_world();
        let (mut acceptor, dialer) = (world.network.listener(), world.network.dialer());
        let mut dial = Box::pin(dialer.dial());
        let done = poll_times(&world, &mut dial, polls).is_some();
        drop(dial);
        let again = world.spawn(async move { dialer.dial().await });
        for _ in 0..1 + usize::from(done) {
            let accepted = world.run_within(LIMIT, acceptor.accept());
            drop(accepted.expect("it can be dialed again"));
        }
        drop(
            world
                .run_within(LIMIT, again)
                .expect("it can be dialed again"),
        );
        world.pass(Duration::from_secs(1));
        assert_eq!(world.network.links().len(), 0, "after {polls} polls");
        let more = world.try_run(std::pin::pin!(acceptor.accept()));
        assert!(more.is_none(), "one too many after {polls} polls");
        done
    });
}

// Real sockets: what a dropped `bind` must give back is the address.
#[test]
fn a_bind_that_is_dropped_at_any_time_leaves_its_address_free() {
    let free = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    let at = free.local_addr().expect("an address");
    drop(free);
    // Another thread looks the name up, in its own time: the first polls one by one, then more and more of them.
    let mut cut_off = 0;
    for polls in (0..8).chain((3..).map(|power| 1 << power)) {
        let done = smol::block_on(async {
            let name = format!("localhost:{}", at.port());
            let mut bind = Box::pin(TcpAcceptor::bind(name.as_str(), 8, Duration::ZERO));
            for _ in 0..polls {
                if poll_immediate(&mut bind).await.is_some() {
                    return true;
                }
                smol::future::yield_now().await;
            }
            drop(bind);
            let again = TcpAcceptor::bind(at, 8, Duration::ZERO).await;
            again.unwrap_or_else(|error| panic!("after {polls} polls: {error}"));
            false
        });
        if done {
            break;
        }
        cut_off += 1;
    }
    assert!(cut_off > 0, "there was nothing to cut off");
}
