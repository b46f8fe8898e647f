//! What an application does with a session that it holds, on either side.

use std::time::Duration;

use sessile::{
    Lent, Reason, SendError,
    proto::{Cx, Key, Machine, Phase, Wake, closed},
};

use crate::{
    books::{check_limits, check_undelivered, numbered},
    choices::Choices,
    world::World,
};

/// One deed. False where the application let go of the session with it.
pub(crate) fn act(world: &mut World, key: Key, choices: &mut Choices<'_>) -> bool {
    let Some(machine) = world.registry.get(key) else {
        return false;
    };
    let (epoch, acceptor) = (
        machine.epoch(),
        machine.side() == sessile::proto::Side::Acceptor,
    );
    match choices.below(20) {
        0..5 => send(world, key, choices),
        5..8 => {
            // A handle may not know yet of the link that its session is on.
            let epoch = epoch.saturating_sub(u64::from(choices.below(8) == 7));
            take(world, key, |machine, cx| {
                machine.recv(cx, epoch).ok().flatten()
            });
        }
        8 => drop(take(world, key, |machine, cx| {
            machine.next_for_host(cx, true)
        })),
        9 => volatile(world, key, choices),
        10 => drop(world.on(key, |machine, cx| {
            machine.close(cx, closed(Reason::ClosedHere))
        })),
        11 if acceptor => drop(world.on(key, |machine, cx| machine.remove(cx, "out"))),
        12 => {
            world.on(key, |machine, cx| {
                machine.probe() && machine.heard_since(cx.now)
            });
        }
        13 => {
            let (blocked, back) = (choices.flag(), choices.below(2));
            let link = world.registry.get(key).and_then(Machine::current_link);
            if let Some(link) = link.filter(|_| back == 0) {
                world.on(key, |machine, cx| machine.blocked(cx, link, blocked));
            }
        }
        14 => drop(world.on(key, |machine, cx| machine.retry_now(cx))),
        15 => {
            let wanted = choices.flag();
            world.on(key, |machine, cx| machine.want(cx, wanted));
        }
        16 => drop(world.on(key, |machine, cx| machine.has_room(cx).is_ok())),
        17 => undelivered(world, key),
        18 if choices.flag() => return let_go(world, key),
        _ => drop(world.on(key, |machine, _| {
            (machine.check(epoch).is_ok(), machine.has_mail())
        })),
    }
    if let Some(machine) = world.registry.get(key) {
        check_limits(&world.registry, machine, world.now);
    }
    true
}

fn send(world: &mut World, key: Key, choices: &mut Choices<'_>) {
    let Some(machine) = world.registry.get(key) else {
        return;
    };
    let (epoch, most) = (machine.epoch(), machine.max_message());
    let len = match choices.below(8) {
        0 => most,
        1 => most + 1,
        2 => 0,
        3 => usize::from(choices.byte()),
        _ => 8,
    };
    let number = world.books.entry(key).or_default().accepted;
    let (message, way) = (numbered(number, len), choices.below(5));
    let sent = world.on(key, |machine, _| match way {
        0 => machine.send(epoch, Lent::Slice(&message)),
        1 => machine.answer_message(true, Lent::Slice(&message)),
        2 => machine.answer_message(false, Lent::Slice(&message)),
        _ => machine.post(Lent::Slice(&message)),
    });
    match sent {
        Some(Ok(())) => {
            assert!(len <= most, "{len} of at most {most}");
            world.books.entry(key).or_default().accepted += 1;
            // Whoever drives the link has to hear of it.
            let up = world
                .registry
                .get(key)
                .is_some_and(|machine| machine.phase().is_up());
            assert!(
                !up || world.woken.has(Wake::LINK),
                "nobody was woken to write it"
            );
        }
        Some(Err(SendError::TooLong(_))) => assert!(len > most, "{len} of at most {most}"),
        Some(Err(_)) | None => {}
    }
}

fn volatile(world: &mut World, key: Key, choices: &mut Choices<'_>) {
    let (len, posted) = (usize::from(choices.byte()), choices.flag());
    let message = vec![7; len];
    world.on(key, |machine, cx| {
        let message = Lent::Slice(&message);
        if posted {
            machine.post_volatile(cx, message).is_ok()
        } else {
            machine.send_volatile(cx, machine.epoch(), message).is_ok()
        }
    });
}

/// Takes a message, in whatever way. True where there was one.
fn take(
    world: &mut World,
    key: Key,
    ask: impl FnOnce(&mut Machine, &mut Cx<'_>) -> Option<sessile::proto::Received>,
) -> bool {
    let Some(received) = world.on(key, ask).flatten() else {
        return false;
    };
    if !received.volatile {
        world.books.entry(key).or_default().taken += 1;
    }
    true
}

/// After the end, what did not arrive is handed back, and nothing of it twice.
fn undelivered(world: &mut World, key: Key) {
    let Some(before) = world.registry.snapshot(key, world.now) else {
        return;
    };
    let given_back = before.sent == before.acked;
    if before.phase != Phase::Ended || before.epoch == 0 {
        return;
    }
    let list = world
        .on(key, |machine, _| machine.take_undelivered())
        .unwrap_or_default();
    let book = world.books.entry(key).or_default();
    if given_back {
        assert_eq!(list, [], "twice");
    } else {
        check_undelivered(key, book, &before, &list);
    }
}

/// The handle is dropped.
pub(crate) fn let_go(world: &mut World, key: Key) -> bool {
    world.on(key, |machine, cx| machine.abandon(cx));
    false
}

/// Longer than any server may ask a client to keep a session: seven days and a lease.
const LONG: Duration = Duration::from_secs(8 * 24 * 60 * 60);

/// Everybody has left: what is open is read and closed, time passes, and nothing is left of anything.
pub(crate) fn end(world: &mut World, held: &[Key]) {
    // Whatever there is to say of all this can be said. It takes longer than all the rest, so in replays alone.
    if cfg!(not(fuzzing)) {
        assert!(!format!("{:?}", world.registry).is_empty());
    }
    for &key in held {
        while take(world, key, |machine, cx| machine.next_for_host(cx, false)) {}
        if let Some(machine) = world.registry.get(key) {
            check_limits(&world.registry, machine, world.now);
        }
    }
    // L3: nobody says a word any more. Whoever waits for one stops waiting.
    world.links.clear();
    world.pass(LONG, false);
    assert_eq!((world.registry.strangers(), world.registry.len()), (0, 0));
    for machine in world.machines() {
        assert!(
            machine.current_link().is_none() || machine.epoch() == 0,
            "{machine:?}"
        );
    }
    for &key in held {
        undelivered(world, key);
        let_go(world, key);
    }
    world.offered.clear();
    world.pass(LONG, false);
    // S10, R2, R5: no timer, no session, no place taken.
    assert_eq!(world.registry.occupied(), 0, "{:?}", world.registry);
    assert_eq!(world.registry.next_deadline(), None);
    world.finish();
}
