//! Who is not wanted: it goes, comes in no more, comes back no more, and hears why.

mod common;
#[path = "protocol/say.rs"]
#[allow(dead_code, reason = "tests/protocol uses the rest")]
mod say;

use std::{
    io::Write,
    net::{IpAddr, Shutdown, TcpStream},
    time::Duration,
};

use common::{MINUTE, SECOND, World, lost, on_resume, soon};
use futures::future::join;
use sessile::{
    Banned, Config, Connecting, Credentials, Door, Ended, EventKind, Identity, LoginError, Multi,
    Notice, Reason, RejectCode, Rejection, Retry, Session, Update,
};

const HOUR: Duration = Duration::from_secs(3_600);

fn alice() -> Identity {
    Identity::new("alice").expect("short")
}

fn cheating() -> Rejection {
    Rejection::banned().text("cheating")
}

/// A login that the host would let in.
fn knock(world: &World, door: &mut Door) -> Result<(), LoginError> {
    let session: Session<Connecting> = world.connect(Config::new());
    let me = Credentials::token("alice");
    let judge = async {
        let peer = door.next().await.expect("a peer");
        peer.admit(alice())
    };
    let (mine, _theirs) = world.run(join(session.login(&me), judge));
    mine.map(drop)
}

#[test]
fn who_is_banned_goes_and_comes_in_no_more_until_it_is_over() {
    let world = World::new();
    let (server, mut door) = world.server(Config::new());
    let (mut mine, _theirs) = world.pair(soon(), &mut door, "alice");
    assert_eq!(server.sessions().ban(alice(), HOUR, &cheating()), Ok(1));
    world.settle();
    let Err(Ended::Closed(closed)) = mine.try_recv() else {
        panic!("it goes on");
    };
    let told = closed.rejection().expect("what the host said");
    assert_eq!(
        (
            closed.reason(),
            told.code(),
            told.explanation(),
            closed.retry()
        ),
        (
            Reason::Removed,
            RejectCode::Banned,
            Some("cheating"),
            Retry::Never
        )
    );

    let refused = knock(&world, &mut door).expect_err("banned");
    let told = refused.rejection().expect("what the host said");
    assert_eq!(
        (told.code(), told.explanation(), told.retry()),
        (RejectCode::Banned, Some("cheating"), Retry::Never)
    );
    let (_bob, _theirs) = world.pair(soon(), &mut door, "bob");
    assert_eq!(server.sessions().len(), 1, "somebody else comes in");

    world.pass(HOUR - MINUTE);
    let refused = knock(&world, &mut door).expect_err("banned");
    let Retry::After(left) = refused.retry() else {
        panic!("it is over soon: {refused}");
    };
    assert!(left <= MINUTE && left > 50 * SECOND, "{left:?}");
    world.pass(MINUTE);
    knock(&world, &mut door).expect("it is over");
}

#[test]
fn who_was_away_when_it_was_banned_does_not_come_back_by_resume() {
    let world = World::new();
    let (server, mut door) = world.server(Config::new());
    let (mut mine, _theirs) = world.pair(on_resume(), &mut door, "alice");
    world.cut();
    assert_eq!(server.sessions().ban(alice(), None, &cheating()), Ok(1));
    assert!(server.sessions().is_empty());
    let lost = lost(&mut mine);
    let gone = world
        .run_within(MINUTE, mine.reconnect(lost).resume())
        .expect_err("banned");
    let told = gone.closed().rejection().expect("what the host said");
    assert_eq!(
        (told.code(), told.explanation(), gone.retry()),
        (RejectCode::Banned, Some("cheating"), Retry::Never)
    );
    assert!(gone.into_connecting().is_err());
}

#[test]
fn who_is_being_judged_when_it_is_banned_is_not_let_in() {
    let world = World::new();
    let (server, mut door) = world.server(Config::new());
    let session = world.connect(Config::new());
    let me = Credentials::token("alice");
    let login = world.spawn(session.login(&me));
    let peer = world.run(door.next()).expect("a peer");
    assert_eq!(server.sessions().ban(alice(), HOUR, &cheating()), Ok(0));
    let theirs = peer.admit(alice());
    let refused = world.run(login).expect_err("banned");
    assert_eq!(
        refused.rejection().map(Rejection::code),
        Some(RejectCode::Banned)
    );
    assert!(theirs.check().is_err() && server.sessions().is_empty());
}

#[test]
fn a_supervised_client_shows_the_text_and_stops() {
    let world = World::new();
    let (server, _door) = world.server(Config::new());
    let network = sessile::transport::memory::Network::with_clock(world.clock.clone());
    let admit = sessile::admit_with(|_| async { Ok(sessile::Admission::from(alice())) });
    let _inbox = server.intake_over(network.listener(), admit);
    server
        .sessions()
        .ban(alice(), HOUR, &cheating())
        .expect("room");
    let client = world.client(Config::new());
    let mut client = client.supervise_over(network.dialer(), Credentials::token("x"));
    let mut end = None;
    for _ in 0..10 {
        world.pass(SECOND);
        for update in client.drain() {
            if let Update::Ended(why) = update {
                end = Some(why);
            }
        }
    }
    let end = end.expect("it is told never");
    assert_eq!(
        (end.reason(), end.text()),
        (Reason::Refused, Some("cheating"))
    );
}

#[test]
fn a_ban_is_lifted_listed_renewed_and_bounded() {
    let world = World::new();
    let (server, mut door) = world.server(Config::new().max_bans(3));
    let sessions = server.sessions();
    let network: IpAddr = "2001:db8::7".parse().expect("an address");
    assert_eq!(sessions.ban(alice(), HOUR, &cheating()), Ok(0));
    assert_eq!(sessions.ban(7u64, None, &Rejection::other(1_001)), Ok(0));
    assert_eq!(sessions.ban(network, 2 * HOUR, &cheating()), Ok(0));
    let listed: Vec<_> = sessions
        .bans()
        .map(|ban| (ban.banned.to_string(), ban.left, ban.why.code()))
        .collect();
    assert_eq!(
        listed,
        [
            ("7".to_owned(), None, RejectCode::Other(1_001)),
            ("alice".to_owned(), Some(HOUR), RejectCode::Banned),
            (
                "2001:db8::/64".to_owned(),
                Some(2 * HOUR),
                RejectCode::Banned
            ),
        ]
    );
    assert!(
        sessions.ban(alice(), 3 * HOUR, &cheating()).is_ok(),
        "it has its place"
    );

    let (mut bob, _theirs) = world.pair(soon(), &mut door, "bob");
    let full = sessions.ban(Identity::new("bob").expect("short"), HOUR, &cheating());
    assert_eq!(
        full.expect_err("no fourth").ended(),
        1,
        "it goes all the same"
    );
    world.settle();
    assert!(bob.try_recv().is_err());

    world.pass(2 * HOUR);
    assert_eq!(sessions.bans().count(), 2, "one is over");
    assert!(sessions.unban(alice()) && !sessions.unban(alice()));
    assert!(!sessions.unban(network), "it was over");
    knock(&world, &mut door).expect("not banned any more");
    assert_eq!(
        sessions.bans().map(|ban| ban.banned).collect::<Vec<_>>(),
        [Banned::from(7u64)]
    );
}

#[test]
fn who_is_banned_for_a_moment_is_told_until_when_and_nobody_is_sent_elsewhere() {
    let world = World::new();
    let (server, mut door) = world.server(Config::new());
    let (mut mine, _theirs) = world.pair(soon(), &mut door, "alice");
    let why = cheating().redirect("elsewhere:7000");
    assert_eq!(server.sessions().ban(alice(), MINUTE, &why), Ok(1));
    world.settle();
    let Err(Ended::Closed(closed)) = mine.try_recv() else {
        panic!("it goes on");
    };
    assert_eq!(closed.retry(), Retry::After(MINUTE), "as the ban lasts");
    assert_eq!(closed.redirect(), None);
    let refused = knock(&world, &mut door).expect_err("banned");
    let told = refused.rejection().expect("what the host said");
    assert_eq!(told.redirect_to(), None);
    assert_eq!(told.explanation(), Some("cheating"));
}

/// More than a page of the list, and more than a page of sessions.
const MANY: u64 = 600;

#[test]
fn a_long_list_is_told_to_its_end() {
    let world = World::new();
    let (server, _door) = world.server(Config::new());
    let sessions = server.sessions();
    for number in 0..MANY {
        assert_eq!(sessions.ban(number, None, &cheating()), Ok(0));
    }
    let listed: Vec<_> = sessions.bans().map(|ban| ban.banned).collect();
    assert_eq!(listed, (0..MANY).map(Banned::from).collect::<Vec<_>>());
}

/// Plain sockets, because a program for each of them would cost more than all else here.
#[test]
fn all_that_come_from_a_banned_network_go_those_without_a_link_too() {
    smol::block_on(async {
        let config = Config::new().login_deadline(MINUTE).event_buffer(4_096);
        let server = sessile::Runtime::<Multi>::start(config).expect("a config");
        let mut door = server.listen("127.0.0.1:0").await.expect("a port");
        let at = door.local_addr().expect("an address");
        let mut events = server.events();
        let (mut links, mut peers) = (Vec::new(), Vec::new());
        for number in 0..MANY / 2 {
            let mut link = TcpStream::connect(at).expect("up");
            let login = say::bytes(&[sessile::wire::Frame::Login(say::login(1))]);
            link.write_all(&login).expect("room");
            links.push(link);
            peers.push(door.next().await.expect("a peer").admit(number));
        }
        let (away, _there) = links.split_at(links.len() / 2);
        for link in away {
            link.shutdown(Shutdown::Both).expect("up");
        }
        let mut lost = 0;
        while lost < away.len() {
            let notice = events.next().await.expect("it goes on");
            let Notice::Event(event) = notice else {
                panic!("too slow: {notice:?}");
            };
            lost += usize::from(matches!(event.kind(), EventKind::LinkLost(_)));
        }
        assert_eq!(server.sessions().len(), peers.len());
        let here: IpAddr = "127.0.0.1".parse().expect("an address");
        let ended = server.sessions().ban(here, HOUR, &cheating());
        assert_eq!(ended, Ok(peers.len()));
        assert!(server.sessions().is_empty());
    });
}

/// TCP, because the network in memory has no addresses.
#[test]
fn a_network_is_refused_before_the_host_is_asked_and_its_resumes_too() {
    smol::block_on(async {
        let server = sessile::Runtime::<Multi>::start(Config::new()).expect("a config");
        let mut door = server.listen("127.0.0.1:0").await.expect("a port");
        let at = door.local_addr().expect("an address");
        let client = sessile::Runtime::<sessile::Single>::start(on_resume()).expect("a config");
        let session = client.connect(at).await.expect("up");
        let me = Credentials::token("alice");
        let admit = async { door.next().await.expect("a peer").admit(alice()) };
        let (mine, theirs) = join(session.login(&me), admit).await;
        let (mut mine, theirs) = (mine.expect("admitted"), theirs);

        let here: IpAddr = "127.0.0.1".parse().expect("an address");
        let elsewhere: IpAddr = "127.0.0.2".parse().expect("an address");
        let why = Rejection::banned().text("too many of you");
        assert_eq!(server.sessions().ban(elsewhere, HOUR, &why), Ok(0));
        assert!(theirs.check().is_ok());
        assert_eq!(server.sessions().ban(here, HOUR, &why), Ok(1));
        let Err(Ended::Closed(closed)) = mine.recv().await else {
            panic!("it goes on");
        };
        assert_eq!(closed.text(), Some("too many of you"));

        let client = sessile::Runtime::<sessile::Single>::start(Config::new()).expect("a config");
        let session = client.connect(at).await.expect("up");
        let refused = session.login(&me).await.expect_err("banned");
        let told = refused.rejection().expect("what the host said");
        assert_eq!(
            (told.code(), told.retry()),
            (RejectCode::Banned, Retry::Never)
        );
        assert!(futures::poll!(door.next()).is_pending(), "nobody was asked");
        assert!(server.sessions().unban(here));
        let session = refused.into_session();
        let admit = async { door.next().await.expect("a peer").admit(alice()) };
        let (mine, _theirs) = join(session.login(&me), admit).await;
        drop(mine.expect("admitted"));
    });
}
