//! What may happen, and how often: a configuration of the search.

use std::time::Duration;

use sessile::{Config, Reconnect, Settings};

/// How often each thing may happen from the beginning to the end. Links break whenever they like, on either end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Bounds {
    /// For people.
    pub(crate) name: &'static str,
    /// Messages from each session's client, and to it.
    pub(crate) up: u8,
    pub(crate) down: u8,
    /// Links that are ever dialed, by whomever.
    pub(crate) links: u8,
    /// Clients with the same identity: one, or a second one that takes over.
    pub(crate) clients: u8,
    /// What takes part beside messages and breaks.
    pub(crate) often: Often,
    /// A client that crashed comes back as the same instance.
    pub(crate) stable_instance: bool,
    /// Messages in flight, at most.
    pub(crate) window: u8,
    /// Frames are also torn: half of one arrives, then the link breaks.
    pub(crate) torn: bool,
}

/// What is counted down while it happens.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub(crate) struct Often {
    pub(crate) crashes: u8,
    pub(crate) server_crashes: u8,
    /// Closed by a client, or by the server.
    pub(crate) closes: u8,
    /// Removed by the server's host.
    pub(crate) removals: u8,
    /// The server asks whether its peer is there: PING and PONG.
    pub(crate) probes: u8,
    /// So much time passes while no byte moves: a beat's interval, a lease, a resume window.
    pub(crate) beats: u8,
    pub(crate) leases: u8,
    pub(crate) windows: u8,
}

impl Often {
    /// Whether time can still pass: if not, no time of the future matters any more.
    pub(crate) const fn time_can_pass(&self) -> bool {
        self.beats > 0 || self.leases > 0 || self.windows > 0
    }
}

impl Bounds {
    /// Messages and breaks alone, and nothing of it: the rest is said by who asks for more.
    pub(crate) const fn new(name: &'static str) -> Self {
        Self {
            name,
            up: 0,
            down: 0,
            links: 2,
            clients: 1,
            often: Often {
                crashes: 0,
                server_crashes: 0,
                closes: 0,
                removals: 0,
                probes: 0,
                beats: 0,
                leases: 0,
                windows: 0,
            },
            stable_instance: false,
            window: 4,
            torn: false,
        }
    }

    /// The limits that both ends live by. Acknowledgements and dials do not wait: what waits is the network, which the
    /// search holds up itself.
    pub(crate) fn settings(&self) -> Settings {
        let reconnect = Reconnect::new().base(MS).cap(MS);
        Config::new()
            .ack_delay(Duration::ZERO)
            .unacked_messages(usize::from(self.window))
            .reconnect(reconnect)
            .recently_ended(0)
            // Time hardly passes here, and how often somebody comes is what the search is about.
            .comings_a_minute(65_536)
            .takeover_pause(Duration::ZERO)
            .validate()
            .expect("valid limits")
    }
}

const MS: Duration = Duration::from_millis(1);
