//! The target `split`: see `src/split.rs`. Without libFuzzer it replays the files that it is given.
#![cfg_attr(fuzzing, no_main)]

#[cfg(fuzzing)]
libfuzzer_sys::fuzz_target!(|bytes: &[u8]| sessile_fuzz::split(bytes));

#[cfg(not(fuzzing))]
fn main() -> std::io::Result<()> {
    sessile_fuzz::replay(sessile_fuzz::split, std::env::args_os().skip(1))
}
