//! Limits of the registries under test.

use std::time::Duration;

use sessile::{Config, Reconnect, ReconnectMode};

use crate::{choices::Choices, grammar::TERMS};

/// And how long a link must last to count as stable: small limits, so that short inputs reach them, in a few combinations.
pub(crate) fn config(choices: &mut Choices<'_>) -> (Config, Duration) {
    let (sizes, times) = (choices.byte(), choices.byte());
    let reconnect = Reconnect::new().mode(match times % 3 {
        0 => ReconnectMode::AtOnce,
        1 => ReconnectMode::OnResume,
        _ => ReconnectMode::Never,
    });
    let reconnect = match times / 4 % 4 {
        0 => reconnect.attempts(3),
        1 => reconnect.budget(Duration::from_secs(8)),
        _ => reconnect,
    };
    let stable_after = Duration::from_secs(if times / 4 % 4 == 2 { 0 } else { 30 });
    let reconnect = reconnect.stable_after(stable_after);
    let window = if times & 0x20 == 0 {
        TERMS.resume_window_ms
    } else {
        0
    };
    let config = Config::new()
        .unacked_messages(TERMS.window_messages as usize)
        .unacked_bytes(TERMS.window_bytes as usize)
        .max_message(if sizes & 1 == 0 {
            TERMS.max_message as usize
        } else {
            1_000
        })
        .volatile_messages(3)
        .pending_logins(if sizes & 32 == 0 { 4 } else { 70 })
        .pending_per_prefix(2)
        .early_drop(100)
        .max_sessions(if sizes & 2 == 0 { 100 } else { 2 })
        .turn_frames(if sizes & 4 == 0 { 64 } else { 2 })
        .turn_bytes(1_024)
        .recently_ended(usize::from(sizes & 8))
        .resume_window(Duration::from_millis(window.into()))
        .close_linger(Duration::from_secs([2, 0, 20][usize::from(times >> 6) % 3]))
        .reconnect(reconnect);
    let config = if sizes & 16 == 0 {
        config
    } else {
        config.ack_delay(Duration::ZERO)
    };
    (config, stable_after)
}
