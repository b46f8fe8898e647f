//! The checker, checked: logs as they should be, and the same logs with one thing wrong in them.

use super::{
    checker::{Class, Log, Sums, Verdict, check},
    journal::{Entry, parse},
};

/// A client that had two sessions. Of the first it knows that two messages were not acknowledged; of the second nothing was lost.
const CLIENT: &str = "\
1 began a-7
2 event 90 1 logged-in
2 login 1 1 a
3 try a-7/1/0
3 accepted a-7/1/0
4 try a-7/1/1
4 accepted a-7/1/1
5 got a-7/1/0
5 acked 1 1
6 try a-7/1/2
6 accepted a-7/1/2
7 try a-7/1/3
7 refused a-7/1/3 link 1 was lost
8 event 90 1 link-lost: the other end closed the stream
9 undelivered 1 a-7/1/1:unknown:1 a-7/1/2:never-sent:2
9 event 90 1 ended: gone
9 ended 1 Gone
12 login 2 1 a
13 try a-7/2/0
13 accepted a-7/2/0
15 got a-7/2/0
16 try a-7/2/1
16 accepted a-7/2/1
17 got a-7/2/1
18 undelivered 2
18 ended 2 ClosedHere
19 done
";

/// It was killed when it had taken two messages, and answered one and a half.
const FIRST_SERVER: &str = "\
3 login 50 1 a
3 taken 50 1 a-7/1/0
3 answered 50 1 a-7/1/0
6 taken 50 1 a-7/1/1
";

/// It ended in good order. The client did not acknowledge the second answer, which it got.
const SECOND_SERVER: &str = "\
13 login 60 1 a
13 taken 60 1 a-7/2/0
13 answered 60 1 a-7/2/0
16 taken 60 2 a-7/2/1
16 answered 60 2 a-7/2/1
18 event 60 2 ended: closed by the peer
18 undelivered 60 a-7/2/1:unknown:1
18 ended 60 ClosedByPeer
";

/// A client that was killed: of its second message nobody knows whether it was accepted.
const KILLED_CLIENT: &str = "\
20 began b-8
21 login 1 3 b
22 try b-8/1/0
22 accepted b-8/1/0
23 try b-8/1/1
";

/// What the second server knows of that one.
const ITS_SERVER: &str = "\
22 login 61 3 b
22 taken 61 3 b-8/1/0
22 answered 61 3 b-8/1/0
23 taken 61 3 b-8/1/1
23 answered 61 3 b-8/1/1
24 event 61 3 ended: expired
24 undelivered 61 b-8/1/0:unknown:0 b-8/1/1:unknown:1
24 ended 61 Expired
";

/// All logs, each changed as it says.
fn check_with(change: impl Fn(&str) -> String) -> Verdict {
    let read = |log: &str| parse(&change(log)).collect::<Vec<Entry>>();
    let [client, first, killed] = [CLIENT, FIRST_SERVER, KILLED_CLIENT].map(read);
    let second = [read(SECOND_SERVER), read(ITS_SERVER)].concat();
    let log = |entries, killed| Log { entries, killed };
    check(
        &[log(&client, false), log(&killed, true)],
        &[log(&first, true), log(&second, false)],
    )
}

/// With one line in place of another, which must be there once; or without it.
#[track_caller]
fn doctored(line: &str, instead: &str) -> Vec<Class> {
    let line = format!("{line}\n");
    let all = [
        CLIENT,
        FIRST_SERVER,
        SECOND_SERVER,
        KILLED_CLIENT,
        ITS_SERVER,
    ];
    let places: usize = all.iter().map(|log| log.matches(&line).count()).sum();
    assert_eq!(places, 1, "{line:?}");
    let instead: String = instead.split_inclusive('\n').collect();
    let instead = if instead.is_empty() {
        instead
    } else {
        instead + "\n"
    };
    let verdict = check_with(|log| log.replace(&line, &instead));
    classes(&verdict)
}

/// Each once.
fn classes(verdict: &Verdict) -> Vec<Class> {
    let mut classes: Vec<Class> = verdict.violations.iter().map(|it| it.class).collect();
    classes.sort_unstable();
    classes.dedup();
    classes
}

#[test]
fn logs_in_good_order_are_well_and_counted() {
    let verdict = check_with(str::to_owned);
    assert_eq!(verdict.violations, []);
    let sums = Sums {
        sessions: 3,
        // Up 3, 2, 1; down 1, 2, 2.
        accepted: 11,
        // Up the first of each session and the second of the second; down the first of the first two.
        delivered: 6,
        // Up the second of the first, though handed back, and of the killed one; down the last of the second.
        recovered: 3,
        // Up the third of the first; down both of the killed one.
        undelivered: 3,
        never_sent: 1,
        perished: 0,
    };
    assert_eq!(verdict.sums, sums);
}

#[test]
fn a_message_that_is_nowhere_is_lost() {
    // Acknowledged, as it seems: it is neither in the list nor at the server.
    let lost = doctored("6 taken 50 1 a-7/1/1", "");
    assert_eq!(lost, [], "it is handed back: nothing is wrong");
    let lost = doctored(
        "9 undelivered 1 a-7/1/1:unknown:1 a-7/1/2:never-sent:2",
        "9 undelivered 1 a-7/1/2:never-sent:2",
    );
    assert_eq!(lost, [], "the server has it: nothing is wrong");
    let lost = doctored("16 taken 60 2 a-7/2/1", "");
    assert!(lost.contains(&Class::Lost), "{lost:?}");
    // The other way: the server believes that the client has it.
    let lost = doctored("18 undelivered 60 a-7/2/1:unknown:1", "18 undelivered 60");
    assert_eq!(lost, [], "the client has it: nothing is wrong");
    let lost = doctored("15 got a-7/2/0", "");
    assert!(lost.contains(&Class::Lost), "{lost:?}");
    // What the killed one acknowledged counts, too.
    let list = "24 undelivered 61 b-8/1/0:unknown:0 b-8/1/1:unknown:1";
    assert_eq!(
        doctored(list, "24 undelivered 61 b-8/1/1:unknown:1"),
        [Class::Lost]
    );
}

#[test]
fn a_message_that_was_acknowledged_and_not_taken_is_lost() {
    assert_eq!(doctored("5 acked 1 1", "5 acked 1 2"), [Class::Miscounted]);
    let lost = doctored(
        "23 try b-8/1/1",
        "23 try b-8/1/1\n24 accepted b-8/1/1\n24 acked 1 2",
    );
    assert_eq!(lost, [], "it was taken: nothing is wrong");
    let lost = doctored("5 acked 1 1", "5 acked 1 3");
    assert_eq!(lost, [Class::Lost, Class::Miscounted]);
}

#[test]
fn a_message_that_comes_again_is_duplicated() {
    let again = "16 taken 60 2 a-7/2/1\n16 taken 60 2 a-7/2/1";
    assert_eq!(
        doctored("16 taken 60 2 a-7/2/1", again),
        [Class::Duplicated]
    );
    let again = "17 got a-7/2/1\n17 got a-7/2/1";
    assert_eq!(doctored("17 got a-7/2/1", again), [Class::Duplicated]);
    // From one server to the next: a session that goes on where it cannot.
    let again = "13 login 60 1 a\n13 login 59 4 c\n13 taken 59 4 a-7/1/0\n\
                 13 undelivered 59\n13 ended 59 Gone";
    let again = doctored("13 login 60 1 a", again);
    assert_eq!(again, [Class::Duplicated, Class::Unexpected]);
}

#[test]
fn a_message_that_nobody_sent_is_unexpected() {
    let more = "16 answered 60 2 a-7/2/1\n16 taken 60 2 a-7/2/2";
    assert_eq!(
        doctored("16 answered 60 2 a-7/2/1", more),
        [Class::Unexpected]
    );
    // Handed back as never sent, and it came; tried, refused, and it came.
    let never_sent = "6 taken 50 1 a-7/1/1\n6 taken 50 1 a-7/1/2";
    assert_eq!(
        doctored("6 taken 50 1 a-7/1/1", never_sent),
        [Class::Unexpected]
    );
    let list = "9 undelivered 1 a-7/1/1:unknown:1 a-7/1/2:never-sent:2";
    let unknown = "9 undelivered 1 a-7/1/1:unknown:1 a-7/1/2:unknown:2\n";
    let refused = [never_sent, "6 taken 50 1 a-7/1/3\n"].join("\n");
    let verdict = check_with(|log| {
        let log = log.replace(&format!("{list}\n"), unknown);
        log.replace("6 taken 50 1 a-7/1/1\n", &refused)
    });
    assert_eq!(classes(&verdict), [Class::Unexpected]);
    // Another session's, and one that is not what was sent.
    let other = "15 got a-7/1/0\n15 got a-7/2/0";
    assert_eq!(doctored("15 got a-7/2/0", other), [Class::Unexpected]);
    let damaged = "17 got a-7/2/1\n17 damaged a-7/2/1";
    assert_eq!(doctored("17 got a-7/2/1", damaged), [Class::Unexpected]);
    // Only the very last one of a process that was killed may have been accepted without its saying so.
    let two = "23 taken 61 3 b-8/1/1\n23 taken 61 3 b-8/1/2";
    assert_eq!(doctored("23 taken 61 3 b-8/1/1", two), [Class::Unexpected]);
    let two = doctored("22 accepted b-8/1/0", "");
    assert_eq!(two, [Class::Unexpected]);
}

#[test]
fn a_message_that_comes_late_is_reordered() {
    let swap = |log: &str| {
        let (a, b) = ("13 taken 60 1 a-7/2/0\n", "16 taken 60 2 a-7/2/1\n");
        let without = log.replace(a, "");
        without.replace(b, &[b, &a.replace("60 1", "60 2")].concat())
    };
    assert_eq!(classes(&check_with(swap)), [Class::Reordered]);
}

#[test]
fn a_message_that_is_skipped_is_a_gap() {
    let gap = doctored("13 taken 60 1 a-7/2/0", "");
    assert!(gap.contains(&Class::Gap), "{gap:?}");
    let gap = doctored("15 got a-7/2/0", "");
    assert!(gap.contains(&Class::Gap), "{gap:?}");
    // A killed client's, of which no list says what was delivered.
    let gap = doctored("22 taken 61 3 b-8/1/0", "");
    assert!(gap.contains(&Class::Gap), "{gap:?}");
}

#[test]
fn a_list_that_is_not_the_exact_tail_is_miscounted() {
    let list = "9 undelivered 1 a-7/1/1:unknown:1 a-7/1/2:never-sent:2";
    for wrong in [
        "9 undelivered 1 a-7/1/1:unknown:1",
        "9 undelivered 1 a-7/1/2:never-sent:2 a-7/1/1:unknown:1",
        "9 undelivered 1 a-7/1/1:unknown:1 a-7/1/2:never-sent:3",
        "9 undelivered 1 a-7/1/1:unknown:1 a-7/1/3:never-sent:2",
        "9 undelivered 1 a-7/1/0:unknown:0 a-7/1/1:unknown:1 a-7/1/2:never-sent:2",
        "9 undelivered 1 a-7/1/1:unknown:1 a-7/1/2:never-sent:2\n9 undelivered 1",
        "9 undelivered 1 a-7/2/1:unknown:1 a-7/1/2:never-sent:2",
    ] {
        let classes = doctored(list, wrong);
        assert!(classes.contains(&Class::Miscounted), "{wrong}: {classes:?}");
    }
    let mixed = "9 undelivered 1 a-7/1/1:never-sent:1 a-7/1/2:unknown:2";
    let classes = doctored(list, mixed);
    assert_eq!(classes, [Class::Unexpected, Class::Miscounted]);
}

#[test]
fn a_session_that_nobody_saw_end_is_endless() {
    for (line, instead) in [
        ("9 ended 1 Gone", ""),
        ("18 ended 2 ClosedHere", ""),
        ("18 undelivered 2", ""),
        ("19 done", ""),
        ("24 ended 61 Expired", ""),
        ("18 undelivered 60 a-7/2/1:unknown:1", ""),
    ] {
        let classes = doctored(line, instead);
        assert!(classes.contains(&Class::Endless), "{line}: {classes:?}");
    }
}

#[test]
fn nothing_comes_after_an_end() {
    for (line, instead) in [
        (
            "24 ended 61 Expired",
            "24 ended 61 Expired\n25 taken 61 3 b-8/1/1",
        ),
        (
            "24 ended 61 Expired",
            "24 ended 61 Expired\n25 ended 61 Expired",
        ),
        ("9 ended 1 Gone", "9 ended 1 Gone\n9 ended 1 Gone"),
        ("9 ended 1 Gone", "9 ended 1 Gone\n9 got a-7/1/1"),
        (
            "9 ended 1 Gone",
            "9 ended 1 Gone\n9 event 90 2 resumed, 0 messages replayed",
        ),
        (
            "18 ended 60 ClosedByPeer",
            "18 ended 60 ClosedByPeer\n19 event 60 2 ended: again",
        ),
    ] {
        let classes = doctored(line, instead);
        assert!(
            classes.contains(&Class::Afterlife),
            "{instead}: {classes:?}"
        );
    }
}

#[test]
fn an_older_link_is_not_listened_to() {
    assert_eq!(
        doctored("16 taken 60 2 a-7/2/1", "16 taken 60 0 a-7/2/1"),
        [Class::Epoch]
    );
    let twice = "18 ended 60 ClosedByPeer\n19 login 62 1 a\n19 undelivered 62\n19 ended 62 Gone";
    let classes = doctored("18 ended 60 ClosedByPeer", twice);
    assert!(classes.contains(&Class::Epoch), "{classes:?}");
    assert_eq!(doctored("12 login 2 1 a", "12 login 2 5 a"), [Class::Epoch]);
}

#[test]
fn a_line_that_nobody_writes_is_strange() {
    for line in ["19 sang", "sang", "19 got a-7/2", "19 taken 60 2 a-7/2/1"] {
        let classes = doctored("19 done", &format!("19 done\n{line}"));
        assert_eq!(classes, [Class::Strange], "{line}");
    }
}
