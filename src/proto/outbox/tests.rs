use super::*;

const TERMS: Terms = Terms {
    heartbeat_ms: 2000,
    lease_ms: 6000,
    resume_window_ms: 120_000,
    window_messages: 4,
    window_bytes: 10,
    max_message: 8,
};

fn outbox(messages: &[&'static str]) -> Outbox {
    let mut outbox = Outbox::default();
    for message in messages {
        outbox
            .accept(message.len(), &TERMS, || {
                Bytes::from_static(message.as_bytes())
            })
            .unwrap();
    }
    outbox
}

fn write_all(outbox: &mut Outbox) -> Vec<Bytes> {
    std::iter::from_fn(|| outbox.write_next(&TERMS).cloned()).collect()
}

#[test]
fn the_window_is_exact_in_messages_and_in_bytes() {
    let mut by_count = outbox(&["", "", "", ""]);
    assert_eq!(by_count.accept(0, &TERMS, Bytes::new), Err(NoRoom::Full));
    let mut by_bytes = outbox(&["12345678"]);
    assert_eq!(
        by_bytes.accept(3, &TERMS, || unreachable!()),
        Err(NoRoom::Full)
    );
    assert_eq!(
        by_bytes.accept(2, &TERMS, || Bytes::from_static(b"90")),
        Ok(())
    );
    assert_eq!(
        by_bytes.accept(9, &TERMS, || unreachable!()),
        Err(NoRoom::TooLong)
    );
}

#[test]
fn replay_starts_at_received_and_only_taken_trims() {
    let mut outbox = outbox(&["a", "b", "c"]);
    assert_eq!(write_all(&mut outbox).len(), 3);
    assert_eq!(outbox.rewind(2, 1), Ok(true));
    assert_eq!(outbox.in_flight(), (2, 2));
    assert_eq!(outbox.to_replay(), 1);
    assert_eq!(write_all(&mut outbox), ["c"]);
}

#[test]
fn positions_and_acks_that_cannot_be_change_nothing() {
    let mut outbox = outbox(&["a", "b", "c"]);
    outbox.write_next(&TERMS).unwrap();
    outbox.write_next(&TERMS).unwrap();
    outbox.ack(1).unwrap();
    for (received, taken) in [
        (3, 1),
        (0, 0),
        (1, 2),
        (2, 0),
        (u64::MAX, 1),
        (u64::MAX, u64::MAX),
    ] {
        assert_eq!(
            outbox.rewind(received, taken),
            Err(Violation::PositionOutOfRange)
        );
    }
    for taken in [0, 3, u64::MAX] {
        assert_eq!(outbox.ack(taken), Err(Violation::AckOutOfRange));
    }
    assert_eq!(
        (
            outbox.acked(),
            outbox.accepted(),
            outbox.cursor(),
            outbox.written()
        ),
        (1, 3, 2, 2)
    );
}

#[test]
fn a_hosts_first_answer_is_accepted_and_waits_here_for_the_peers_window() {
    let mut outbox = outbox(&["12345678"]);
    assert_eq!(
        outbox.accept_answer(8, &TERMS, || Bytes::from_static(b"abcdefgh")),
        Ok(())
    );
    assert!(!outbox.is_open(&TERMS));
    assert_eq!(
        outbox.accept_answer(0, &TERMS, || unreachable!()),
        Err(NoRoom::Full)
    );
    assert_eq!(write_all(&mut outbox), ["12345678"]);
    assert!(!outbox.has_unwritten(&TERMS) && !outbox.is_written());
    outbox.ack(1).unwrap();
    assert_eq!(write_all(&mut outbox), ["abcdefgh"]);
    outbox.rewind(1, 1).unwrap();
    assert_eq!(write_all(&mut outbox), ["abcdefgh"]);
}

#[test]
fn never_sent_is_counted_from_the_highest_number_ever_written() {
    let mut outbox = outbox(&["a", "b", "c"]);
    outbox.write_next(&TERMS).unwrap();
    outbox.write_next(&TERMS).unwrap();
    outbox.rewind(0, 0).unwrap(); // the next link writes nothing before the session ends
    let fates: Vec<_> = outbox
        .take_undelivered()
        .iter()
        .map(|one| (one.sequence(), one.fate()))
        .collect();
    assert_eq!(
        fates,
        [(0, Fate::Unknown), (1, Fate::Unknown), (2, Fate::NeverSent)]
    );
    assert!(outbox.take_undelivered().is_empty());
}

#[test]
fn a_new_link_may_have_received_what_the_last_one_was_not_given() {
    let mut outbox = outbox(&["abc", "de", "f"]);
    assert_eq!(write_all(&mut outbox).len(), 3);
    outbox.rewind(0, 0).unwrap(); // a link that is lost before anything was written to it
    assert_eq!(outbox.to_replay(), 3);
    outbox.rewind(3, 2).unwrap(); // the first one had brought everything, and two were taken meanwhile
    assert_eq!((outbox.in_flight(), outbox.to_replay()), ((1, 1), 0));
    assert!(outbox.is_written());
    // "f" is on its way: of ten bytes nine are left, and what does not fit waits for it.
    let mut answer = |text: &'static str| {
        outbox.accept_answer(text.len(), &TERMS, || Bytes::from_static(text.as_bytes()))
    };
    assert_eq!(answer("12345678"), Ok(()));
    assert_eq!(answer("90"), Ok(()));
    assert_eq!(write_all(&mut outbox), ["12345678"]);
    assert!(!outbox.is_written());
}

#[test]
fn the_window_is_open_while_one_message_more_could_be_accepted() {
    let mut outbox = outbox(&["", "", ""]);
    assert!(outbox.is_open(&TERMS));
    outbox.accept(0, &TERMS, Bytes::new).unwrap();
    assert!(!outbox.is_open(&TERMS), "four are all that it holds");
    let mut outbox = self::outbox(&["12345678"]);
    assert!(outbox.is_open(&TERMS), "two bytes are left");
    outbox
        .accept(2, &TERMS, || Bytes::from_static(b"90"))
        .unwrap();
    assert!(!outbox.is_open(&TERMS), "no byte is left");
}

#[test]
fn messages_and_bytes_are_counted_from_the_first_to_the_last() {
    let mut outbox = outbox(&["abc", "de"]);
    assert_eq!((outbox.accepted(), outbox.accepted_bytes()), (2, 5));
    assert_eq!((outbox.in_flight(), outbox.acked()), ((2, 5), 0));
    write_all(&mut outbox);
    outbox.ack(1).unwrap();
    assert_eq!((outbox.in_flight(), outbox.acked()), ((1, 2), 1));
    outbox.ack(2).unwrap();
    assert_eq!((outbox.in_flight(), outbox.acked()), ((0, 0), 2));
    assert_eq!((outbox.accepted(), outbox.accepted_bytes()), (2, 5));
}

#[test]
fn what_nobody_will_ask_for_is_given_up_and_stays_counted() {
    let mut outbox = outbox(&["abc", "de"]);
    outbox.forget();
    assert_eq!((outbox.in_flight(), outbox.accepted()), ((0, 0), 2));
    assert!(outbox.take_undelivered().is_empty());
}

#[test]
fn an_idle_outbox_owns_no_memory_and_a_new_login_starts_from_nothing() {
    let mut outbox = outbox(&["abc"]);
    outbox.release();
    assert_eq!(outbox.in_flight(), (1, 3), "it was not idle");
    write_all(&mut outbox);
    outbox.ack(1).unwrap();
    assert!(outbox.busy.is_some());
    outbox.release();
    assert!(outbox.busy.is_none());
    outbox.reset();
    assert_eq!((outbox.accepted(), outbox.accepted_bytes()), (0, 0));
}
