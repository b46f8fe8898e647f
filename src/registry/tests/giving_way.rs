//! Where places for strangers run short, and some of those who have one say nothing.

use std::time::Duration;

use super::door::stranger::{Door, SECOND, Stranger, extension, login_of, resume};
use crate::Config;

/// How long anybody may say nothing, and after how long nobody keeps a place for it.
const GRACE: Duration = Duration::from_millis(200);
const AT_MOST: Duration = Duration::from_millis(400);

fn door(places: usize) -> Door {
    Door::new(Config::new().pending_logins(places).early_drop(100))
}

/// Whether the link is still there, for who says nothing on it.
fn is_up(door: &mut Door, stranger: &mut Stranger) -> bool {
    door.say(stranger, &[]);
    stranger.up
}

/// When each of so many that came together had to give its place up, in milliseconds: one a millisecond asks for it.
fn gave_way_after(places: usize) -> Vec<u64> {
    let mut door = door(places);
    let came = door.now;
    let mut silent: Vec<Stranger> = (0..places).map(|one| door.knock(one as u8)).collect();
    let mut after = Vec::new();
    while after.len() < places {
        door.now = door.now + SECOND / 1_000;
        assert!(door.now.since(came) <= SECOND, "{after:?}");
        if door.try_knock(100 + after.len() as u8).is_some() {
            let before = silent.len();
            silent.retain_mut(|one| is_up(&mut door, one));
            assert_eq!(before - silent.len(), 1, "one for one");
            after.push(door.now.since(came).as_millis() as u64);
        }
        assert_eq!(door.registry.strangers(), places);
    }
    after
}

#[test]
fn who_is_silent_gives_way_but_not_at_once_and_not_all_at_the_same_time() {
    let after = gave_way_after(100);
    let (first, last) = (after[0], after[99]);
    assert!((200..210).contains(&first), "{first}");
    assert!((380..=400).contains(&last), "{last}");
    let early = after.iter().filter(|&&after| after < 300).count();
    assert!((30..70).contains(&early), "{early} of 100");
}

#[test]
fn who_gives_way_is_told_nothing_and_nothing_of_it_stays() {
    let mut door = door(1);
    let mut silent = door.knock(1);
    door.now = door.now + AT_MOST;
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
fn who_was_not_looked_at_keeps_its_place() {
    let mut door = door(1);
    let mut unheard = door.try_knock_unheard(1).expect("a place");
    door.now = door.now + SECOND;
    assert!(door.try_knock(2).is_none());
    assert!(is_up(&mut door, &mut unheard));
    // From here on: as anybody, and twice what it waited for its turn.
    door.now = door.now + 2 * SECOND + (GRACE - SECOND / 1_000);
    assert!(door.try_knock(2).is_none());
    door.now = door.now + (AT_MOST - GRACE) + SECOND / 1_000;
    assert!(door.try_knock(2).is_some());
}

#[test]
fn half_a_login_and_what_everybody_skips_are_silence() {
    let mut door = door(2);
    let (mut half, mut skipped) = (door.knock(1), door.knock(2));
    let login = login_of(1, b"who");
    door.say(&mut half, &login[..login.len() - 1]);
    door.say(&mut skipped, &extension(100));
    door.now = door.now + AT_MOST;
    assert!(door.try_knock(3).is_some() && door.try_knock(4).is_some());
    assert!(!is_up(&mut door, &mut half) && !is_up(&mut door, &mut skipped));
}

#[test]
fn nobody_gives_way_for_one_that_came_before_in_its_place() {
    let mut door = door(1);
    let first = door.knock(1);
    door.leave(first);
    door.now = door.now + (AT_MOST - SECOND / 1_000);
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
    door.now = door.now + AT_MOST;
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
