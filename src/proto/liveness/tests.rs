use super::*;

const TERMS: Terms = Terms {
    heartbeat_ms: 2000,
    lease_ms: 6000,
    resume_window_ms: 0,
    window_messages: 1,
    window_bytes: 1,
    max_message: 1,
};

fn at(millis: u64) -> Time {
    Time::from_micros(millis * 1000)
}

/// One ping at `start`, one pong, one ping: 30 ms there, 50 ms back, 5 s between, the acceptor's clock 1 h ahead.
fn exchange() -> (Liveness, Liveness) {
    let ahead = 3_600_000;
    let (mut dialer, mut acceptor) = (Liveness::default(), Liveness::default());
    dialer.link_up(at(0));
    acceptor.link_up(at(ahead));
    let ping = dialer.ping(at(1000), 7);
    acceptor.hear_ping(at(ahead + 1030), &ping);
    let pong = acceptor.pong(at(ahead + 1040), 9).unwrap();
    dialer.hear_pong(at(1090), &pong);
    let ping = dialer.ping(at(6090), 8);
    acceptor.hear_ping(at(ahead + 6120), &ping);
    (dialer, acceptor)
}

#[test]
fn one_exchange_gives_both_ends_the_round_trip_the_offset_and_the_tick() {
    let (dialer, acceptor) = exchange();
    assert_eq!(dialer.round_trip(), Some(Duration::from_millis(80)));
    assert_eq!(acceptor.round_trip(), Some(Duration::from_millis(80)));
    let hour = 3_600_000_000;
    // An asymmetric path shifts the estimate by half its asymmetry, here 10 ms; nothing can see that.
    assert!((dialer.clock_offset_micros().unwrap() - hour).abs() <= 10_000);
    assert!((acceptor.clock_offset_micros().unwrap() + hour).abs() <= 10_000);
    assert_eq!(
        (dialer.remote_tick(), acceptor.remote_tick()),
        (Some(9), Some(8))
    );
}

#[test]
fn pings_that_cross_are_measured_by_both() {
    let (mut dialer, mut acceptor) = (Liveness::default(), Liveness::default());
    dialer.link_up(at(0));
    acceptor.link_up(at(0));
    // Both in step, 10 ms each way: every ping is under way when the other end writes its own.
    for beat in 1..=3 {
        let sent = beat * 2000;
        let (ping, other) = (dialer.ping(at(sent), 0), acceptor.ping(at(sent), 0));
        dialer.hear_ping(at(sent + 10), &other);
        acceptor.hear_ping(at(sent + 10), &ping);
        let pong = acceptor.pong(at(sent + 10), 0).unwrap();
        let other = dialer.pong(at(sent + 10), 0).unwrap();
        dialer.hear_pong(at(sent + 20), &pong);
        acceptor.hear_pong(at(sent + 20), &other);
        for end in [&dialer, &acceptor] {
            assert_eq!(end.round_trip(), Some(Duration::from_millis(20)));
        }
    }
}

#[test]
fn a_pong_with_another_nonce_or_echo_measures_nothing() {
    let mut dialer = Liveness::default();
    let ping = dialer.ping(at(1000), 0);
    dialer.hear_pong(
        at(1010),
        &Beat {
            nonce: ping.nonce + 1,
            echo: ping.clock,
            ..Beat::default()
        },
    );
    dialer.hear_pong(
        at(1010),
        &Beat {
            nonce: ping.nonce,
            echo: ping.clock - 1,
            ..Beat::default()
        },
    );
    dialer.hear_pong(
        at(1010),
        &Beat {
            nonce: ping.nonce,
            echo: ping.clock,
            held: u32::MAX,
            ..Beat::default()
        },
    );
    assert_eq!(dialer.round_trip(), None);
}

#[test]
fn silence_is_suspicious_at_half_the_lease_and_deadly_at_the_lease() {
    let mut liveness = Liveness::default();
    liveness.link_up(at(0));
    assert_eq!(liveness.silence(at(2999), &TERMS), Silence::None);
    assert_eq!(liveness.silence(at(3000), &TERMS), Silence::Suspicious);
    assert_eq!(liveness.silence(at(5999), &TERMS), Silence::Suspicious);
    assert_eq!(liveness.silence(at(6000), &TERMS), Silence::Dead);
    liveness.say(at(5000)); // what we say proves nothing
    assert_eq!(liveness.silence(at(6000), &TERMS), Silence::Dead);
    liveness.forgive(at(20_000), &TERMS);
    assert_eq!(liveness.silence(at(22_999), &TERMS), Silence::Suspicious);
    assert_eq!(liveness.silence(at(23_000), &TERMS), Silence::Dead);
    liveness.hear(at(22_999));
    assert_eq!(liveness.silence(at(23_000), &TERMS), Silence::None);
}

#[test]
fn a_suspect_is_probed_faster() {
    let mut liveness = Liveness::default();
    liveness.link_up(at(0));
    liveness.ping(at(2000), 0);
    liveness.say(at(2000));
    assert_eq!(liveness.judged_at(&TERMS, false), at(3000));
    assert!(liveness.is_ping_due(at(3000), &TERMS, Side::Dialer, true));
    liveness.ping(at(3000), 0);
    liveness.say(at(3000));
    assert_eq!(liveness.ping_at(&TERMS, Side::Dialer, true), at(3750));
}

#[test]
fn nothing_is_measured_before_an_exchange() {
    let fresh = Liveness::default();
    assert_eq!((fresh.round_trip(), fresh.min_round_trip()), (None, None));
    assert_eq!(
        (fresh.clock_offset_micros(), fresh.remote_tick()),
        (None, None)
    );
    let (dialer, _) = exchange();
    assert_eq!(dialer.min_round_trip(), Some(Duration::from_millis(80)));
}

#[test]
fn a_pong_is_owed_from_the_ping_to_the_pong_and_the_latest_ping_alone() {
    let mut liveness = Liveness::default();
    liveness.link_up(at(0));
    assert!(!liveness.owes_pong());
    for nonce in [5, 6] {
        let ping = Beat {
            nonce,
            clock: 1,
            ..Beat::default()
        };
        liveness.hear_ping(at(10), &ping);
    }
    assert!(liveness.owes_pong());
    assert_eq!(liveness.pong(at(20), 0).map(|pong| pong.nonce), Some(6));
    assert!(!liveness.owes_pong());
    assert!(liveness.pong(at(20), 0).is_none());
}

#[test]
fn whoever_was_heard_after_a_time_was_not_heard_by_it() {
    let mut liveness = Liveness::default();
    liveness.hear(at(10));
    assert!(liveness.heard_since(at(9)));
    assert!(!liveness.heard_since(at(10)) && !liveness.heard_since(at(11)));
}

/// How often each end pings while nothing else is said for a hundred intervals, `away` milliseconds of network from the other.
/// As after a login: the dialer acknowledges the welcome when it gets there.
fn pings_of_an_idle_link(terms: &Terms, away: u64) -> [u32; 2] {
    const SIDES: [Side; 2] = [Side::Dialer, Side::Acceptor];
    let mut ends = [Liveness::default(), Liveness::default()];
    ends[0].link_up(at(away));
    ends[1].link_up(at(0));
    let mut pings = [0; 2];
    // When it arrives, where, and whether it is a ping.
    let mut under_way: Vec<(u64, usize, Option<Beat>)> = Vec::new();
    for now in 1..u64::from(terms.heartbeat_ms) * 100 {
        for (to, end) in ends.iter_mut().enumerate() {
            let due = |frame: &(u64, usize, Option<Beat>)| (frame.0, frame.1) == (now, to);
            while let Some(place) = under_way.iter().position(due) {
                end.hear(at(now));
                if let (.., Some(ping)) = under_way.swap_remove(place) {
                    end.hear_ping(at(now), &ping);
                    end.pong(at(now), 0).unwrap();
                    end.say(at(now));
                    under_way.push((now + away, 1 - to, None));
                }
            }
        }
        for from in 0..2 {
            assert_eq!(ends[from].silence(at(now), terms), Silence::None);
            if ends[from].is_ping_due(at(now), terms, SIDES[from], false) {
                pings[from] += 1;
                let ping = ends[from].ping(at(now), 0);
                ends[from].say(at(now));
                under_way.push((now + away, 1 - from, Some(ping)));
            }
        }
    }
    pings
}

#[test]
fn on_an_idle_link_the_dialer_pings_once_an_interval_and_the_acceptor_never() {
    for away in [1, 10, 60, 120] {
        assert_eq!(pings_of_an_idle_link(&TERMS, away), [99, 0], "{away} ms");
    }
}

#[test]
fn an_acceptor_is_patient_only_where_its_peer_is_far_from_doubt() {
    let after = |lease_ms, side| {
        let mut liveness = Liveness::default();
        liveness.say(at(0));
        let terms = Terms { lease_ms, ..TERMS };
        liveness.ping_at(&terms, side, false)
    };
    assert_eq!(after(5000, Side::Acceptor), at(2250));
    assert_eq!(after(4999, Side::Acceptor), at(2000));
    assert_eq!(after(3000, Side::Acceptor), at(2000));
    assert_eq!(after(6000, Side::Dialer), at(2000));
}
