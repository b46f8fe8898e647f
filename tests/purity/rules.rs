//! What a pure room may not contain.

use super::lexer::{Kind, Token};

/// One thing that is not allowed where it stands.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Finding {
    pub(crate) line: usize,
    pub(crate) what: String,
}

/// Waiting, time, locks, threads: nowhere below the driver.
const IMPURE: [&str; 24] = [
    "async",
    "await",
    "Future",
    "Poll",
    "Waker",
    "Instant",
    "SystemTime",
    "UNIX_EPOCH",
    "Mutex",
    "RwLock",
    "Condvar",
    "Barrier",
    "OnceLock",
    "LazyLock",
    "OnceCell",
    "RefCell",
    "Cell",
    "mpsc",
    "thread",
    "thread_local",
    "static",
    "unsafe",
    "smol",
    "futures",
];

/// Modules of the standard library that touch the world.
const WORLDLY: [&str; 9] = [
    "io", "sync", "thread", "fs", "env", "process", "os", "task", "time",
];

/// Of those, values that touch nothing.
const PLAIN: [(&str, &str); 3] = [
    ("net", "SocketAddr"),
    ("net", "IpAddr"),
    ("time", "Duration"),
];

/// What panics.
const PANICS: [&str; 9] = [
    "unwrap",
    "expect",
    "unwrap_err",
    "expect_err",
    "panic",
    "unreachable",
    "todo",
    "unimplemented",
    "assert",
];

/// Words that an expression does not end with: a `[` after them begins an array, not an index.
const KEYWORDS: [&str; 14] = [
    "mut", "return", "in", "let", "if", "else", "match", "dyn", "as", "ref", "move", "break",
    "const", "impl",
];

/// No waiting, no clock, no input or output, no lock.
pub(crate) fn impure(tokens: &[Token]) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (i, token) in tokens
        .iter()
        .enumerate()
        .filter(|(_, token)| token.kind == Kind::Word)
    {
        let text = token.text.as_str();
        let is_atomic = text.starts_with("Atomic") || text == "atomic";
        if IMPURE.contains(&text) || is_atomic {
            findings.push(found(token, text));
        }
        if text == "std" {
            worldly(&tokens[i + 1..], &mut findings);
        }
    }
    findings
}

/// What of `std` is used: a path, or a tree of them in braces.
fn worldly(path: &[Token], findings: &mut Vec<Finding>) {
    let mut depth = 0;
    let mut head = true;
    for (i, token) in path.iter().enumerate() {
        match token.text.as_str() {
            "{" => depth += 1,
            "}" => depth -= 1,
            ":" => continue,
            "," if depth == 1 => head = true,
            text if token.kind == Kind::Word => {
                let member = path.get(i + 3).map_or("", |token| token.text.as_str());
                let is_plain = PLAIN.contains(&(text, member));
                if head && (WORLDLY.contains(&text) || text == "net") && !is_plain {
                    findings.push(found(token, &format!("std::{text}")));
                }
                head = false;
            }
            _ => {}
        }
        if depth <= 0 && !head {
            return;
        }
    }
}

/// Nothing that can panic: no `unwrap`, no `panic!`, no index.
pub(crate) fn panics(tokens: &[Token]) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (i, token) in tokens.iter().enumerate() {
        let text = token.text.as_str();
        if token.kind == Kind::Word && PANICS.contains(&text) && !is_attribute(tokens, i) {
            findings.push(found(token, text));
        }
        if text == "[" && i > 0 && ends_an_expression(&tokens[i - 1]) {
            findings.push(found(token, "an index"));
        }
    }
    findings
}

/// `#[expect(…)]` is a lint's.
fn is_attribute(tokens: &[Token], at: usize) -> bool {
    let before = |back: usize| at.checked_sub(back).map(|i| tokens[i].text.as_str());
    before(1) == Some("[") && matches!(before(2), Some("#" | "!"))
}

fn ends_an_expression(token: &Token) -> bool {
    match token.kind {
        Kind::Word => !KEYWORDS.contains(&token.text.as_str()),
        Kind::Literal => true,
        Kind::Lifetime => false,
        Kind::Mark => matches!(token.text.as_str(), ")" | "]" | "?"),
    }
}

/// Generic over nothing: no type parameter on anything, no `impl Trait` in place of one.
pub(crate) fn generics(tokens: &[Token]) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (i, token) in tokens
        .iter()
        .enumerate()
        .filter(|(_, token)| token.kind == Kind::Word)
    {
        let next = |offset: usize| {
            tokens
                .get(i + offset)
                .map_or("", |token| token.text.as_str())
        };
        match token.text.as_str() {
            "fn" | "struct" | "enum" | "trait" | "type" | "union" if next(2) == "<" => {
                let name = format!("{} {}", token.text, next(1));
                parameters(&tokens[i + 3..], &name, &mut findings);
            }
            "impl" if begins_an_item(tokens, i) && next(1) == "<" => {
                parameters(&tokens[i + 2..], "impl", &mut findings);
            }
            "impl" if begins_an_item(tokens, i) => {}
            "impl" => findings.push(found(token, &format!("impl {}", next(1)))),
            _ => {}
        }
    }
    findings
}

fn begins_an_item(tokens: &[Token], at: usize) -> bool {
    let before = at.checked_sub(1).map(|i| tokens[i].text.as_str());
    matches!(before, None | Some("}" | ";" | "]" | "{"))
}

/// Lifetimes and constants may be parameters, types may not.
fn parameters(list: &[Token], of: &str, findings: &mut Vec<Finding>) {
    let (mut depth, mut head) = (1, true);
    for token in list {
        match token.text.as_str() {
            "<" => depth += 1,
            ">" => depth -= 1,
            "," if depth == 1 => {
                head = true;
                continue;
            }
            _ if head && token.kind == Kind::Word && token.text != "const" => {
                findings.push(found(token, &format!("{of}<{}>", token.text)));
            }
            _ => {}
        }
        head = false;
        if depth == 0 {
            return;
        }
    }
}

fn found(token: &Token, what: &str) -> Finding {
    Finding {
        line: token.line,
        what: what.to_owned(),
    }
}
