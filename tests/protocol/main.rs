//! The protocol of `docs/protocol.md`, sentence by sentence: one side is the real core, the other is the test, which
//! writes frames by hand and says what must come back. Each test names the sentences it checks.

mod back;
mod say;
mod scene;

mod away;
mod beat;
mod bounds;
mod close;
mod data;
mod error;
mod flood;
mod frame;
mod limit;
mod login;
mod loss;
mod resume;
mod resume_refused;
mod state;
mod take;
mod terms;
