//! Bearer tokens: the back end's, and the setup token of one onboarding.

use aws_lc_rs::aead::{AES_256_GCM, Aad, NONCE_LEN, Nonce, RandomizedNonceKey};
use aws_lc_rs::hkdf::{HKDF_SHA256, Salt};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use onboarding::OnboardingId;
use secrecy::{ExposeSecret, SecretString};

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
#[expect(clippy::disallowed_methods, reason = "sealed")]
pub fn seal(token: &SecretString, backend: &SecretString, key: &str, id: &OnboardingId) -> Option<String> {
    let mut sealed = token.expose_secret().as_bytes().to_vec();
    let nonce = sealing_key(backend)?.seal_in_place_append_tag(associated_data(key, id), &mut sealed).ok()?;
    sealed.splice(..0, nonce.as_ref().iter().copied());
    Some(URL_SAFE_NO_PAD.encode(sealed))
}

/// Opens what [`seal`] has sealed. `None` if it was sealed for another key or onboarding, or the back-end token was rotated
/// meanwhile.
pub fn unseal(sealed: &str, backend: &SecretString, key: &str, id: &OnboardingId) -> Option<SecretString> {
    let sealed = URL_SAFE_NO_PAD.decode(sealed).ok()?;
    let (nonce, ciphertext) = sealed.split_at_checked(NONCE_LEN)?;
    let mut token = ciphertext.to_vec();
    let nonce = Nonce::try_assume_unique_for_key(nonce).ok()?;
    let token = sealing_key(backend)?.open_in_place(nonce, associated_data(key, id), &mut token).ok()?;
    Some(std::str::from_utf8(token).ok()?.into())
}

/// HKDF-SHA256 of the back-end token, for this purpose alone.
#[expect(clippy::disallowed_methods, reason = "only a key is derived from it")]
fn sealing_key(backend: &SecretString) -> Option<RandomizedNonceKey> {
    let mut key = [0; 32];
    let secret = Salt::new(HKDF_SHA256, &[]).extract(backend.expose_secret().as_bytes());
    secret.expand(&[b"setup-token"], &AES_256_GCM).ok()?.fill(&mut key).ok()?;
    RandomizedNonceKey::new(&AES_256_GCM, &key).ok()
}

fn associated_data(key: &str, id: &OnboardingId) -> Aad<String> {
    Aad::from(format!("{key}\0{id}"))
}
