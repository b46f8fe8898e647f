use crate::{
    AsIdentity, Closed, Peer, Reason, Retry,
    driver::{OfferParts, Watcher},
};
use bytes::Bytes;
use futures::future::FusedFuture;
use pin_project::pin_project;
use std::{
    fmt,
    future::Future,
    net::SocketAddr,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
};

/// What a peer presented at login, before anybody judged it: what a server decides by.
///
/// Everything in it was chosen by a stranger. The login deadline goes on while it is judged.
///
/// ```
/// use sessile::{Offer, Rejection};
///
/// fn name_of(offer: &Offer) -> Result<&str, Rejection> {
///     match std::str::from_utf8(offer.credentials()) {
///         Ok("") | Err(_) => Err(Rejection::bad_credentials()),
///         Ok(name) => Ok(name),
///     }
/// }
/// ```
#[derive(Clone)]
pub struct Offer {
    credentials: Bytes,
    remote: Option<SocketAddr>,
    watcher: Watcher,
}

/// A question to a peer that wants to log in, on its way: becomes the answer.
///
/// It borrows nothing and keeps nothing alive.
///
/// # Panics
///
/// When polled after it completed.
#[pin_project]
#[must_use = "the answer comes by awaiting it"]
pub struct Challenge {
    watcher: Watcher,
    step: Step,
}

/// The question is asked when the future is made, so that two of them cannot overtake each other.
#[derive(Debug)]
enum Step {
    Asked,
    /// It could not be asked: the reason, until it was told.
    Refused(Closed),
    Done,
}

impl Offer {
    pub(crate) fn new(parts: OfferParts, watcher: Watcher) -> Self {
        Self {
            credentials: parts.credentials,
            remote: parts.remote,
            watcher,
        }
    }

    /// The bytes that the client presented (about 4,000 at most), as its `Credentials` were made.
    #[must_use]
    pub fn credentials(&self) -> &[u8] {
        &self.credentials
    }

    /// Where it dialed from, if the transport knows.
    #[must_use]
    pub const fn remote_addr(&self) -> Option<SocketAddr> {
        self.remote
    }

    /// The certificates (DER) that the client has proven to hold, its own first: where the transport is encrypted and asks for them,
    /// such as [`TlsServer::asking`](crate::transport::tls::TlsServer::asking), and the client has any. They were checked there: one
    /// of the roots that the server named has signed them.
    #[must_use]
    pub fn certificates(&self) -> Option<Arc<[Bytes]>> {
        self.watcher.certificates()
    }

    /// Who holds this identity now: the live session that an admission under it would end, or be refused for, as
    /// [`Config::takeover`](crate::Config::takeover) says. `None` where that would be nobody, because nobody holds it or because it may have
    /// [one more session](crate::Config::sessions_per_identity).
    ///
    /// A look and no promise: a moment later it may be gone, or somebody else. What a takeover does is decided once more when the peer
    /// is admitted. The holder may be this client's own ghost, whose link is lost and not missed yet: [`Peer::phase`] and
    /// [`Peer::snapshot`] say how it fares.
    ///
    /// ```
    /// use sessile::{Admission, Offer, Rejection};
    ///
    /// /// Whoever is in the middle of a game is not thrown out.
    /// fn play(offer: &Offer, account: u64) -> Result<Admission<()>, Rejection> {
    ///     match offer.holder(account) {
    ///         Some(holder) if holder.phase().is_up() => Err(Rejection::other(1_001).text("you play already")),
    ///         _ => Ok(Admission::from(account).replace()),
    ///     }
    /// }
    /// ```
    #[must_use]
    pub fn holder(&self, who: impl AsIdentity) -> Option<Peer> {
        let holder = self.watcher.holder(who.key().as_bytes());
        holder.map(Peer::new)
    }

    /// All sessions of this identity, the one that logged in last first: who else is there, whether or not anybody has to go. As
    /// [`holder`](Self::holder), a look and no promise.
    ///
    /// ```
    /// use sessile::{Admission, Offer};
    ///
    /// /// Whoever is there hears of a new device.
    /// fn welcome(offer: &Offer, account: u64) -> Admission<()> {
    ///     for other in offer.holders(account) {
    ///         other.try_send("another device logged in").ok();
    ///     }
    ///     Admission::from(account)
    /// }
    /// ```
    #[must_use]
    pub fn holders(&self, who: impl AsIdentity) -> Vec<Peer> {
        let holders = self.watcher.holders(who.key().as_bytes());
        holders.into_iter().map(Peer::new).collect()
    }

    /// Asks the client something that only its owner can answer (`Credentials::answer_with`), such as to sign a nonce, so
    /// that a secret need not cross the network. One question at a time; at most 4,000 bytes.
    ///
    /// The question goes out at once; the future is for the answer.
    ///
    /// # Errors
    ///
    /// [`Closed`] where the peer left, cannot answer, or the login deadline has passed; and at once, with the session as
    /// it was, where the question is empty, too long, or the second one at a time.
    ///
    /// # Cancel safety
    ///
    /// An answer that comes after the future was dropped is for nobody, and the next question can be asked.
    ///
    /// ```
    /// use sessile::{Offer, Rejection};
    ///
    /// async fn knows_key(offer: &Offer, key: &[u8; 32]) -> Result<(), Rejection> {
    ///     // take a cryptographic one
    ///     let nonce: [u8; 32] = std::array::from_fn(|_| fastrand::u8(..));
    ///     let answer = offer.challenge(&nonce).await.map_err(|_| Rejection::bad_credentials())?;
    ///     if blake3::keyed_hash(key, &nonce)
    ///         == *<&[u8; 32]>::try_from(&answer[..]).unwrap_or(&[0; 32])
    ///     {
    ///         Ok(())
    ///     } else {
    ///         Err(Rejection::bad_credentials())
    ///     }
    /// }
    /// ```
    pub fn challenge(&self, ask: &[u8]) -> Challenge {
        let watcher = self.watcher.clone();
        let step = if watcher.challenge(ask) {
            Step::Asked
        } else {
            Step::Refused(why_not(&watcher))
        };
        Challenge { watcher, step }
    }
}

/// Why a question could not be asked: the peer is gone, or it was no question.
fn why_not(watcher: &Watcher) -> Closed {
    let ended = watcher.snapshot().and_then(|snapshot| snapshot.ended);
    ended.unwrap_or_else(|| {
        Closed::new(Reason::ClosedHere)
            .with_text("a question is 1 to 4000 bytes, and one at a time")
            .with_retry(Retry::Never)
    })
}

impl Future for Challenge {
    type Output = Result<Bytes, Closed>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.project();
        let answer = match this.step {
            Step::Asked => ready!(this.watcher.poll_answer(cx)),
            Step::Refused(closed) => Err(closed.clone()),
            Step::Done => panic!("`Challenge` polled after completion"),
        };
        *this.step = Step::Done;
        Poll::Ready(answer)
    }
}

impl FusedFuture for Challenge {
    fn is_terminated(&self) -> bool {
        matches!(self.step, Step::Done)
    }
}

/// Shows no credentials.
impl fmt::Debug for Offer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Offer")
            .field(
                "credentials",
                &format_args!("{} bytes", self.credentials.len()),
            )
            .field("remote_addr", &self.remote)
            .finish_non_exhaustive()
    }
}

impl fmt::Debug for Challenge {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Challenge")
            .field("session", &self.watcher.id())
            .field("step", &self.step)
            .finish()
    }
}
