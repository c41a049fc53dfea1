//! The ids that 360dialog and Meta hand out, kept as the strings they came as (Meta's are 64-bit numbers, which a JSON number in
//! a browser would round). [`id!`](crate::id) makes more such types.

/// A text that is not an id of the kind it should be. Names the kind, never repeats the text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not {0}")]
pub struct InvalidId(pub &'static str);

/// Makes a type for one kind of id: a text that is checked wherever it comes in, and that compares, sorts and is written as the
/// text it is. Takes the type's docs and name, what such an id is (for [`InvalidId`]), and the check.
#[macro_export]
macro_rules! id {
    ($(#[$doc:meta])* $name:ident, $what:literal, $valid:expr) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(String);

        impl $name {
            /// The id as text.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl ::std::str::FromStr for $name {
            type Err = $crate::InvalidId;

            fn from_str(text: &str) -> Result<Self, $crate::InvalidId> {
                let valid: fn(&str) -> bool = $valid;
                if valid(text) { Ok(Self(text.to_owned())) } else { Err($crate::InvalidId($what)) }
            }
        }

        impl ::std::fmt::Display for $name {
            fn fmt(&self, f: &mut ::std::fmt::Formatter<'_>) -> ::std::fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl $crate::serde::Serialize for $name {
            fn serialize<S: $crate::serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_str(&self.0)
            }
        }

        impl<'de> $crate::serde::Deserialize<'de> for $name {
            fn deserialize<D: $crate::serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let text = <String as $crate::serde::Deserialize>::deserialize(deserializer)?;
                text.parse().map_err(<D::Error as $crate::serde::de::Error>::custom)
            }
        }
    };
}

id!(
    /// 360dialog's id of a client account, such as `hT3mVxCL`.
    ClientId, "a client id: letters and digits", hub_id
);

id!(
    /// 360dialog's id of a channel, such as `Rb82LdCH`.
    ChannelId, "a channel id: letters and digits", hub_id
);

id!(
    /// Meta's id of a WhatsApp Business Account.
    WabaId, "a WABA id: 5 to 20 digits", meta_id
);

id!(
    /// Meta's id of a phone number; the Hub calls it `channel_external_id`.
    PhoneNumberId, "a phone number id: 5 to 20 digits", meta_id
);

id!(
    /// Meta's id of a business portfolio.
    BusinessId, "a business portfolio id: 5 to 20 digits", meta_id
);

/// The Hub documents only the suffix of its ids, so the rest is taken as it comes, as long as it is harmless in a URL and a key.
fn hub_id(text: &str) -> bool {
    (3..=64).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_')
}

fn meta_id(text: &str) -> bool {
    (5..=20).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_refuse_characters_that_could_break_a_key_or_a_url() {
        for text in ["", "CL", "a/b", "a#b", "a b", "ä12345"] {
            assert!(text.parse::<ClientId>().is_err(), "{text}");
        }
        for text in ["", "1234", "123456789012345678901", "12345a", "-12345", "4.0981e14"] {
            assert!(text.parse::<WabaId>().is_err(), "{text}");
        }
    }

    #[test]
    fn a_malformed_id_in_json_is_refused() {
        assert!(serde_json::from_str::<WabaId>("\"409812357760143\"").is_ok());
        assert!(serde_json::from_str::<WabaId>("\"409#812\"").is_err());
    }
}
