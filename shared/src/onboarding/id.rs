//! Ids. Ours is an onboarding's; the others are 360dialog's and Meta's, kept as the strings they came as
//! (Meta's are 64-bit numbers, which a JSON number in a browser would round).

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// A text that is not an id of the kind it should be. Names the kind, never repeats the text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not {0}")]
pub struct InvalidId(&'static str);

macro_rules! id {
    ($(#[$doc:meta])* $name:ident, $what:literal, $valid:expr) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(try_from = "String", into = "String")]
        pub struct $name(String);

        impl $name {
            /// The id as text.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl FromStr for $name {
            type Err = InvalidId;

            fn from_str(text: &str) -> Result<Self, InvalidId> {
                let valid: fn(&str) -> bool = $valid;
                if valid(text) { Ok(Self(text.to_owned())) } else { Err(InvalidId($what)) }
            }
        }

        impl TryFrom<String> for $name {
            type Error = InvalidId;

            fn try_from(text: String) -> Result<Self, InvalidId> {
                text.parse()
            }
        }

        impl From<$name> for String {
            fn from(id: $name) -> Self {
                id.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }
    };
}

id!(
    /// One onboarding: `onb_` and a `UUIDv7` without dashes, so that ids sort by the time they were made.
    OnboardingId, "an onboarding id: onb_ and 32 hexadecimal digits",
    |text| text.strip_prefix("onb_").is_some_and(|hex| {
        hex.len() == 32 && hex.bytes().all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b))
    })
);

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

impl OnboardingId {
    /// A new id for the present moment.
    pub fn generate() -> Self {
        Self(format!("onb_{}", Uuid::now_v7().simple()))
    }
}

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
    fn an_onboarding_id_is_what_the_api_promises() {
        let id = OnboardingId::generate();
        assert_eq!(id.as_str().len(), 36);
        assert_eq!(id.as_str().parse(), Ok(id.clone()));
        assert!(id <= OnboardingId::generate());
    }

    #[test]
    fn ids_refuse_what_could_harm_a_key_or_a_url() {
        for text in ["", "onb_", "onb_0190000000007000800000000000000G", "ONB_01900000000070008000000000000000", "../x"]
        {
            assert!(text.parse::<OnboardingId>().is_err(), "{text}");
        }
        for text in ["", "CL", "a/b", "a#b", "a b", "ä12345"] {
            assert!(text.parse::<ClientId>().is_err(), "{text}");
        }
        for text in ["", "1234", "123456789012345678901", "12345a", "-12345", "4.0981e14"] {
            assert!(text.parse::<WabaId>().is_err(), "{text}");
        }
    }

    #[test]
    fn an_id_that_is_no_id_is_refused_when_read_from_json_too() {
        assert!(serde_json::from_str::<WabaId>("\"409812357760143\"").is_ok());
        assert!(serde_json::from_str::<WabaId>("\"409#812\"").is_err());
    }
}
