//! What the documents say of the code is compared with the code.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
};

use sessile::proto::{Phase, Step};

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn read(path: impl AsRef<Path>) -> String {
    let path = root().join(path);
    fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

fn architecture() -> String {
    read("docs/ARCHITECTURE.md")
}

/// Every source file, by its path from the root.
fn sources() -> BTreeMap<String, String> {
    let mut found = BTreeMap::new();
    let mut rooms = vec![PathBuf::from("src")];
    while let Some(room) = rooms.pop() {
        for entry in fs::read_dir(root().join(&room)).expect("a room") {
            let name = entry.expect("an entry").file_name();
            let path = room.join(name);
            if root().join(&path).is_dir() {
                rooms.push(path);
            } else {
                let text = read(&path);
                found.insert(path.display().to_string().replace('\\', "/"), text);
            }
        }
    }
    assert!(found.len() > 50, "the search is broken");
    found
}

/// What stands between backticks, in order, each with the text that follows it on the page.
fn quoted(page: &str) -> Vec<(&str, &str)> {
    let mut found = Vec::new();
    let mut in_block = false;
    for line in page.split("\n\n").flat_map(|paragraph| {
        // Names and the paths behind them may stand on two lines of one paragraph.
        if paragraph.contains("```") {
            paragraph.lines().collect()
        } else {
            vec![paragraph]
        }
    }) {
        if line.trim_start().starts_with("```") {
            in_block = !in_block;
            continue;
        }
        if in_block {
            continue;
        }
        let mut rest = line;
        while let Some((_, after)) = rest.split_once('`') {
            let Some((code, behind)) = after.split_once('`') else {
                panic!("a backtick without its other one in {line:?}");
            };
            found.push((code, behind));
            rest = behind;
        }
    }
    found
}

/// Whether a function of this type, or a variant, is in this source.
fn has(source: &str, of: &str, name: &str) -> bool {
    let named = |line: &str, word: &str| {
        line.split(|c: char| !(c.is_alphanumeric() || c == '_'))
            .any(|found| found == word)
    };
    let defines = |line: &&str| {
        let line = line.trim_start();
        let item = ["impl", "pub enum", "enum", "pub trait", "trait"];
        item.iter().any(|item| line.starts_with(item)) && named(line, of)
    };
    source.lines().any(|line| defines(&line))
        && source.lines().any(|line| {
            line.contains(&format!("fn {name}(")) || line.contains(&format!("fn {name}<"))
        })
}

#[test]
fn the_transition_table_is_that_of_the_code() {
    let page = architecture();
    let (_, table) = page
        .split_once("### Transitions")
        .expect("a chapter on transitions");
    let rows: Vec<Vec<String>> = table
        .lines()
        .skip_while(|line| !line.starts_with('|'))
        .take_while(|line| line.starts_with('|'))
        .map(|line| {
            let cells = line.trim_matches('|').split('|');
            cells.map(|cell| cell.trim().to_owned()).collect()
        })
        .collect();
    let steps = Step::ALL.map(|step| format!("{step:?}"));
    assert_eq!(rows[0][0], "");
    assert_eq!(rows[0][1..], steps);
    assert_eq!(rows.len(), Phase::ALL.len() + 2, "a row each");
    for (phase, row) in Phase::ALL.iter().zip(&rows[2..]) {
        assert_eq!(row[0], format!("{phase:?}"));
        for (step, cell) in Step::ALL.iter().zip(&row[1..]) {
            let next = phase
                .on(*step)
                .map_or_else(|| "-".into(), |next| format!("{next:?}"));
            assert_eq!(*cell, next, "{phase:?} on {step:?}");
        }
        assert_eq!(row.len(), Step::ALL.len() + 1);
    }
}

#[test]
fn the_diagram_is_that_of_the_code() {
    let source = read("src/proto/phase.rs");
    let lines = source
        .lines()
        .skip_while(|line| *line != "/// ```text")
        .skip(1);
    let diagram: Vec<&str> = lines
        .take_while(|line| *line != "/// ```")
        .map(|line| line.trim_start_matches("///"))
        .map(|line| line.strip_prefix(' ').unwrap_or(line))
        .collect();
    assert!(diagram.len() > 5, "the diagram of `Phase` was not found");
    assert!(
        architecture().contains(&format!("```text\n{}\n```", diagram.join("\n"))),
        "docs/ARCHITECTURE.md has another diagram than src/proto/phase.rs"
    );
}

#[test]
fn every_path_and_every_function_that_is_named_exists() {
    let (page, sources) = (architecture(), sources());
    let (mut paths, mut functions) = (0, 0);
    for (code, behind) in quoted(&page) {
        if code.contains('/') && !code.contains(' ') {
            assert!(root().join(code).exists(), "`{code}` does not exist");
            paths += 1;
        } else if let Some((of, name)) = code.split_once("::")
            && of.starts_with(char::is_uppercase)
        {
            functions += 1;
            // Where a path follows, it must be in there.
            let place = ["(`", "in `"].iter().find_map(|open| {
                let (path, _) = behind.trim_start().strip_prefix(open)?.split_once('`')?;
                path.ends_with(".rs").then_some(path)
            });
            let found = match place {
                Some(path) => sources
                    .get(path)
                    .is_some_and(|source| has(source, of, name)),
                None => sources.values().any(|source| has(source, of, name)),
            };
            assert!(found, "`{code}` is not in {}", place.unwrap_or("src"));
        }
    }
    assert!(
        paths > 80 && functions > 50,
        "the search is broken: {paths} paths, {functions} functions"
    );
}

/// Lines of code alone: no comments, and no unit tests.
fn code(source: &str) -> impl Iterator<Item = &str> {
    let (code, _) = source
        .split_once("#[cfg(test)]\nmod tests {")
        .unwrap_or((source, ""));
    code.lines()
        .map(str::trim_start)
        .filter(|line| !line.starts_with("//"))
}

/// Whether the words stand in the line, and not only as parts of longer ones.
fn says(line: &str, words: &str) -> bool {
    let part = |c: char| c.is_alphanumeric() || c == '_';
    line.match_indices(words).any(|(at, _)| {
        let starts = !words.starts_with(part) || !line[..at].ends_with(part);
        starts && !(words.ends_with(part) && line[at + words.len()..].starts_with(part))
    })
}

#[test]
fn the_lower_rooms_keep_to_themselves() {
    const NEVER: [&str; 14] = [
        "async",
        ".await",
        "Mutex",
        "RwLock",
        "atomic",
        "Instant",
        "SystemTime",
        "smol",
        "async_io",
        "socket2",
        "std::io",
        "std::thread",
        "Mode",
        "State",
    ];
    // Each room, and the rooms that it must not know.
    let rooms: [(&str, &[&str]); 4] = [
        (
            "src/wire/",
            &[
                "proto",
                "registry",
                "driver",
                "session",
                "runtime",
                "transport",
            ],
        ),
        (
            "src/proto/",
            &["registry", "driver", "session", "runtime", "transport"],
        ),
        (
            "src/registry/",
            &["driver", "session", "runtime", "transport"],
        ),
        (
            "src/transport/",
            &["registry", "session", "runtime", "wire"],
        ),
    ];
    let sources = sources();
    for (room, strangers) in rooms {
        let inside = sources
            .iter()
            .filter(|(path, _)| path.starts_with(room) && !path.contains("tests"));
        let mut files = 0;
        for (path, source) in inside {
            files += 1;
            for line in code(source) {
                if room != "src/transport/" {
                    for word in NEVER {
                        assert!(!says(line, word), "{path}: {word:?} in {line:?}");
                    }
                }
                for stranger in strangers {
                    let known = format!("{stranger}::");
                    let known = line.contains(&format!("crate::{known}"))
                        || line.trim_start().starts_with(&known);
                    assert!(!known, "{path} knows `{stranger}`: {line:?}");
                }
            }
        }
        assert!(files > 2, "{room}: the search is broken");
    }
}
