//! The tolerant reader of JSON that another system wrote.
//!
//! The shape of an answer is a struct of [`Text`], [`Lenient`] and [`List`] with `#[serde(default)]`, and [`object`] reads
//! it. That cannot fail: a member that is missing or of another type counts as absent, and unknown members are ignored.

use std::str::FromStr;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Deserializer};
use serde_json::Value;

/// A text, or what is parsed from it. A number counts as the text of its digits, since ids are digits. Blanks around a text
/// are dropped. A blank text, and one that is no `T`, count as absent.
pub struct Text<T = String>(pub Option<T>);

/// An object, a number or a boolean. Anything else than a `T` counts as the default, such as `None` for an `Option`.
#[derive(Default)]
pub struct Lenient<T>(pub T);

/// A list, read entry by entry: an entry that is no `T` counts as the default. `None` if it is no list.
#[derive(Default)]
pub struct List<T>(pub Option<Vec<T>>);

/// Reads the shape `T`; the default, if `value` has another.
pub fn object<T: DeserializeOwned + Default>(value: Value) -> T {
    // serde would read a list as an object, by the order of its members.
    if value.is_array() { T::default() } else { T::deserialize(value).unwrap_or_default() }
}

impl<T> Default for Text<T> {
    fn default() -> Self {
        Self(None)
    }
}

impl Text {
    /// The text to be shown to people: [`one_line`] of it. One of which nothing is left counts as absent.
    pub fn shown(self, characters: usize) -> Option<String> {
        self.0.map(|text| one_line(&text, characters).trim().to_owned()).filter(|text| !text.is_empty())
    }
}

impl<T: FromStr> From<Value> for Text<T> {
    fn from(value: Value) -> Self {
        let parse = |text: &str| if text.is_empty() { None } else { text.parse().ok() };
        Self(match value {
            Value::String(text) => parse(text.trim()),
            Value::Number(number) => parse(&number.to_string()),
            _ => None,
        })
    }
}

impl<'de, T: FromStr> Deserialize<'de> for Text<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Value::deserialize(deserializer).map(Self::from)
    }
}

impl<'de, T: DeserializeOwned + Default> Deserialize<'de> for Lenient<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Value::deserialize(deserializer).map(|value| Self(object(value)))
    }
}

impl<'de, T: DeserializeOwned + Default> Deserialize<'de> for List<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Value::deserialize(deserializer).map(|value| match value {
            Value::Array(entries) => Self(Some(entries.into_iter().map(object).collect())),
            _ => Self(None),
        })
    }
}

/// The first `characters` of a text, on one line and in its own direction: control characters take many bytes as JSON, and
/// nobody can read them; a mark of direction makes what stands beside the text read backwards.
pub fn one_line(text: &str, characters: usize) -> String {
    let text = text.chars().filter(|c| !turns_direction(*c)).take(characters);
    text.map(|c| if c.is_control() { ' ' } else { c }).collect()
}

/// Whether a character embeds, overrides or isolates a direction of writing, or ends that.
const fn turns_direction(c: char) -> bool {
    matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::WabaId;

    #[derive(Default, Deserialize)]
    #[serde(default)]
    struct Shape {
        name: Text,
        waba_id: Text<WabaId>,
        total: Lenient<Option<u64>>,
        valid: Lenient<bool>,
        inner: Lenient<Inner>,
        entries: List<Inner>,
    }

    #[derive(Default, Deserialize)]
    #[serde(default)]
    struct Inner {
        id: Text,
    }

    fn text(value: Value) -> Option<String> {
        Text::from(value).0
    }

    #[test]
    fn numbers_count_as_text_and_blank_texts_do_not() {
        assert_eq!(text(json!(" a b\n")).as_deref(), Some("a b"));
        assert_eq!(text(json!(409_812_357_760_143_u64)).as_deref(), Some("409812357760143"));
        assert_eq!(text(json!(-1.5)).as_deref(), Some("-1.5"));
        for absent in [json!(""), json!(" \t"), json!(null), json!(true), json!(["a"]), json!({"a": "b"})] {
            assert_eq!(text(absent.clone()), None, "{absent}");
        }
    }

    #[test]
    fn a_malformed_id_counts_as_absent() {
        for (value, expected) in [
            (json!("409812357760143"), Some("409812357760143")),
            (json!(" 409812357760143 "), Some("409812357760143")),
            (json!(409_812_357_760_143_u64), Some("409812357760143")),
            (json!("409#812"), None),
            (json!(4.0981e14), None),
        ] {
            let id = Text::<WabaId>::from(value).0;
            assert_eq!(id.as_ref().map(WabaId::as_str), expected);
        }
    }

    #[test]
    fn a_member_of_another_type_does_not_hide_the_others() {
        for wrong in [json!(null), json!(true), json!([]), json!(["x"]), json!({"id": []}), json!("x")] {
            let shape: Shape = object(json!({
                "waba_id": wrong, "total": wrong, "inner": wrong, "name": "a", "valid": true, "unknown": wrong,
            }));
            assert!(shape.waba_id.0.is_none() && shape.total.0.is_none() && shape.inner.0.id.0.is_none(), "{wrong}");
            assert!(shape.name.0.as_deref() == Some("a") && shape.valid.0, "{wrong}");
        }
        let shape: Shape = object(json!({"total": 7, "inner": {"id": 1}, "valid": 1}));
        assert_eq!((shape.total.0, shape.inner.0.id.0.as_deref(), shape.valid.0), (Some(7), Some("1"), false));
        for odd in [json!(1.5), json!(-1), json!("7")] {
            assert_eq!(object::<Shape>(json!({"total": odd})).total.0, None, "{odd}");
        }
    }

    #[test]
    fn a_list_is_read_entry_by_entry() {
        let shape: Shape = object(json!({"entries": [{"id": "a"}, null, 7, ["b"], {"id": []}, {"id": 1}]}));
        let ids: Vec<_> = shape.entries.0.unwrap().into_iter().map(|entry| entry.id.0).collect();
        assert_eq!(ids, [Some("a".to_owned()), None, None, None, None, Some("1".to_owned())]);
        for no_list in [json!(null), json!({"0": {"id": "a"}}), json!("a")] {
            assert!(object::<Shape>(json!({"entries": no_list})).entries.0.is_none(), "{no_list}");
        }
    }

    #[test]
    fn a_text_of_strangers_is_cut_and_has_no_marks_of_direction() {
        assert_eq!(one_line("a\n\u{202e}evil\u{2069}.\u{200f}b", 100), "a evil.\u{200f}b");
        assert_eq!(one_line("\u{202a}\u{202a}\u{202a}äbc", 2), "äb");
        let shown = |text: &str| Text(Some(text.to_owned())).shown(4);
        assert_eq!(shown("\u{202e}\u{2} abcdef").as_deref(), Some("ab"));
        assert_eq!(shown("\u{202e}\u{2}"), None);
    }

    #[test]
    fn a_list_is_never_read_as_an_object() {
        let shape: Shape = object(json!(["a", "409812357760143"]));
        assert!(shape.name.0.is_none() && shape.waba_id.0.is_none());
        assert!(object::<Shape>(json!({"inner": ["a"]})).inner.0.id.0.is_none());
    }
}
