//! Where places for strangers run short, and some of those who have one say nothing.

use std::time::Duration;

use super::door::stranger::{Door, SECOND, Stranger, extension, login_of, resume};
use crate::Config;

const GRACE: Duration = Duration::from_millis(250);

fn door(places: usize) -> Door {
    Door::new(Config::new().pending_logins(places).early_drop(100))
}

/// Whether the link is still there, for who says nothing on it.
fn is_up(door: &mut Door, stranger: &mut Stranger) -> bool {
    door.say(stranger, &[]);
    stranger.up
}

#[test]
fn who_has_been_silent_longest_gives_way_but_not_at_once() {
    let mut door = door(3);
    let mut silent: Vec<Stranger> = Vec::new();
    for network in 1..=3 {
        silent.push(door.knock(network));
        door.now = door.now + SECOND / 1_000;
    }
    door.now = door.now + (GRACE - 4 * SECOND / 1_000);
    assert!(door.try_knock(4).is_none(), "the first has a moment left");
    door.now = door.now + SECOND / 1_000;
    let mut newcomer = door.try_knock(4).expect("the first gave way");
    assert!(door.try_knock(5).is_none(), "the second came later");
    let up: Vec<bool> = silent.iter_mut().map(|one| is_up(&mut door, one)).collect();
    assert_eq!(up, [false, true, true]);
    assert!(is_up(&mut door, &mut newcomer));
    assert_eq!(door.registry.strangers(), 3);
}

#[test]
fn who_gives_way_is_told_nothing_and_nothing_of_it_stays() {
    let mut door = door(1);
    let mut silent = door.knock(1);
    door.now = door.now + GRACE;
    door.knock(2);
    assert_eq!(door.say(&mut silent, &[]), []);
    assert!(!silent.up);
    door.leave(silent);
    door.now = door.now + 10 * SECOND;
    while door
        .registry
        .handle_due(door.now, &mut crate::proto::Effects::default())
    {}
    assert_eq!(
        (door.registry.strangers(), door.registry.occupied()),
        (0, 0)
    );
}

#[test]
fn who_has_said_who_it_is_keeps_its_place_until_it_is_judged() {
    let mut door = door(3);
    let session = door.lost_session();
    door.registry.recheck();
    let (mut offered, mut asked, mut back) = (door.knock(1), door.knock(2), door.knock(3));
    door.say(&mut offered, &login_of(1, b"who"));
    door.say(&mut asked, &login_of(2, b"who"));
    let key = door.offered.pop().expect("asked");
    let challenge = |machine: &mut crate::proto::Machine, _: &mut crate::proto::Cx<'_>| {
        machine.challenge(bytes::Bytes::from_static(b"prove it"))
    };
    let fx = &mut crate::proto::Effects::default();
    assert_eq!(
        door.registry.input(key, door.now, fx, challenge),
        Some(true)
    );
    door.say(&mut back, &resume(session, [99; 16]));
    assert!(
        door.registry.take_returning().is_some(),
        "the host is asked"
    );
    door.now = door.now + SECOND;
    assert!(door.try_knock(4).is_none());
    for mut one in [offered, asked, back] {
        assert!(is_up(&mut door, &mut one));
    }
}

#[test]
fn half_a_login_and_what_everybody_skips_are_silence() {
    let mut door = door(2);
    let (mut half, mut skipped) = (door.knock(1), door.knock(2));
    let login = login_of(1, b"who");
    door.say(&mut half, &login[..login.len() - 1]);
    door.say(&mut skipped, &extension(100));
    door.now = door.now + GRACE;
    assert!(door.try_knock(3).is_some() && door.try_knock(4).is_some());
    assert!(!is_up(&mut door, &mut half) && !is_up(&mut door, &mut skipped));
}

#[test]
fn nobody_gives_way_for_one_that_came_before_in_its_place() {
    let mut door = door(1);
    let first = door.knock(1);
    door.leave(first);
    door.now = door.now + (GRACE - SECOND / 1_000);
    let mut second = door.knock(2);
    door.now = door.now + SECOND / 1_000;
    assert!(door.try_knock(3).is_none());
    assert!(is_up(&mut door, &mut second));
}

#[test]
fn nobody_is_turned_away_by_chance_where_somebody_can_give_way() {
    let mut door = Door::new(Config::new().pending_logins(100).early_drop(0));
    let mut silent = 0;
    while silent < 60 {
        silent += usize::from(door.try_knock(silent as u8).is_some());
    }
    door.now = door.now + GRACE;
    for network in 100..160 {
        assert!(door.try_knock(network).is_some(), "{network}");
    }
    let refused = (0..100).filter(|_| door.try_knock(200).is_none()).count();
    assert!(refused > 0, "all who are here came just now");
}

#[test]
fn who_left_is_forgotten_behind_one_who_stays() {
    let mut door = door(2);
    let _stays = door.knock(1);
    for _ in 0..10_000 {
        let leaves = door.knock(2);
        door.leave(leaves);
    }
    let lined_up = door.registry.lined_up();
    assert!(lined_up <= 2 * 2 + 64, "{lined_up}");
}
