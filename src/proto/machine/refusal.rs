use std::time::Duration;

use crate::{
    Closed, Reason, RejectCode, Rejection, Retry,
    error::FIRST_OF_REJECTIONS,
    wire::{self, Frame, RetryClass},
};

/// What REFUSED says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Refusal {
    pub(super) code: u16,
    pub(super) retry: RetryClass,
    pub(super) taken: u64,
    pub(super) attempt: u64,
    pub(super) redirect: String,
    pub(super) text: String,
}

impl Refusal {
    /// What the host said.
    pub(super) fn of(why: &Rejection) -> Self {
        let (code, retry) = (why.code().code(), why.retry());
        Self::saying(code, retry, why.redirect_to(), why.explanation())
    }

    /// A reason alone.
    pub(super) fn of_reason(reason: Reason) -> Self {
        Self::of_closed(&Closed::new(reason))
    }

    /// How a session ended, for the peer who proved that it was its own: in the host's words, where it did not let the peer back.
    pub(super) fn of_closed(closed: &Closed) -> Self {
        let (code, retry) = (closed.code(), closed.retry());
        Self::saying(code, retry, closed.redirect(), closed.text())
    }

    /// Of nothing that was taken or tried.
    fn saying(code: u16, retry: Retry, redirect: Option<&str>, text: Option<&str>) -> Self {
        Self {
            code,
            retry: retry_class(retry),
            taken: 0,
            attempt: 0,
            redirect: redirect.unwrap_or_default().to_owned(),
            text: text.unwrap_or_default().to_owned(),
        }
    }

    pub(super) fn encode(&self, out: &mut Vec<u8>) {
        let Self {
            code,
            retry,
            taken,
            attempt,
            redirect,
            text,
        } = self;
        Frame::Refused(wire::Refused {
            code: *code,
            retry: *retry,
            taken: *taken,
            attempt: *attempt,
            redirect,
            text,
        })
        .encode(out);
    }
}

/// A rejection as the peer put it.
pub(super) fn rejection(refused: &wire::Refused<'_>) -> Rejection {
    Rejection::from_peer(
        RejectCode::from_code(refused.code),
        retry_of(refused.retry),
        refused.redirect,
        refused.text,
    )
}

/// The end that CLOSE names.
pub(super) fn end_of(reason: Reason, close: &wire::Close<'_>) -> Closed {
    let retry = retry_of(close.retry);
    if close.code < FIRST_OF_REJECTIONS {
        return Closed::new(reason).with_text(close.text).with_retry(retry);
    }
    let code = RejectCode::from_code(close.code);
    Closed::new(reason).with_rejection(Rejection::from_peer(code, retry, "", close.text))
}

pub(super) fn retry_class(retry: Retry) -> RetryClass {
    match retry {
        Retry::Now => RetryClass::Now,
        Retry::After(after) => {
            RetryClass::After(u32::try_from(after.as_millis()).unwrap_or(u32::MAX))
        }
        Retry::Never => RetryClass::Never,
    }
}

pub(super) const fn retry_of(class: RetryClass) -> Retry {
    match class {
        RetryClass::Now => Retry::Now,
        RetryClass::After(millis) => Retry::After(Duration::from_millis(millis as u64)),
        RetryClass::Never => Retry::Never,
    }
}
