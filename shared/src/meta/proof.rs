//! HMAC-SHA256 with the app secret: proves our calls to Meta, and Meta's webhooks to us.

use hmac::{Hmac, KeyInit, Mac};
use secrecy::{ExposeSecret, SecretString};
use sha2::Sha256;

/// The parameter that proves that a call with this token comes from the app's own server: hexadecimal HMAC-SHA256 of the token.
/// Source: <https://developers.facebook.com/docs/graph-api/guides/secure-requests>.
pub(super) fn appsecret_proof(app_secret: &SecretString, token: &SecretString) -> String {
    hex::encode(hmac(app_secret, token.expose_secret().as_bytes()).finalize().into_bytes())
}

/// An HMAC-SHA256 that has seen `message`.
pub(super) fn hmac(key: &SecretString, message: &[u8]) -> Hmac<Sha256> {
    #[expect(clippy::expect_used, reason = "HMAC takes keys of any length")]
    let mut mac = Hmac::<Sha256>::new_from_slice(key.expose_secret().as_bytes()).expect("a key of any length");
    mac.update(message);
    mac
}
