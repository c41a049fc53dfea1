//! Secrets that lie in the table, sealed with AES-256-GCM.

use std::fmt;

use aws_lc_rs::aead::{AES_256_GCM, Aad, NONCE_LEN, Nonce, RandomizedNonceKey};
use aws_lc_rs::error::Unspecified;
use aws_lc_rs::hkdf::{HKDF_SHA256, Salt};
use secrecy::{ExposeSecret, SecretString};

/// A key that seals. Derived from a secret, so it changes with it: what an older one sealed cannot be opened any more.
pub struct SealKey(RandomizedNonceKey);

/// A secret could not be sealed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a secret could not be sealed")]
pub struct SealError;

impl SealKey {
    /// The key for one purpose, by HKDF with SHA-256 (<https://www.rfc-editor.org/rfc/rfc5869>).
    ///
    /// # Errors
    /// If the crypto library refuses.
    #[expect(clippy::disallowed_methods, reason = "only derived from")]
    pub fn derive(secret: &SecretString, purpose: &str) -> Result<Self, SealError> {
        let extracted = Salt::new(HKDF_SHA256, &[]).extract(secret.expose_secret().as_bytes());
        let mut key = [0; 32];
        let purpose = [purpose.as_bytes()];
        let expanded = extracted.expand(&purpose, &AES_256_GCM);
        expanded.and_then(|expanded| expanded.fill(&mut key)).map_err(failed)?;
        RandomizedNonceKey::new(&AES_256_GCM, &key).map(Self).map_err(failed)
    }

    /// Seals a secret: the nonce, then the text and its tag. It opens only with the same `context`.
    ///
    /// # Errors
    /// If the crypto library refuses.
    #[expect(clippy::disallowed_methods, reason = "sealed")]
    pub fn seal(&self, secret: &SecretString, context: &str) -> Result<Vec<u8>, SealError> {
        let mut text = secret.expose_secret().as_bytes().to_vec();
        let nonce = self.0.seal_in_place_append_tag(Aad::from(context), &mut text).map_err(failed)?;
        Ok([nonce.as_ref().as_slice(), &text].concat())
    }

    /// Opens what [`Self::seal`] returned; `None` if it was sealed with another key or context, or was changed.
    pub fn open(&self, sealed: &[u8], context: &str) -> Option<SecretString> {
        let (nonce, text) = sealed.split_at_checked(NONCE_LEN)?;
        let nonce = Nonce::try_assume_unique_for_key(nonce).ok()?;
        let mut text = text.to_vec();
        let text = self.0.open_in_place(nonce, Aad::from(context), &mut text).ok()?;
        std::str::from_utf8(text).ok().map(SecretString::from)
    }
}

impl fmt::Debug for SealKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SealKey")
    }
}

fn failed(_: Unspecified) -> SealError {
    SealError
}

#[cfg(test)]
#[expect(clippy::disallowed_methods, reason = "only compared")]
mod tests {
    use super::*;

    fn key(secret: &str, purpose: &str) -> SealKey {
        SealKey::derive(&secret.into(), purpose).unwrap()
    }

    #[test]
    fn what_is_sealed_opens_with_the_same_secret_purpose_and_context_only() {
        let sealed = key("password", "token").seal(&"canary".into(), "user").unwrap();
        assert!(!sealed.windows(6).any(|part| part == b"canary"));
        let open =
            |key: &SealKey, context: &str| key.open(&sealed, context).map(|text| text.expose_secret().to_owned());
        assert_eq!(open(&key("password", "token"), "user").as_deref(), Some("canary"));
        assert_eq!(open(&key("another", "token"), "user"), None);
        assert_eq!(open(&key("password", "other"), "user"), None);
        assert_eq!(open(&key("password", "token"), "somebody"), None);
    }

    #[test]
    fn what_was_changed_or_cut_does_not_open() {
        let key = key("password", "token");
        let sealed = key.seal(&"canary".into(), "user").unwrap();
        for at in 0..sealed.len() {
            let mut changed = sealed.clone();
            changed[at] ^= 1;
            assert!(key.open(&changed, "user").is_none());
            assert!(key.open(&sealed[..at], "user").is_none());
        }
    }

    #[test]
    fn the_same_secret_is_never_sealed_alike() {
        let key = key("password", "token");
        assert_ne!(key.seal(&"canary".into(), "user"), key.seal(&"canary".into(), "user"));
    }
}
