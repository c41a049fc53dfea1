//! The keys with which the headers of an onboarding's message webhook are sealed: a secret of its own, which one function seals
//! with and another one opens with.

use std::collections::BTreeMap;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use secrecy::{ExposeSecret, SecretString};

use crate::rotating_key::RotatingKey;
use crate::{IncompleteSecret, SealError};

/// The key that seals, and while it is being rotated the one before it, which still opens.
#[derive(Debug)]
pub struct HeaderKeys(RotatingKey);

impl HeaderKeys {
    /// Reads the secret's value, `{"key": …, "previous_key": …}`. An empty previous key is none.
    ///
    /// # Errors
    /// If it is anything else.
    pub fn parse(json: &str) -> Result<Self, IncompleteSecret> {
        RotatingKey::parse("the secret …/header-key", "the headers of a message webhook", json).map(Self)
    }

    /// Seals headers, in base64url. They open only with the same `context`.
    ///
    /// # Errors
    /// If the crypto library refuses.
    #[expect(clippy::disallowed_methods, reason = "sealed")]
    pub fn seal(&self, headers: &BTreeMap<String, SecretString>, context: &str) -> Result<String, SealError> {
        let headers: BTreeMap<_, _> = headers.iter().map(|(name, value)| (name, value.expose_secret())).collect();
        let text = serde_json::to_string(&headers).map_err(|_| SealError)?;
        Ok(URL_SAFE_NO_PAD.encode(self.0.seal(&text.into(), context)?))
    }

    /// Opens what [`Self::seal`] returned; `None` if neither key sealed it, or with another context.
    #[expect(clippy::disallowed_methods, reason = "each is a secret again")]
    pub fn open(&self, sealed: &str, context: &str) -> Option<BTreeMap<String, SecretString>> {
        let text = self.0.open(&URL_SAFE_NO_PAD.decode(sealed).ok()?, context)?;
        let headers: BTreeMap<String, String> = serde_json::from_str(text.expose_secret()).ok()?;
        Some(headers.into_iter().map(|(name, value)| (name, value.into())).collect())
    }
}

#[cfg(test)]
#[expect(clippy::disallowed_methods, reason = "only compared")]
mod tests {
    use super::*;

    fn keys(key: &str, previous: &str) -> HeaderKeys {
        HeaderKeys::parse(&serde_json::json!({"key": key, "previous_key": previous}).to_string()).unwrap()
    }

    #[test]
    fn headers_open_while_their_key_is_the_present_or_the_previous_one() {
        let headers = BTreeMap::from([("authorization".to_owned(), "canary".into())]);
        let sealed = keys("one", "").seal(&headers, "onb_1").unwrap();
        assert!(!URL_SAFE_NO_PAD.decode(&sealed).unwrap().windows(6).any(|part| part == b"canary"));
        let open = |keys: &HeaderKeys, context: &str| {
            keys.open(&sealed, context).map(|headers| headers["authorization"].expose_secret().to_owned())
        };
        assert_eq!(open(&keys("one", ""), "onb_1").as_deref(), Some("canary"));
        assert_eq!(open(&keys("two", "one"), "onb_1").as_deref(), Some("canary"));
        assert_eq!(open(&keys("three", "two"), "onb_1"), None);
        assert_eq!(open(&keys("one", ""), "onb_2"), None);
        assert!(keys("one", "").open("not sealed", "onb_1").is_none());
    }
}
