//! The keys with which the tokens of signups are sealed: a secret of its own, which few functions may read.

use secrecy::SecretString;

use crate::rotating_key::RotatingKey;
use crate::{IncompleteSecret, SealError};

/// The key that seals, and while it is being rotated the one before it, which still opens.
#[derive(Debug)]
pub struct SealingKeys(RotatingKey);

impl SealingKeys {
    /// Reads the secret's value, `{"key": …, "previous_key": …}`. An empty previous key is none.
    ///
    /// # Errors
    /// If it is anything else.
    pub fn parse(json: &str) -> Result<Self, IncompleteSecret> {
        RotatingKey::parse("the secret …/sealing-key", "the token of a signup", json).map(Self)
    }

    /// Seals a secret. It opens only with the same `context`.
    ///
    /// # Errors
    /// If the crypto library refuses.
    pub fn seal(&self, secret: &SecretString, context: &str) -> Result<Vec<u8>, SealError> {
        self.0.seal(secret, context)
    }

    /// Opens what [`Self::seal`] returned; `None` if neither key sealed it, or with another context.
    pub fn open(&self, sealed: &[u8], context: &str) -> Option<SecretString> {
        self.0.open(sealed, context)
    }
}

#[cfg(test)]
#[expect(clippy::disallowed_methods, reason = "only compared")]
mod tests {
    use secrecy::ExposeSecret;

    use super::*;

    fn keys(key: &str, previous: &str) -> SealingKeys {
        SealingKeys::parse(&serde_json::json!({"key": key, "previous_key": previous}).to_string()).unwrap()
    }

    #[test]
    fn a_token_opens_while_its_key_is_the_present_or_the_previous_one() {
        let sealed = keys("one", "").seal(&"canary".into(), "onb_1").unwrap();
        let open = |keys: &SealingKeys, context: &str| {
            keys.open(&sealed, context).map(|secret| secret.expose_secret().to_owned())
        };
        assert_eq!(open(&keys("one", ""), "onb_1").as_deref(), Some("canary"));
        assert_eq!(open(&keys("two", "one"), "onb_1").as_deref(), Some("canary"));
        assert_eq!(open(&keys("three", "two"), "onb_1"), None);
        assert_eq!(open(&keys("one", ""), "onb_2"), None);
        assert_eq!(keys("one", "").open(&sealed[..3], "onb_1").map(|_| ()), None);
    }

    #[test]
    fn a_secret_without_a_key_is_refused_without_being_repeated() {
        for text in ["", "{}", r#"{"key": ""}"#, r#"{"key": ["canary"]}"#, "canary"] {
            let error = SealingKeys::parse(text).unwrap_err().to_string();
            assert!(!error.contains("canary"), "{error}");
        }
    }
}
