//! That the stages of these tests are all there are: every variant that a machine can show is met by one of them.

use std::{collections::BTreeSet, fs};

use super::stages;

/// The variants of an enum, read from its source.
fn variants(file: &str, name: &str) -> BTreeSet<String> {
    let path = format!("{}/{file}", env!("CARGO_MANIFEST_DIR"));
    let source = fs::read_to_string(path).expect("a source");
    let (_, body) = source
        .split_once(&format!("enum {name} {{\n"))
        .expect("the enum");
    let (body, _) = body.split_once("\n}").expect("its end");
    let is_variant =
        |line: &&str| line.starts_with("    ") && line[4..].starts_with(char::is_uppercase);
    body.lines()
        .filter(is_variant)
        .map(|line| {
            let end = line[4..].find(|letter: char| !letter.is_alphanumeric());
            line[4..4 + end.expect("a comma or a brace")].to_owned()
        })
        .collect()
}

/// How a stage's machine shows a field, without what is inside.
fn shown(field: &str) -> BTreeSet<String> {
    let names = stages().into_iter().filter_map(|stage| stage.shows(field));
    names
        .map(|text| {
            let end = text.find(|letter: char| !letter.is_alphanumeric());
            text[..end.unwrap_or(text.len())].to_owned()
        })
        .collect()
}

#[test]
fn every_stage_every_farewell_and_every_phase_of_a_machine_is_met_by_a_stage_of_these_tests() {
    let machine = "src/proto/machine/mod.rs";
    assert_eq!(shown(" stage: "), variants(machine, "Stage"));
    let farewells = variants("src/proto/machine/ending.rs", "Farewell");
    assert_eq!(shown(" farewell: "), farewells);
    assert_eq!(shown(" phase: "), variants("src/proto/phase.rs", "Phase"));
}
