//! Whether prints can be trusted: states that have the same one must go on in the same way, or the search leaves something out.

use std::{
    collections::HashMap,
    hash::{DefaultHasher, Hash, Hasher},
};

use super::{bounds::Bounds, world::World};

/// What can happen in a state, and the print of where it leads: as one number.
type Ahead = u64;

/// Goes through everything, and looks ahead one step from every state *every time* it is reached. Where all that have the same
/// print have the same ahead of them, step by step everything that ever follows is the same. Gives back how many states there
/// are, and how often one was reached on another way.
///
/// Depth first: of all the states none are kept but those on the way.
pub(crate) fn compare(bounds: Bounds) -> (usize, usize) {
    let first = World::new(bounds);
    let mut known: HashMap<u64, Ahead> = HashMap::from([(first.print(), ahead(&first))]);
    let mut way = vec![(first.actions(), first)];
    let mut again = 0;
    while let Some((actions, world)) = way.last_mut() {
        let Some(action) = actions.pop() else {
            way.pop();
            continue;
        };
        let mut next = world.clone();
        next.step(action);
        assert_eq!(next.violation, None, "after {action:?}");
        let (print, ahead) = (next.print(), ahead(&next));
        match known.get(&print) {
            Some(before) => {
                again += 1;
                assert_eq!(
                    *before, ahead,
                    "the same print, and another future: {action:?}"
                );
            }
            None => {
                known.insert(print, ahead);
                way.push((next.actions(), next));
            }
        }
    }
    (known.len(), again)
}

fn ahead(world: &World) -> Ahead {
    let mut state = DefaultHasher::new();
    for action in world.actions() {
        let mut next = world.clone();
        next.step(action);
        (action.pack(), next.print()).hash(&mut state);
    }
    state.finish()
}
