//! The tolerant reader of JSON texts, whoever wrote them.
//!
//! A system that cuts a name in the middle of a character writes half of a surrogate pair (`"Caf\ud83d"`). serde refuses
//! the whole text for it, and so do its faster siblings; none of them replaces it as JavaScript's decoders do.

use std::borrow::Cow;
use std::collections::BTreeMap;

use serde_json::Value;
use serde_json::value::RawValue;

/// What some systems put in front of a text.
const BYTE_ORDER_MARK: &[u8] = "\u{feff}".as_bytes();
/// U+FFFD as an escape.
const REPLACEMENT: &str = r"\ufffd";
/// Every such escape has this length, in bytes.
const ESCAPE: usize = REPLACEMENT.len();
/// How deep a text is taken apart: `{"list": [{"member": …}]}`.
const PARTS_DEPTH: usize = 3;

/// A text from outside, as JSON can be read from it: escapes of lone surrogates and bytes that are not UTF-8 become
/// U+FFFD, a byte order mark in front is dropped. Valid JSON stays as it is, byte for byte.
pub fn json_text(bytes: &[u8]) -> Cow<'_, str> {
    let text = String::from_utf8_lossy(bytes.strip_prefix(BYTE_ORDER_MARK).unwrap_or(bytes));
    let lone = lone_surrogates(text.as_bytes());
    if lone.is_empty() {
        return text;
    }
    let mut text = text.into_owned();
    for at in lone {
        text.replace_range(at..at + ESCAPE, REPLACEMENT);
    }
    text.into()
}

/// The JSON value of a text from outside, if it is JSON. What cannot be read in it, such as an entry nested too deep or a
/// number too large, is `null`, and hides nothing else.
pub fn json(bytes: &[u8]) -> Option<Value> {
    let text = json_text(bytes);
    if let Ok(value) = serde_json::from_str(&text) {
        return Some(value);
    }
    serde_json::from_str::<&RawValue>(&text).ok().map(|raw| in_parts(raw, PARTS_DEPTH))
}

/// Reads a value whose text cannot be read as a whole: member by member and entry by entry, as deep as `depth`.
fn in_parts(raw: &RawValue, depth: usize) -> Value {
    let text = raw.get();
    if let Ok(value) = serde_json::from_str(text) {
        return value;
    }
    let Some(depth) = depth.checked_sub(1) else { return Value::Null };
    if let Ok(entries) = serde_json::from_str::<Vec<&RawValue>>(text) {
        return entries.into_iter().map(|entry| in_parts(entry, depth)).collect();
    }
    match serde_json::from_str::<BTreeMap<String, &RawValue>>(text) {
        Ok(members) => members.into_iter().map(|(name, member)| (name, in_parts(member, depth))).collect(),
        Err(_) => Value::Null,
    }
}

/// Where the escapes of lone surrogates start.
fn lone_surrogates(text: &[u8]) -> Vec<usize> {
    let mut lone = Vec::new();
    let mut at = 0;
    while let Some(backslash) = text.get(at..).and_then(|rest| rest.iter().position(|byte| *byte == b'\\')) {
        at += backslash;
        at += match (code_unit(text, at), code_unit(text, at + ESCAPE)) {
            (Some(0xd800..=0xdbff), Some(0xdc00..=0xdfff)) => 2 * ESCAPE,
            (Some(unit), _) => {
                lone.extend((0xd800..=0xdfff).contains(&unit).then_some(at));
                ESCAPE
            }
            // Another escape: a backslash and what it escapes.
            (None, _) => 2,
        };
    }
    lone
}

/// The UTF-16 code unit of the escape at this place, if there is one.
fn code_unit(text: &[u8], at: usize) -> Option<u16> {
    let digits = text.get(at..at + ESCAPE)?.strip_prefix(br"\u")?;
    if !digits.iter().all(u8::is_ascii_hexdigit) {
        return None;
    }
    u16::from_str_radix(std::str::from_utf8(digits).ok()?, 16).ok()
}
