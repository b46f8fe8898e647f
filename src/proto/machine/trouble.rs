use super::{Machine, Phase, Side, Time};

/// What only a session has that something happened to: it lost a link, its transport was full, it dropped a volatile message. Most
/// have none of it, and one word for it.
#[derive(Clone, Debug)]
pub(super) struct Trouble {
    /// When an acceptor's session lost its link, while it has none.
    pub(super) lost_at: Time,
    /// Since when the transport takes nothing.
    pub(super) blocked_since: Option<Time>,
    /// `received` when the current link began: up to here a handle of the older link may read.
    pub(super) link_base: u64,
    pub(super) resumed: u64,
    /// How much more than one the epoch rose at resumes, to be above those of other sessions of the same identity.
    pub(super) skipped: u64,
    pub(super) replayed: u64,
    pub(super) volatile_dropped: u64,
}

const NONE: &Trouble = &Trouble::none();

impl Trouble {
    const fn none() -> Self {
        Self {
            lost_at: Time::START,
            blocked_since: None,
            link_base: 0,
            resumed: 0,
            skipped: 0,
            replayed: 0,
            volatile_dropped: 0,
        }
    }
}

impl Machine {
    pub(super) fn trouble(&self) -> &Trouble {
        self.trouble.as_deref().unwrap_or(NONE)
    }

    pub(super) fn trouble_mut(&mut self) -> &mut Trouble {
        self.trouble
            .get_or_insert_with(|| Box::new(Trouble::none()))
    }

    /// The number of its first link; 0 before login. Sessions of one identity logged in in the order of these.
    #[must_use]
    pub fn first_epoch(&self) -> u64 {
        let trouble = self.trouble();
        let risen = trouble.resumed.saturating_add(trouble.skipped);
        self.epoch.saturating_sub(risen)
    }

    /// The next link has this number.
    pub(super) fn rise_to(&mut self, epoch: u64) {
        let skipped = epoch.saturating_sub(self.epoch).saturating_sub(1);
        if skipped > 0 {
            let trouble = self.trouble_mut();
            trouble.skipped = trouble.skipped.saturating_add(skipped);
        }
        self.epoch = epoch;
    }

    /// Since when an acceptor's session waits for its peer, where it has no link.
    #[must_use]
    pub fn lost_since(&self) -> Option<Time> {
        let is_lost = self.phase == Phase::Reconnecting && self.side() == Side::Acceptor;
        is_lost.then(|| self.trouble().lost_at)
    }

    /// The transport takes what is written, or there is none.
    pub(super) fn unblock(&mut self) {
        if let Some(trouble) = &mut self.trouble {
            trouble.blocked_since = None;
        }
    }

    pub(super) fn drop_volatile(&mut self, messages: u64) {
        if messages > 0 {
            self.trouble_mut().volatile_dropped += messages;
        }
    }
}
