//! Whether the targets would notice: mistakes that are seeded into the core, against the inputs that are kept, without any
//! fuzzing. In builds with `--cfg sessile_canary` alone.
#![cfg(sessile_canary)]

use std::{
    fs,
    panic::{catch_unwind, set_hook, take_hook},
    path::Path,
};

use sessile::canary::{Canary, choose};
use sessile_fuzz::{TARGETS, seeds};

#[test]
fn the_inputs_that_are_kept_show_what_is_wrong() {
    assert!(
        cfg!(debug_assertions),
        "some of these mistakes keep a timer busy for ever, but for an assertion of the registry"
    );
    let inputs = TARGETS.map(|(name, target)| (name, target, inputs(name)));
    set_hook(Box::new(|_| {})); // a panic is how a mistake is found
    let mut missed = Vec::new();
    for bird in Canary::ALL {
        choose(Some(bird));
        let shows = inputs.iter().map(|(name, target, inputs)| {
            let fail = |bytes: &&Vec<u8>| catch_unwind(|| target(bytes)).is_err();
            (name, inputs.iter().filter(fail).count())
        });
        let shows: Vec<_> = shows.filter(|(_, inputs)| *inputs > 0).collect();
        choose(None);
        println!("{:<24} {shows:?}", format!("{bird:?}"));
        if shows.is_empty() {
            missed.push(bird);
        }
    }
    let _ = take_hook();
    assert_eq!(missed, [], "no input that is kept shows these");
}

fn inputs(name: &str) -> Vec<Vec<u8>> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("corpus")
        .join(name);
    let files = fs::read_dir(folder).expect("a corpus");
    let files = files.map(|file| fs::read(file.expect("a file").path()).expect("readable"));
    files
        .chain(seeds(name).into_iter().map(|(_, bytes)| bytes))
        .collect()
}
