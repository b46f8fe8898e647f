//! Whether prints can be trusted: states that have the same one must go on in the same way, or the search leaves something out.

use std::collections::HashMap;

use super::{bounds::Bounds, world::World};

/// What can happen in a state, and the print of where it leads.
type Ahead = Vec<(u16, u64)>;

/// Goes through everything, and looks ahead one step from every state *every time* it is reached. Where all that have the same
/// print have the same ahead of them, step by step everything that ever follows is the same. Gives back how many states there
/// are, and how often one was reached on another way.
pub(crate) fn compare(bounds: Bounds) -> (usize, usize) {
    let first = World::new(bounds);
    let mut known: HashMap<u64, Ahead> = HashMap::new();
    known.insert(first.print(), ahead(&first));
    let (mut waiting, mut again) = (vec![first], 0);
    while let Some(world) = waiting.pop() {
        for action in world.actions() {
            let mut next = world.clone();
            next.step(action);
            assert_eq!(next.violation, None, "after {action:?}");
            let (print, ahead) = (next.print(), ahead(&next));
            match known.get(&print) {
                Some(before) => {
                    again += 1;
                    assert_eq!(
                        before, &ahead,
                        "the same print, and not the same future: {action:?}"
                    );
                }
                None => {
                    known.insert(print, ahead);
                    waiting.push(next);
                }
            }
        }
    }
    (known.len(), again)
}

fn ahead(world: &World) -> Ahead {
    let lead = |action: super::action::Action| {
        let mut next = world.clone();
        next.step(action);
        (action.pack(), next.print())
    };
    world.actions().into_iter().map(lead).collect()
}
