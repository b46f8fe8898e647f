//! By the clock. Indicative only where other programs run; `counts` is what is compared.

use divan::Bencher;
use sessile_benches::all;

fn main() {
    divan::main();
}

/// Each case is prepared once: a million sessions take a while.
#[divan::bench(args = all().into_iter().map(|case| case.name), sample_count = 20)]
fn case(bencher: Bencher<'_, '_>, name: &str) {
    let case = all().into_iter().find(|case| case.name == name);
    let act = (case.expect("a case").prepare)();
    bencher.bench_local(act);
}
