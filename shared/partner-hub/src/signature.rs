//! The signature of the Hub's webhooks: header `x-360dialog-signature`, HMAC-SHA256 over the raw body, keyed with the
//! platform secret (<https://docs.360dialog.com/partner/onboarding/webhook-events-and-setup/signature-validation>).

use exchange::signature::{self, PREFIX};
use secrecy::SecretString;

/// The header's name, in lower case.
pub const HEADER: &str = "x-360dialog-signature";

/// Whether `header` signs `body` with one of `secrets` (two while the platform secret is being rotated).
///
/// The page does not show the encoding; code in the wild has hexadecimal digits, bare or after `sha256=`. Both are
/// taken, in either case.
pub fn verify(header: &str, body: &[u8], secrets: &[&SecretString]) -> bool {
    let header = header.trim();
    let digits = match header.get(..PREFIX.len()) {
        Some(prefix) if prefix.eq_ignore_ascii_case(PREFIX) => header.get(PREFIX.len()..).unwrap_or_default(),
        _ => header,
    };
    signature::verify(digits, body, secrets)
}
