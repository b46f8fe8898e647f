//! What this process takes, by the kernel's accounts.

use std::fs;

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

/// The most that this process ever had in memory.
pub(crate) fn peak() -> usize {
    let status = fs::read_to_string("/proc/self/status").expect("Linux has it");
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let kib = line.and_then(|line| line.trim().strip_suffix(" kB"));
    kib.and_then(|kib| kib.parse::<usize>().ok())
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
