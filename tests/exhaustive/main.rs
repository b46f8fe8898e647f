//! Small things, all of them: every cut of a conversation, every frame and every first byte in every stage of a link, every length
//! and every count, every split, every flipped bit.

mod counts;
mod cuts;
mod documented;
mod flips;
mod lengths;
#[path = "../../src/registry/tests/pair.rs"]
#[allow(dead_code, reason = "the library's own tests use the rest")]
mod pair;
mod ranges;
#[path = "../protocol/say.rs"]
#[allow(dead_code, reason = "tests/protocol uses the rest")]
mod say;
#[path = "../protocol/scene.rs"]
#[allow(dead_code, reason = "tests/protocol uses the rest")]
mod scene;
mod splits;
mod stages;
mod table;
mod vectors;

// What `pair.rs` expects at the root of the crate that it is in.
use sessile::{
    Closed, Config, EventKind, Identity, Lent, LossCause, Reason, proto, registry, wire,
};
