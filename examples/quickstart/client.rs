//! A client: one runtime, one session, and a loop that brings it back when its link breaks.

use anyhow::{Result, ensure};
use sessile::{
    Closed, Credentials, Ended, Error, EventKind, Events, LoggedIn, Notice, Runtime, Session,
    Single,
};
use smol::Task;

use crate::{
    config,
    links::Way,
    story::{Step, Story},
    talk::Talk,
};

pub(crate) struct Client {
    name: &'static str,
    session: Session<LoggedIn>,
    talk: Talk,
    story: Story,
    narrator: Task<()>,
}

impl Client {
    /// Connects and logs in. Where the server refuses, the error says why.
    pub(crate) async fn log_in(
        name: &'static str,
        server: &Way,
        token: &str,
        story: &Story,
    ) -> Result<Self, Error> {
        let runtime = Runtime::<Single>::start(config())?;
        let session = server.connect(runtime).await?;
        let events = session.events(); // before the login: to see all of it
        let session = session.login(&Credentials::token(token)).await?;
        story.tell(name, format_args!("logged in as {}", session.identity()));
        Ok(Self {
            name,
            talk: Talk::new(name, &story.book),
            story: story.clone(),
            narrator: smol::spawn(narrate(name, events, story.clone())),
            session,
        })
    }

    /// Has its conversation with the server, over as many links as it takes.
    pub(crate) async fn talk(mut self) -> Result<Self> {
        loop {
            let Err(error) = self.talk.go_on(&mut self.session).await else {
                return Ok(self);
            };
            // Whatever went wrong: how is the session?
            self.session = match self.session.check() {
                Ok(()) => return Err(error.into()),
                Err(Ended::Closed(closed)) => return Err(closed.into()),
                Err(Ended::Lost(lost)) => self.session.reconnect(lost).resume().await?,
            };
        }
    }

    /// Reads until the session is over.
    pub(crate) async fn until_closed(mut self) -> Closed {
        let closed = loop {
            self.session = match self.session.recv().await {
                Ok(_) => self.session,
                Err(Ended::Closed(closed)) => break closed,
                Err(Ended::Lost(lost)) => match self.session.reconnect(lost).resume().await {
                    Ok(session) => session,
                    Err(gone) => break gone.closed().clone(),
                },
            };
        };
        self.narrator.await;
        closed
    }

    /// Leaves in order: everything that was sent has been taken.
    pub(crate) async fn close(self, why: &str) -> Result<()> {
        let undelivered = self.session.close(why).await;
        self.narrator.await;
        let (name, count) = (self.name, undelivered.len());
        self.story
            .tell(name, format_args!("closed, {count} messages undelivered"));
        ensure!(undelivered.is_empty(), "{name} left {undelivered:?}");
        Ok(())
    }
}

/// Tells what happens to the session, until it ended.
async fn narrate(name: &'static str, mut events: Events, story: Story) {
    while let Some(notice) = events.next().await {
        let Notice::Event(event) = notice else {
            continue; // `Lagged`: we were too slow for some
        };
        match event.kind() {
            EventKind::LoginStarted | EventKind::LoggedIn => continue,
            EventKind::ReconnectScheduled { .. } => story.reached(Step::Scheduled),
            EventKind::Resumed { .. } => story.reached(Step::Resumed),
            EventKind::TakenOver => story.reached(Step::TakenOver),
            _ => {}
        }
        story.tell(name, event.kind());
    }
}
