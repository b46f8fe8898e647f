//! Whom the program is asked about at once: at most so many peers, so that a slow hash or a database is not asked by a whole crowd.
//! The others stand in line.

use std::collections::{HashMap, VecDeque};

use super::hub::Hub;
use crate::proto::{Key, Wake};

/// The places of one runtime, and the line before them.
#[derive(Debug)]
pub(super) struct Places {
    most: usize,
    taken: usize,
    whose: HashMap<Key, Place>,
    /// By rank. Who has left the line may still be here, and is passed over.
    line: [VecDeque<(Turn, Key)>; 3],
    /// The number of the next who joins the line.
    next: u64,
}

/// Where somebody stands whom the program is, or will be, asked about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Place {
    Inside,
    InLine(Turn),
    /// The program asked back, and the peer has not answered: that costs nothing here, so it holds up nobody.
    Outside,
}

/// A number that is drawn by whoever joins the line: nobody has another's.
type Turn = u64;

/// Who passes before whom.
#[derive(Clone, Copy, Debug)]
pub(super) enum Rank {
    /// A session comes back.
    Back,
    /// It has answered what it was asked: it was inside before.
    Answered,
    /// A login.
    New,
}

impl Places {
    pub(super) fn new(most: usize) -> Self {
        Self {
            most,
            taken: 0,
            whose: HashMap::new(),
            line: Default::default(),
            next: 0,
        }
    }

    /// Asks for a place. True where it has one now; else it stands in line. Whoever asked [leaves](Hub::leave_place) again.
    pub(super) fn ask(&mut self, key: Key, rank: Rank) -> bool {
        // Nobody waits in line while a place is free: whoever leaves one passes it on.
        let free = self.taken < self.most;
        if free {
            self.taken += 1;
            self.whose.insert(key, Place::Inside);
        } else {
            let turn = self.next;
            self.next += 1;
            self.whose.insert(key, Place::InLine(turn));
            let (line, whose) = (&mut self.line[rank as usize], &self.whose);
            if line.len() >= 2 * whose.len() {
                line.retain(|&who| waits(whose, who)); // half of them at least have left
            }
            line.push_back((turn, key));
        }
        free
    }

    /// Whether it has a place.
    pub(super) fn has(&self, key: Key) -> bool {
        self.whose.get(&key) == Some(&Place::Inside)
    }

    /// Whether whoever was asked back, and has answered, may go on: it needs a place again. True for who never needed one.
    pub(super) fn come_in(&mut self, key: Key) -> bool {
        match self.whose.get(&key) {
            Some(Place::Outside) => self.ask(key, Rank::Answered),
            Some(Place::InLine(_)) => false,
            Some(Place::Inside) | None => true,
        }
    }

    /// Logins that stand in line.
    pub(super) fn new_in_line(&self) -> impl Iterator<Item = Key> {
        let news = self.line[Rank::New as usize].iter();
        let waiting = news.filter(|&&who| waits(&self.whose, who));
        waiting.map(|&(_, key)| key)
    }

    /// It stands there no longer. Who has a place now that had none is the caller's to wake.
    fn leave(&mut self, key: Key) -> Option<Key> {
        match self.whose.remove(&key)? {
            Place::Inside => self.pass_on(),
            Place::InLine(_) | Place::Outside => None,
        }
    }

    fn step_out(&mut self, key: Key) -> Option<Key> {
        let place = self.whose.get_mut(&key)?;
        if *place != Place::Inside {
            return None;
        }
        *place = Place::Outside;
        self.pass_on()
    }

    /// A place is free: who stands first in line has it.
    fn pass_on(&mut self) -> Option<Key> {
        for line in &mut self.line {
            while let Some(who) = line.pop_front() {
                if waits(&self.whose, who) {
                    self.whose.insert(who.1, Place::Inside);
                    return Some(who.1);
                }
            }
        }
        self.taken -= 1;
        None
    }
}

/// Whether it still stands in line, and for this turn.
fn waits(whose: &HashMap<Key, Place>, (turn, key): (Turn, Key)) -> bool {
    whose.get(&key) == Some(&Place::InLine(turn))
}

impl Hub {
    /// The program has answered about this peer, or nobody waits for it any more.
    pub(super) fn leave_place(&mut self, key: Key) {
        let next = self.places.leave(key);
        self.wake_placed(next);
    }

    /// The program has asked the peer back: while it waits for the answer, others have the place.
    pub(super) fn step_out(&mut self, key: Key) {
        let next = self.places.step_out(key);
        self.wake_placed(next);
    }

    fn wake_placed(&mut self, key: Option<Key>) {
        if let Some(key) = key {
            // A login waits as if for a message, an answer for a change of state, a session that comes back with its link.
            self.wake(key, Wake::RECV | Wake::STATE | Wake::LINK);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(number: u32) -> Key {
        Key::new(number, 7)
    }

    #[test]
    fn no_more_than_so_many_are_inside_and_the_others_come_in_order() {
        let mut places = Places::new(2);
        let inside: Vec<_> = (0..5).map(|who| places.ask(key(who), Rank::New)).collect();
        assert_eq!(inside, [true, true, false, false, false]);
        assert_eq!(places.leave(key(3)), None, "it only stood in line");
        assert_eq!(places.leave(key(1)), Some(key(2)));
        assert_eq!(places.leave(key(0)), Some(key(4)));
        assert!(places.has(key(2)) && places.has(key(4)));
        assert_eq!(places.leave(key(2)), None);
        assert_eq!(places.leave(key(2)), None, "twice is once");
        assert_eq!(places.leave(key(4)), None);
        assert!(places.whose.is_empty() && places.taken == 0);
        assert!(places.line.iter().all(VecDeque::is_empty));
    }

    #[test]
    fn who_comes_and_leaves_again_and_again_is_passed_over_and_leaves_nothing_behind() {
        let mut places = Places::new(1);
        for who in 0..11 {
            places.ask(key(who), Rank::New);
        }
        for _ in 0..10_000 {
            assert_eq!(places.leave(key(5)), None);
            assert!(!places.ask(key(5), Rank::New));
        }
        let line = &places.line[Rank::New as usize];
        assert!(line.len() <= 2 * 11 + 1, "{}", line.len());
        let waiting: Vec<_> = places.new_in_line().collect();
        assert_eq!(waiting, [1, 2, 3, 4, 6, 7, 8, 9, 10, 5].map(key));
        let mut inside = key(0);
        for next in waiting {
            assert_eq!(places.leave(inside), Some(next));
            inside = next;
        }
        assert_eq!(places.leave(inside), None);
    }

    #[test]
    fn who_comes_back_passes_before_who_answered_and_both_before_who_is_new() {
        let mut places = Places::new(1);
        assert!(places.ask(key(0), Rank::New));
        places.ask(key(1), Rank::New);
        assert_eq!(places.step_out(key(0)), Some(key(1)));
        places.ask(key(2), Rank::New);
        assert!(!places.come_in(key(0)) && !places.come_in(key(0)));
        places.ask(key(3), Rank::Back);
        assert_eq!(places.new_in_line().collect::<Vec<_>>(), [key(2)]);
        let mut order = vec![key(1)];
        while let Some(next) = places.leave(order[order.len() - 1]) {
            order.push(next);
        }
        assert_eq!(order, [1, 3, 0, 2].map(key));
        assert!(places.come_in(key(9)), "a door's peer needs no place");
    }
}
