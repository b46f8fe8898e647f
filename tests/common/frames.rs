//! A supervised client as a program sees it that looks once a frame.

use std::time::Duration;

use sessile::{Client, Config, Door, Fate, Identity, LoggedIn, Multi, Session, Update};

use super::World;

pub(crate) fn show(update: &Update) -> String {
    match update {
        Update::Message(message) => String::from_utf8_lossy(message).into_owned(),
        Update::Event(event) => event.kind().name().to_owned(),
        Update::Undelivered(messages) => {
            let texts = messages.iter().map(|one| {
                let sure = one.fate() == Fate::NeverSent;
                let text = String::from_utf8_lossy(one.message());
                format!("{text}{}", if sure { "" } else { "?" })
            });
            format!("undelivered {}", texts.collect::<Vec<_>>().join(" "))
        }
        Update::Lagged(missed) => format!("{missed} missed"),
        Update::Ended(why) => format!("over: {:?}", why.reason()),
    }
}

/// As a game does it: frame by frame, until nothing is left to tell.
pub(crate) fn told(world: &World, client: &mut Client) -> Vec<String> {
    let mut all = Vec::new();
    let mut quiet = 0;
    while quiet < 3 {
        world.settle();
        let before = all.len();
        all.extend(client.drain().map(|update| show(&update)));
        quiet = if all.len() == before { quiet + 1 } else { 0 };
    }
    all
}

/// Lets time pass as a program does that looks every 100 ms.
pub(crate) fn live(world: &World, client: &mut Client, time: Duration) -> Vec<String> {
    let mut all = told(world, client);
    for _ in 0..time.as_millis() / 100 {
        world.pass(Duration::from_millis(100));
        all.extend(told(world, client));
    }
    all
}

/// The next peer is admitted as what it says it is.
pub(crate) fn admit(world: &World, door: &mut Door) -> Session<LoggedIn, Multi> {
    let peer = world.run(door.next()).expect("a peer");
    let name = String::from_utf8(peer.offer().credentials().to_vec()).unwrap();
    peer.admit(Identity::new(&name).unwrap())
}

pub(crate) const JOINED: [&str; 3] = ["link-up", "login-started", "logged-in"];

/// A client that is logged in, and its peer.
pub(crate) fn joined(
    world: &World,
    config: Config,
    door: &mut Door,
) -> (Client, Session<LoggedIn, Multi>) {
    let mut client = world.supervise(config, "alice");
    let peer = admit(world, door);
    assert_eq!(told(world, &mut client), JOINED);
    (client, peer)
}
