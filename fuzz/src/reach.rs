//! Which frame was met in which stage of a link, over a corpus: what coverage of lines does not say.

use std::{cell::RefCell, collections::BTreeSet};

use sessile::{proto::Machine, wire::decode};

use crate::Target;

/// A stage of the machine by its name, and the name of a frame.
pub type Met = BTreeSet<(String, &'static str)>;

thread_local! {
    static MET: RefCell<Option<Met>> = const { RefCell::new(None) };
}

/// What the target meets in these inputs.
pub fn reach(target: Target, inputs: impl IntoIterator<Item = Vec<u8>>) -> Met {
    MET.set(Some(Met::new()));
    inputs.into_iter().for_each(|bytes| target(&bytes));
    MET.take().unwrap_or_default()
}

/// These bytes arrive at this session's link, on which those have arrived before.
pub(crate) fn meet(machine: Option<&Machine>, before: &[u8], bytes: &[u8]) {
    MET.with_borrow_mut(|met| {
        let (Some(met), Some(machine)) = (met, machine) else {
            return;
        };
        let mut rest = before;
        while let Ok(Some((_, used))) = decode(rest, usize::MAX) {
            rest = &rest[used..];
        }
        // In the middle of another frame it would be none.
        let begins = rest.is_empty();
        if let (true, Ok(Some((frame, _)))) = (begins, decode(bytes, usize::MAX)) {
            let shown = format!("{machine:?}");
            let stage = shown.split_once("stage: ").map_or("", |(_, rest)| rest);
            let name = stage.split(|c: char| !c.is_alphanumeric()).next();
            met.insert((name.unwrap_or_default().to_owned(), frame.name()));
        }
    });
}
