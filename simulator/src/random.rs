//! Ids, codes, tokens and keys that nobody can guess and that never repeat.

use std::sync::atomic::{AtomicU64, Ordering};

use sha2::{Digest, Sha256};

const ALPHABET: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

/// A generator: one draw from the system, hashed on with a counter.
pub(crate) struct Random {
    seed: [u8; 32],
    drawn: AtomicU64,
}

impl Random {
    pub(crate) fn new() -> std::io::Result<Self> {
        let mut seed = [0; 32];
        getrandom::fill(&mut seed).map_err(std::io::Error::other)?;
        Ok(Self { seed, drawn: AtomicU64::new(0) })
    }

    /// `length` letters and digits.
    pub(crate) fn text(&self, length: usize) -> String {
        let mut text = String::with_capacity(length);
        while text.len() < length {
            let draw = self.drawn.fetch_add(1, Ordering::Relaxed);
            let digest = Sha256::new().chain_update(self.seed).chain_update(draw.to_be_bytes()).finalize();
            let wanted = length - text.len();
            text.extend(digest.iter().take(wanted).map(|byte| letter(*byte)));
        }
        text
    }
}

/// `length` (at most 32) letters and digits that depend on `of` alone.
pub(crate) fn letters(of: &str, length: usize) -> String {
    Sha256::digest(of).iter().take(length).map(|byte| letter(*byte)).collect()
}

/// `length` (at most 32) digits that depend on `of` alone.
pub(crate) fn digits(of: &str, length: usize) -> String {
    Sha256::digest(of).iter().take(length).map(|byte| char::from(b'0' + byte % 10)).collect()
}

/// A WABA's template namespace, such as `6c0f2c1e_9b41_4f4e_a7d8_3be0d1f7a901`.
pub(crate) fn namespace(waba_id: &str) -> String {
    let hex = hex::encode(Sha256::digest(waba_id));
    let parts = [0..8, 8..12, 12..16, 16..20, 20..32].map(|part| hex.get(part).unwrap_or_default());
    parts.join("_")
}

fn letter(byte: u8) -> char {
    ALPHABET.get(usize::from(byte) % ALPHABET.len()).copied().map_or('0', char::from)
}
