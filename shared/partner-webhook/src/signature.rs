//! The signature of Standard Webhooks, version `v1`: HMAC-SHA256 over `{id}.{timestamp}.{body}`, in base64
//! (<https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md>).

use std::fmt;
use std::str::FromStr;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit, Mac};
use secrecy::{ExposeSecret, SecretSlice};
use sha2::Sha256;

/// What a secret begins with.
const PREFIX: &str = "whsec_";
/// How long a key may be, in bytes.
const LENGTHS: std::ops::RangeInclusive<usize> = 24..=64;

/// What webhooks are signed with.
#[derive(Clone)]
pub struct SigningSecret(SecretSlice<u8>);

/// A text is no such secret. It is not repeated.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("must be whsec_ and the base64 of 24 to 64 bytes")]
pub struct InvalidSigningSecret;

impl fmt::Debug for SigningSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SigningSecret")
    }
}

impl FromStr for SigningSecret {
    type Err = InvalidSigningSecret;

    fn from_str(text: &str) -> Result<Self, InvalidSigningSecret> {
        let key = text.strip_prefix(PREFIX).and_then(|key| STANDARD.decode(key).ok());
        let key = key.filter(|key| LENGTHS.contains(&key.len())).ok_or(InvalidSigningSecret)?;
        Ok(Self(key.into()))
    }
}

impl SigningSecret {
    /// The value of the header `webhook-signature` for one message: a signature for each secret. `timestamp`: in seconds since
    /// 1970.
    pub(crate) fn sign_with_all(secrets: &[&Self], id: &str, timestamp: i64, body: &str) -> String {
        let signatures: Vec<_> = secrets.iter().map(|secret| secret.sign(id, timestamp, body)).collect();
        signatures.join(" ")
    }

    #[expect(clippy::disallowed_methods, reason = "only signed with")]
    #[expect(clippy::expect_used, reason = "HMAC takes keys of any length")]
    fn sign(&self, id: &str, timestamp: i64, body: &str) -> String {
        let keyed = Hmac::<Sha256>::new_from_slice(self.0.expose_secret()).expect("a key of any length");
        let signed = keyed.chain_update(format!("{id}.{timestamp}.")).chain_update(body);
        format!("v1,{}", STANDARD.encode(signed.finalize().into_bytes()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The example of the specification.
    #[test]
    fn a_message_is_signed_as_the_specification_says() {
        let secret: SigningSecret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw".parse().unwrap();
        let body = r#"{"test": 2432232314}"#;
        let signed = secret.sign("msg_p5jXN8AQM9LWM0D4loKWxJek", 1_614_265_330, body);
        assert_eq!(signed, "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=");
        let both =
            SigningSecret::sign_with_all(&[&secret, &secret], "msg_p5jXN8AQM9LWM0D4loKWxJek", 1_614_265_330, body);
        assert_eq!(both, format!("{signed} {signed}"));
    }

    #[test]
    fn a_secret_is_whsec_and_24_to_64_bytes() {
        let of = |bytes: usize| format!("whsec_{}", STANDARD.encode(vec![7; bytes]));
        for bytes in [24, 32, 64] {
            assert!(of(bytes).parse::<SigningSecret>().is_ok());
        }
        for text in [of(23), of(65), STANDARD.encode([7; 32]), "whsec_".to_owned(), "whsec_%%%".to_owned()] {
            assert!(text.parse::<SigningSecret>().is_err(), "{text}");
        }
        assert_eq!(format!("{:?}", of(32).parse::<SigningSecret>().unwrap()), "SigningSecret");
    }
}
