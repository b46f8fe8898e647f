//! Where a client dials: its own address, or where its servers sent it.

use std::sync::Arc;

use crate::{Closed, Reconnect, transport::DynDial};

/// The address of a client, and how far it was led away from it.
pub(super) struct Route {
    home: Arc<dyn DynDial>,
    /// Where it was sent, if it was.
    away: Option<Arc<dyn DynDial>>,
    /// Redirects that were followed since a link was stable.
    hops: u32,
}

/// Redirects that a client follows one after the other. A server that moved needs one, a balancer before it two; more is a
/// circle, or somebody's game.
const HOPS: u32 = 4;

impl Route {
    pub(super) fn new(home: Arc<dyn DynDial>) -> Self {
        Self {
            home,
            away: None,
            hops: 0,
        }
    }

    /// Whether a redirect would be followed now.
    pub(super) const fn may_follow(&self, policy: &Reconnect) -> bool {
        policy.redirects && self.hops < HOPS
    }

    /// Where the end of a session or of a login sends the client, where it may go there.
    pub(super) fn follow(&mut self, policy: &Reconnect, why: &Closed) -> Option<Arc<dyn DynDial>> {
        let to = why.redirect().filter(|_| self.may_follow(policy))?;
        let here = self.away.as_ref().unwrap_or(&self.home);
        let there: Arc<dyn DynDial> = here.redirected(to)?.into();
        self.hops += 1;
        self.away = Some(Arc::clone(&there));
        Some(there)
    }

    /// Whether it was sent somewhere.
    pub(super) const fn is_away(&self) -> bool {
        self.away.is_some()
    }

    /// Home, where it was not there: nobody lets it in where it was sent.
    pub(super) fn go_home(&mut self) -> Option<Arc<dyn DynDial>> {
        self.away.take().map(|_| Arc::clone(&self.home))
    }

    /// A link was up for long enough: wherever that is, it was no circle.
    pub(super) const fn arrive(&mut self) {
        self.hops = 0;
    }
}
