//! Bearer tokens: the back end's, and the setup token of one onboarding.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hmac::{Hmac, KeyInit, Mac};
use secrecy::{ExposeSecret, SecretString};
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;

use crate::onboarding::OnboardingId;

/// Length of a setup token in bytes: 256 bits, and as long as the HMAC that seals it.
const TOKEN_BYTES: usize = 32;

/// SHA-256 in hexadecimal.
pub fn sha256_hex(bytes: impl AsRef<[u8]>) -> String {
    hex::encode(Sha256::digest(bytes))
}

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
pub fn is_backend_token(token: &SecretString, expected: &SecretString) -> bool {
    // Compared as hashes, so that not even the length shows in the time it takes.
    is_token_of(token, &sha256_hex(expected.expose_secret()))
}

/// Whether a token is the setup token whose SHA-256, in hexadecimal, was kept.
pub fn is_token_of(token: &SecretString, sha256: &str) -> bool {
    sha256_hex(token.expose_secret()).as_bytes().ct_eq(sha256.as_bytes()).into()
}

/// Seals a setup token for the idempotency item.
///
/// The same `Idempotency-Key` must get the same answer again, setup link included, yet whoever reads the table must not
/// find a usable token there. So the item holds the token XOR an HMAC under the back-end token, which the table does not
/// know. The onboarding's id makes every such mask a mask of one use.
///
/// `None` if `token` is not one of [`new_setup_token`].
pub fn seal(token: &SecretString, backend: &SecretString, key: &str, id: &OnboardingId) -> Option<String> {
    let token = URL_SAFE_NO_PAD.decode(token.expose_secret()).ok()?;
    Some(URL_SAFE_NO_PAD.encode(masked(&token, backend, key, id)?))
}

/// Opens what [`seal`] has sealed. `None` if the result is not the token whose SHA-256 was kept with the onboarding: the
/// back-end token was rotated meanwhile.
pub fn unseal(
    sealed: &str,
    backend: &SecretString,
    key: &str,
    id: &OnboardingId,
    sha256: &str,
) -> Option<SecretString> {
    let sealed = URL_SAFE_NO_PAD.decode(sealed).ok()?;
    let token = SecretString::from(URL_SAFE_NO_PAD.encode(masked(&sealed, backend, key, id)?));
    is_token_of(&token, sha256).then_some(token)
}

/// XOR with HMAC-SHA256(back-end token, `setup-token` 0 `Idempotency-Key` 0 onboarding id).
fn masked(bytes: &[u8], backend: &SecretString, key: &str, id: &OnboardingId) -> Option<Vec<u8>> {
    if bytes.len() != TOKEN_BYTES {
        return None;
    }
    let mut mac = Hmac::<Sha256>::new_from_slice(backend.expose_secret().as_bytes()).ok()?;
    for part in ["setup-token", "\0", key, "\0", id.as_str()] {
        mac.update(part.as_bytes());
    }
    Some(mac.finalize().into_bytes().iter().zip(bytes).map(|(mask, byte)| mask ^ byte).collect())
}
