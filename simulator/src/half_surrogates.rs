//! Half surrogates, such as `\ud83d` alone: what is left of a name that was cut in the middle of an emoji. No Rust text
//! can hold one, so a character of the private use area stands for it until it is sent.

/// Stands for a half surrogate.
const MARK: char = '\u{f8ff}';

/// The JSON text as it is sent.
pub(crate) fn sent(json: &str) -> String {
    json.replace(MARK, "\\ud83d")
}
