//! Messages between threads that send, threads that read, and the tasks of links.

use std::{sync::Arc, time::Duration};

use futures::future::join;
use shuttle::{
    future::block_on,
    sync::{
        Mutex,
        atomic::{AtomicBool, Ordering},
    },
    thread,
};

use super::{in_any_schedule, world::World};
use crate::{
    Admission, Admit, Closed, Config, Credentials, Ended, Host, LoggedIn, Message, Offer,
    Reconnect, Rejection, SendError, Session, Single, Turn, Undelivered, What, admit_with,
};

/// So small that senders wait for readers.
fn narrow() -> Config {
    Config::new().unacked_messages(2)
}

#[test]
fn nobody_who_waits_for_room_or_for_a_message_sleeps_for_ever() {
    in_any_schedule(conversing);
}

pub(super) fn conversing() {
    let world = World::new();
    let server = world.server(narrow());
    let mut door = server.listen_over(world.network.listener());
    let (mut mine, mut theirs) = world.pair(&mut door, narrow());
    // Two threads send by what observes the session, beside the one that owns it.
    let posting = [b'a', b'b'].map(|letter| {
        let peer = theirs.peer();
        thread::spawn(move || peer.try_send(&[letter]).unwrap())
    });
    let reading = thread::spawn(move || {
        let read = [(); 3].map(|()| block_on(theirs.recv()).unwrap().to_vec());
        (theirs, read)
    });
    thread::scope(|scope| {
        let (mut send, mut recv) = mine.split();
        scope.spawn(move || {
            for number in 0..3 {
                block_on(send.send(&[number])).unwrap();
            }
        });
        let mut read = [(); 2].map(|()| block_on(recv.recv()).unwrap().to_vec());
        read.sort();
        assert_eq!(read, [b"a", b"b"]);
    });
    for poster in posting {
        poster.join().unwrap();
    }
    let (theirs, read) = reading.join().unwrap();
    assert_eq!(read, [[0], [1], [2]]);
    block_on(join(mine.close(""), theirs.close("")));
    drop((door, server));
    world.ends();
}

/// Keeps what it is told, and sees to it that it is told one thing at a time.
#[derive(Default)]
struct Recorder {
    calling: AtomicBool,
    messages: Mutex<Vec<u8>>,
    admitted: AtomicBool,
    ended: AtomicBool,
}

impl Recorder {
    fn called(&self, act: impl FnOnce()) {
        let other = self.calling.swap(true, Ordering::SeqCst);
        assert!(!other, "two call the host of one peer at once");
        assert!(!self.ended.load(Ordering::SeqCst), "told after the end");
        act();
        self.calling.store(false, Ordering::SeqCst);
    }
}

/// The host of a test; it goes with its server, the record stays.
struct Recording(Arc<Recorder>);

impl Admit for Recording {
    type Peer = ();

    async fn admit(&self, _: &Offer) -> Result<Admission<()>, Rejection> {
        self.0.admitted.store(true, Ordering::SeqCst);
        Ok(Admission::new(7u64, ()))
    }
}

impl Host for Recording {
    fn on_message(&self, turn: &mut Turn<'_, ()>, message: Message<'_>) {
        self.0.called(|| {
            self.0.messages.lock().unwrap().extend_from_slice(&message);
            turn.send(&message).unwrap();
        });
    }

    fn on_event(&self, _: &crate::Event) {
        self.0.called(|| {});
    }

    fn on_end(&self, (): (), _: Closed, _: Vec<Undelivered>) {
        self.0.called(|| self.0.ended.store(true, Ordering::SeqCst));
    }
}

#[test]
fn a_host_is_called_by_one_at_a_time_and_told_everything_once_though_the_link_breaks() {
    in_any_schedule(hosting);
}

pub(super) fn hosting() {
    const MESSAGES: u8 = 4;
    let world = World::new();
    let server = world.server(narrow());
    let record = Arc::new(Recorder::default());
    let serving = server.serve_over(world.network.listener(), Recording(Arc::clone(&record)));
    // The first delay is the only one that is waited for here, and it is cut short.
    let patient = Reconnect::new().base(Duration::from_secs(1));
    let mut mine = logged_in(&world, narrow().reconnect(patient));
    let cutter = {
        let network = world.network.clone();
        thread::spawn(move || network.cut())
    };
    for number in 0..MESSAGES {
        while let Err(error) = block_on(mine.send(&[number])) {
            let SendError::Ended(Ended::Lost(lost)) = error else {
                panic!("{error}")
            };
            mine = back(mine, lost);
        }
    }
    let mut echoes: Vec<u8> = Vec::new();
    while echoes.len() < usize::from(MESSAGES) {
        match block_on(mine.recv()) {
            Ok(message) => echoes.extend_from_slice(&message),
            Err(Ended::Lost(lost)) => mine = back(mine, lost),
            Err(Ended::Closed(closed)) => panic!("{closed}"),
        }
    }
    cutter.join().unwrap();
    let expected: Vec<u8> = (0..MESSAGES).collect();
    assert_eq!(echoes, expected);
    assert_eq!(*record.messages.lock().unwrap(), expected);
    drop((mine, serving, server));
    world.ends();
    assert!(record.ended.load(Ordering::SeqCst), "nobody told the end");
}

#[test]
fn whoever_is_let_in_while_serving_stops_is_closed_and_its_host_told() {
    in_any_schedule(letting_in);
}

pub(super) fn letting_in() {
    let world = World::new();
    let server = world.server(narrow());
    let record = Arc::new(Recorder::default());
    let serving = server.serve_over(world.network.listener(), Recording(Arc::clone(&record)));
    let session = world.connect(narrow());
    let client = thread::spawn(move || {
        let Ok(mut mine) = block_on(session.login(&Credentials::token("me"))) else {
            return false;
        };
        // Time stands still, and the server goes on: nothing but the end of serving ends this.
        while let Ok(message) = block_on(mine.recv()) {
            panic!("{message:?}");
        }
        true
    });
    drop(serving);
    if client.join().unwrap() {
        assert_eq!(server.sessions().len(), 0);
    }
    let admitted = record.admitted.load(Ordering::SeqCst);
    drop(server);
    world.ends();
    assert_eq!(record.ended.load(Ordering::SeqCst), admitted);
}

fn logged_in(world: &World, config: Config) -> Session<LoggedIn> {
    let login = world.connect(config).login(&Credentials::token("me"));
    block_on(login).expect("admitted")
}

/// Comes back at once: time stands still.
fn back(mine: Session<LoggedIn>, lost: crate::Lost) -> Session<LoggedIn, Single> {
    let peer = mine.peer();
    let reconnecting = mine.reconnect(lost);
    peer.retry_now();
    block_on(reconnecting.resume()).expect("it comes back")
}

#[test]
fn an_inbox_wakes_for_everything_that_is_to_be_drained() {
    in_any_schedule(|| {
        let world = World::new();
        let server = world.server(narrow());
        let admit = admit_with(|_| async { Ok(Admission::new(7u64, ())) });
        let mut inbox = server.intake_over(world.network.listener(), admit);
        let client = {
            let mine = world.connect(narrow());
            thread::spawn(move || {
                let login = mine.login(&Credentials::token("me"));
                let mut mine = block_on(login).expect("admitted");
                for number in 0..3 {
                    block_on(mine.send(&[number])).unwrap();
                }
                block_on(mine.close("done"));
            })
        };
        let (mut told, mut over) = (Vec::new(), false);
        while !over {
            block_on(inbox.ready());
            for incoming in inbox.drain() {
                assert!(!over, "told after the end");
                match incoming.what {
                    What::Joined(()) => told.push("joined".to_owned()),
                    What::Message(message) => told.push(format!("{:?}", &message[..])),
                    What::Event(_) => {}
                    What::Ended { .. } => over = true,
                }
            }
        }
        assert_eq!(told, ["joined", "[0]", "[1]", "[2]"]);
        client.join().unwrap();
        drop((inbox, server));
        world.ends();
    });
}
