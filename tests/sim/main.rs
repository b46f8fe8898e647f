//! Nothing lost, nothing twice, whatever breaks: random worlds of real programs, each from one seed.

mod client;
mod ledger;
mod server;
mod world;

use sessile::sim;

#[test]
fn whatever_breaks_what_is_promised_holds() {
    let summary = sim::check(0..60, world::build);
    eprintln!("{summary}");
}
