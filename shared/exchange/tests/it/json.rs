use std::fmt::Write as _;

use exchange::{json, json_text};
use proptest::prelude::*;
use serde_json::{Value, json as value};

/// One piece of a text in JSON, between its quotes, and what is to be read from it.
fn piece() -> impl Strategy<Value = (String, String)> {
    let plain = "[a-zA-Z0-9 äß€😀]{0,4}".prop_map(|text| (text.clone(), text));
    let short = prop::sample::select(vec![
        (r"\\", "\\"),
        (r#"\""#, "\""),
        (r"\/", "/"),
        (r"\n", "\n"),
        (r"\\ud83d", "\\ud83d"),
        (r"\u00E4", "ä"),
        (r"\ud83D\uDe00", "😀"),
    ])
    .prop_map(|(written, read)| (written.to_owned(), read.to_owned()));
    // A high surrogate is lone only before something else than a low one.
    let lone = prop_oneof![
        (0xd800_u16..=0xdbff).prop_map(|unit| (format!(r"\u{unit:04x}."), "\u{fffd}.".to_owned())),
        (0xdc00_u16..=0xdfff).prop_map(|unit| (format!(r".\u{unit:04X}"), ".\u{fffd}".to_owned())),
        (0xd800_u16..=0xdbff).prop_map(|unit| (format!(r"\u{unit:04x}\ud83d\ude00"), "\u{fffd}😀".to_owned())),
    ];
    prop_oneof![plain, short, lone]
}

/// A JSON value, as serde writes it.
fn tree() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<String>().prop_map(Value::from),
    ];
    leaf.prop_recursive(4, 32, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::btree_map(any::<String>(), inner, 0..4).prop_map(|members| members.into_iter().collect()),
        ]
    })
}

proptest! {
    #[test]
    fn valid_json_stays_as_it_is_byte_for_byte(tree in tree(), pretty: bool) {
        let text = if pretty { format!("{tree:#}\r\n") } else { tree.to_string() };
        // The same in ASCII, as other systems write it: half of the characters there are escapes of surrogate pairs.
        let ascii = text.chars().fold(String::new(), |mut text, c| {
            if c.is_ascii() {
                text.push(c);
            } else {
                c.encode_utf16(&mut [0; 2]).iter().for_each(|unit| { let _ = write!(text, "\\u{unit:04x}"); });
            }
            text
        });
        for text in [text, ascii] {
            prop_assert_eq!(&*json_text(text.as_bytes()), text.as_str());
            prop_assert_eq!(json(text.as_bytes()), Some(tree.clone()));
        }
    }

    #[test]
    fn half_a_character_becomes_a_replacement_and_the_rest_is_read(pieces in prop::collection::vec(piece(), 0..12)) {
        let (written, read): (String, String) = pieces.into_iter().unzip();
        let text = format!(r#"{{"{written}": ["{written}", 1]}}"#);
        prop_assert_eq!(json_text(text.as_bytes()).len(), text.len());
        prop_assert_eq!(json(text.as_bytes()), Some(value!({read.clone(): [read, 1]})));
    }

    #[test]
    fn any_bytes_are_read_without_a_panic_and_once_mended_stay_so(bytes: Vec<u8>, escapes in r#"([\\"ud8cf,\[{]|\\u)*"#) {
        for bytes in [bytes, escapes.into_bytes()] {
            let mended = json_text(&bytes).into_owned();
            prop_assert_eq!(&*json_text(mended.as_bytes()), mended.strip_prefix('\u{feff}').unwrap_or(&mended));
            json(&bytes);
        }
    }
}

#[test]
fn a_byte_order_mark_and_bytes_that_are_no_text_do_no_harm() {
    assert_eq!(json("\u{feff} {\"a\": 1}".as_bytes()), Some(value!({"a": 1})));
    // The first half of an emoji in UTF-8, and a letter in Latin-1.
    assert_eq!(
        json(b"{\"a\": \"Caf\xf0\x9f\", \"b\": \"caf\xe9\"}"),
        Some(value!({"a": "Caf\u{fffd}", "b": "caf\u{fffd}"}))
    );
    for none in [&b""[..], b" ", b"<html>", b"{\"a\":", b"{} {}", "\u{feff}".as_bytes(), br"\ud83d"] {
        assert_eq!(json(none), None, "{}", none.escape_ascii());
    }
}

#[test]
fn what_cannot_be_read_hides_nothing_else() {
    let deep = format!("{}{}", "[".repeat(100_000), "]".repeat(100_000));
    let text = format!(
        r#"{{"list": [{{"id": "a"}}, {{"id": {deep}}}, {{"id": "c", "n": 1e999}}, 7], "total": {deep}, "n": -1e999}}"#
    );
    let read = value!({"list": [{"id": "a"}, {"id": null}, {"id": "c", "n": null}, 7], "total": [[null]], "n": null});
    assert_eq!(json(text.as_bytes()), Some(read));
    for bomb in ["[".repeat(1_000_000), "{\"a\":".repeat(300_000), deep] {
        json(bomb.as_bytes());
    }
}
