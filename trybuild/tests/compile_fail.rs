//! What the types forbid, in the compiler's own words, and what they allow.
//!
//! Each file in `fail` is one mistake; the `.stderr` beside it is what whoever makes it gets to read, and is the
//! reason for the signposts in `src/signpost`. After a change run with `TRYBUILD=overwrite`, then *read* the difference.
//! Each file in `pass` compiles, and runs: a module of this test, for trybuild would build all that it needs once more.

use std::{
    collections::BTreeSet,
    env, fs,
    path::{Path, PathBuf},
    process::{Command, Termination},
};

/// The compiler whose words the `.stderr` files are. They change from version to version; the mistakes stay mistakes.
const BLESSED_ON: &str = "rustc 1.95.";

const FAIL: &[&str] = &[
    "admit_not_send",
    "admit_on_single",
    "admit_twice",
    "async_on_message",
    "borrowed_executor",
    "clone_by_derive",
    "clone_lost",
    "clone_session",
    "closure_without_admit_with",
    "connect_on_multi",
    "connect_over_on_multi",
    "connect_twice",
    "dropped_admission",
    "dropped_client",
    "dropped_login",
    "dropped_reconnect",
    "dropped_runtime",
    "ended_without_question",
    "foreign_mode",
    "foreign_state",
    "forged_lost",
    "forged_session",
    "forgot_lagged",
    "forgot_loss",
    "forgot_undelivered",
    "forgotten_await",
    "forgotten_await_connect",
    "forgotten_await_q",
    "forgotten_await_resume",
    "forgotten_await_send",
    "forgotten_await_try_admit",
    "forgotten_mode",
    "forgotten_question_mark",
    "intake_on_single",
    "intake_over_on_single",
    "keep_borrowed_message",
    "listen_on_single",
    "listen_over_on_single",
    "login_on_multi",
    "login_twice",
    "login_while_reconnecting",
    "lost_used_twice",
    "no_mode",
    "not_a_host",
    "not_an_executor",
    "number_identity",
    "offer_on_single",
    "peer_state_not_send",
    "reconnect_before_login",
    "reconnect_twice",
    "reconnect_without_evidence",
    "recv_and_send_at_once",
    "recv_before_login",
    "recv_while_reconnecting",
    "reject_after_admit",
    "reject_on_single",
    "relogin_on_server",
    "remove_from_client",
    "resume_before_login",
    "resume_without_loss",
    "retry_on_server",
    "runtime_mode_mixed_up",
    "send_a_number",
    "send_a_struct",
    "send_before_login",
    "send_by_client_observer",
    "send_by_value",
    "send_while_reconnecting",
    "serve_on_single",
    "serve_over_on_single",
    "sessions_on_single",
    "shared_session",
    "spawn_borrowed",
    "split_before_login",
    "string_identity",
    "supervise_on_multi",
    "supervise_over_on_multi",
    "try_admit_on_single",
    "try_recv_before_login",
    "try_send_before_login",
    "try_send_while_reconnecting",
    "two_receivers",
    "two_states_in_a_vec",
    "use_after_admit",
    "use_after_close",
    "use_after_login",
    "use_after_reconnect",
    "volatile_while_reconnecting",
    "wrong_address",
    "wrong_key",
];

macro_rules! programs {
    ($($name:ident)*) => {
        const PASS: &[&str] = &[$(stringify!($name)),*];

        #[path = "../pass"]
        mod pass {
            $(pub mod $name;)*
        }

        $(
            #[test]
            fn $name() -> impl Termination {
                pass::$name::main()
            }
        )*
    };
}

programs! {
    any_session
    full_life
    generic_over_mode
    login_timeout
    positions
    select_forms
    stored_in_a_field
    threads
}

#[test]
fn what_must_not_compile_says_what_to_do_instead() {
    check_folder("fail", FAIL, 60);
    let compiler = compiler();
    if !compiler.starts_with(BLESSED_ON) {
        println!("not compared: the messages are those of {BLESSED_ON}x, this is {compiler}");
        return;
    }
    trybuild::TestCases::new().compile_fail("fail/*.rs");
}

#[test]
fn every_program_that_must_compile_is_one_of_these() {
    check_folder("pass", PASS, 8);
}

#[test]
fn every_mistake_has_its_message_and_no_message_is_left_over() {
    let expected = names(FAIL.iter().copied());
    let found = files("fail", "stderr");
    if env::var("TRYBUILD").is_ok_and(|mode| mode == "overwrite") {
        println!("not checked: messages are being written");
        return;
    }
    assert_eq!(found, expected);
    for name in FAIL {
        let path = folder("fail").join(format!("{name}.stderr"));
        let message = fs::read_to_string(&path).expect("a text");
        assert!(message.contains("error"), "{name}: no error in the message");
        assert!(
            !message.contains("$RUST"),
            "{name}: points into the standard library, whose source is not always there"
        );
        assert!(
            !message.contains(env!("CARGO_MANIFEST_DIR").trim_end_matches("/trybuild")),
            "{name}: names this machine"
        );
    }
}

/// A pattern that matches no file passes, so what it is to match is named.
fn check_folder(path: &str, cases: &[&str], at_least: usize) {
    assert!(
        cases.len() >= at_least,
        "{path}: only {} cases",
        cases.len()
    );
    let expected = names(cases.iter().copied());
    assert_eq!(expected.len(), cases.len(), "{path}: a case is named twice");
    assert_eq!(files(path, "rs"), expected);
    for name in cases {
        let text = fs::read_to_string(folder(path).join(format!("{name}.rs"))).expect("a text");
        let first = text.lines().next().unwrap_or_default();
        assert!(
            first.starts_with("//! ") && first.ends_with('.') && first.len() > 20,
            "{path}/{name}.rs: the first line is not a sentence that says what this is: {first:?}"
        );
        if path.ends_with("fail") {
            let lines = text.lines().count();
            assert!(
                lines <= 15,
                "{path}/{name}.rs: one mistake takes no {lines} lines"
            );
        }
    }
}

/// The names of the files with this extension, without it.
fn files(path: &str, extension: &str) -> BTreeSet<String> {
    let entries = fs::read_dir(folder(path)).expect("a folder");
    let paths = entries.map(|entry| entry.expect("an entry").path());
    let wanted = paths.filter(|path| path.extension().is_some_and(|it| it == extension));
    wanted
        .map(|path| {
            path.file_stem()
                .expect("a name")
                .to_string_lossy()
                .into_owned()
        })
        .collect()
}

fn names<'a>(names: impl Iterator<Item = &'a str>) -> BTreeSet<String> {
    names.map(str::to_owned).collect()
}

fn folder(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(path)
}

/// What cargo compiles with: `rustc 1.95.0 (…)`.
fn compiler() -> String {
    let rustc = env::var_os("RUSTC").unwrap_or_else(|| "rustc".into());
    let output = Command::new(rustc)
        .arg("--version")
        .output()
        .expect("a compiler");
    String::from_utf8_lossy(&output.stdout).trim().to_owned()
}
