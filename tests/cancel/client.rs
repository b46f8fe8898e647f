//! What a supervised client waits for: `client.next`, `client.send`; and an inbox: `inbox.ready`; and `listen`.

use futures::future::poll_immediate;
use sessile::{Config, Incoming, Multi, Runtime, Update, What, admit_with};

use super::{LIMIT, echo_server, number, numbered, poll_times, slow_world, trickle};
use crate::common::{MS, SECOND, World, soon};

const MESSAGES: u64 = 200;

#[test]
fn a_supervised_client_that_is_asked_again_and_again_misses_no_update() {
    let world = slow_world();
    let _sessions = echo_server(&world, Config::new());
    let mut client = world.supervise(soon(), "alice");
    let (mut sent, mut heard, mut cancelled) = (0, 0, 0);
    while heard < MESSAGES {
        if sent < MESSAGES && client.try_send(&numbered(sent)).is_ok() {
            sent += 1;
        }
        if cancelled % 60 == 59 {
            world.network.cut();
        }
        // Polled at most twice, then dropped.
        match poll_times(&world, &mut client.next(), 2) {
            Some(Some(Update::Message(message))) => {
                assert_eq!(number(&message), heard, "lost, doubled or out of order");
                heard += 1;
            }
            Some(Some(Update::Event(_))) => {}
            Some(other) => panic!("{other:?}"),
            None => cancelled += 1,
        }
        assert!(cancelled < 100_000, "only {heard} came");
    }
    assert!(
        cancelled > 200,
        "there was too little to cancel: {cancelled}"
    );
}

#[test]
fn a_message_whose_posting_is_cancelled_is_sent_once_or_not_at_all() {
    let mut ways = [0, 0];
    for polls in 0..60 {
        let world = slow_world();
        let _sessions = echo_server(&world, Config::new());
        let mut client = world.supervise(soon(), "alice");
        let message = numbered(0);
        let accepted = poll_times(&world, &mut client.send(&message), polls).is_some();
        ways[usize::from(accepted)] += 1;
        // What follows is sent whatever became of it.
        let (first, last) = (u64::from(!accepted), numbered(1));
        world
            .run_within(LIMIT, client.send(&last))
            .expect("it is accepted");
        let heard = world.run_within(LIMIT, async {
            let mut heard = Vec::new();
            while heard.last() != Some(&1) {
                if let Some(Update::Message(message)) = client.next().await {
                    heard.push(number(&message));
                }
            }
            heard
        });
        let expected: Vec<u64> = (first..=1).collect();
        assert_eq!(heard, expected, "after {polls} polls");
    }
    assert!(ways[0] > 3 && ways[1] > 3, "{ways:?}");
}

#[test]
fn an_inbox_that_is_asked_again_and_again_whether_it_is_ready_says_so_in_time() {
    let world = slow_world();
    let (server, _) = world.server(Config::new());
    let admit = admit_with(|_| async { Ok(sessile::Admission::new(7u64, ())) });
    let mut inbox = server.intake_over(world.network.listener(), admit);
    world.network.set_delay(MS * 3);
    let mut client = world.supervise(soon(), "alice");
    let (mut sent, mut heard, mut cancelled) = (0, 0, 0);
    while heard < MESSAGES {
        if sent < MESSAGES && client.try_send(&numbered(sent)).is_ok() {
            sent += 1;
        }
        client.drain().count();
        let ready = poll_times(&world, &mut Box::pin(inbox.ready()), 1);
        if ready.is_none() {
            cancelled += 1;
            assert!(cancelled < 100_000, "only {heard} came");
            trickle(&world);
            continue;
        }
        for Incoming { what, .. } in inbox.drain() {
            if let What::Message(message) = what {
                assert_eq!(number(&message), heard, "lost, doubled or out of order");
                heard += 1;
            }
        }
    }
    assert!(
        cancelled > 50,
        "there was too little to cancel: {cancelled}"
    );
}

#[test]
fn an_admission_that_is_cut_off_by_the_login_deadline_lets_nobody_in_and_the_next_one_may() {
    let world = World::new();
    let (server, _) = world.server(Config::new().login_deadline(SECOND));
    let admit = admit_with(|offer: sessile::Offer| async move {
        if offer.credentials() == b"slow" {
            std::future::pending::<()>().await;
        }
        Ok(sessile::Admission::new(7u64, ()))
    });
    let _inbox = server.intake_over(world.network.listener(), admit);
    let slow = world.connect(Config::new().login_deadline(SECOND * 10));
    let me = sessile::Credentials::token("slow");
    let failed = world.run_within(LIMIT, slow.login(&me));
    assert!(failed.is_err());
    let quick = world.connect(Config::new());
    let me = sessile::Credentials::token("quick");
    assert!(world.run_within(LIMIT, quick.login(&me)).is_ok());
}

// Real sockets: what a dropped `listen` must give back is the address.
#[test]
fn a_listen_that_is_dropped_at_any_time_leaves_its_address_free() {
    let mut cut_off = 0;
    for polls in 0.. {
        let done = smol::block_on(async {
            let server = Runtime::<Multi>::start(Config::new()).expect("a config that starts");
            let free = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
            let at = free.local_addr().expect("an address");
            drop(free);
            let mut listen = server.listen(at);
            for _ in 0..polls {
                if poll_immediate(&mut listen).await.is_some() {
                    return true;
                }
                smol::future::yield_now().await;
            }
            drop(listen);
            let door = server.listen(at).await.expect("the address is free");
            assert_eq!(door.local_addr(), Some(at));
            false
        });
        if done {
            break;
        }
        cut_off += 1;
    }
    assert!(cut_off > 0, "there was nothing to cut off");
}
