use super::{Machine, Time};

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
