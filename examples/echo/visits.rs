//! A client's life: one session after the other, each over as many links as it takes. The loop is written here, with
//! [`Session`]s, or it is the library's own, a [`Client`].

use std::{sync::Arc, time::Duration};

use anyhow::{Context, bail};
use sessile::{
    Closed, Config, Connecting, Credentials, Ended, Events, LoggedIn, Notice, Retry, Runtime,
    Session, Single,
};
use smol::{Executor, Timer, future::FutureExt};

use crate::{
    books::{Books, Page},
    input::Input,
    log::Log,
    supervised::Supervised,
};

/// How long a server may take to let it go once its input has ended. Whoever started it may be no more.
const PATIENCE: Duration = Duration::from_secs(10);

/// Before it tries again what did not work. A server that is away comes back.
const PAUSE: Duration = Duration::from_millis(20);

pub(crate) struct Visitor {
    pub(crate) connect: String,
    pub(crate) me: Credentials,
    pub(crate) config: Config,
    /// Whether the loop is the library's.
    pub(crate) supervised: bool,
    pub(crate) books: Books,
    pub(crate) executor: Arc<Executor<'static>>,
    pub(crate) input: Input,
}

/// How a session ended.
enum End {
    /// The input ended, and all was said.
    Left,
    Closed(Closed),
    /// It is gone; the next one begins with this.
    Gone(Session<Connecting>),
}

impl Visitor {
    pub(crate) async fn visit_until_told_to_stop(mut self) -> anyhow::Result<()> {
        let input = self.input.clone();
        let too_long = async {
            input.ended().await;
            Timer::after(PATIENCE).await;
            bail!("the server does not let go");
        };
        let visit = async {
            match self.supervised {
                true => {
                    let client = self.start()?.supervise(&*self.connect, self.me.clone());
                    let every = self.books.pace().every;
                    let visit = Supervised::new(&mut self.books, client).visit(every, &self.input);
                    visit.await?;
                }
                false => self.visit().await?,
            }
            self.books.log().line("done");
            Ok(())
        };
        visit.or(too_long).await
    }

    async fn visit(&mut self) -> anyhow::Result<()> {
        let mut connecting = self.reach().await?;
        loop {
            let session = self.log_in(connecting).await?;
            let page = self.books.open(&session.identity(), session.epoch());
            connecting = match self.stay(session, page).await {
                End::Left => return Ok(()),
                End::Gone(session) => session,
                End::Closed(closed) if closed.retry() == Retry::Never => bail!(closed),
                End::Closed(_) => self.reach().await?,
            };
        }
    }

    /// One session, to its end.
    async fn stay(&self, mut session: Session<LoggedIn>, mut page: Page) -> End {
        loop {
            let ended = async {
                self.input.ended().await;
                Ok(())
            };
            let talked = match page.talk(&mut session).or(ended).await {
                Ok(()) => page.hear_the_rest(&mut session).await,
                Err(ended) => Err(ended),
            };
            session = match talked {
                Err(Ended::Lost(lost)) => match session.reconnect(lost).resume().await {
                    Ok(session) => session,
                    Err(mut gone) => {
                        page.end(&gone.take_undelivered(), gone.closed());
                        return match gone.into_connecting() {
                            Ok(session) => End::Gone(session),
                            Err(closed) => End::Closed(closed),
                        };
                    }
                },
                closed_or_done => {
                    let peer = session.peer();
                    let closing = session.close("that was all");
                    let why = peer.ended(); // it is over from here on, or was before
                    let undelivered = closing.await;
                    if let Some(why) = why {
                        page.end(&undelivered, &why);
                    }
                    return match closed_or_done {
                        Err(Ended::Closed(closed)) => End::Closed(closed),
                        _ => End::Left,
                    };
                }
            };
            page.resumed(session.epoch());
        }
    }

    fn start(&self) -> anyhow::Result<Runtime<Single>> {
        let executor = Arc::clone(&self.executor);
        let runtime = Runtime::<Single>::start_on(self.config.clone(), executor)?;
        let events = write_down(runtime.events(), Arc::clone(self.books.log()));
        self.executor.spawn(events).detach();
        Ok(runtime)
    }

    /// Connects, however long it takes, with a runtime of its own.
    async fn reach(&self) -> anyhow::Result<Session<Connecting>> {
        let mut runtime = self.start()?;
        loop {
            let error = match runtime.connect(&self.connect).await {
                Ok(session) => return Ok(session),
                Err(error) if error.retry() == Retry::Never => return Err(error.into()),
                Err(error) => error,
            };
            Timer::after(PAUSE).await;
            runtime = error.into_runtime();
        }
    }

    /// Logs in, however long it takes.
    async fn log_in(&self, mut session: Session<Connecting>) -> anyhow::Result<Session<LoggedIn>> {
        loop {
            let error = match session.login(&self.me).await {
                Ok(session) => return Ok(session),
                Err(error) => error,
            };
            if error.retry() == Retry::Never {
                return Err(error).context("the server does not let it in");
            }
            Timer::after(PAUSE).await;
            session = error.into_session();
        }
    }
}

async fn write_down(mut events: Events, log: Arc<Log>) {
    while let Some(notice) = events.next().await {
        match notice {
            Notice::Event(event) => log.event(&event),
            Notice::Lagged(missed) => log.line(format_args!("lagged {missed}")),
        }
    }
}
