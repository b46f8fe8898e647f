//! Which faults, in which order, at whom: decided by a seed. Only the plan is; what a kill meets depends on the machine.

use std::{fmt, ops::Range, time::Duration};

use fastrand::Rng;

use super::proxy::{Air, Blow, Way};

/// How many clients a world has.
pub(crate) const CLIENTS: usize = 3;

/// What happens in one round, once everybody has heard so many answers.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Round {
    pub(crate) traffic: u64,
    pub(crate) fault: Fault,
}

#[derive(Clone, Copy, Debug)]
pub(crate) enum Fault {
    /// SIGKILL, and another one after a while. Where the network is clogged before, here and below, much is on its way.
    KillServer {
        clogged: bool,
        down: Duration,
    },
    /// SIGKILL, and after a while another one with the same name, which takes the session over.
    KillClient {
        client: usize,
        clogged: bool,
        away: Duration,
    },
    /// SIGKILL, and nobody comes until the server has given the session up.
    LoseClient {
        client: usize,
        clogged: bool,
    },
    /// SIGSTOP, for so long.
    StopServer {
        time: Duration,
    },
    StopClient {
        client: usize,
        time: Duration,
    },
    /// The network between one client and the server, for so long.
    Air {
        client: usize,
        ways: &'static [Way],
        air: Air,
        time: Duration,
    },
    /// One client's links are struck, and it is refused for so long.
    Blow {
        client: usize,
        blow: Blow,
        refused: Duration,
    },
}

/// Faults of one kind, as they are counted together.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Kind {
    KillServer,
    KillClient,
    LoseClient,
    StopServer,
    StopClient,
    HoleBoth,
    HoleUp,
    HoleDown,
    Clog,
    Slow,
    Reset,
    HalfClose,
    Cut,
    Close,
}

impl Kind {
    pub(crate) const ALL: [Self; 14] = [
        Self::KillServer,
        Self::KillClient,
        Self::LoseClient,
        Self::StopServer,
        Self::StopClient,
        Self::HoleBoth,
        Self::HoleUp,
        Self::HoleDown,
        Self::Clog,
        Self::Slow,
        Self::Reset,
        Self::HalfClose,
        Self::Cut,
        Self::Close,
    ];

    pub(crate) const fn is_kill(self) -> bool {
        matches!(self, Self::KillServer | Self::KillClient | Self::LoseClient)
    }

    /// Whether one side hears nothing, and has only its clock to tell it so.
    pub(crate) const fn is_silence(self) -> bool {
        matches!(
            self,
            Self::StopServer | Self::StopClient | Self::HoleBoth | Self::HoleUp | Self::HoleDown
        )
    }
}

/// One of each kind, in some order.
pub(crate) fn each_once(rng: &mut Rng, lease: Duration) -> Vec<Round> {
    let mut kinds = Kind::ALL;
    rng.shuffle(&mut kinds);
    kinds.map(|kind| round(rng, kind, lease)).into()
}

/// Half of the kills are the server's, half a client's; and for each of them one of the other faults, in any order.
pub(crate) fn kills(rng: &mut Rng, kills: usize, lease: Duration) -> Vec<Round> {
    let mut rounds = Vec::new();
    for number in 0..kills {
        let kind = match number % 10 {
            0 | 2 | 4 | 6 | 8 => Kind::KillServer,
            9 => Kind::LoseClient,
            _ => Kind::KillClient,
        };
        rounds.push(round(rng, kind, lease));
        let others = Kind::ALL.into_iter().filter(|kind| !kind.is_kill());
        let other = rng.choice(others.collect::<Vec<_>>());
        rounds.extend(other.map(|kind| round(rng, kind, lease)));
    }
    rng.shuffle(&mut rounds);
    rounds
}

fn round(rng: &mut Rng, kind: Kind, lease: Duration) -> Round {
    let client = rng.usize(..CLIENTS);
    let mut ms = |range: Range<u64>| Duration::from_millis(rng.u64(range));
    let (soon, long) = (ms(0..200), lease * 3);
    let hole = lease * 3 / 2 + ms(0..lease.as_millis() as u64);
    let clog = ms(0..lease.as_millis() as u64 * 2);
    let way = [Way::Up, Way::Down][rng.usize(..2)];
    let clogged = rng.bool();
    let refused = if rng.bool() { soon } else { Duration::ZERO };
    let blow = |blow| Fault::Blow {
        client,
        blow,
        refused,
    };
    let air = |ways, air, time| Fault::Air {
        client,
        ways,
        air,
        time,
    };
    const BOTH: &[Way] = &[Way::Up, Way::Down];
    let one: &[Way] = if way == Way::Up {
        &[Way::Up]
    } else {
        &[Way::Down]
    };
    let fault = match kind {
        Kind::KillServer => Fault::KillServer {
            clogged,
            down: soon,
        },
        Kind::KillClient => Fault::KillClient {
            client,
            clogged,
            away: soon,
        },
        Kind::LoseClient => Fault::LoseClient { client, clogged },
        Kind::StopServer => Fault::StopServer { time: long },
        Kind::StopClient => Fault::StopClient { client, time: long },
        Kind::HoleBoth => air(BOTH, Air::Hole, hole),
        Kind::HoleUp => air(&[Way::Up], Air::Hole, hole),
        Kind::HoleDown => air(&[Way::Down], Air::Hole, hole),
        Kind::Clog => air(if rng.bool() { BOTH } else { one }, Air::Clogged, clog),
        Kind::Slow => {
            let (delay, rate) = (rng.u64(1..50), rng.u64(5_000..200_000));
            air(BOTH, Air::Slow { delay, rate }, lease * 2)
        }
        Kind::Reset => blow(Blow::Reset),
        Kind::HalfClose => blow(Blow::HalfClose(way)),
        Kind::Cut => {
            let bytes = rng.usize(..3_000);
            Fault::Blow {
                client,
                blow: Blow::CutAfter(way, bytes),
                refused: Duration::ZERO,
            }
        }
        Kind::Close => blow(Blow::Close),
    };
    Round {
        traffic: rng.u64(5..60),
        fault,
    }
}

impl Fault {
    pub(crate) fn kind(&self) -> Kind {
        match self {
            Self::KillServer { .. } => Kind::KillServer,
            Self::KillClient { .. } => Kind::KillClient,
            Self::LoseClient { .. } => Kind::LoseClient,
            Self::StopServer { .. } => Kind::StopServer,
            Self::StopClient { .. } => Kind::StopClient,
            Self::Air { air, ways, .. } => match (air, ways) {
                (Air::Clogged, _) => Kind::Clog,
                (Air::Slow { .. } | Air::Clear, _) => Kind::Slow,
                (Air::Hole, [Way::Up]) => Kind::HoleUp,
                (Air::Hole, [Way::Down]) => Kind::HoleDown,
                (Air::Hole, _) => Kind::HoleBoth,
            },
            Self::Blow { blow, .. } => match blow {
                Blow::Close => Kind::Close,
                Blow::Reset => Kind::Reset,
                Blow::HalfClose(_) => Kind::HalfClose,
                Blow::CutAfter(..) => Kind::Cut,
            },
        }
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::KillServer => "server killed",
            Self::KillClient => "client killed, comes back",
            Self::LoseClient => "client killed, stays away",
            Self::StopServer => "server stopped, 3 leases",
            Self::StopClient => "client stopped, 3 leases",
            Self::HoleBoth => "black hole, both ways",
            Self::HoleUp => "black hole, to the server",
            Self::HoleDown => "black hole, to the client",
            Self::Clog => "clog, then all at once",
            Self::Slow => "slow link",
            Self::Reset => "reset",
            Self::HalfClose => "half-close",
            Self::Cut => "cut at a byte",
            Self::Close => "close",
        })
    }
}
