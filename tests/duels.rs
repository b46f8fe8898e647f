//! Clients that throw each other out, and clients that come and go: ever less often, and whoever behaves notices nothing.

mod common;

use std::time::Duration;

use common::{MINUTE, MS, SECOND, World, on_resume, soon};
use futures::future::join;
use sessile::{
    Client, Config, Credentials, Door, EventKind, Events, Identity, LoggedIn, LoginError, Multi,
    Phase, Reason, RejectCode, Rejection, Retry, Runtime, Session, Takeover, Update,
    transport::memory::Network,
};

/// Whoever comes logs in as what it says it is.
fn everybody(world: &World, config: Config) -> (Runtime<Multi>, sessile::Inbox<()>, Network) {
    let (server, _) = world.server(config);
    let network = Network::with_clock(world.clock.clone());
    let admit = sessile::admit_with(|offer: sessile::Offer| async move {
        let name = String::from_utf8_lossy(offer.credentials()).into_owned();
        let who = Identity::new(&name).map_err(|_| Rejection::bad_credentials())?;
        Ok(sessile::Admission::from(who))
    });
    let inbox = server.intake_over(network.listener(), admit);
    (server, inbox, network)
}

/// A program that does what it was asked not to: it logs in again whenever its session was taken over.
struct Stubborn<'a> {
    world: &'a World,
    network: &'a Network,
    client: Client,
    rejections: Vec<Rejection>,
}

impl<'a> Stubborn<'a> {
    fn new(world: &'a World, network: &'a Network) -> Self {
        Self {
            client: Self::start(world, network),
            world,
            network,
            rejections: Vec::new(),
        }
    }

    fn start(world: &World, network: &Network) -> Client {
        let me = Credentials::token("alice");
        world
            .client(Config::new())
            .supervise_over(network.dialer(), me)
    }

    fn look(&mut self) {
        while let Some(update) = self.client.drain().next() {
            match update {
                Update::Event(event) => {
                    if let EventKind::LoginFailed(closed) = event.kind() {
                        self.rejections.extend(closed.rejection().cloned());
                    }
                }
                Update::Ended(why) => {
                    assert_eq!(why.reason(), Reason::TakenOver);
                    self.client = Self::start(self.world, self.network);
                }
                _ => {}
            }
        }
    }
}

/// How often somebody was taken over.
fn takeovers(events: &mut Events) -> usize {
    let mut count = 0;
    while let Some(notice) = events.try_next() {
        if let sessile::Notice::Event(event) = notice {
            count += usize::from(matches!(event.kind(), EventKind::TakenOver));
        }
    }
    count
}

// [TAKE-10]
#[test]
fn two_programs_that_throw_each_other_out_do_so_ten_times_in_ten_minutes() {
    let world = World::new();
    let (server, mut inbox, network) = everybody(&world, Config::new());
    let mut events = server.events();
    let mut both = [
        Stubborn::new(&world, &network),
        Stubborn::new(&world, &network),
    ];
    let (mut first_minute, mut all) = (0, 0);
    for tenth in 0..6_000 {
        world.pass(100 * MS);
        for one in &mut both {
            one.look();
        }
        inbox.drain().for_each(drop);
        all += takeovers(&mut events);
        if tenth < 600 {
            first_minute = all;
        }
        assert!(all <= 1 + tenth / 10, "more than one a second");
        assert!(server.sessions().len() <= 1);
    }
    assert!(
        (4..=7).contains(&first_minute),
        "{first_minute} in the first minute"
    );
    assert!((7..=10).contains(&all), "{all}");
    // Each was told for how long the other keeps it, ever longer.
    let waits: Vec<_> = both.iter().flat_map(|one| &one.rejections).collect();
    assert!(
        waits.iter().all(|why| why.code() == RejectCode::Occupied),
        "{waits:?}"
    );
    let longest = waits
        .iter()
        .map(|why| why.retry())
        .max_by_key(|retry| match retry {
            Retry::After(wait) => *wait,
            _ => Duration::ZERO,
        });
    assert!(
        matches!(longest, Some(Retry::After(wait)) if wait > MINUTE),
        "{longest:?}"
    );
}

#[test]
fn three_programs_where_two_may_be_are_a_duel_like_any_other_and_two_are_none() {
    let world = World::new();
    let config = Config::new().sessions_per_identity(2);
    let (server, mut inbox, network) = everybody(&world, config);
    let mut events = server.events();
    let mut programs: Vec<_> = (0..2).map(|_| Stubborn::new(&world, &network)).collect();
    let mut all = 0;
    for tenth in 0..6_600 {
        if tenth == 600 {
            assert_eq!((all, server.sessions().len()), (0, 2), "side by side");
            programs.push(Stubborn::new(&world, &network));
        }
        world.pass(100 * MS);
        for one in &mut programs {
            one.look();
        }
        inbox.drain().for_each(drop);
        all += takeovers(&mut events);
        assert!(server.sessions().len() <= 2);
    }
    assert!((7..=10).contains(&all), "{all} in ten minutes");
}

#[test]
fn nothing_damps_where_it_is_turned_off() {
    let world = World::new();
    let config = Config::new()
        .takeover_pause(Duration::ZERO)
        .comings_a_minute(65_536);
    let (server, mut inbox, network) = everybody(&world, config);
    let mut events = server.events();
    let mut both = [
        Stubborn::new(&world, &network),
        Stubborn::new(&world, &network),
    ];
    for _ in 0..100 {
        world.pass(100 * MS);
        for one in &mut both {
            one.look();
        }
        inbox.drain().for_each(drop);
    }
    assert!(takeovers(&mut events) > 50);
}

type Pair = (Session<LoggedIn>, Session<LoggedIn, Multi>);

fn knock(world: &World, door: &mut Door) -> Result<Pair, LoginError> {
    let session = world.connect(soon());
    let me = Credentials::token("alice");
    let judge = async {
        let peer = door.next().await.expect("a peer");
        peer.admit(Identity::new("alice").expect("short"))
    };
    let (mine, theirs) = world.run(join(session.login(&me), judge));
    Ok((mine?, theirs))
}

// [TAKE-10]
#[test]
fn a_move_to_another_device_waits_for_nothing_and_a_move_back_for_a_second() {
    let world = World::new();
    let (_server, mut door) = world.server(Config::new());
    let _phone = knock(&world, &mut door).expect("the first");
    let _laptop = knock(&world, &mut door).expect("a move");
    let refused = knock(&world, &mut door).expect_err("back at once");
    assert_eq!(
        refused.rejection().map(|why| (why.code(), why.retry())),
        Some((RejectCode::Occupied, Retry::After(SECOND)))
    );
    world.pass(SECOND);
    let _phone = knock(&world, &mut door).expect("a second later");
    let mut all = Vec::new();
    for _ in 0..20 {
        world.pass(MINUTE + 4 * SECOND);
        all.push(knock(&world, &mut door).expect("a move now and then"));
    }
}

/// Programs that crash and start anew: each is another client, and the link of the one before is gone.
#[test]
fn a_program_that_crashes_and_starts_anew_waits_for_nothing() {
    let world = World::new();
    let (_server, mut door) = world.server(Config::new());
    let mut all = Vec::new();
    for _ in 0..10 {
        world.cut();
        all.push(world.pair(on_resume(), &mut door, "alice"));
    }
}

#[test]
fn a_program_that_crashes_all_the_time_hears_busy_like_one_that_leaves() {
    let world = World::new();
    let (_server, mut door) = world.server(Config::new());
    let mut all = Vec::new();
    for _ in 0..15 {
        world.cut();
        all.push(knock(&world, &mut door).expect("these are free"));
    }
    world.cut();
    let refused = knock(&world, &mut door).expect_err("too often");
    assert_eq!(
        refused.rejection().map(|why| (why.code(), why.retry())),
        Some((RejectCode::Busy, Retry::After(4 * SECOND)))
    );
}

#[test]
fn a_host_that_is_asked_and_says_replace_is_obeyed() {
    let world = World::new();
    let (_server, mut door) = world.server(Config::new().takeover(Takeover::Ask));
    let mut all = Vec::new();
    for _ in 0..10 {
        all.push(knock(&world, &mut door).expect("the host said so"));
    }
}

#[test]
fn an_identity_that_logs_in_and_out_all_the_time_hears_busy_for_longer_each_time() {
    let world = World::new();
    let (server, mut door) = world.server(Config::new());
    let (mut waits, mut logins) = (Vec::new(), 0);
    while waits.len() < 9 {
        match knock(&world, &mut door) {
            Ok((mine, theirs)) => {
                logins += 1;
                drop((mine, theirs));
                world.settle();
                assert!(server.sessions().is_empty());
            }
            Err(refused) => {
                let why = refused.rejection().expect("a rejection");
                assert_eq!(why.code(), RejectCode::Busy);
                assert_eq!(why.explanation(), Some("too many logins in a short time"));
                let Retry::After(wait) = why.retry() else {
                    panic!("{why}");
                };
                waits.push(wait.as_secs());
                let (_bob, theirs) = world.pair(soon(), &mut door, &format!("bob {}", waits.len()));
                drop(theirs);
                world.pass(wait);
            }
        }
    }
    assert_eq!(waits, [4, 8, 16, 32, 64, 128, 256, 300, 300]);
    assert_eq!(logins, 15 + 8);
    world.pass(10 * MINUTE);
    for _ in 0..15 {
        drop(knock(&world, &mut door).expect("forgiven"));
    }
}

#[test]
fn a_session_whose_link_breaks_all_the_time_waits_and_loses_nothing() {
    let world = World::new();
    let (_server, mut door) = world.server(Config::new().resume_window(20 * SECOND));
    let (mut mine, mut theirs) = world.pair(soon(), &mut door, "alice");
    let (mut said, mut heard, mut slowest) = (0u32, 0u32, Duration::ZERO);
    for _ in 0..60 {
        mine.try_send(&said.to_be_bytes()).expect("room");
        said += 1;
        world.cut();
        while let Ok(Some(message)) = theirs.try_recv() {
            assert_eq!(&*message, heard.to_be_bytes());
            heard += 1;
        }
        let began = world.clock.now();
        mine = world.back(mine);
        theirs = world.back(theirs);
        slowest = slowest.max(world.clock.now() - began);
        world.settle();
        while let Ok(Some(message)) = theirs.try_recv() {
            assert_eq!(&*message, heard.to_be_bytes());
            heard += 1;
        }
    }
    assert_eq!((said, heard), (60, 60));
    assert_eq!(
        (mine.phase(), theirs.phase()),
        (Phase::LoggedIn, Phase::LoggedIn)
    );
    // Half of the window, a quarter of that for the client's jitter.
    assert!(slowest > 8 * SECOND && slowest < 13 * SECOND, "{slowest:?}");
}

/// A client of this library whose link breaks as soon as it is up: its own pauses keep it below the limit.
#[test]
fn an_honest_client_on_a_link_that_never_holds_is_not_asked_to_wait() {
    let world = World::new();
    let (server, mut door) = world.server(Config::new());
    let (mine, _theirs) = world.pair(Config::new(), &mut door, "alice");
    let mut events = mine.events();
    for _ in 0..3_000 {
        world.pass(100 * MS);
        if mine.phase().is_up() {
            world.network.cut();
        }
    }
    let resumed = server
        .sessions()
        .get("alice")
        .and_then(|peer| peer.snapshot());
    let resumed = resumed.expect("it lives").resumed;
    let mut scheduled = Vec::new();
    while let Some(notice) = events.try_next() {
        if let sessile::Notice::Event(event) = notice
            && let EventKind::ReconnectScheduled { after, .. } = event.kind()
        {
            scheduled.push(*after);
        }
    }
    assert!(resumed > 5, "{resumed}");
    assert_eq!(
        scheduled.len() as u64,
        resumed + u64::from(!mine.phase().is_up()),
        "each dial brought it back"
    );
}
