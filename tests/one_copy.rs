//! Heartbeat, liveness, backoff, login and resume are compiled once: a program with both runtimes has one copy of each.
//!
//! This test is such a program, and counts the routines in its own symbol table.

#![cfg(all(target_os = "linux", target_pointer_width = "64"))] // executables are ELF there

mod common;

use std::{any::type_name, collections::BTreeMap, time::Duration};

use common::World;
use sessile::{Config, Ended, Mode, Multi, Single};

/// What both sides share, by module and name.
const ROUTINES: [&str; 24] = [
    "sessile::proto::liveness::Liveness::hear",
    "sessile::proto::liveness::Liveness::silence",
    "sessile::proto::liveness::Liveness::forgive",
    "sessile::proto::liveness::Liveness::is_ping_due",
    "sessile::proto::liveness::Liveness::ping",
    "sessile::proto::liveness::Liveness::pong",
    "sessile::proto::liveness::Liveness::measure",
    "sessile::proto::machine::timers::handle_timeout",
    "sessile::proto::machine::timers::deadline",
    "sessile::proto::machine::timers::suspect",
    "sessile::proto::backoff::Backoff::next",
    "sessile::proto::machine::link::lose",
    "sessile::proto::machine::link::retry",
    "sessile::proto::machine::link::redial",
    "sessile::proto::machine::login::login",
    "sessile::proto::machine::login::on_login",
    "sessile::proto::machine::resume::resume",
    "sessile::proto::machine::resume::on_resumed",
    "sessile::proto::machine::resume::continue_on_link",
    "sessile::proto::machine::frames::handle_frame",
    "sessile::proto::machine::transmit::transmit_parts",
    "sessile::proto::outbox::Outbox::rewind",
    "sessile::proto::inbox::Inbox::take",
    "sessile::registry::Registry::handle_due",
];

#[test]
fn a_program_with_both_runtimes_has_one_copy_of_each_routine() {
    use_both_runtimes();
    let symbols = own_symbols();
    for routine in ROUTINES {
        let copies = symbols.get(routine).copied().unwrap_or_default();
        // An optimised build may have put it into its only caller.
        let expected = if cfg!(debug_assertions) { 1..=1 } else { 0..=1 };
        assert!(expected.contains(&copies), "{copies} copies of {routine}");
    }
}

/// What is compiled for each mode is seen twice: the count can be wrong.
#[test]
#[cfg_attr(not(debug_assertions), ignore = "an optimiser may fold the two")]
fn a_routine_that_is_generic_over_the_mode_is_counted_twice() {
    assert_ne!(of_a_mode::<Single>(), of_a_mode::<Multi>());
    let symbols = own_symbols();
    assert_eq!(symbols.get("one_copy::of_a_mode"), Some(&2));
    assert_eq!(symbols.get("one_copy::own_symbols"), Some(&1));
}

#[inline(never)] // or there would be nothing to count
fn of_a_mode<M: Mode>() -> &'static str {
    type_name::<M>()
}

/// Both ends of a session in this one program: messages, heartbeats, a loss and a resume.
fn use_both_runtimes() {
    let world = World::new();
    let (_server, mut door) = world.server(Config::new());
    let (mut mine, theirs) = world.pair(Config::new(), &mut door, "alice");
    world.pass(Duration::from_secs(10));
    world.network.cut();
    let (Err(Ended::Lost(lost)), Err(Ended::Lost(theirs_lost))) =
        (world.run(mine.recv()), theirs.check())
    else {
        panic!("the link was cut")
    };
    let limit = Duration::from_secs(60);
    let mut mine = world
        .run_within(limit, mine.reconnect(lost).resume())
        .expect("it resumes");
    mine.try_send("hello").expect("room");
    let mut theirs = world
        .run_within(limit, theirs.reconnect(theirs_lost).resume())
        .expect("it is back");
    assert_eq!(&*world.run(theirs.recv()).expect("a message"), b"hello");
}

/// How often each function is in this executable, by its path without what it is an `impl` of.
#[inline(never)] // it is counted, too
fn own_symbols() -> BTreeMap<String, usize> {
    let path = std::env::current_exe().expect("this test");
    let elf = std::fs::read(path).expect("readable");
    let mut count = BTreeMap::new();
    for name in function_names(&elf) {
        if let Some(path) = demangled(name) {
            *count.entry(path).or_default() += 1;
        }
    }
    assert!(count.len() > 100, "no symbols in this build");
    count
}

const SYMTAB: u32 = 2;
const FUNCTION: u8 = 2;

/// The names of all functions in the symbol table of an ELF file (64 bits).
fn function_names(elf: &[u8]) -> Vec<&str> {
    assert_eq!(elf.get(..5), Some(b"\x7fELF\x02".as_slice()), "an ELF file");
    let sections = number(elf, 0x28, 8);
    let section = |index: usize| &elf[sections + index * number(elf, 0x3a, 2)..];
    let symtab = (0..number(elf, 0x3c, 2))
        .map(section)
        .find(|header| number(header, 4, 4) == SYMTAB as usize)
        .expect("a build with symbols");
    let names = &elf[number(section(number(symtab, 0x28, 4)), 0x18, 8)..];
    let (start, size) = (number(symtab, 0x18, 8), number(symtab, 0x20, 8));
    elf[start..start + size]
        .chunks_exact(24)
        .filter(|symbol| symbol[4] & 0xf == FUNCTION)
        .filter_map(|symbol| {
            let name = &names[number(symbol, 0, 4)..];
            let end = name.iter().position(|&byte| byte == 0)?;
            str::from_utf8(&name[..end]).ok()
        })
        .collect()
}

/// A number of so many bytes at this place, in this machine's order.
fn number(bytes: &[u8], at: usize, len: usize) -> usize {
    let mut number = [0; 8];
    let place = if cfg!(target_endian = "big") {
        &mut number[8 - len..]
    } else {
        &mut number[..len]
    };
    place.copy_from_slice(&bytes[at..at + len]);
    u64::from_ne_bytes(number) as usize
}

/// `_ZN7sessile5proto7machine6timers…14handle_timeout17h0123456789abcdefE` as a path. `None` for what is not Rust's.
fn demangled(name: &str) -> Option<String> {
    let mut rest = name.strip_prefix("_ZN")?;
    let mut path = Vec::new();
    while !rest.starts_with('E') {
        let digits = rest.find(|c: char| !c.is_ascii_digit())?;
        let (len, after) = rest.split_at_checked(digits)?;
        let (segment, after) = after.split_at_checked(len.parse().ok()?)?;
        path.push(segment);
        rest = after;
    }
    path.pop()?; // the hash that tells copies apart
    path.retain(|segment| !segment.starts_with("_$LT$impl"));
    Some(path.join("::"))
}
