//! A chat: client and server as programs, written before sessions were built. They do what their authors thought.

#[path = "../common/mod.rs"]
mod common;
mod program;

use std::{convert::Infallible, sync::Arc, time::Duration};

use async_channel::Sender;
use common::{MINUTE, MS, On, SECOND, World, read, soon};
use program::{Accounts, Chat, Chatter, Screen};
use sessile::{
    Closed, Config, Connecting, Credentials, Ended, Error, ErrorKind, LoggedIn, Session, Sessions,
};
use smol::Task;

struct Serving {
    task: Task<()>,
    everybody: Sessions,
    log: Screen,
}

fn serve(world: &World, config: Config) -> Serving {
    let (server, door) = world.server(config);
    let (everybody, log) = (server.sessions(), Screen::default());
    let chat = Chat {
        accounts: Arc::new(Accounts),
        everybody: everybody.clone(),
        log: log.clone(),
    };
    let executor = Arc::clone(world.executor(On::Server));
    let task = world.spawn_on(On::Server, chat.serve(door, executor)); // the door keeps its runtime
    Serving {
        task,
        everybody,
        log,
    }
}

struct Joined {
    task: Task<Result<(), Error>>,
    keyboard: Sender<String>,
    screen: Screen,
}

impl Joined {
    fn types(&self, line: impl Into<String>) {
        self.keyboard.try_send(line.into()).expect("it reads");
    }
}

fn join(world: &World, name: &str) -> Joined {
    join_as(world, Credentials::token(name))
}

fn join_as(world: &World, me: Credentials) -> Joined {
    let (keyboard, lines) = async_channel::unbounded();
    let screen = Screen::default();
    let chatter = Chatter {
        me,
        keyboard: lines,
        screen: screen.clone(),
        unsaid: None,
    };
    let task = world.spawn(chatter.run(world.connect(soon())));
    world.settle();
    Joined {
        task,
        keyboard,
        screen,
    }
}

/// It crashed: the links break, nobody is told, its next life knows nobody.
fn crash(world: &World, serving: Serving) {
    world.network.refuse(true);
    world.cut();
    drop(serving);
    world.pass(SECOND);
}

#[test]
fn everybody_hears_every_line_once_whatever_happens_to_the_links() {
    let world = World::new();
    let serving = serve(&world, Config::new());
    let names = ["alice", "bob", "carol"];
    let chatters = names.map(|name| join(&world, name));
    world.network.set_delay(5 * MS);
    for number in 0..100 {
        for chatter in &chatters {
            chatter.types(format!(" {number}\n"));
        }
        if number % 10 == 7 {
            world.network.cut(); // with lines on their way, and some typed while nobody is there
        } else {
            world.pass(20 * MS);
        }
    }
    world.pass(MINUTE);
    for chatter in &chatters {
        let lines = chatter.screen.lines();
        assert_eq!(lines.len(), 300);
        for name in names {
            let said = lines.iter().filter_map(|line| line.strip_prefix(name));
            let expected = (0..100).map(|number| format!(": {number}"));
            assert!(said.eq(expected), "each once, in the order of {name}");
        }
    }
    assert!(
        world.network.dials() >= 3 + 30,
        "links broke and came back: {}",
        world.network.dials()
    );
    assert_eq!(serving.log.lines(), [""; 0], "nobody left");
    assert_eq!(serving.everybody.len(), 3);
}

#[test]
fn a_line_that_was_not_accepted_when_the_link_broke_is_said_later() {
    let world = World::new();
    let (_server, mut door) = world.server(Config::new().unacked_messages(2));
    let alice = join(&world, "alice");
    let peer = world.run(door.next()).expect("alice");
    let mut theirs = peer.admit(1u64);
    world.settle();
    for line in ["one", "two", "three", "four"] {
        alice.types(line); // the window is full at the third
    }
    world.cut();
    assert_eq!(read(&mut theirs), ["one", "two"]);
    let mut theirs = world.back(theirs);
    let mut heard = Vec::new();
    for _ in 0..4 {
        world.pass(SECOND);
        heard.extend(read(&mut theirs));
    }
    assert_eq!(heard, ["three", "four"]);
}

#[test]
fn after_a_restart_what_nobody_heard_is_said_again() {
    let world = World::new();
    let serving = serve(&world, Config::new());
    let alice = join(&world, "alice");
    alice.types("heard");
    world.settle();
    // More than a link holds that passes nothing on: the last of these is never written.
    world.network.set_delay(MINUTE);
    for line in ["a", "b", "c"] {
        alice.types(format!("{line:.<40000}"));
        world.settle();
    }
    world.network.set_delay(Duration::ZERO);
    crash(&world, serving);
    alice.types("typed meanwhile");
    world.pass(SECOND);

    let serving = serve(&world, Config::new());
    world.network.refuse(false);
    world.pass(5 * SECOND);
    let lines = alice.screen.lines();
    let lines: Vec<&str> = lines.iter().map(|line| line.trim_matches('.')).collect();
    assert_eq!(
        lines,
        [
            "alice: heard",
            "perhaps unheard: a",
            "perhaps unheard: b",
            "alice: c",
            "alice: typed meanwhile",
        ]
    );
    assert_eq!(serving.everybody.len(), 1);
}

#[test]
fn who_does_not_read_is_removed_and_the_others_talk_on() {
    let world = World::new();
    let serving = serve(&world, Config::new().unacked_messages(8));
    let (alice, bob) = (join(&world, "alice"), join(&world, "bob"));
    // Logged in, and never reads.
    let sleeper = world.connect(Config::new().unacked_messages(8));
    let mut sleeper = world
        .run(sleeper.login(&Credentials::token("sleeper")))
        .expect("admitted");
    for number in 0..50 {
        alice.types(number.to_string());
        world.settle();
    }
    assert_eq!(serving.everybody.len(), 2);
    assert_eq!(serving.log.lines(), ["sleeper left: Removed"]);
    let expected: Vec<String> = (0..50).map(|number| format!("alice: {number}")).collect();
    assert_eq!(alice.screen.lines(), expected);
    assert_eq!(bob.screen.lines(), expected);

    let why = world.run(async {
        loop {
            if let Err(ended) = sleeper.recv().await {
                break ended;
            }
        }
    });
    let Ended::Closed(why) = why else {
        panic!("it was removed: {why:?}");
    };
    assert_eq!(why.text(), Some("too slow"));
}

#[test]
fn a_program_tells_its_own_end_from_the_sessions() {
    let world = World::new();
    let serving = serve(&world, Config::new());

    // The program's own trouble: the session was well, and is closed with the program.
    let alice = join(&world, "alice");
    drop(alice.keyboard);
    let error = world.run(alice.task).expect_err("no keyboard");
    assert_eq!(error.kind(), ErrorKind::Io);
    assert!(
        error.to_string().contains("the keyboard is gone"),
        "{error}"
    );
    world.settle();
    assert_eq!(serving.log.lines(), ["alice left: ClosedByPeer"]);

    // The session's end.
    let bob = join(&world, "bob");
    serving.everybody.remove("bob", "good night");
    world.run(bob.task).expect("an end like any other");
    assert_eq!(bob.screen.lines(), ["over: good night"]);

    // And none at all.
    let nobody = join_as(&world, Credentials::bytes([0xff]));
    let error = world.run(nobody.task).expect_err("no name");
    assert_eq!(error.kind(), ErrorKind::Login);
    assert_eq!(error.closed().and_then(Closed::text), Some("not utf-8"));
    assert!(serving.everybody.is_empty());
}

/// The smallest client: its work has the session's end as its error, so there is nothing to check.
async fn listen(
    session: Session<Connecting>,
    me: Credentials,
    screen: Screen,
) -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
    async fn work(session: &mut Session<LoggedIn>, screen: &Screen) -> Result<Infallible, Ended> {
        loop {
            let message = session.recv().await?;
            screen.show(String::from_utf8_lossy(&message));
        }
    }
    let mut session = session.login(&me).await?;
    loop {
        session = match work(&mut session, &screen).await {
            Err(Ended::Closed(_)) => return Ok(()),
            Err(Ended::Lost(lost)) => match session.reconnect(lost).resume().await {
                Ok(session) => session,
                Err(gone) => gone.into_connecting()?.login(&me).await?,
            },
        };
    }
}

#[test]
fn a_listener_outlives_cuts_and_restarts_and_ends_when_it_is_told() {
    let world = World::new();
    let mut serving = serve(&world, Config::new());
    let (me, screen) = (Credentials::token("listener"), Screen::default());
    let listener = world.spawn(listen(world.connect(soon()), me, screen.clone()));
    world.settle();
    serving.everybody.broadcast("one");
    world.cut();
    serving.everybody.broadcast("two");
    world.pass(5 * SECOND);
    crash(&world, serving);
    serving = serve(&world, Config::new());
    world.network.refuse(false);
    world.pass(5 * SECOND);
    serving.everybody.broadcast("three");
    world.settle();
    assert_eq!(screen.lines(), ["one", "two", "three"]);
    serving.everybody.remove("listener", "good night");
    world.run(listener).expect("told");
    assert!(!serving.task.is_finished(), "the server goes on");
}
