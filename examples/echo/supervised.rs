//! A client's life once more, by a [`Client`] that does by itself what `visits.rs` writes down: it is only listened to here.

use std::{pin::pin, time::Duration};

use anyhow::{Context, bail};
use futures::{FutureExt, StreamExt, select};
use sessile::{Client, Closed, Event, EventKind, Update};
use smol::Timer;

use crate::{
    books::{Books, Page},
    input::Input,
};

pub(crate) struct Supervised<'a> {
    books: &'a mut Books,
    client: Client,
    /// Of the session that there is, or of the last one until its end was written down.
    page: Option<Page>,
    /// It ended. The list of what was not delivered may follow.
    ended: Option<Closed>,
}

impl<'a> Supervised<'a> {
    pub(crate) const fn new(books: &'a mut Books, client: Client) -> Self {
        Self {
            books,
            client,
            page: None,
            ended: None,
        }
    }

    /// Until the input has ended and every answer is there.
    pub(crate) async fn visit(mut self, every: Duration, input: &Input) -> anyhow::Result<()> {
        let mut beat = StreamExt::fuse(Timer::interval(every));
        let (mut left, mut leaving) = (pin!(input.ended().fuse()), false);
        while !(leaving && self.open_page().is_some_and(|page| page.is_answered())) {
            select! {
                update = self.client.next() => self.take(update.context("no more updates")?)?,
                _ = beat.next() => if !leaving { self.say() },
                () = left => leaving = true,
            }
        }
        let peer = self.client.peer();
        let closing = self.client.close("that was all");
        let why = peer.ended().context("it is over from here on")?;
        let undelivered = closing.await;
        let page = self.page.context("it was open a moment ago")?;
        page.end(&undelivered, &why);
        Ok(())
    }

    fn take(&mut self, update: Update) -> anyhow::Result<()> {
        match update {
            Update::Message(message) => {
                let page = self.page.as_mut().context("a message of no session")?;
                page.heard(&message, &self.client.peer());
            }
            Update::Event(event) => self.take_event(&event)?,
            Update::Undelivered(messages) => {
                let why = self.ended.take().context("a list before the end")?;
                let page = self.page.take().context("a list of no session")?;
                page.end(&messages, &why);
            }
            Update::Lagged(missed) => bail!("{missed} events were missed"),
            Update::Ended(why) => bail!(why),
        }
        Ok(())
    }

    fn take_event(&mut self, event: &Event) -> anyhow::Result<()> {
        // A list would have come before this. There is none where all was delivered.
        if let Some(why) = self.ended.take() {
            let page = self.page.take().context("the end of no session")?;
            page.end(&[], &why);
        }
        match event.kind() {
            EventKind::LoggedIn => {
                let who = event.identity().context("logged in, as somebody")?;
                self.page = Some(self.books.open(who, event.epoch()));
            }
            EventKind::Resumed { .. } => {
                let page = self.page.as_ref().context("no session came back")?;
                page.resumed(event.epoch());
            }
            EventKind::Ended(why) if self.page.is_some() => self.ended = Some(why.clone()),
            _ => {}
        }
        Ok(())
    }

    fn say(&mut self) {
        if self.ended.is_none()
            && let Some(page) = &mut self.page
        {
            page.say_by(&mut self.client);
        }
    }

    fn open_page(&self) -> Option<&Page> {
        self.page.as_ref().filter(|_| self.ended.is_none())
    }
}
