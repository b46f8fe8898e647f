//! Mistakes that must not compile (`fail`), programs that must (`pass`), and the tests that hold both to it.
