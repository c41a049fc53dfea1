//! SHA-256, as it is kept and compared.

use sha2::{Digest, Sha256};

/// SHA-256 in hexadecimal digits.
pub fn sha256_hex(bytes: impl AsRef<[u8]>) -> String {
    hex::encode(Sha256::digest(bytes))
}
