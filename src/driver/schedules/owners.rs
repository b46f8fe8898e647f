//! Who keeps a runtime going, when the last one goes and another comes.

use std::sync::Arc;

use shuttle::thread;

use super::{in_any_schedule, world::World};
use crate::{Config, driver::Owner};

#[test]
fn whoever_finds_an_owner_has_a_runtime_that_runs() {
    in_any_schedule(reviving);
}

pub(super) fn reviving() {
    let world = World::new();
    let owner = world.owner(Config::new());
    let shared = Arc::clone(owner.shared());
    let finders = [(); 2].map(|()| {
        let shared = Arc::clone(&shared);
        thread::spawn(move || {
            let Some(found) = Owner::revive(&shared) else {
                return;
            };
            let more = found.clone();
            drop(found);
            assert!(!shared.look(|hub| hub.stopping), "it owns what was stopped");
            drop(more);
        })
    });
    drop(owner);
    for finder in finders {
        finder.join().unwrap();
    }
    assert!(shared.look(|hub| hub.stopping), "nobody stopped it");
    assert!(Owner::revive(&shared).is_none(), "the end is for good");
    world.ends();
}
