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

    /// The refusal, where a login or a resume was refused by the server's host or by its limits.
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
        match self.rejection() {
            Some(rejection) => write!(f, "{rejection}")?,
            None => write!(f, "{}", self.0.reason)?,
        }
        match &self.0.text {
            Some(text) => write!(f, " (\"{text}\")"),
            None => Ok(()),
        }
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
