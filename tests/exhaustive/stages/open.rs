//! What becomes of an open link, on either side.

use sessile::{Phase, Reason, proto::closed, wire::Frame};

use super::{Made, older};
use crate::{say::close, scene::ms};

/// What happens to a link.
type Then = fn(Made) -> Made;

/// Each of them, made of an open link; and whether the link is an older one by then.
pub(super) const STAGES: [(&str, bool, Then); 11] = [
    ("open", false, |made| made),
    ("mail and acks are on their way", false, busy),
    ("suspects the peer", false, suspicious),
    ("CLOSE is to be written", false, closed_here),
    ("CLOSE was written", false, closing),
    ("the peer closed, mail is unread", false, answering),
    (
        "the peer closed, CLOSED is to be written",
        false,
        closed_due,
    ),
    ("both closed, CLOSED is to be written", false, both_closed),
    ("lost this link", true, lost),
    ("ended, CLOSED was read", true, closed_read),
    ("ended, CLOSED was written", true, closed_written),
];

/// One message was taken and one was not; four were accepted here, three of them written, one of them acknowledged.
fn busy((mut scene, mut link, key): Made) -> Made {
    scene.says(&mut link, &[Frame::Data(b"taken"), Frame::Data(b"unread")]);
    scene.takes_message(key);
    for text in ["acked", "written", "written"] {
        scene.sends(key, text);
    }
    scene.hears(&mut link);
    scene.says(&mut link, &[Frame::Ack(1)]);
    scene.sends(key, "unwritten");
    (scene, link, key)
}

fn suspicious((mut scene, mut link, key): Made) -> Made {
    scene.pass(ms(3_100));
    scene.hears(&mut link);
    assert_eq!(scene.phase(key), Phase::Suspect);
    (scene, link, key)
}

pub(super) fn closed_here((mut scene, link, key): Made) -> Made {
    let closed = closed(Reason::ClosedHere);
    scene.on(key, |machine, cx| machine.close(cx, closed));
    (scene, link, key)
}

pub(super) fn closing(made: Made) -> Made {
    let (mut scene, mut link, key) = closed_here(made);
    assert!(scene.hears(&mut link)[0].starts_with("CLOSE "));
    (scene, link, key)
}

fn answering((mut scene, mut link, key): Made) -> Made {
    scene.says(&mut link, &[Frame::Data(b"unread"), close(1, 0)]);
    (scene, link, key)
}

fn closed_due((mut scene, mut link, key): Made) -> Made {
    scene.says(&mut link, &[close(1, 0)]);
    (scene, link, key)
}

fn both_closed(made: Made) -> Made {
    closed_due(closing(made))
}

pub(super) fn lost(made: Made) -> Made {
    older(made, |scene, link, _| scene.cut(link))
}

fn closed_read(made: Made) -> Made {
    older(closing(made), |scene, link, _| {
        scene.says(link, &[Frame::Closed(0)]);
    })
}

fn closed_written(made: Made) -> Made {
    older(closed_due(made), |scene, link, _| {
        assert_eq!(scene.hears(link), ["CLOSED 0"]);
    })
}
