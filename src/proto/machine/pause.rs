//! Between two logins of a client. How long that is, is its holder's decision; here is what others see and say of it.

use std::time::Duration;

use super::{Cx, Machine, Phase, Wake};
use crate::EventKind;

impl Machine {
    /// The next login has a time: observers hear of it.
    pub fn announce_login(&mut self, cx: &mut Cx<'_>, attempt: u32, after: Duration) {
        if self.phase == Phase::Dialing {
            self.emit(cx, EventKind::ReconnectScheduled { attempt, after });
        }
    }

    /// The next login is made elsewhere, where the last server said, or at the client's own address again: observers hear of it.
    pub fn announce_redirect(&mut self, cx: &mut Cx<'_>, to: Option<&str>) {
        if self.phase == Phase::Dialing {
            let to = to.map(Into::into);
            self.emit(cx, EventKind::Redirected { to });
        }
    }

    /// Whether somebody said that the network is back since the last login; once.
    pub fn take_nudge(&mut self) -> bool {
        self.dialer_mut()
            .is_some_and(|dialer| std::mem::take(&mut dialer.nudged))
    }

    pub(super) fn nudge(&mut self) {
        if let Some(dialer) = self.dialer_mut() {
            dialer.nudged = true;
            self.wake(Wake::STATE);
        }
    }
}
