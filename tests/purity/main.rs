//! The rooms that must be pure are: `wire` and `proto` know no time, no waiting, no I/O, no lock and no type parameter,
//! and nothing in them can panic, whatever bytes come in; `registry` neither waits nor locks nor reads a clock.

mod lexer;
mod rules;

use std::{
    fs,
    path::{Path, PathBuf},
};

use lexer::{Token, tokens, without_tests};
use rules::{Finding, generics, impure, panics};

type Rule = fn(&[Token]) -> Vec<Finding>;

/// What is allowed all the same, and why. Each must still be there: one that is not is to be taken out of here.
const EXCEPTIONS: [(&str, &str, &str); 1] = [(
    "src/proto/outbox.rs",
    "impl FnOnce",
    "private, with one caller: a message that does not fit is not copied",
)];

#[test]
fn the_core_is_pure_generic_over_nothing_and_cannot_panic() {
    let rules: [Rule; 3] = [impure, generics, panics];
    let found = check(&["src/wire", "src/proto"], &rules);
    assert!(found.is_empty(), "\n{}", found.join("\n"));
}

#[test]
fn the_registry_neither_waits_nor_locks_nor_reads_a_clock() {
    let found = check(&["src/registry"], &[impure]);
    assert!(found.is_empty(), "\n{}", found.join("\n"));
}

/// Where rooms break rules.
fn check(rooms: &[&str], rules: &[Rule]) -> Vec<String> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let (mut found, mut used) = (Vec::new(), vec![false; EXCEPTIONS.len()]);
    let mut files = Vec::new();
    for room in rooms {
        collect(&root.join(room).join("mod.rs"), &mut files);
    }
    assert!(files.len() >= 3, "no files in {rooms:?}");
    for (path, tokens) in &files {
        let path = path.strip_prefix(root).expect("ours").display().to_string();
        for finding in rules.iter().flat_map(|rule| rule(tokens)) {
            let is_exception =
                |(file, what, _): &(&str, &str, &str)| *file == path && *what == finding.what;
            match EXCEPTIONS.iter().position(is_exception) {
                Some(exception) => used[exception] = true,
                None => found.push(format!("{path}:{}: {}", finding.line, finding.what)),
            }
        }
    }
    for ((file, what, _), used) in EXCEPTIONS.iter().zip(used) {
        if !used && rooms.iter().any(|room| file.starts_with(room)) {
            found.push(format!("{file}: no `{what}` is left to be excepted"));
        }
    }
    found
}

/// A module's file and those of its modules, tests left out.
fn collect(file: &Path, into: &mut Vec<(PathBuf, Vec<Token>)>) {
    let source =
        fs::read_to_string(file).unwrap_or_else(|error| panic!("{}: {error}", file.display()));
    let (tokens, _tests) = without_tests(&tokens(&source));
    let directory = match file.file_name() {
        Some(name) if name == "mod.rs" => file.with_file_name(""),
        _ => file.with_extension(""),
    };
    for window in tokens.windows(3) {
        let [word, name, end] = window else { continue };
        if word.text == "mod" && end.text == ";" {
            let plain = directory.join(format!("{}.rs", name.text));
            let nested = directory.join(&name.text).join("mod.rs");
            collect(if plain.exists() { &plain } else { &nested }, into);
        }
    }
    into.push((file.to_owned(), tokens));
}

// ---- the checker itself ------------------------------------------------------------------------------------------------

fn findings(rule: Rule, source: &str) -> Vec<String> {
    let (tokens, _) = without_tests(&tokens(source));
    rule(&tokens)
        .into_iter()
        .map(|finding| finding.what)
        .collect()
}

#[test]
fn what_is_impure_is_found() {
    for (source, what) in [
        ("async fn f() {}", "async"),
        ("let x = f().await;", "await"),
        ("let now = Instant::now();", "Instant"),
        ("use std::time::Instant;", "std::time"),
        ("use std::time::{Duration, SystemTime};", "SystemTime"),
        ("use std::io;", "std::io"),
        ("use std::{fmt, io::{self, Read}};", "std::io"),
        ("std::thread::sleep(d);", "std::thread"),
        ("use std::net::TcpStream;", "std::net"),
        ("use std::{fmt, net::{SocketAddr, UdpSocket}};", "std::net"),
        ("use std::{collections::HashMap, sync::Arc};", "std::sync"),
        ("let lock = Mutex::new(());", "Mutex"),
        ("static COUNT: AtomicU64 = AtomicU64::new(0);", "AtomicU64"),
        ("unsafe { f() }", "unsafe"),
        (
            "#[cfg(test)]\nmod tests { fn f() {} }\nfn g() { smol::block_on(h()) }",
            "smol",
        ),
    ] {
        let found = findings(impure, source);
        assert!(
            found.iter().any(|found| found == what),
            "{source}: {found:?}"
        );
    }
}

#[test]
fn what_can_panic_is_found() {
    for (source, what) in [
        ("let x = y.unwrap();", "unwrap"),
        ("let x = y.expect(\"why\");", "expect"),
        ("panic!()", "panic"),
        ("match x { _ => unreachable!() }", "unreachable"),
        ("todo!()", "todo"),
        ("assert!(x)", "assert"),
        ("let x = bytes[0];", "an index"),
        ("let x = &bytes[1..];", "an index"),
        ("let x = f()[0];", "an index"),
        ("let x = y[0][1];", "an index"),
        ("let x = f()?[0];", "an index"),
        ("let x = \"text\"[0..1];", "an index"),
    ] {
        let found = findings(panics, source);
        assert!(
            found.iter().any(|found| found == what),
            "{source}: {found:?}"
        );
    }
}

#[test]
fn every_type_parameter_is_found() {
    for (source, what) in [
        ("fn f<T>(x: T) {}", "fn f<T>"),
        ("fn f<'a, T: Into<&'a str>>(x: T) {}", "fn f<T>"),
        (
            "pub struct S<'a, const N: usize, M> { x: &'a [M; N] }",
            "struct S<M>",
        ),
        ("enum E<T> { A(T) }", "enum E<T>"),
        ("trait X<T> {}", "trait X<T>"),
        ("impl<T> X for S<T> {}", "impl<T>"),
        ("fn f(x: impl Read) {}", "impl Read"),
        (
            "fn f() -> impl Iterator<Item = u8> { g() }",
            "impl Iterator",
        ),
    ] {
        let found = findings(generics, source);
        assert!(
            found.iter().any(|found| found == what),
            "{source}: {found:?}"
        );
    }
}

#[test]
fn what_is_pure_is_left_alone() {
    let source = r##"
        //! async, Instant, bytes[0], x.unwrap()
        /* static /* unsafe */ panic!() */
        use std::{collections::VecDeque, fmt, net::SocketAddr, time::Duration};
        #[derive(Debug)]
        #[expect(clippy::exhaustive_structs, reason = "unwrap() and [0]")]
        pub struct S<'a, const N: usize> { x: &'a [u8; N], y: [u8; 4], z: &'static str }
        impl<'a, const N: usize> S<'a, N> {
            fn f(&mut self, to: SocketAddr, piece: &mut [u8]) -> Option<[u8; 2]> {
                let [a, b] = [1, 2];
                let c = ['[', '\'', '\u{1b}', b'\''];
                let text = (r#"x["0"].unwrap()"#, "\"await\"", b"io");
                let v: Vec<[u8; 4]> = vec![self.y];
                debug_assert!(a < b && to.port() > 0);
                for x in [1, 2] { self.y.first().map_or(x, |y| *y); }
                match piece { [first, ..] if *first > 0 => return Some([a, b]), _ => None }
            }
        }
        fn unwrapped<'a>(x: &'a [u8]) -> &'a [u8] { x.get(1..).unwrap_or_default() }
        #[cfg(test)]
        mod tests {
            fn f<T>(x: T) { std::thread::spawn(|| bytes[0].unwrap()); }
        }
        #[cfg(test)]
        #[path = "elsewhere.rs"]
        mod more;
    "##;
    for rule in [impure as Rule, panics, generics] {
        assert_eq!(findings(rule, source), [] as [&str; 0]);
    }
}

#[test]
fn lines_are_counted_and_tests_are_left_out() {
    let source =
        "fn a() {}\n/* \n */ \"\n\"; x.unwrap();\n#[cfg(test)]\nmod tests;\nfn b() { todo!() }\n";
    let (tokens, modules) = without_tests(&tokens(source));
    assert_eq!(modules, ["tests"]);
    let lines: Vec<_> = panics(&tokens).iter().map(|finding| finding.line).collect();
    assert_eq!(lines, [4, 7]);
}
