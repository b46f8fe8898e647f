//! The modes of a runtime are this library's.

use sessile::Runtime;

struct Cluster;

fn join(_runtime: Runtime<Cluster>) {}

fn main() {}
