//! The reader that every answer of the Hub's and of Meta's goes through, and every webhook: JSON stays as it is, and what is
//! mended is JSON if the rest is.

use exchange::{json, json_text};
use serde::de::IgnoredAny;
use serde_json::Value;

/// Checks one input.
///
/// # Panics
/// If that does not hold for it.
pub fn check(input: &[u8]) {
    let text = json_text(input);
    if let Ok(value) = serde_json::from_slice::<Value>(input) {
        assert_eq!(text.as_bytes(), input, "JSON was changed");
        assert_eq!(json(input), Some(value));
    }
    // Once mended, nothing is left to mend, but for a second mark in front.
    assert_eq!(&*json_text(text.as_bytes()), text.strip_prefix('\u{feff}').unwrap_or(&text));
    assert_eq!(json(input).is_some(), serde_json::from_str::<IgnoredAny>(&text).is_ok());
    if let Ok(text) = std::str::from_utf8(input) {
        assert_escapes_alone_replaced(text.strip_prefix('\u{feff}').unwrap_or(text), &json_text(input));
    }
}

/// An escape of a surrogate becomes the escape of U+FFFD, which is as long, and nothing else is touched.
fn assert_escapes_alone_replaced(before: &str, after: &str) {
    assert_eq!(before.len(), after.len());
    let mut at = 0;
    while at < before.len() {
        if before.as_bytes()[at] == after.as_bytes()[at] {
            at += 1;
            continue;
        }
        // The first letter that differs: `\\ud83d` has been replaced from its third on.
        let escape = &before[at - 2..at + 4];
        let unit = u16::from_str_radix(&escape[2..], 16).expect("something else than an escape was replaced");
        assert!((0xd800..=0xdfff).contains(&unit), "{escape}");
        assert_eq!(&after[at - 2..at + 4], "\\ufffd");
        at += 4;
    }
}
