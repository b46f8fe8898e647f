use super::{
    Blame, Reason, Rejection, Retry,
    text::{REDIRECT_MAX, TEXT_MAX, readable},
};
use std::{fmt, sync::Arc};

/// The end of a session: why, whose doing it was, and whether to try again.
///
/// One word, cheap to clone, the same value for everybody who observes the session. Text that the peer sent is
/// escaped and at most 128 bytes long, so it can be logged as it is.
///
/// ```
/// use sessile::{Closed, Retry};
/// use std::time::Duration;
///
/// fn wait_before_login(closed: &Closed) -> Option<Duration> {
///     eprintln!("{closed}");
///     match closed.retry() {
///         Retry::Now => Some(Duration::ZERO),
///         Retry::After(wait) => Some(wait),
///         Retry::Never => None,
///     }
/// }
/// ```
#[derive(Clone, PartialEq, Eq)]
pub struct Closed(Arc<Inner>);

#[derive(Clone, Debug, PartialEq, Eq)]
struct Inner {
    reason: Reason,
    /// What somebody asked for; the reason's own class otherwise.
    retry: Option<Retry>,
    text: Option<Box<str>>,
    redirect: Option<Box<str>>,
    rejection: Option<Rejection>,
}

impl Closed {
    pub(crate) fn new(reason: Reason) -> Self {
        Self(Arc::new(Inner {
            reason,
            retry: None,
            text: None,
            redirect: None,
            rejection: None,
        }))
    }

    /// With text from the peer or for it; empty text is none.
    pub(crate) fn with_text(mut self, text: &str) -> Self {
        Arc::make_mut(&mut self.0).text = (!text.is_empty()).then(|| readable(text, TEXT_MAX));
        self
    }

    /// With another retry class than the reason's own, bounded.
    pub(crate) fn with_retry(mut self, retry: Retry) -> Self {
        Arc::make_mut(&mut self.0).retry = Some(retry.bounded());
        self
    }

    /// With an address to go to instead, escaped and bounded; an empty one is none.
    pub(crate) fn with_redirect(mut self, to: &str) -> Self {
        Arc::make_mut(&mut self.0).redirect = (!to.is_empty()).then(|| readable(to, REDIRECT_MAX));
        self
    }

    /// With the refusal that ended it: its text, retry class, blame and redirect become this value's.
    pub(crate) fn with_rejection(mut self, rejection: Rejection) -> Self {
        Arc::make_mut(&mut self.0).rejection = Some(rejection);
        self
    }

    /// A host ends a session in words of its own. What it says of the peer itself keeps its code; of anything else the class and
    /// the text are told. Where to go instead is not: CLOSE has no place for it.
    pub(crate) fn kicked(why: &Rejection) -> Self {
        let closed = Self::new(Reason::Removed);
        if why.code().is_verdict() {
            return closed.with_rejection(why.clone().redirect(""));
        }
        closed
            .with_text(why.explanation().unwrap_or_default())
            .with_retry(why.retry())
    }

    /// The number by which the peer is told.
    pub(crate) fn code(&self) -> u16 {
        match self.rejection() {
            Some(why) if self.reason() == Reason::Removed => why.code().code(),
            _ => self.reason().code(),
        }
    }

    /// Why the session ended.
    #[must_use]
    pub fn reason(&self) -> Reason {
        self.0.reason
    }

    /// What the side that ended it said, escaped, at most 128 bytes.
    #[must_use]
    pub fn text(&self) -> Option<&str> {
        self.0
            .text
            .as_deref()
            .or_else(|| self.rejection()?.explanation())
    }

    /// The refusal, where a login or a resume was refused by the server's host or by its limits; and what the host said where it
    /// [kicked](crate::Peer::kick) the session with a code that speaks of the peer: bad credentials, banned, one of its own.
    #[must_use]
    pub fn rejection(&self) -> Option<&Rejection> {
        self.0.rejection.as_ref()
    }

    /// Who has to change something for this not to happen again.
    #[must_use]
    pub fn blame(&self) -> Blame {
        self.rejection().map_or_else(
            || self.0.reason.blame(),
            |rejection| rejection.code().blame(),
        )
    }

    /// Whether logging in again makes sense: what the peer asked for, or else what the reason implies.
    #[must_use]
    pub fn retry(&self) -> Retry {
        let asked = self
            .0
            .retry
            .or_else(|| self.rejection().map(Rejection::retry));
        asked.unwrap_or_else(|| self.0.reason.retry())
    }

    /// Where the peer said to go instead. Nothing follows it unless [`Reconnect::redirects`](crate::Reconnect::redirects) says
    /// so: whether to trust it is the caller's decision.
    #[must_use]
    pub fn redirect(&self) -> Option<&str> {
        self.0
            .redirect
            .as_deref()
            .or_else(|| self.rejection()?.redirect_to())
    }
}

impl Closed {
    /// Why, without saying of what it is the end.
    pub(crate) fn fmt_why(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kicked = self.reason() == Reason::Removed && self.retry() != Reason::Removed.retry();
        match self.rejection() {
            Some(why) if self.reason() == Reason::Removed => {
                write!(f, "removed by the server: {}", why.code())?;
            }
            Some(rejection) => return write!(f, "{rejection}"),
            // Its own sentence would say to stay away.
            None if kicked => f.write_str("removed by the server")?,
            None => write!(f, "{}", self.0.reason)?,
        }
        if let Some(text) = self.text() {
            write!(f, " (\"{text}\")")?;
        }
        if kicked || self.rejection().is_some() {
            write!(f, "; {}", self.retry())?;
        }
        Ok(())
    }
}

impl fmt::Display for Closed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the session ended: ")?;
        self.fmt_why(f)
    }
}

impl fmt::Debug for Closed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut debug = f.debug_struct("Closed");
        debug
            .field("reason", &self.reason())
            .field("retry", &self.retry());
        if let Some(text) = &self.0.text {
            debug.field("text", text);
        }
        if let Some(redirect) = &self.0.redirect {
            debug.field("redirect", redirect);
        }
        if let Some(rejection) = self.rejection() {
            debug.field("rejection", rejection);
        }
        debug.finish()
    }
}

impl std::error::Error for Closed {}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::RejectCode;
    use std::time::Duration;

    #[test]
    fn the_reason_decides_until_somebody_asks_for_something_else() {
        let closed = Closed::new(Reason::TakenOver);
        assert_eq!(
            (closed.retry(), closed.blame()),
            (Retry::Never, Blame::Environment)
        );
        assert_eq!((closed.text(), closed.redirect()), (None, None));
        let asked = closed
            .clone()
            .with_retry(Retry::After(Duration::from_secs(9_999)));
        assert_eq!(asked.retry(), Retry::After(Duration::from_secs(300)));
        assert_eq!(closed.retry(), Retry::Never, "a clone is not changed");
        assert_ne!(closed, asked);
    }

    #[test]
    fn text_is_safe_to_log() {
        let closed =
            Closed::new(Reason::Removed).with_text(&format!("cheater\n{}", "x".repeat(200)));
        assert_eq!(closed.text().map(str::len), Some(128));
        assert!(!closed.to_string().contains('\n'), "{closed}");
        assert_eq!(Closed::new(Reason::Removed).with_text("").text(), None);
    }

    #[test]
    fn a_host_ends_a_session_in_its_own_words() {
        let later = Closed::kicked(&Rejection::busy(Duration::from_secs(30)).text("rebalancing"));
        assert_eq!(
            (later.reason(), later.rejection(), later.code()),
            (Reason::Removed, None, 6)
        );
        assert_eq!(
            later.to_string(),
            "the session ended: removed by the server (\"rebalancing\"); retry after 30s"
        );
        let own = Rejection::other(1_007).redirect("b:7000").text("afk");
        let own = Closed::kicked(&own);
        assert_eq!(
            (own.reason(), own.code(), own.redirect()),
            (Reason::Removed, 1_007, None)
        );
        assert_eq!(
            own.to_string(),
            "the session ended: removed by the server: code 1007 (\"afk\"); do not retry"
        );
        let plain = Closed::new(Reason::Removed).with_text("out");
        assert_eq!(
            plain.to_string(),
            "the session ended: removed by the server; ask its operator before connecting again (\"out\")"
        );
    }

    #[test]
    fn only_what_is_said_of_the_peer_crosses_as_a_code() {
        for number in 0..=u16::MAX {
            let code = RejectCode::from_code(number);
            let told = Closed::kicked(&Rejection::new(code)).code();
            // 101, 102, 104 to 107 say something of the server; below 100 are reasons.
            let of_the_server = number < 100 || matches!(number, 101 | 102 | 104..=107);
            assert_eq!(told, if of_the_server { 6 } else { number });
        }
    }

    #[test]
    fn a_rejection_speaks_for_the_end_it_caused() {
        let why = Rejection::busy(Duration::from_secs(3))
            .redirect("b.example:7000")
            .text("later");
        let closed = Closed::new(Reason::Refused).with_rejection(why.clone());
        assert_eq!(closed.retry(), Retry::After(Duration::from_secs(3)));
        assert_eq!(closed.blame(), Blame::Environment);
        assert_eq!(
            (closed.text(), closed.redirect()),
            (Some("later"), Some("b.example:7000"))
        );
        assert_eq!(closed.rejection(), Some(&why));
        assert_eq!(
            closed.to_string(),
            "the session ended: refused: the server is too busy now (\"later\"); retry after 3s"
        );
    }
}
