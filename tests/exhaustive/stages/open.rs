//! What becomes of an open link, on either side.

use sessile::{Phase, Reason, proto::closed, wire::Frame};

use super::Made;
use crate::{say::close, scene::ms};

/// One message was taken and one was not; four were accepted here, three of them written, one of them acknowledged.
pub(super) fn busy((mut scene, mut link, key): Made) -> Made {
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

pub(super) fn suspicious((mut scene, mut link, key): Made) -> Made {
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

pub(super) fn answering((mut scene, mut link, key): Made) -> Made {
    scene.says(&mut link, &[Frame::Data(b"unread"), close(1, 0)]);
    (scene, link, key)
}

pub(super) fn closed_due((mut scene, mut link, key): Made) -> Made {
    scene.says(&mut link, &[close(1, 0)]);
    (scene, link, key)
}

pub(super) fn both_closed(made: Made) -> Made {
    closed_due(closing(made))
}
