//! Who handles the end must handle the loss.

use sessile::Ended;

fn report(ended: Ended) {
    match ended {
        Ended::Closed(closed) => println!("{closed}"),
    }
}

fn main() {}
