//! Chapters "Messages", "Acknowledgements" and "Volatile messages".

use sessile::{
    Lent, SendError,
    wire::{Beat, Frame},
};

use crate::{
    say::{TERMS, ping, resume},
    scene::{Scene, config, ms},
};

// [DATA-1]
#[test]
fn messages_go_out_in_order_one_frame_each() {
    let (mut scene, key, mut link) = Scene::served();
    for text in ["a", "b", "c"] {
        scene.sends(key, text);
    }
    assert_eq!(scene.hears(&mut link), ["DATA a", "DATA b", "DATA c"]);
}

// [DATA-2] [DATA-5]
#[test]
fn messages_come_out_in_order_each_once_the_empty_one_too() {
    let (mut scene, key, mut link) = Scene::served();
    scene.says(
        &mut link,
        &[Frame::Data(b"a"), Frame::Data(b""), Frame::Data(b"c")],
    );
    assert_eq!(scene.takes_all(key), ["a", "", "c"]);
    assert_eq!(scene.takes_all(key), [""; 0]);
    scene.pass(ms(30));
    assert_eq!(scene.hears(&mut link), ["ACK 3"], "the empty one counts");
}

// [DATA-3] [ACK-2]
#[test]
fn a_full_window_opens_by_what_was_acked() {
    let (mut scene, key, mut link) = Scene::served();
    for _ in 0..TERMS.window_messages {
        scene.sends(key, "");
    }
    let send = |scene: &mut Scene| scene.on(key, |machine, _| machine.post(Lent::Slice(b"more")));
    assert!(matches!(send(&mut scene), Err(SendError::Full)));
    assert_eq!(scene.hears(&mut link).len(), 8);
    scene.says(&mut link, &[Frame::Ack(2)]);
    assert!(send(&mut scene).is_ok() && send(&mut scene).is_ok());
    assert!(
        matches!(send(&mut scene), Err(SendError::Full)),
        "two were acked, no more"
    );
}

// [DATA-3]
#[test]
fn a_window_is_full_of_bytes_too() {
    let (mut scene, key, _link) = Scene::served();
    let send = |scene: &mut Scene, len| {
        scene.on(key, |machine, _| machine.post(Lent::Slice(&vec![0; len])))
    };
    for _ in 0..4 {
        assert!(send(&mut scene, 1024).is_ok());
    }
    assert!(matches!(send(&mut scene, 1), Err(SendError::Full)));
    assert!(send(&mut scene, 0).is_ok());
}

// [DATA-4]
#[test]
fn one_message_or_byte_beyond_the_window_ends_the_link() {
    let (mut scene, key, mut link) = Scene::served();
    for _ in 0..TERMS.window_messages {
        scene.says(&mut link, &[Frame::Data(b"x")]);
    }
    assert!(!link.is_closed());
    assert_eq!(scene.takes_message(key).unwrap(), "x"); // taken, but nobody said so yet
    scene.says(&mut link, &[Frame::Data(b"one too many")]);
    assert!(link.is_closed());
    assert_eq!(scene.takes_all(key).len(), 7);

    let (mut scene, _, mut link) = Scene::served();
    for _ in 0..4 {
        scene.says(&mut link, &[Frame::Data(&[0; 1024])]);
    }
    assert!(!link.is_closed());
    scene.says(&mut link, &[Frame::Data(b"!")]);
    assert!(link.is_closed());
}

// [DATA-6]
#[test]
fn pong_and_ack_go_before_data() {
    let (mut scene, key, mut link) = Scene::served();
    scene.sends(key, "bulk");
    scene.says(&mut link, &[Frame::Data(b"x"), ping(5, 5)]);
    scene.takes_all(key);
    assert_eq!(scene.hears(&mut link), ["PONG", "ACK 1", "DATA bulk"]);
}

// [DATA-7]
#[test]
fn a_slow_application_stops_neither_heartbeats_nor_acks() {
    let (mut scene, key, mut link) = Scene::served();
    scene.sends(key, "out");
    scene.hears(&mut link);
    for _ in 0..TERMS.window_messages {
        scene.says(&mut link, &[Frame::Data(b"unread")]);
    }
    scene.says(&mut link, &[Frame::Ack(1), ping(1, 1)]);
    assert_eq!(scene.hears(&mut link), ["PONG"]);
    assert_eq!(scene.registry.snapshot(key, scene.now).unwrap().acked, 1);
}

// [ACK-1]
#[test]
fn what_arrived_is_not_acked_before_it_is_taken() {
    let (mut scene, key, mut link) = Scene::served();
    scene.says(&mut link, &[Frame::Data(b"a"), Frame::Data(b"b")]);
    scene.pass(ms(1000));
    assert_eq!(scene.hears(&mut link), [""; 0]);
    scene.takes_message(key);
    scene.pass(ms(30));
    assert_eq!(scene.hears(&mut link), ["ACK 1"]);
}

// [ACK-3]
#[test]
fn a_quarter_of_the_window_is_acked_at_once() {
    let (mut scene, key, mut link) = Scene::served();
    scene.says(&mut link, &[Frame::Data(b"1"), Frame::Data(b"2")]);
    scene.takes_message(key);
    assert_eq!(scene.hears(&mut link), [""; 0]);
    scene.takes_message(key);
    assert_eq!(scene.hears(&mut link), ["ACK 2"], "2 of 8 messages");
    scene.says(&mut link, &[Frame::Data(&[b'x'; 1024])]);
    scene.takes_message(key);
    assert_eq!(scene.hears(&mut link), ["ACK 3"], "1,024 of 4,096 bytes");
}

// [ACK-4]
#[test]
fn an_ack_waits_for_company_but_not_longer_than_the_delay() {
    let (mut scene, key, mut link) = Scene::served_with(config().ack_delay(ms(100)));
    scene.says(&mut link, &[Frame::Data(b"1")]);
    scene.takes_message(key);
    scene.pass(ms(99));
    assert_eq!(scene.hears(&mut link), [""; 0]);
    scene.pass(ms(5)); // a timer's grain is 4 ms
    assert_eq!(scene.hears(&mut link), ["ACK 1"]);
}

// [ACK-5]
#[test]
fn an_ack_that_cannot_be_ends_the_link_and_changes_nothing() {
    for wrong in [0, 4, u64::MAX] {
        let (mut scene, key, mut link) = Scene::served();
        for text in ["a", "b", "c"] {
            scene.sends(key, text);
        }
        assert_eq!(scene.hears(&mut link).len(), 3);
        scene.sends(key, "never written");
        scene.says(&mut link, &[Frame::Ack(1)]);
        scene.says(&mut link, &[Frame::Ack(wrong), Frame::Ack(3)]);
        assert!(link.is_closed(), "{wrong}");
        assert_eq!(scene.registry.snapshot(key, scene.now).unwrap().acked, 1);
        assert_eq!(scene.reason(key), None);
    }
}

// [ACK-6]
#[test]
fn an_ack_rides_with_whatever_is_written() {
    let (mut scene, key, mut link) = Scene::served();
    scene.says(&mut link, &[Frame::Data(b"1")]);
    scene.takes_message(key);
    scene.sends(key, "out");
    assert_eq!(scene.hears(&mut link), ["ACK 1", "DATA out"]);
    scene.says(&mut link, &[Frame::Data(b"2")]);
    scene.takes_message(key);
    scene.says(&mut link, &[ping(1, 1)]);
    assert_eq!(scene.hears(&mut link), ["PONG", "ACK 2"]);
}

// [ACK-7]
#[test]
fn an_ack_may_be_repeated() {
    let (mut scene, key, mut link) = Scene::served();
    scene.sends(key, "a");
    scene.hears(&mut link);
    scene.says(&mut link, &[Frame::Ack(1), Frame::Ack(1), Frame::Ack(1)]);
    assert!(!link.is_closed());
}

// [VOL-1]
#[test]
fn volatile_messages_count_nowhere() {
    let (mut scene, key, mut link) = Scene::served();
    for _ in 0..3 * TERMS.window_messages {
        scene.says(&mut link, &[Frame::Volatile(b"v")]);
    }
    scene.says(&mut link, &[Frame::Data(b"d")]);
    assert_eq!(scene.takes_all(key).len(), 25);
    scene.pass(ms(30));
    assert_eq!(scene.hears(&mut link), ["ACK 1"]);
    scene.cut(&mut link);
    let (_, heard) = scene.resumes(resume(link.session, link.proof(), 1));
    assert_eq!(heard, ["RESUMED epoch 2 received 1 taken 1"]);
}

// [VOL-2]
#[test]
fn volatile_messages_do_not_survive_their_link() {
    let (mut scene, key, mut link) = Scene::served();
    scene
        .on(key, |machine, cx| {
            machine.post_volatile(cx, Lent::Slice(b"late"))
        })
        .unwrap();
    scene.sends(key, "kept");
    scene.cut(&mut link);
    scene
        .on(key, |machine, cx| {
            machine.post_volatile(cx, Lent::Slice(b"between"))
        })
        .unwrap();
    let (_, heard) = scene.resumes(resume(link.session, link.proof(), 1));
    assert_eq!(heard, ["RESUMED epoch 2 received 0 taken 0", "DATA kept"]);
    assert_eq!(
        scene
            .registry
            .snapshot(key, scene.now)
            .unwrap()
            .volatile_dropped,
        2
    );
}

// [VOL-3]
#[test]
fn a_receiver_drops_the_oldest_volatile_messages() {
    let (mut scene, key, mut link) = Scene::served_with(config().volatile_messages(2));
    scene.says(
        &mut link,
        &[
            Frame::Volatile(b"1"),
            Frame::Data(b"d"),
            Frame::Volatile(b"2"),
            Frame::Volatile(b"3"),
        ],
    );
    assert_eq!(scene.takes_all(key), ["d", "2", "3"]);
}

// [VOL-4]
#[test]
fn a_sender_drops_the_oldest_volatile_messages() {
    let (mut scene, key, mut link) = Scene::served_with(config().volatile_messages(2));
    for text in ["1", "2", "3"] {
        scene
            .on(key, |machine, cx| {
                machine.post_volatile(cx, Lent::Slice(text.as_bytes()))
            })
            .unwrap();
    }
    scene.says(&mut link, &[Frame::Pong(Beat::default())]);
    assert_eq!(scene.hears(&mut link), ["VOLATILE 2", "VOLATILE 3"]);
}
