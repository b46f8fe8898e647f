//! A conversation: numbered messages out, numbered messages in; and the book of what was said and what was heard.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use anyhow::Result;
use futures::future::try_join;
use sessile::{Error, LoggedIn, Message, Mode, Session};

use crate::story;

/// How many messages each side says to the other.
const MESSAGES: u32 = 500;

/// Makes a message about a hundred bytes long.
const PADDING: usize = 80;

/// One side of a conversation, client or server: it is the same code for both.
pub(crate) struct Talk {
    speaker: String,
    said: u32,
    heard: u32,
    book: Book,
}

impl Talk {
    pub(crate) fn new(speaker: &str, book: &Book) -> Self {
        Self {
            speaker: speaker.into(),
            said: 0,
            heard: 0,
            book: book.clone(),
        }
    }

    /// Says and hears what is left to say and hear. Where the link breaks it fails, and is called again afterwards.
    pub(crate) async fn go_on<M: Mode>(
        &mut self,
        session: &mut Session<LoggedIn, M>,
    ) -> Result<(), Error> {
        let Self {
            speaker,
            said,
            heard,
            book,
        } = self;
        let (mut sender, mut receiver) = session.split();
        let say = async {
            while *said < MESSAGES {
                let message = format!("{speaker} {said} {:.>PADDING$}", "");
                sender.send(&message).await?; // cancelled here, it was not sent
                book.accepted(speaker, *said);
                *said += 1;
            }
            Ok(())
        };
        let hear = async {
            while *heard < MESSAGES {
                book.heard(&receiver.recv().await?);
                *heard += 1;
            }
            Ok::<_, Error>(())
        };
        try_join(say, hear).await.map(|((), ())| ())
    }

    /// One more message than was agreed on: it counts.
    pub(crate) fn hear(&self, message: &Message<'_>) {
        self.book.heard(message);
    }
}

/// What senders were told was accepted, and what receivers saw: by speaker.
#[derive(Clone, Default)]
pub(crate) struct Book(Arc<Mutex<BTreeMap<String, Page>>>);

#[derive(Default)]
struct Page {
    accepted: BTreeSet<u32>,
    heard: Vec<u32>,
}

/// The sums of a book.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Sums {
    pub(crate) accepted: usize,
    pub(crate) heard: usize,
    /// Accepted and never heard.
    pub(crate) lost: usize,
    /// Heard again.
    pub(crate) duplicated: usize,
    /// Heard after one that was said later.
    pub(crate) reordered: usize,
    /// Heard and never accepted, or nothing that anybody here says.
    pub(crate) invented: usize,
}

impl Book {
    fn accepted(&self, speaker: &str, number: u32) {
        let mut pages = self.pages();
        pages
            .entry(speaker.into())
            .or_default()
            .accepted
            .insert(number);
    }

    /// Believes nothing but the message: it says who said it.
    fn heard(&self, message: &[u8]) {
        let text = String::from_utf8_lossy(message);
        let mut words = text.split(' ');
        let speaker = words.next().unwrap_or_default();
        let number = words.next().and_then(|number| number.parse().ok());
        let mut pages = self.pages();
        let page = pages.entry(speaker.into()).or_default();
        page.heard.push(number.unwrap_or(u32::MAX));
    }

    /// Until everything that was accepted was heard.
    pub(crate) async fn settled(&self) -> Result<()> {
        story::until("everything that was sent", || self.sums().lost == 0).await
    }

    pub(crate) fn sums(&self) -> Sums {
        let mut sums = Sums::default();
        for Page { accepted, heard } in self.pages().values() {
            let distinct: BTreeSet<u32> = heard.iter().copied().collect();
            sums.accepted += accepted.len();
            sums.heard += heard.len();
            sums.lost += accepted.difference(&distinct).count();
            sums.duplicated += heard.len() - distinct.len();
            sums.reordered += heard.windows(2).filter(|pair| pair[0] > pair[1]).count();
            sums.invented += distinct.difference(accepted).count();
        }
        sums
    }

    fn pages(&self) -> MutexGuard<'_, BTreeMap<String, Page>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
