//! Every normative sentence of `docs/protocol.md` has an id, and every id a test that names it.
//!
//! A sentence is defined by a line `- [LOGIN-3] …` of the document; nothing else there has an id in brackets. A test names
//! it in a comment of its own, directly above `#[test]` or inside the function: `// [LOGIN-3] [LOGIN-4]`.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Path, PathBuf},
};

/// Fewer than this, and it is the search that is broken.
const FEWEST: usize = 90;

/// The words that make a sentence normative (RFC 2119).
const NORMATIVE: [&str; 3] = ["MUST", "SHOULD", "MAY"];

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn document() -> String {
    fs::read_to_string(root().join("docs/protocol.md")).expect("the document")
}

/// Every `[ABC-12]` in a line.
fn ids(line: &str) -> Vec<String> {
    line.split('[')
        .skip(1)
        .filter_map(|rest| {
            let (id, _) = rest.split_once(']')?;
            let (chapter, number) = id.split_once('-')?;
            let good = !chapter.is_empty()
                && chapter.bytes().all(|byte| byte.is_ascii_uppercase())
                && number.parse::<u16>().is_ok();
            good.then(|| id.to_owned())
        })
        .collect()
}

/// The ids that the document defines, and how often.
fn defined(document: &str) -> BTreeMap<String, usize> {
    let mut found = BTreeMap::new();
    for id in document.lines().flat_map(ids) {
        *found.entry(id).or_default() += 1;
    }
    found
}

/// The ids that comments of tests name in this source. A comment above or inside a test counts, no other.
fn named(source: &str) -> BTreeSet<String> {
    let lines: Vec<&str> = source.lines().map(str::trim).collect();
    let mut found = BTreeSet::new();
    // Indentation of the test function that we are in.
    let mut inside = None;
    for (at, line) in lines.iter().enumerate() {
        let indent = source
            .lines()
            .nth(at)
            .map_or(0, |raw| raw.len() - raw.trim_start().len());
        if *line == "#[test]" {
            inside = Some(indent);
        } else if *line == "}" && inside == Some(indent) {
            inside = None;
        }
        if line.starts_with("//") {
            let below = lines[at..].iter().find(|line| !line.starts_with("//"));
            if inside.is_some() || below == Some(&"#[test]") {
                found.extend(ids(line));
            }
        }
    }
    found
}

fn sources(folder: &Path, into: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).expect("a folder") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            sources(&path, into);
        } else if path.extension().is_some_and(|kind| kind == "rs") && !path.ends_with(file!()) {
            into.push(path);
        }
    }
}

fn named_by_tests() -> BTreeSet<String> {
    let mut paths = Vec::new();
    sources(&root().join("tests"), &mut paths);
    sources(&root().join("src"), &mut paths);
    let read = |path: &PathBuf| fs::read_to_string(path).expect("a source");
    paths.iter().flat_map(|path| named(&read(path))).collect()
}

#[test]
fn every_id_is_defined_once_and_named_by_a_test() {
    let defined = defined(&document());
    let named = named_by_tests();
    assert!(
        defined.len() >= FEWEST,
        "only {} ids are defined",
        defined.len()
    );
    assert!(named.len() >= FEWEST, "only {} ids are named", named.len());
    let twice: Vec<_> = defined.iter().filter(|(_, times)| **times > 1).collect();
    assert!(twice.is_empty(), "defined more than once: {twice:?}");
    let untested: Vec<_> = defined.keys().filter(|id| !named.contains(*id)).collect();
    assert!(untested.is_empty(), "no test names {untested:?}");
    let unknown: Vec<_> = named
        .iter()
        .filter(|id| !defined.contains_key(*id))
        .collect();
    assert!(
        unknown.is_empty(),
        "named by a test and not defined: {unknown:?}"
    );
}

#[test]
fn every_normative_sentence_begins_with_an_id() {
    let mut sentences = 0;
    let mut fenced = false;
    for line in document().lines() {
        fenced ^= line.starts_with("```");
        let normative = line
            .split(|c: char| !c.is_ascii_alphabetic())
            .any(|word| NORMATIVE.contains(&word));
        let explains = line.starts_with("MUST, MUST NOT, SHOULD and MAY");
        if fenced || !normative || explains {
            continue;
        }
        let id = ids(line);
        assert_eq!(id.len(), 1, "one id a sentence: {line}");
        assert!(line.starts_with(&format!("- [{}] ", id[0])), "{line}");
        sentences += 1;
    }
    assert!(sentences >= FEWEST, "only {sentences} sentences");
}

#[test]
fn the_search_sees_what_it_should() {
    assert_eq!(
        ids("- [LOGIN-3] as [ACK-12] and [not-1], [X], [1-2], `[a]`"),
        ["LOGIN-3", "ACK-12"]
    );
    let source = "// [OUT-1]\nfn helper() {}\n\n// [ABOVE-1]\n// more\n#[test]\nfn t() {\n    // [IN-1]\n    if x {\n    }\n    /* */ // [NOT-1]\n}\n// [OUT-2]\n";
    assert_eq!(
        named(source),
        BTreeSet::from(["ABOVE-1".to_owned(), "IN-1".to_owned()])
    );
    assert_eq!(defined("- [A-1] x\n- [A-1] y\n").get("A-1"), Some(&2));
}
