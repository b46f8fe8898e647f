//! What must hold of the sessions of one runtime at any time, whatever happened.

use std::collections::BTreeMap;

use super::simulation::{Wrong, fail};
use crate::{
    Closed, Reason, Settings,
    proto::{Key, Machine, Phase, Side, Vitals},
    registry::Registry,
};

/// What concerns all sessions of a runtime.
pub(super) fn check_counts(registry: &Registry, keys: &[Key]) -> Result<(), Wrong> {
    let settings = registry.settings();
    let machines = || keys.iter().filter_map(|&key| registry.get(key));
    let accepted = machines().filter(|one| one.side() == Side::Acceptor);
    let strangers = accepted.filter(|one| one.is_stranger()).count();
    if registry.strangers() != strangers {
        return fail(format!(
            "R1: {} strangers are counted, and there are {strangers}",
            registry.strangers()
        ));
    }
    if strangers > settings.pending_logins {
        return fail(format!("R1: {strangers} strangers"));
    }
    let mut live = BTreeMap::new();
    let logged_in = machines().filter(|one| one.phase() != Phase::Ended);
    for machine in logged_in.filter(|one| one.side() == Side::Acceptor) {
        let Some(identity) = machine.identity() else {
            continue;
        };
        let several: &mut usize = live.entry(identity).or_default();
        *several += 1;
        if *several > settings.sessions_per_identity {
            let what = format!("S3: {several} live sessions have one identity");
            return Err((who(machine), what));
        }
        let found = registry.holders(identity.as_bytes());
        if !found.contains(&machine.key()) {
            return Err((
                who(machine),
                "S3: a live session cannot be found".to_owned(),
            ));
        }
    }
    let live: usize = live.values().sum();
    if registry.len() != live {
        return fail(format!(
            "S3: {} sessions are indexed, {live} live",
            registry.len(),
        ));
    }
    Ok(())
}

/// What concerns one session. `late`: it was admitted so long ago that its peer must have proven that it heard.
pub(super) fn check_machine(
    settings: &Settings,
    machine: &Machine,
    vitals: &Vitals,
    late: bool,
) -> Result<(), String> {
    // R2: a window, and a host's overdraft of one message.
    if vitals.unacked_messages > vitals.window_messages.max(1)
        || vitals.unacked_bytes > vitals.window_bytes + settings.max_message
    {
        return Err(format!(
            "R2: {} messages of {} bytes are in flight, the window has {} of {}",
            vitals.unacked_messages,
            vitals.unacked_bytes,
            vitals.window_messages,
            vitals.window_bytes
        ));
    }
    if vitals.unread > vitals.window_messages + settings.volatile_messages {
        return Err(format!("R2: {} messages wait to be read", vitals.unread));
    }
    if vitals.acked > vitals.accepted || vitals.taken > vitals.received {
        return Err(format!("positions that cannot be: {vitals:?}"));
    }
    // S10: nothing is planned for a session that is over, but to forget it.
    if vitals.settled && vitals.deadline.is_some() && vitals.side == Side::Dialer {
        return Err("S10: a deadline is armed for a session that is over".to_owned());
    }
    // R16: whoever was admitted and never said so is gone at the login deadline.
    if vitals.side == Side::Acceptor
        && vitals.phase != Phase::Ended
        && machine.identity().is_some()
        && !vitals.proven
        && vitals.resumed == 0
        && late
    {
        return Err("R16: a session lives whose welcome was never proven".to_owned());
    }
    // What came before a peer's close stays readable.
    let closed = machine.ended().map(Closed::reason) == Some(Reason::ClosedByPeer);
    if closed && !vitals.abandoned && vitals.unread == 0 && vitals.taken < vitals.received {
        return Err(format!(
            "the peer closed, {} messages had arrived, and only {} could be read",
            vitals.received, vitals.taken
        ));
    }
    Ok(())
}

/// Whose session it is, as timelines say it.
pub(super) fn who(machine: &Machine) -> Option<String> {
    machine.identity().map(ToString::to_string)
}
