//! What the fuzzers found worth keeping, replayed: no C++ compiler, no libFuzzer, a few seconds.

use std::{
    fs,
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

use sessile_fuzz::{CLIENT, FRAMES, SERVER, TARGETS, Target, reach, seeds};

/// No input may take longer, in a build that is optimised not at all.
const LONGEST: Duration = Duration::from_secs(1);

#[test]
fn every_input_of_every_corpus_is_survived() {
    for (name, target) in TARGETS {
        let inputs = inputs("corpus", name);
        assert!(
            inputs.len() >= 20,
            "{name}: {} inputs prove nothing",
            inputs.len()
        );
        replay(target, &inputs);
    }
}

/// An input that failed once stays for ever.
#[test]
fn no_crash_of_old_comes_back() {
    for (name, target) in TARGETS {
        replay(target, &inputs("regressions", name));
    }
}

/// Reaching a state is not much where only some of what may come there came.
#[test]
fn every_frame_is_met_in_every_stage_of_a_link() {
    let mut missing = Vec::new();
    for (name, target, stages) in [
        ("server", sessile_fuzz::server as Target, SERVER),
        ("client", sessile_fuzz::client, CLIENT),
    ] {
        let met = reach(target, seeds(name).into_iter().map(|(_, bytes)| bytes));
        for (stage, _) in stages {
            let absent = FRAMES
                .iter()
                .filter(|(frame, _)| !met.contains(&(stage.to_owned(), frame)));
            missing.extend(absent.map(|(frame, _)| format!("{name} {stage} {frame}")));
        }
    }
    assert!(missing.is_empty(), "{missing:#?}");
}

#[test]
fn every_seed_is_survived() {
    for (name, target) in TARGETS {
        for (seed, bytes) in seeds(name) {
            let survived = std::panic::catch_unwind(|| target(&bytes)).is_ok();
            assert!(survived, "{name} {seed}: see above");
        }
    }
}

/// A target that nobody lists is replayed by nobody.
#[test]
fn every_target_and_every_folder_is_listed() {
    let names = TARGETS.map(|(name, _)| name);
    for folder in ["corpus", "regressions", "fuzz_targets"] {
        for entry in fs::read_dir(home().join(folder)).expect(folder) {
            let path = entry.expect(folder).path();
            let name = path
                .file_stem()
                .and_then(|name| name.to_str())
                .unwrap_or_default();
            assert!(names.contains(&name), "{}", path.display());
        }
    }
}

#[expect(clippy::disallowed_methods, reason = "how long an input takes")]
fn replay(target: Target, inputs: &[PathBuf]) {
    for path in inputs {
        let bytes = fs::read(path).expect("readable");
        let timed = || {
            let begun = Instant::now();
            // A panic alone would not say which input it was.
            let survived = std::panic::catch_unwind(|| target(&bytes)).is_ok();
            assert!(survived, "{}: see above", path.display());
            begun.elapsed()
        };
        // A machine that is busy with something else may be slow once.
        let slow = (0..3).all(|_| timed() >= LONGEST);
        assert!(!slow, "{}: longer than {LONGEST:?}", path.display());
    }
}

fn inputs(folder: &str, name: &str) -> Vec<PathBuf> {
    let Ok(entries) = fs::read_dir(home().join(folder).join(name)) else {
        return Vec::new();
    };
    let mut inputs: Vec<_> = entries.map(|entry| entry.expect("a file").path()).collect();
    inputs.sort();
    inputs
}

fn home() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}
