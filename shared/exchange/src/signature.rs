//! HMAC-SHA256 over raw bytes, in hexadecimal: what both platforms sign their webhooks with, and what proves our calls to Meta.

use hmac::{Hmac, KeyInit, Mac};
use secrecy::{ExposeSecret, SecretString};
use sha2::Sha256;

/// What both platforms write before the digits of a signature, always or at times.
pub const PREFIX: &str = "sha256=";

/// The signature of `message` under `secret`, in hexadecimal digits.
pub fn sign(secret: &SecretString, message: &[u8]) -> String {
    hex::encode(keyed(secret).chain_update(message).finalize().into_bytes())
}

/// Whether `digits` (hexadecimal, in either case) sign `message` under one of `secrets`; two while a secret is being rotated.
///
/// Takes the same time wherever the signatures differ and whichever secret fits. An empty secret, with which anyone could sign,
/// fits nothing.
#[expect(clippy::disallowed_methods, reason = "only signed with")]
pub fn verify(digits: &str, message: &[u8], secrets: &[&SecretString]) -> bool {
    let mut signature = [0; 32];
    if hex::decode_to_slice(digits, &mut signature).is_err() {
        return false;
    }
    let fits = |secret: &&SecretString| {
        keyed(secret).chain_update(message).verify_slice(&signature).is_ok() && !secret.expose_secret().is_empty()
    };
    secrets.iter().map(fits).fold(false, std::ops::BitOr::bitor)
}

#[expect(clippy::disallowed_methods, reason = "only signed with")]
fn keyed(secret: &SecretString) -> Hmac<Sha256> {
    #[expect(clippy::expect_used, reason = "HMAC takes keys of any length")]
    Hmac::<Sha256>::new_from_slice(secret.expose_secret().as_bytes()).expect("a key of any length")
}
