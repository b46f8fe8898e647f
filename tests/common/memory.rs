//! What this process takes, by the kernel's accounts.

use std::fs;

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

/// The most that this process ever had in memory.
pub(crate) fn peak() -> usize {
    bytes_of("/proc/self/status", "VmHWM:")
}

/// What that file says of this, in bytes.
pub(crate) fn bytes_of(file: &str, name: &str) -> usize {
    let text = fs::read_to_string(file).expect("Linux has it");
    let kib = text.lines().find_map(|line| line.strip_prefix(name));
    let kib = kib.and_then(|kib| kib.trim().strip_suffix(" kB"));
    kib.and_then(|kib| kib.trim().parse::<usize>().ok())
        .expect("a number")
        * 1_024
}

/// It may have as many files as it is allowed at the most.
pub(crate) fn all_files() {
    let maximum = getrlimit(Resource::Nofile).maximum;
    let all = Rlimit {
        current: maximum,
        maximum,
    };
    setrlimit(Resource::Nofile, all).expect("up to the hard limit");
}
