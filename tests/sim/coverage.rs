//! What must have happened in a thousand lives, or they proved less than they seem to.

use sessile::sim::Fault;

/// Every fault, every transition of the table of phases on either side that has it, every reason and cause.
pub(crate) fn all() -> Vec<String> {
    let faults = Fault::ALL.map(|fault| format!("fault:{fault}"));
    let rest = DIALER
        .iter()
        .map(|mark| format!("dialer:{mark}"))
        .chain(ACCEPTOR.iter().map(|mark| format!("acceptor:{mark}")))
        .chain(DIALER_ENDS.iter().map(|why| format!("dialer:ended:{why}")))
        .chain(
            ACCEPTOR_ENDS
                .iter()
                .map(|why| format!("acceptor:ended:{why}")),
        )
        .chain(
            LOGINS
                .iter()
                .map(|why| format!("dialer:login-failed:{why}")),
        )
        .chain(CAUSES.iter().map(|cause| format!("lost:{cause}")))
        .chain(OURS.map(str::to_owned));
    faults.into_iter().chain(rest).collect()
}

const DIALER: [&str; 13] = [
    "dialing>connecting",
    "connecting>logged-in",
    "connecting>dialing",
    "logged-in>suspect",
    "suspect>logged-in",
    "logged-in>reconnecting",
    "suspect>reconnecting",
    "reconnecting>logged-in",
    "dialing>ended",
    "connecting>ended",
    "logged-in>ended",
    "suspect>ended",
    "reconnecting>ended",
];

const ACCEPTOR: [&str; 10] = [
    "connecting>logged-in",
    "logged-in>suspect",
    "suspect>logged-in",
    "logged-in>reconnecting",
    "suspect>reconnecting",
    "reconnecting>logged-in",
    "connecting>ended",
    "logged-in>ended",
    "suspect>ended",
    "reconnecting>ended",
];

// Reasons that no life has: `Exhausted` (after 2^63 messages), `Protocol` (a link ends for it, never a session of ours), `Stopped`
// (whoever holds a session keeps its runtime), `Incompatible` (there is one version).

const DIALER_ENDS: [&str; 12] = [
    "ClosedHere",
    "ClosedByPeer",
    "Dropped",
    "TakenOver",
    "Removed",
    "Expired",
    "Gone",
    "GaveUp",
    "Refused",
    "LinkLost",
    "NeverProven",
    "HostPanicked",
];

const ACCEPTOR_ENDS: [&str; 12] = [
    "ClosedHere",
    "ClosedByPeer",
    "Dropped",
    "TakenOver",
    "Superseded",
    "Removed",
    "Expired",
    "Refused",
    "LoginTimedOut",
    "NeverProven",
    "LinkLost",
    "HostPanicked",
];

const LOGINS: [&str; 5] = [
    "ClosedHere",
    "Dropped",
    "LinkLost",
    "LoginTimedOut",
    "Refused",
];

const CAUSES: [&str; 6] = [
    "silence",
    "closed-by-peer",
    "io",
    "protocol",
    "write-stalled",
    "replaced",
];

/// What the programs do.
const OURS: [&str; 5] = [
    "asked-back",
    "banned",
    "login-cut-off",
    "order:chosen",
    "replay:stolen-secret",
];
