//! What follows a lost link, on either side.

use std::time::Duration;

use sessile::{
    EventKind, Retry,
    wire::{Frame, Resume},
};

use crate::scene::{Link, Scene, ms};

impl Scene {
    /// Time passes until the client dials, and the dial succeeds.
    pub(crate) fn redialed(&mut self) -> Link {
        for _ in 0..1000 {
            if !self.dials.is_empty() {
                return self.dialed();
            }
            self.pass(ms(100));
        }
        panic!("never dialed");
    }

    /// The test resumes a session of the server; what came back.
    pub(crate) fn resumes(&mut self, resume: Resume) -> (Link, Vec<String>) {
        let mut link = self.link();
        link.session = resume.session;
        self.says(&mut link, &[Frame::Resume(resume)]);
        let heard = self.hears(&mut link);
        (link, heard)
    }

    /// The client is back on a new link, its RESUME was read.
    pub(crate) fn resume_sent(&mut self, link: &mut Link) -> Link {
        self.cut(link);
        let mut link = self.redialed();
        let heard = self.hears(&mut link);
        assert!(
            heard.len() == 1 && heard[0].starts_with("RESUME "),
            "{heard:?}"
        );
        link
    }

    /// The client's next dial fails.
    pub(crate) fn fails_dial(&mut self) {
        for _ in 0..1000 {
            if let Some((key, id)) = self.dials.pop_front() {
                return self.on(key, |machine, cx| {
                    machine.dial_failed(cx, id, "no route", Retry::Now)
                });
            }
            self.pass(ms(100));
        }
        panic!("never dialed");
    }

    /// The waits that were planned before a next attempt: its number and how long.
    pub(crate) fn waits(&self) -> Vec<(u32, Duration)> {
        let planned = |kind: &EventKind| match kind {
            EventKind::ReconnectScheduled { attempt, after } => Some((*attempt, *after)),
            _ => None,
        };
        self.events.iter().filter_map(planned).collect()
    }
}
