//! Text that came from a peer, made safe to print.

/// Bytes of a peer's text that are kept: enough for a sentence, too little to flood a log.
pub(super) const TEXT_MAX: usize = 128;

/// Bytes of a redirect address that are kept: the longest DNS name is 253 bytes, and the field's length is one byte.
pub(super) const REDIRECT_MAX: usize = 255;

/// `text` without anything that could forge a line of a log or hide in it, in at most `max` bytes.
///
/// Control characters, line separators and characters that turn the direction of writing become escapes
/// (`\n`, `\u{1b}`). The cut never splits a character or an escape. Applying it twice changes nothing.
pub(super) fn readable(text: &str, max: usize) -> Box<str> {
    let mut kept = String::with_capacity(text.len().min(max));
    for char in text.chars() {
        let before = kept.len();
        if is_invisible(char) {
            kept.extend(char.escape_default());
        } else {
            kept.push(char);
        }
        if kept.len() > max {
            kept.truncate(before);
            break;
        }
    }
    kept.into_boxed_str()
}

/// Whether a terminal or a log viewer would act on this character instead of showing it.
pub(crate) fn is_invisible(char: char) -> bool {
    char.is_control()
        || matches!(
            char,
            '\u{061c}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}'
        )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plain_text_is_kept() {
        assert_eq!(
            &*readable("née 東京, \"quoted\" \\n", TEXT_MAX),
            "née 東京, \"quoted\" \\n"
        );
        assert_eq!(&*readable("", TEXT_MAX), "");
    }

    // [SEC-3]
    #[test]
    fn nothing_can_forge_a_line_or_drive_a_terminal() {
        let hostile = "ok\r\n12:00 root logged in\x1b[2J\u{202e}txt\u{2028}\u{85}\0";
        let safe = readable(hostile, TEXT_MAX);
        assert!(!safe.chars().any(is_invisible), "{safe}");
        assert!(safe.starts_with("ok\\r\\n12:00"), "{safe}");
        for code in 0..=0x2ff {
            let char = char::from_u32(code).unwrap();
            let safe = readable(&char.to_string(), TEXT_MAX);
            assert!(!safe.chars().any(char::is_control), "{code:#x}");
        }
    }

    #[test]
    fn the_cut_is_exact_and_splits_nothing() {
        assert_eq!(readable(&"a".repeat(128), 128).len(), 128);
        assert_eq!(readable(&"a".repeat(129), 128).len(), 128);
        assert_eq!(readable(&"é".repeat(65), 128).len(), 128);
        assert_eq!(&*readable("abcé", 4), "abc");
        assert_eq!(&*readable("abc\x1b", 6), "abc");
        assert_eq!(
            readable(&"\0".repeat(1_000), TEXT_MAX).len(),
            125,
            "25 whole escapes of 5 bytes"
        );
    }

    #[test]
    fn twice_is_once() {
        let once = readable("a\nb\u{202e}", TEXT_MAX);
        assert_eq!(readable(&once, TEXT_MAX), once);
    }
}
