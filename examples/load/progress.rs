//! How far it is, for people who wait. Nothing is shown where standard error is no terminal.

use std::time::Duration;

use indicatif::{ProgressBar, ProgressStyle};

/// A bar; it goes when it is dropped.
pub(crate) struct Progress(ProgressBar);

impl Progress {
    pub(crate) fn counted(what: &'static str, of: usize) -> Self {
        Self::new(what, of as u64, "{pos} of {len}")
    }

    pub(crate) fn timed(what: &'static str, of: Duration) -> Self {
        Self::new(what, of.as_millis() as u64, "{percent} %")
    }

    fn new(what: &'static str, length: u64, figures: &str) -> Self {
        let template = format!("{{prefix:8}} {{bar:40}} {figures}");
        let style = ProgressStyle::with_template(&template).expect("a good template");
        Self(ProgressBar::new(length).with_prefix(what).with_style(style))
    }

    pub(crate) fn at(&self, position: usize) {
        self.0.set_position(position as u64);
    }

    pub(crate) fn after(&self, time: Duration) {
        self.0.set_position(time.as_millis() as u64);
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        self.0.finish_and_clear();
    }
}
