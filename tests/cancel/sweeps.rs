//! Every wait of the public surface is cancelled by a test here: a new one must name its own, and have its row in the table
//! "Cancel safety" of `src/lib.rs`.

use std::{collections::BTreeSet, fs, path::Path};

/// What can be waited for, the tests that cancel it, and where they are.
type Sweep = (&'static str, &'static str, &'static str);

/// Each public future.
const FUTURES: [Sweep; 12] = [
    (
        "Draining",
        "closing.rs",
        "a_drain_that_nobody_waits_for_goes_on_to_its_end",
    ),
    (
        "Connect",
        "entering.rs",
        "a_cancelled_connect_gives_its_runtime_back_and_it_connects_again",
    ),
    (
        "Login",
        "entering.rs",
        "a_cancelled_login_is_called_off_and_another_one_is_its_own",
    ),
    (
        "Sending",
        "messages.rs",
        "a_send_that_completed_is_delivered_once_wherever_it_was_polled",
    ),
    (
        "Receiving",
        "messages.rs",
        "of_five_thousand_messages_none_is_lost_though_recv_is_cancelled_thousands_of_times",
    ),
    (
        "Resume",
        "resuming.rs",
        "a_client_that_stopped_waiting_anywhere_resumes_later_and_nothing_is_lost",
    ),
    (
        "Close",
        "closing.rs",
        "a_close_that_nobody_waits_for_delivers_what_was_sent_before_it",
    ),
    (
        "TryAdmit",
        "server.rs",
        "a_cancelled_try_admit_gives_the_newcomer_back_and_the_holder_stays",
    ),
    (
        "Challenge",
        "server.rs",
        "a_cancelled_challenge_can_be_asked_again_once_its_answer_came",
    ),
    (
        "Next",
        "streams.rs",
        "events_whose_wait_was_cancelled_anywhere_are_all_there",
    ),
    (
        "Posting",
        "client.rs",
        "a_message_whose_posting_is_cancelled_is_sent_once_or_not_at_all",
    ),
    (
        "Listen",
        "client.rs",
        "a_listen_that_is_dropped_at_any_time_leaves_its_address_free",
    ),
];

/// Each stream and sink.
const STREAMS: [Sweep; 4] = [
    (
        "Stream for Door",
        "streams.rs",
        "a_door_whose_wait_was_cancelled_anywhere_still_shows_who_comes",
    ),
    (
        "Stream for Events",
        "streams.rs",
        "events_whose_wait_was_cancelled_anywhere_are_all_there",
    ),
    (
        "Stream for Client",
        "streams.rs",
        "a_supervised_client_whose_wait_was_cancelled_anywhere_tells_every_update",
    ),
    (
        "Sink for Client",
        "streams.rs",
        "a_message_put_into_the_sink_is_sent_once_or_not_at_all_wherever_that_is_cancelled",
    ),
];

/// Each async function, and each that gives a future without a name.
const FUNCTIONS: [Sweep; 5] = [
    (
        "dial",
        "streams.rs",
        "a_dial_that_was_cancelled_anywhere_leaves_no_link_behind",
    ),
    (
        "accept",
        "streams.rs",
        "an_accept_that_was_cancelled_anywhere_loses_no_link",
    ),
    (
        "ready",
        "streams.rs",
        "an_inbox_whose_wait_was_cancelled_anywhere_has_all_that_came",
    ),
    (
        "bind",
        "streams.rs",
        "a_bind_that_is_dropped_at_any_time_leaves_its_address_free",
    ),
    (
        // A host's own; the runtime is who drops it.
        "admit",
        "client.rs",
        "an_admission_that_is_cut_off_by_the_login_deadline_lets_nobody_in_and_the_next_one_may",
    ),
];

/// Ways to one of these futures that are another end of something, or go through more than the future itself.
const WAYS: [Sweep; 6] = [
    (
        "Door::next",
        "server.rs",
        "a_door_asked_again_and_again_shows_every_peer_once",
    ),
    (
        "Events::next",
        "server.rs",
        "events_asked_for_again_and_again_are_the_same_as_those_asked_for_once",
    ),
    (
        "Client::next",
        "client.rs",
        "a_supervised_client_that_is_asked_again_and_again_misses_no_update",
    ),
    (
        "Client::close",
        "streams.rs",
        "a_supervised_client_whose_close_is_cancelled_anywhere_still_says_goodbye",
    ),
    (
        "halves of a session",
        "messages.rs",
        "two_halves_that_are_cancelled_at_random_over_breaking_links_lose_nothing",
    ),
    (
        "Inbox::ready",
        "client.rs",
        "an_inbox_that_is_asked_again_and_again_whether_it_is_ready_says_so_in_time",
    ),
];

/// Rooms below the public face: their futures are tasks that nobody outside can hold. And the simulator, whose programs are
/// themselves cut off at any wait.
const NOT_PUBLIC: [&str; 2] = ["driver", "sim"];

fn sources(folder: &Path, found: &mut Vec<String>) {
    for entry in fs::read_dir(folder).expect("a folder") {
        let path = entry.expect("an entry").path();
        let name = path.file_name().and_then(|name| name.to_str());
        match path.is_dir() {
            true if NOT_PUBLIC.iter().any(|room| name == Some(room)) => {}
            true => sources(&path, found),
            false => found.push(fs::read_to_string(path).expect("text")),
        }
    }
}

/// What the sources have: futures, streams and sinks, functions to wait for.
fn waits(sources: &[String]) -> [BTreeSet<String>; 3] {
    let [mut futures, mut streams, mut functions] = [const { BTreeSet::new() }; 3];
    for source in sources {
        let source = without_tests(source);
        // What is broken over lines is one line here.
        let flat = source
            .split_whitespace()
            .fold(String::new(), |flat, word| flat + " " + word);
        for (at, _) in flat.match_indices("impl") {
            let head = flat[at..].split_once(" {").map_or("", |(head, _)| head);
            let Some((of, name)) = head.split_once(" for ") else {
                continue;
            };
            let end = name.find(['<', ' ']).unwrap_or(name.len());
            let name = &name[..end];
            // By whatever path the trait is named, and whatever a sink takes.
            let what = of.rsplit_once("impl").map_or("", |(_, what)| what);
            let is = |one: &str| {
                what.ends_with(&format!(" {one}")) || what.ends_with(&format!("::{one}"))
            };
            let takes = [" Sink<", "::Sink<"].iter().any(|sink| what.contains(sink));
            if is("Future") || is("IntoFuture") {
                futures.insert(name.to_owned());
            } else if is("Stream") {
                streams.insert(format!("Stream for {name}"));
            } else if takes {
                streams.insert(format!("Sink for {name}"));
            }
        }
        let named = |rest: &str| {
            let end = rest.find(['(', '<']).unwrap_or(rest.len());
            rest[..end].to_owned()
        };
        let public = flat.match_indices(" pub async fn ");
        functions.extend(public.map(|(at, what)| named(&flat[at + what.len()..])));
        for (at, what) in flat.match_indices(" fn ") {
            let rest = &flat[at + what.len()..];
            let head = &rest[..rest.find(['{', ';']).unwrap_or(rest.len())];
            let gives = head.rsplit_once("-> ").map_or("", |(_, gives)| gives);
            let is_public = flat[..at].ends_with(" pub");
            let boxed = gives.contains("BoxFuture<") || gives.contains("dyn Future<");
            if gives.contains("impl Future<") || is_public && boxed {
                functions.insert(named(rest));
            }
        }
    }
    [futures, streams, functions]
}

/// A source up to the tests that are written in it. Where they have a file of their own, what follows counts, too.
fn without_tests(source: &str) -> &str {
    let written_here = |&(at, _): &(usize, &str)| {
        let line = source[at..].lines().nth(1).unwrap_or_default();
        line.ends_with('{')
    };
    let mut tests = source.match_indices("#[cfg(test)]\nmod ");
    tests
        .find(written_here)
        .map_or(source, |(at, _)| &source[..at])
}

fn names(list: &[Sweep]) -> BTreeSet<String> {
    list.iter().map(|(name, ..)| (*name).to_owned()).collect()
}

#[test]
fn every_wait_of_the_public_surface_is_cancelled_by_a_test() {
    let mut found = Vec::new();
    sources(
        &Path::new(env!("CARGO_MANIFEST_DIR")).join("src"),
        &mut found,
    );
    let [futures, streams, functions] = waits(&found);
    assert_eq!(
        futures,
        names(&FUTURES),
        "futures, and those that a test cancels"
    );
    assert_eq!(
        streams,
        names(&STREAMS),
        "streams, and those that a test cancels"
    );
    assert_eq!(
        functions,
        names(&FUNCTIONS),
        "functions, and those that a test cancels"
    );
    let tests = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/cancel");
    let all = FUTURES
        .iter()
        .chain(&STREAMS)
        .chain(&FUNCTIONS)
        .chain(&WAYS);
    for (name, file, test) in all {
        let source = fs::read_to_string(tests.join(file)).expect("a file of tests");
        let is_there = source.contains(&format!("#[test]\nfn {test}()"));
        assert!(is_there, "{name}: {file} has no test {test}");
    }
}

#[test]
fn a_wait_is_seen_however_it_is_written() {
    let seen = |source: &str| {
        let [futures, streams, functions] = waits(&[source.to_owned()]);
        let all = futures.into_iter().chain(streams).chain(functions);
        all.collect::<Vec<_>>()
    };
    for (source, name) in [
        ("\nimpl Future for One {", "One"),
        ("\nimpl<M: Mode> Future for One<M> {", "One"),
        (
            "\nimpl<T>\n    std::future::Future\n    for One<T>\nwhere T: Copy {",
            "One",
        ),
        ("\nimpl IntoFuture for One {", "One"),
        ("\nimpl futures::Stream for One {", "Stream for One"),
        ("\nimpl Sink<String> for One {", "Sink for One"),
        ("\n    pub async fn one(&self) {", "one"),
        (
            "\n    fn one(&self) -> impl Future<Output = ()> + Send;",
            "one",
        ),
        ("\n    pub fn one(&self) -> BoxFuture<'_, ()> {", "one"),
        (
            "\n    pub fn one() -> Pin<Box<dyn Future<Output = ()>>> {",
            "one",
        ),
        ("#[cfg(test)]\nmod tests;\n\nimpl Future for One {", "One"),
    ] {
        assert_eq!(seen(source), [name], "{source}");
    }
    for source in [
        "\nimpl FusedFuture for One {",
        "\nimpl FusedStream for One {",
        "\nasync fn one() {",
        "\n    fn one(&self) -> BoxFuture<'_, ()>;",
        "#[cfg(test)]\nmod tests {\n    impl Future for One {",
    ] {
        assert!(seen(source).is_empty(), "{source}");
    }
}

#[test]
fn every_future_has_its_row_in_the_table_of_the_reference_and_no_other_has() {
    let library = include_str!("../../src/lib.rs");
    let (_, chapter) = library
        .split_once("//! # Cancel safety\n")
        .expect("the chapter");
    let (chapter, _) = chapter.split_once("//! # ").expect("the next one");
    let rows = chapter.lines().filter(|line| line.starts_with("//! | ["));
    let mut told = BTreeSet::new();
    for row in rows {
        let cells: Vec<&str> = row.split('|').map(str::trim).collect();
        assert_eq!(cells.len(), 5, "{row}");
        assert!(!cells[2].is_empty(), "what is it to drop it? {row}");
        let links = cells[1].split("[`").skip(1);
        let last = links.last().expect("a link");
        told.insert(last.split_once('`').expect("its end").0.to_owned());
    }
    let mut expected = names(&FUTURES);
    expected.insert("Inbox::ready".to_owned());
    assert_eq!(told, expected);
}
