use super::Runtime;
use crate::{
    Multi,
    driver::{Owner, Sleep},
    error::RETRY_AFTER_MAX,
};
use futures::future::FusedFuture;
use pin_project::pin_project;
use std::{
    fmt,
    future::Future,
    pin::Pin,
    task::{Context, Poll, ready},
    time::Duration,
};

/// A server that goes down in order: [`Runtime::drain`].
///
/// It begins when it is polled first, and goes on when this is dropped: what peers were told cannot be taken back. Another
/// one of the same runtime changes nothing, and ends with the first.
///
/// # Panics
///
/// When polled after it completed.
///
/// ```
/// use sessile::{Draining, Multi, Runtime};
/// use std::time::Duration;
///
/// fn move_to(server: &Runtime<Multi>, elsewhere: &str) -> Draining {
///     let deadline = Duration::from_secs(30);
///     server.drain(deadline).redirect(elsewhere).text("this machine is going down")
/// }
/// ```
#[pin_project]
#[must_use = "nothing is drained before it is awaited"]
pub struct Draining {
    owner: Owner,
    deadline: Duration,
    spread: Option<Duration>,
    redirect: Box<str>,
    text: Box<str>,
    /// Until when it lasts at most, once it has begun.
    #[pin]
    latest: Option<Sleep>,
    late: bool,
    completed: bool,
}

/// What became of the sessions that were there when a [drain](Runtime::drain) began.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct Drained {
    /// Ended by themselves before the deadline: their clients moved, or closed, or never came back.
    pub left: usize,
    /// Closed at the deadline: the client knows, and both sides agree about what was taken.
    pub closed: usize,
    /// Ended at the deadline without an answer: they had no link, or did not answer in time.
    pub cut: usize,
}

/// Going down.
impl Runtime<Multi> {
    /// Goes down in order: nobody is let in any more, every client is told to go and when, and whoever has not left when the
    /// deadline has passed is closed. Then the runtime stops.
    ///
    /// * New logins are refused with [`RejectCode::Draining`](crate::RejectCode::Draining), a time to come back and the
    ///   redirect, before any host hears of them. Who comes *back* to a session is let in: it has messages to flush.
    /// * Every session hears [`EventKind::Draining`](crate::EventKind::Draining), on both sides, and goes on as before.
    ///   Each client has a slot of its own to log in anew, spread evenly: [`spread`](Draining::spread).
    /// * At the deadline sessions end with [`Reason::Draining`](crate::Reason::Draining). What was sent before goes out first,
    ///   and is taken or comes back on either side, as at every end. A client without a link learns of it if it is back in time.
    /// * It is over when nobody is left: at the latest one second after the deadline.
    ///
    /// A deadline is at most an hour.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future before it was polled drains nothing. Later it goes on: only the counts are lost.
    ///
    /// ```
    /// # smol::block_on(async {
    /// use sessile::{Config, Multi, Runtime, transport::memory::Network};
    /// use std::time::Duration;
    ///
    /// let server = Runtime::<Multi>::start(Config::new())?;
    /// let mut door = server.listen_over(Network::new().listener());
    ///
    /// let drained = server.drain(Duration::from_secs(30)).redirect("b.example:7000").await;
    /// assert_eq!(drained.closed, 0); // nobody was there, so it was over at once
    /// assert!(door.next().await.is_none());
    /// # Ok::<(), sessile::Error>(())
    /// # }).unwrap();
    /// ```
    pub fn drain(&self, deadline: Duration) -> Draining {
        Draining {
            owner: self.owner.clone(),
            deadline: deadline.min(DEADLINE_MAX),
            spread: None,
            redirect: "".into(),
            text: "".into(),
            latest: None,
            late: false,
            completed: false,
        }
    }
}

impl Draining {
    /// Where clients are to go instead, at most 255 bytes. Each decides whether it follows:
    /// [`Reconnect::redirects`](crate::Reconnect::redirects). Default: nowhere, they come back here.
    pub fn redirect(mut self, to: &str) -> Self {
        self.redirect = to.into();
        self
    }

    /// What people are told, at most 128 bytes. Default: nothing.
    pub fn text(mut self, text: &str) -> Self {
        self.text = text.into();
        self
    }

    /// Over how long clients come back, each at a slot of its own. Those with a redirect count it from being told, the others
    /// from the end of their session. Default: the deadline; at most five minutes, for a client waits no longer than that.
    pub fn spread(mut self, spread: Duration) -> Self {
        self.spread = Some(spread);
        self
    }
}

impl Future for Draining {
    type Output = Drained;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let mut this = self.project();
        assert!(!*this.completed, "`Draining` polled after completion");
        if this.latest.is_none() {
            let spread = this.spread.unwrap_or(*this.deadline).min(RETRY_AFTER_MAX);
            let latest = this
                .owner
                .drain(*this.deadline, spread, this.redirect, this.text);
            this.latest.set(Some(latest));
        }
        if !*this.late
            && let Some(latest) = this.latest.as_mut().as_pin_mut()
        {
            *this.late = latest.poll(cx).is_ready();
        }
        let drained = ready!(this.owner.poll_drained(*this.late, cx));
        *this.completed = true;
        Poll::Ready(drained)
    }
}

impl FusedFuture for Draining {
    fn is_terminated(&self) -> bool {
        self.completed
    }
}

impl fmt::Debug for Draining {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Draining")
            .field("deadline", &self.deadline)
            .field("begun", &self.latest.is_some())
            .field("completed", &self.completed)
            .finish_non_exhaustive()
    }
}

/// As long as the protocol can say.
const DEADLINE_MAX: Duration = Duration::from_millis(crate::wire::AWAY_WITHIN_MS as u64);
