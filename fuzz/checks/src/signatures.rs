//! The signature headers of both senders: only the HMAC of this body is a signature of it.
//!
//! The input is the header, a line break, and the body. `{hmac}` in the header stands for the right digits.

use hmac::{Hmac, KeyInit, Mac};
use meta_graph as meta;
use partner_hub as hub;
use secrecy::SecretString;
use sha2::Sha256;

const SECRET: &str = "made-up-secret";

/// Checks one input.
///
/// # Panics
/// If that does not hold for it.
pub fn check(data: &[u8]) {
    let end = data.iter().position(|byte| *byte == b'\n').unwrap_or(data.len());
    let (header, body) = data.split_at(end);
    let Ok(header) = std::str::from_utf8(header) else { return };
    let right = hex::encode(
        Hmac::<Sha256>::new_from_slice(SECRET.as_bytes()).unwrap().chain_update(body).finalize().into_bytes(),
    );
    let header = header.replace("{hmac}", &right);
    let header = header.trim();
    let secret = SecretString::from(SECRET);
    let (other, empty) = (SecretString::from("made-up-other"), SecretString::from(""));
    let lists: [&[&SecretString]; 4] =
        [&[&secret], &[&secret, &other], &[&other, &empty, &secret], &[&secret, &secret]];

    let digits = header.to_ascii_lowercase();
    let of_the_hub = digits.strip_prefix("sha256=").unwrap_or(&digits) == right;
    let of_meta = header.starts_with("sha256=") && of_the_hub;
    for secrets in lists {
        assert_eq!(hub::signature::verify(header, body, secrets), of_the_hub);
        assert_eq!(meta::webhook::verify_signature(header, body, secrets), of_meta);
    }
    for secrets in [&[][..], &[&other], &[&empty], &[&other, &empty]] {
        assert!(!hub::signature::verify(header, body, secrets));
        assert!(!meta::webhook::verify_signature(header, body, secrets));
    }
    if of_the_hub {
        let more = [body, b" "].concat();
        assert!(!hub::signature::verify(header, &more, &[&secret]));
        assert!(!meta::webhook::verify_signature(header, &more, &[&secret]));
    }
}
