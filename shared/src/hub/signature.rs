//! The signature of the Hub's webhooks: header `x-360dialog-signature`, HMAC-SHA256 over the raw body, keyed with the
//! platform secret (<https://docs.360dialog.com/partner/onboarding/webhook-events-and-setup/signature-validation>).

use hmac::{Hmac, KeyInit, Mac};
use secrecy::{ExposeSecret, SecretString};
use sha2::Sha256;

/// The header's name, in lower case.
pub const HEADER: &str = "x-360dialog-signature";

/// Whether `header` signs `body` with one of `secrets` (two while the platform secret is being changed).
///
/// The page does not show the encoding; code in the wild has hexadecimal digits, bare or after `sha256=`. Both are
/// taken, in either case. Takes the same time wherever the signatures differ and whichever secret fits. An empty
/// secret, with which anyone could sign, fits nothing.
pub fn verify(header: &str, body: &[u8], secrets: &[&SecretString]) -> bool {
    const PREFIX: &str = "sha256=";
    let header = header.trim();
    let digits = match header.get(..PREFIX.len()) {
        Some(prefix) if prefix.eq_ignore_ascii_case(PREFIX) => header.get(PREFIX.len()..).unwrap_or_default(),
        _ => header,
    };
    let mut signature = [0; 32];
    if hex::decode_to_slice(digits, &mut signature).is_err() {
        return false;
    }
    let fits = |secret: &&SecretString| {
        let secret = secret.expose_secret().as_bytes();
        Hmac::<Sha256>::new_from_slice(secret).is_ok_and(|mac| mac.chain_update(body).verify_slice(&signature).is_ok())
            && !secret.is_empty()
    };
    secrets.iter().map(fits).fold(false, std::ops::BitOr::bitor)
}
