//! Who reads the updates of a client decides about each of them.

use sessile::Update;

fn f(update: Update) {
    match update {
        Update::Message(_) | Update::Event(_) => {}
        Update::Lagged(_) | Update::Ended(_) => {}
    }
}

fn main() {}
