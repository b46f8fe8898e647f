//! What happens, in words: one line each, in columns (when, who, what).

use std::{
    collections::HashMap,
    fmt::Display,
    sync::LazyLock,
    time::{Duration, Instant},
};

use sessile::{Closed, Event, EventKind, Events, Notice};

use crate::start::print;

#[expect(
    clippy::disallowed_methods,
    reason = "the library's clock is its own; this is the reader's"
)]
static BEGIN: LazyLock<Instant> = LazyLock::new(Instant::now);

/// One line about what happened.
pub(crate) fn tell(who: impl Display, what: impl Display) {
    let when = BEGIN.elapsed().as_secs_f64();
    print(format_args!("{when:9.3}s  {:<24}{what}", who.to_string()));
}

/// Tells every event, until the last one. Where `who` has a `{}`, that becomes the name of whom it is about.
pub(crate) async fn tell_all(mut events: Events, who: &str) {
    let mut away = HashMap::new();
    while let Some(notice) = events.next().await {
        match notice {
            Notice::Event(event) => {
                tell(who.replace("{}", &name(&event)), words(&event, &mut away));
            }
            Notice::Lagged(missed) => tell("", format_args!("{missed} events missed")),
        }
    }
}

/// The name, once it is known; the address before.
fn name(event: &Event) -> String {
    let joins = matches!(event.kind(), EventKind::LoggedIn);
    let name = event.identity().filter(|_| !joins);
    match (name, event.remote_addr()) {
        (Some(name), _) => name.to_string(),
        (None, Some(addr)) => addr.to_string(),
        (None, None) => format!("session {}", event.session()),
    }
}

/// An event in words. `away` is since when each session has been without a link.
fn words(event: &Event, away: &mut HashMap<u64, Duration>) -> String {
    match event.kind() {
        EventKind::LinkUp => "connected".into(),
        EventKind::LoginStarted => "wants to log in".into(),
        EventKind::LoggedIn => match event.identity() {
            Some(name) => format!("joined as {name}"),
            None => "joined".into(),
        },
        EventKind::LoginFailed(closed) => format!("not let in: {}", why(closed)),
        EventKind::Suspect => "suspect: nothing heard for half a lease".into(),
        EventKind::Recovered => "heard again".into(),
        EventKind::TimedOut => {
            away.insert(event.session(), event.at());
            "lost: nothing heard for a whole lease".into()
        }
        EventKind::LinkLost(cause) => {
            away.insert(event.session(), event.at());
            format!("lost: {cause}")
        }
        EventKind::ReconnectScheduled { attempt, after } => {
            format!("dials again in {after:.1?} (attempt {attempt})")
        }
        EventKind::ReconnectStarted { attempt } => format!("dials (attempt {attempt})"),
        EventKind::Resumed { replayed } => {
            let s = if *replayed == 1 { "" } else { "s" };
            match away.remove(&event.session()) {
                Some(since) => {
                    let after = event.at().saturating_sub(since);
                    format!("came back after {after:.1?}, {replayed} message{s} replayed")
                }
                None => format!("came back, {replayed} message{s} replayed"),
            }
        }
        EventKind::TakenOver => "taken over: the same name logged in elsewhere".into(),
        EventKind::Ended(closed) => {
            away.remove(&event.session());
            format!("left: {}", why(closed))
        }
        other => other.to_string(), // `Draining`, and what later versions add
    }
}

/// The reason of an end, and what the side that ended it said.
pub(crate) fn why(closed: &Closed) -> String {
    match (closed.rejection(), closed.text()) {
        (Some(rejection), _) => rejection.to_string(),
        (None, Some(text)) => format!("{} (\"{text}\")", closed.reason()),
        (None, None) => closed.reason().to_string(),
    }
}
