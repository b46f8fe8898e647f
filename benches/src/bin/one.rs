//! One case, often enough to count it: what `counts` runs under valgrind, which switches itself on in `measured` alone.

use anyhow::{Context, Result};

fn main() -> Result<()> {
    let name = std::env::args().nth(1).context("which case?")?;
    let times: usize = std::env::args().nth(2).context("how often?")?.parse()?;
    let case = sessile_benches::all()
        .into_iter()
        .find(|case| case.name == name);
    let mut act = (case.context("no such case")?.prepare)();
    // Buffers have their size and branches are known, as in a program that runs for a while.
    let mut done = 0;
    while done < times {
        done += act();
    }
    let mut done = 0;
    while done < times {
        sessile_benches::measured(&mut || done += act());
    }
    println!("{done}");
    Ok(())
}
