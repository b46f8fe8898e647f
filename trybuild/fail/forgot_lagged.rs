//! Who reads events must handle a lag.

use sessile::Notice;

fn report(notice: Notice) {
    match notice {
        Notice::Event(event) => println!("{event}"),
    }
}

fn main() {}
