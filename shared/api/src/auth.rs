//! Bearer tokens: the back end's, and the setup token of one onboarding.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use onboarding::OnboardingId;
use secrecy::{ExposeSecret, SecretString};
use secrets::SealKey;

/// What the key is for that seals setup tokens.
const PURPOSE: &str = "setup-token";

/// Length of a setup token in bytes: 256 bits.
const TOKEN_BYTES: usize = 32;

/// A new setup token: 256 random bits, in base64url.
///
/// # Errors
/// Only if the system has no randomness to give.
pub fn new_setup_token() -> Result<SecretString, getrandom::Error> {
    let mut bytes = [0; TOKEN_BYTES];
    getrandom::fill(&mut bytes)?;
    Ok(URL_SAFE_NO_PAD.encode(bytes).into())
}

/// Whether a token is the one of the partner's server.
#[expect(clippy::disallowed_methods, reason = "only compared")]
pub fn is_backend_token(token: &SecretString, expected: &SecretString) -> bool {
    exchange::secret_eq(token.expose_secret(), expected)
}

/// Whether a token is the setup token whose SHA-256, in hexadecimal, was kept.
#[expect(clippy::disallowed_methods, reason = "only compared")]
pub fn is_token_of(token: &SecretString, sha256: &str) -> bool {
    exchange::secret_hash_eq(token.expose_secret(), sha256)
}

/// Seals a setup token for the idempotency item: base64url of nonce, ciphertext and tag of AES-256-GCM.
///
/// The same `Idempotency-Key` must get the same answer again, setup link included, yet a reader of the table must not find a
/// usable token there. So the key is derived from the back-end token, which the table does not know. `Idempotency-Key` and
/// onboarding are the associated data.
///
/// `None` only if the system has no randomness to give.
pub fn seal(token: &SecretString, backend: &SecretString, key: &str, id: &OnboardingId) -> Option<String> {
    let sealed = SealKey::derive(backend, PURPOSE).and_then(|sealing| sealing.seal(token, &context(key, id)));
    Some(URL_SAFE_NO_PAD.encode(sealed.ok()?))
}

/// Opens what [`seal`] has sealed. `None` if it was sealed for another key or onboarding, or the back-end token was rotated
/// meanwhile.
pub fn unseal(sealed: &str, backend: &SecretString, key: &str, id: &OnboardingId) -> Option<SecretString> {
    let sealed = URL_SAFE_NO_PAD.decode(sealed).ok()?;
    SealKey::derive(backend, PURPOSE).ok()?.open(&sealed, &context(key, id))
}

fn context(key: &str, id: &OnboardingId) -> String {
    format!("{key}\0{id}")
}
