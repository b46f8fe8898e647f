//! An echo that is written down: which messages the application took, which it answered, and how each session ended.

use std::str;

use sessile::{
    Admission, Admit, Closed, Event, Host, Identity, Message, Offer, Rejection, Turn, Undelivered,
};

use crate::log::{Log, name};

/// Knows its peers by what they present as credentials. A second login of the same takes the first one's place.
pub(crate) struct Recorded(Log);

/// What is kept for a peer.
pub(crate) struct Visitor {
    who: Identity,
    /// Its session's number, once it said something.
    session: Option<u64>,
}

impl Recorded {
    pub(crate) const fn new(log: Log) -> Self {
        Self(log)
    }
}

impl Admit for Recorded {
    type Peer = Visitor;

    async fn admit(&self, offer: &Offer) -> Result<Admission<Visitor>, Rejection> {
        let who = str::from_utf8(offer.credentials()).map(Identity::new);
        let Ok(Ok(who)) = who else {
            return Err(Rejection::bad_credentials());
        };
        let session = None;
        Ok(Admission::new(who.clone(), Visitor { who, session }))
    }
}

impl Host for Recorded {
    /// With one thread, nothing that says "taken" is written to the link before these lines are to the log: it is this
    /// thread that writes links, and it is here.
    fn on_message(&self, turn: &mut Turn<'_, Visitor>, message: Message<'_>) {
        let peer = turn.peer();
        let (session, epoch) = (peer.id(), peer.epoch());
        let Visitor {
            who,
            session: known,
        } = turn.state();
        if known.replace(session).is_none() {
            self.0.line(format_args!("login {session} {epoch} {who}"));
        }
        let name = name(&message);
        self.0.line(format_args!("taken {session} {epoch} {name}"));
        match turn.send(&message) {
            Ok(()) => self
                .0
                .line(format_args!("answered {session} {epoch} {name}")),
            Err(why) => self
                .0
                .line(format_args!("unanswered {session} {name} {why}")),
        }
    }

    fn on_event(&self, event: &Event) {
        self.0.event(event);
    }

    fn on_end(&self, peer: Visitor, why: Closed, undelivered: Vec<Undelivered>) {
        if let Some(session) = peer.session {
            self.0.undelivered(session, &undelivered);
            self.0.ended(session, &why);
        }
    }
}
