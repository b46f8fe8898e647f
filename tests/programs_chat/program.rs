//! The two programs, as somebody would write them who knows only the surface.

use std::{
    convert::Infallible,
    io,
    str::Utf8Error,
    sync::{Arc, Mutex},
};

use async_channel::Receiver;
use sessile::{
    Closed, Connecting, Credentials, Door, Ended, Error, Fate, Identity, LoggedIn, Message, Multi,
    Offer, Rejection, ResumeError, SendError, Session, Sessions,
};
use smol::{Executor, Task, future::FutureExt};

/// What somebody sees: lines, as they come.
#[derive(Clone, Default)]
pub(crate) struct Screen(Arc<Mutex<Vec<String>>>);

impl Screen {
    pub(crate) fn show(&self, line: impl Into<String>) {
        self.0.lock().expect("no panic").push(line.into());
    }

    pub(crate) fn lines(&self) -> Vec<String> {
        self.0.lock().expect("no panic").clone()
    }
}

// --- the client: its own error, lines from a keyboard -------------------------------------------------------------------

/// Why a conversation stops: an error of the program's own. Whether it is the session's fault, the session says.
#[derive(Debug, thiserror::Error)]
enum Trouble {
    #[error("{0}")]
    Hearing(#[from] Ended),
    #[error("{0}")]
    Saying(#[from] SendError),
    #[error("not text: {0}")]
    NotText(#[from] Utf8Error),
    #[error("the keyboard is gone")]
    NoKeyboard(#[from] async_channel::RecvError),
}

pub(crate) struct Chatter {
    pub(crate) me: Credentials,
    pub(crate) keyboard: Receiver<String>,
    pub(crate) screen: Screen,
    /// What was typed and not accepted yet: the link may break in between.
    pub(crate) unsaid: Option<String>,
}

enum Happened {
    Heard(Message<'static>),
    Typed(String),
}

impl Chatter {
    pub(crate) async fn run(mut self, session: Session<Connecting>) -> Result<(), Error> {
        let mut session = session.login(&self.me).await?;
        loop {
            let Err(trouble) = self.chat(&mut session).await;
            session = match session.check() {
                // The session is well: the trouble is ours.
                Ok(()) => return Err(io::Error::other(trouble).into()),
                Err(Ended::Closed(why)) => {
                    self.screen.show(format!("over: {}", text(&why)));
                    return Ok(());
                }
                Err(Ended::Lost(lost)) => match session.reconnect(lost).resume().await {
                    Ok(session) => session,
                    Err(gone) => self.start_again(gone).await?,
                },
            };
        }
    }

    async fn chat(&mut self, session: &mut Session<LoggedIn>) -> Result<Infallible, Trouble> {
        loop {
            if let Some(line) = &self.unsaid {
                session.send(line.trim()).await?;
                self.unsaid = None;
            }
            let heard = async { Ok::<_, Trouble>(Happened::Heard(session.recv().await?)) };
            let typed = async { Ok(Happened::Typed(self.keyboard.recv().await?)) };
            match heard.or(typed).await? {
                Happened::Heard(message) => self.screen.show(std::str::from_utf8(&message)?),
                Happened::Typed(line) => self.unsaid = Some(line),
            }
        }
    }

    /// Logs in anew, and says again what nobody can have heard.
    async fn start_again(&self, mut gone: ResumeError) -> Result<Session<LoggedIn>, Error> {
        let undelivered = gone.take_undelivered();
        let mut session = gone.into_connecting()?.login(&self.me).await?;
        for one in undelivered {
            match one.fate() {
                Fate::NeverSent => session.send(one.message()).await?,
                Fate::Unknown => {
                    let line = String::from_utf8_lossy(one.message());
                    self.screen.show(format!("perhaps unheard: {line}"));
                }
            }
        }
        Ok(session)
    }
}

fn text(why: &Closed) -> &str {
    why.text().unwrap_or("no reason")
}

// --- the server: a task for each peer, broadcast to all, nobody waits for who is slow -----------------------------------

pub(crate) struct Accounts;

impl Accounts {
    fn check(&self, offer: &Offer) -> Result<String, Rejection> {
        let name = String::from_utf8(offer.credentials().to_vec());
        name.map_err(|_| Rejection::bad_credentials().text("not utf-8"))
    }
}

#[derive(Clone)]
pub(crate) struct Chat {
    pub(crate) accounts: Arc<Accounts>,
    pub(crate) everybody: Sessions,
    pub(crate) log: Screen,
}

impl Chat {
    /// Ends with its door; dropped earlier, it takes its peers' tasks along.
    pub(crate) async fn serve(self, mut door: Door, executor: Arc<Executor<'static>>) {
        let mut peers: Vec<Task<()>> = Vec::new();
        while let Some(session) = door.next().await {
            peers.retain(|peer| !peer.is_finished());
            let chat = self.clone();
            peers.push(executor.spawn(async move {
                if let Err(error) = chat.peer(session).await {
                    chat.log.show(error.to_string());
                }
            }));
        }
    }

    async fn peer(&self, session: Session<Connecting, Multi>) -> Result<(), Error> {
        let name = match self.accounts.check(session.offer()) {
            Ok(name) => name,
            Err(why) => {
                session.reject(why);
                return Ok(());
            }
        };
        let mut session = session.admit(Identity::new(&name)?);
        loop {
            match self.room(&mut session, &name).await {
                Err(Ended::Closed(why)) => {
                    self.log.show(format!("{name} left: {:?}", why.reason()));
                    return Ok(());
                }
                Err(Ended::Lost(lost)) => session = session.reconnect(lost).resume().await?,
            }
        }
    }

    async fn room(
        &self,
        session: &mut Session<LoggedIn, Multi>,
        name: &str,
    ) -> Result<Infallible, Ended> {
        loop {
            let message = session.recv().await?;
            let line = format!("{name}: {}", String::from_utf8_lossy(&message));
            for slow in self.everybody.broadcast(&line).refused {
                slow.remove("too slow");
            }
        }
    }
}
