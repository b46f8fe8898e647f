//! A server: one runtime, a door, and a task for each peer that comes in by it.

use std::{
    convert::Infallible,
    net::SocketAddr,
    sync::{Arc, Mutex, PoisonError},
};

use anyhow::{Context, Result};
use sessile::{
    Connecting, Ended, Error, EventKind, Events, Identity, LoggedIn, Multi, Notice, Offer, Peer,
    Rejection, Runtime, Session,
};
use smol::Task;

use crate::{config, links::Links, story, story::Story, talk::Talk};

const ACCOUNTS: [(&str, &str); 3] = [
    ("alice", "wonderland"),
    ("bob", "builder"),
    ("carol", "singer"),
];

pub(crate) struct Server {
    runtime: Runtime<Multi>,
    address: SocketAddr,
    /// Everybody who was ever let in, for the table: an observer keeps nothing alive.
    guests: Guests,
    door: Task<()>,
    narrator: Task<()>,
}

type Guests = Arc<Mutex<Vec<Peer>>>;

impl Server {
    pub(crate) async fn open(links: &Links, story: &Story) -> Result<Self> {
        let runtime = Runtime::<Multi>::start(config())?;
        let mut door = links.listen(&runtime).await?;
        let address = door.local_addr().context("TCP has addresses")?;
        story.tell(
            "server",
            format_args!("listens at {address}, {}", links.name()),
        );
        let guests = Guests::default();
        let narrator = smol::spawn(narrate(runtime.events(), story.clone()));
        let (inside, stage) = (Arc::clone(&guests), story.clone());
        let door = smol::spawn(async move {
            while let Some(session) = door.next().await {
                smol::spawn(receive(session, Arc::clone(&inside), stage.clone())).detach();
            }
        });
        Ok(Self {
            runtime,
            address,
            guests,
            door,
            narrator,
        })
    }

    pub(crate) const fn address(&self) -> SocketAddr {
        self.address
    }

    /// Throws somebody out. False where nobody of that name is in.
    pub(crate) fn remove(&self, name: &str, reason: &str) -> bool {
        self.runtime.sessions().remove(name, reason)
    }

    /// Until a heartbeat has measured the way to everybody: they flow where nothing else does.
    pub(crate) async fn heartbeats(&self) -> Result<()> {
        let measured = || {
            let mut peers = self.runtime.sessions().iter();
            peers.all(|peer| peer.round_trip().is_some())
        };
        story::until("a heartbeat from everybody", measured).await
    }

    /// Every session there was, as the server sees it.
    pub(crate) fn table(&self) -> String {
        let mut table = format!(
            "{:<10}{:<14}{:>6}{:>12}{:>8}{:>10}{:>9}",
            "identity", "phase", "epoch", "round trip", "sent", "received", "resumed"
        );
        for peer in lock(&self.guests).iter() {
            let Some(now) = peer.snapshot() else { continue };
            let who = now.identity.map(|who| who.to_string()).unwrap_or_default();
            let away = now.round_trip.map_or_else(
                || "-".into(),
                |time| format!("{:.2} ms", time.as_secs_f64() * 1e3),
            );
            table += &format!(
                "\n{:<10}{:<14}{:>6}{:>12}{:>8}{:>10}{:>9}",
                who, now.phase, now.epoch, away, now.sent, now.received, now.resumed
            );
        }
        table
    }

    /// Lets nobody in any more, and waits until everybody has left.
    pub(crate) async fn close(self) -> Result<()> {
        story::until("everybody to leave", || self.runtime.sessions().is_empty()).await?;
        self.door.cancel().await;
        drop(self.runtime);
        self.narrator.await;
        Ok(())
    }
}

/// One peer, from its offer to its end.
async fn receive(session: Session<Connecting, Multi>, guests: Guests, story: Story) {
    let name = match check(session.offer()) {
        Ok(name) => name,
        Err(why) => {
            story.tell("server", format_args!("turns somebody away: {why}"));
            return session.reject(why);
        }
    };
    let session = session.admit(name);
    lock(&guests).push(session.peer());
    // The end is told by the narrator.
    let _ = serve(session, &story).await;
}

/// Who is it, and does it know its token? The one question that only the application can answer.
fn check(offer: &Offer) -> Result<Identity, Rejection> {
    let offered = str::from_utf8(offer.credentials()).map_err(|_| Rejection::bad_credentials())?;
    let (name, token) = offered.split_once(':').unwrap_or_default();
    if !ACCOUNTS.contains(&(name, token)) {
        return Err(Rejection::bad_credentials().text("wrong name or token"));
    }
    Identity::new(name).map_err(|_| Rejection::bad_credentials())
}

/// A conversation with a peer, over as many links as it takes.
async fn serve(mut session: Session<LoggedIn, Multi>, story: &Story) -> Result<(), Error> {
    let name = format!("server-{}", session.id());
    let mut talk = Talk::new(&name, &story.book);
    loop {
        let Err(error) = talk_on(&mut talk, &mut session).await;
        session = match session.check() {
            Ok(()) => return Err(error),
            Err(Ended::Closed(closed)) => return Err(closed.into()),
            Err(Ended::Lost(lost)) => session.reconnect(lost).resume().await?,
        };
    }
}

/// Says and hears everything, then stays until the peer leaves: it ends only by an error.
async fn talk_on(
    talk: &mut Talk,
    session: &mut Session<LoggedIn, Multi>,
) -> Result<Infallible, Error> {
    talk.go_on(session).await?;
    loop {
        talk.hear(&session.recv().await?);
    }
}

/// Tells what happens to all sessions, in order.
async fn narrate(mut events: Events, story: Story) {
    while let Some(notice) = events.next().await {
        let Notice::Event(event) = notice else {
            continue; // `Lagged`: we were too slow for some
        };
        let worth_telling = matches!(
            event.kind(),
            EventKind::LoggedIn
                | EventKind::LinkLost(_)
                | EventKind::Resumed { .. }
                | EventKind::TakenOver
                | EventKind::Ended(_)
        );
        if let (true, Some(who)) = (worth_telling, event.identity()) {
            story.tell("server", format_args!("{who}: {}", event.kind()));
        }
    }
}

fn lock(guests: &Guests) -> std::sync::MutexGuard<'_, Vec<Peer>> {
    guests.lock().unwrap_or_else(PoisonError::into_inner)
}
