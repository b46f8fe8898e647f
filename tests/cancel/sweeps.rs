//! Every wait of the public surface is cancelled by a test here: a new one must name its own.

use std::{collections::BTreeSet, fs, path::Path};

/// Each public future and stream, and a test that cancels it.
const SWEEPS: [(&str, &str, &str); 14] = [
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
        "server.rs",
        "a_door_asked_again_and_again_shows_every_peer_once",
    ),
    (
        "Events",
        "server.rs",
        "events_asked_for_again_and_again_are_the_same_as_those_asked_for_once",
    ),
    (
        "Door",
        "server.rs",
        "a_door_asked_again_and_again_shows_every_peer_once",
    ),
    (
        "Client",
        "client.rs",
        "a_supervised_client_that_is_asked_again_and_again_misses_no_update",
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

/// And each async function.
const FUNCTIONS: [(&str, &str, &str); 1] = [(
    "ready",
    "client.rs",
    "an_inbox_that_is_asked_again_and_again_whether_it_is_ready_says_so_in_time",
)];

fn sources(folder: &Path, found: &mut Vec<String>) {
    for entry in fs::read_dir(folder).expect("a folder") {
        let path = entry.expect("an entry").path();
        match path.is_dir() {
            true => sources(&path, found),
            false => found.push(fs::read_to_string(path).expect("text")),
        }
    }
}

#[test]
fn every_wait_of_the_public_surface_is_cancelled_by_a_test() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut found = Vec::new();
    for room in ["session", "client", "runtime"] {
        sources(&root.join("src").join(room), &mut found);
    }
    let (mut waits, mut functions) = (BTreeSet::new(), BTreeSet::new());
    for line in found.iter().flat_map(|source| source.lines()) {
        let implemented = [" Future for ", " Stream for "]
            .iter()
            .find_map(|what| line.split_once(what));
        if let Some((_, name)) = implemented.filter(|_| line.starts_with("impl")) {
            let end = name.find(['<', ' ']).unwrap_or(name.len());
            waits.insert(name[..end].to_owned());
        }
        if let Some((_, name)) = line.split_once("    pub async fn ") {
            functions.insert(name.split('(').next().unwrap_or_default().to_owned());
        }
    }
    let named = |list: &[(&str, &str, &str)]| -> BTreeSet<String> {
        list.iter().map(|(name, ..)| (*name).to_owned()).collect()
    };
    assert_eq!(
        waits,
        named(&SWEEPS),
        "futures and streams, and those that a test cancels"
    );
    assert_eq!(
        functions,
        named(&FUNCTIONS),
        "async functions, and those that a test cancels"
    );
    for (name, file, test) in SWEEPS.iter().chain(&FUNCTIONS) {
        let source =
            fs::read_to_string(root.join("tests/cancel").join(file)).expect("a file of tests");
        assert!(
            source.contains(&format!("fn {test}()")),
            "{name}: {file} has no test {test}"
        );
    }
}
