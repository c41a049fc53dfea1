//! The one way to compare a text from outside with a secret.

use secrecy::{ExposeSecret, SecretString};
use subtle::ConstantTimeEq;

use super::sha256_hex;

/// Whether `given` is the secret. Takes the same time wherever the two differ and however long they are. An empty secret
/// equals nothing.
#[expect(clippy::disallowed_methods, reason = "only compared")]
pub fn secret_eq(given: &str, secret: &SecretString) -> bool {
    let secret = secret.expose_secret();
    secret_hash_eq(given, &sha256_hex(secret)) && !secret.is_empty()
}

/// Whether `given` is the secret of which only the SHA-256, in hexadecimal digits, was kept.
pub fn secret_hash_eq(given: &str, sha256: &str) -> bool {
    #[expect(clippy::disallowed_methods, reason = "this is the one place")]
    sha256_hex(given).as_bytes().ct_eq(sha256.as_bytes()).into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_whole_secret_equals_a_secret() {
        let secret = SecretString::from("canary-one");
        assert!(secret_eq("canary-one", &secret));
        for other in ["", "canary", "canary-two", "canary-one ", "Canary-one", "canary-onecanary-one"] {
            assert!(!secret_eq(other, &secret), "{other}");
        }
    }

    #[test]
    fn an_empty_secret_equals_nothing() {
        assert!(!secret_eq("", &SecretString::default()));
    }

    #[test]
    fn only_the_secret_equals_its_hash() {
        let hash = sha256_hex("canary");
        assert!(secret_hash_eq("canary", &hash));
        assert!(!secret_hash_eq(&hash, &hash));
        assert!(!secret_hash_eq("", &hash) && !secret_hash_eq("canary", ""));
    }
}
