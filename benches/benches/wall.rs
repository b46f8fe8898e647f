//! By the clock: **each line is the time of a thousand**, so what it says in microseconds are nanoseconds of one.
//! Indicative only where other programs run; `counts` is what is compared.

use divan::Bencher;
use sessile_benches::all;

const THINGS: usize = 1_000;

fn main() {
    divan::main();
}

/// Each case is prepared once: a million sessions take a while. Of so many, thousands beat in one tick: what that is more than
/// was asked for, the next time has less to do, and eight times make a sample.
#[divan::bench(args = all().into_iter().map(|case| case.name), sample_count = 10, sample_size = 8)]
fn thousand(bencher: Bencher<'_, '_>, name: &str) {
    let case = all().into_iter().find(|case| case.name == name);
    let mut act = (case.expect("a case").prepare)();
    let mut done = 0;
    bencher.bench_local(move || {
        while done < THINGS {
            done += act();
        }
        done -= THINGS;
    });
}
