//! Rust in tokens: as much as is needed to see what a file uses, without its comments, texts and tests.

/// One token, and the line that it is on.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Token {
    pub(crate) text: String,
    pub(crate) kind: Kind,
    pub(crate) line: usize,
}

#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Kind {
    Word,
    Lifetime,
    /// A number, a text, a character.
    Literal,
    /// One character.
    Mark,
}

/// The tokens of a file.
pub(crate) fn tokens(source: &str) -> Vec<Token> {
    let chars: Vec<char> = source.chars().collect();
    let (mut tokens, mut at, mut line) = (Vec::new(), 0, 1);
    while at < chars.len() {
        let (kind, end) = token(&chars, at);
        if let Some(kind) = kind {
            let text = chars[at..end].iter().collect();
            tokens.push(Token { text, kind, line });
        }
        line += chars[at..end].iter().filter(|&&c| c == '\n').count();
        at = end;
    }
    tokens
}

/// What begins here, `None` for spaces and comments, and where it ends.
fn token(chars: &[char], at: usize) -> (Option<Kind>, usize) {
    let peek = |offset: usize| chars.get(at + offset).copied().unwrap_or(' ');
    let until = |from: usize, is_part: fn(char) -> bool| {
        let rest = chars[from..].iter();
        from + rest.take_while(|&&c| is_part(c)).count()
    };
    match (chars[at], peek(1)) {
        (c, _) if c.is_whitespace() => (None, at + 1),
        ('/', '/') => (None, until(at, |c| c != '\n')),
        ('/', '*') => (None, comment(chars, at)),
        ('"', _) => (Some(Kind::Literal), text(chars, at + 1)),
        ('b' | 'c', '"') => (Some(Kind::Literal), text(chars, at + 2)),
        ('r', '"' | '#') if raw_text(chars, at).is_some() => {
            (Some(Kind::Literal), raw_text(chars, at).unwrap_or(at + 1))
        }
        ('b', '\'') => (
            Some(Kind::Literal),
            character(chars, at + 1).unwrap_or(at + 2),
        ),
        ('\'', _) => match character(chars, at) {
            Some(end) => (Some(Kind::Literal), end),
            None => (Some(Kind::Lifetime), until(at + 1, is_word)),
        },
        (c, _) if c.is_ascii_digit() => (Some(Kind::Literal), until(at, is_word)),
        (c, _) if is_word(c) => (Some(Kind::Word), until(at, is_word)),
        _ => (Some(Kind::Mark), at + 1),
    }
}

fn is_word(c: char) -> bool {
    c.is_alphanumeric() || c == '_'
}

fn comment(chars: &[char], at: usize) -> usize {
    let (mut depth, mut at) = (0, at);
    while at < chars.len() {
        match (chars[at], chars.get(at + 1)) {
            ('/', Some('*')) => depth += 1,
            ('*', Some('/')) => depth -= 1,
            _ => {
                at += 1;
                continue;
            }
        }
        at += 2;
        if depth == 0 {
            break;
        }
    }
    at
}

/// Where a text ends whose inside begins here.
fn text(chars: &[char], mut at: usize) -> usize {
    while at < chars.len() && chars[at] != '"' {
        at += if chars[at] == '\\' { 2 } else { 1 };
    }
    at + 1
}

/// `r#"…"#`, which is no raw name such as `r#type`.
fn raw_text(chars: &[char], at: usize) -> Option<usize> {
    let hashes = chars[at + 1..].iter().take_while(|&&c| c == '#').count();
    let start = at + 1 + hashes;
    if chars.get(start) != Some(&'"') {
        return None;
    }
    let end: Vec<char> = std::iter::once('"')
        .chain(std::iter::repeat_n('#', hashes))
        .collect();
    let inside = chars[start + 1..]
        .windows(end.len())
        .position(|window| window == end)?;
    Some(start + 1 + inside + end.len())
}

/// Where `'x'` ends; `None` for a lifetime.
fn character(chars: &[char], at: usize) -> Option<usize> {
    match (chars.get(at + 1)?, chars.get(at + 2)?) {
        ('\\', _) => {
            let end = chars[at + 3..].iter().position(|&c| c == '\'')?;
            Some(at + 3 + end + 1)
        }
        (_, '\'') => Some(at + 3),
        _ => None,
    }
}

/// Without what is compiled for tests alone. The modules among it that are in files of their own are returned, too.
pub(crate) fn without_tests(tokens: &[Token]) -> (Vec<Token>, Vec<String>) {
    const CFG_TEST: [&str; 7] = ["#", "[", "cfg", "(", "test", ")", "]"];
    let (mut kept, mut modules, mut at) = (Vec::new(), Vec::new(), 0);
    while at < tokens.len() {
        let here = &tokens[at..];
        let is_test = here.len() > CFG_TEST.len()
            && here
                .iter()
                .zip(CFG_TEST)
                .all(|(token, text)| token.text == text);
        if !is_test {
            kept.push(tokens[at].clone());
            at += 1;
            continue;
        }
        let end = at + CFG_TEST.len() + item(&here[CFG_TEST.len()..]);
        let words: Vec<&str> = tokens[at..end]
            .iter()
            .map(|token| token.text.as_str())
            .collect();
        if let [.., "mod", name, ";"] = words.as_slice() {
            modules.push((*name).to_owned());
        }
        at = end;
    }
    (kept, modules)
}

/// How many tokens an item has: up to its `;`, or the end of its braces.
fn item(tokens: &[Token]) -> usize {
    let mut depth = 0;
    for (i, token) in tokens.iter().enumerate() {
        match token.text.as_str() {
            "(" | "[" | "{" => depth += 1,
            ")" | "]" => depth -= 1,
            "}" => {
                depth -= 1;
                if depth == 0 {
                    return i + 1;
                }
            }
            ";" if depth == 0 => return i + 1,
            _ => {}
        }
    }
    tokens.len()
}
