//! The signature of the Hub's webhooks.

use partner_hub::signature::{HEADER, verify};
use secrecy::SecretString;

use crate::server::{json, sample};

struct Vector {
    body: Vec<u8>,
    signature: String,
    secret: SecretString,
}

fn vector() -> Vector {
    let vector = json("webhook.signature_vector");
    let text = |pointer: &str| vector.pointer(pointer).unwrap().as_str().unwrap().to_owned();
    Vector {
        body: sample(text("/body_file").trim_end_matches(".json")),
        signature: text(&format!("/headers/{HEADER}")),
        secret: text("/platform_secret").into(),
    }
}

#[test]
fn a_signature_is_recognized_in_every_spelling_seen() {
    let Vector { body, signature, secret } = vector();
    for header in [
        signature.clone(),
        format!("sha256={signature}"),
        format!("SHA256={}", signature.to_uppercase()),
        signature.to_uppercase(),
        format!(" {signature} "),
    ] {
        assert!(verify(&header, &body, &[&secret]), "{header}");
    }
}

#[test]
fn both_platform_secrets_verify_during_a_rotation() {
    let Vector { body, signature, secret } = vector();
    let other = SecretString::from("made-up-next-secret");
    assert!(verify(&signature, &body, &[&other, &secret]));
    assert!(verify(&signature, &body, &[&secret, &other]));
    assert!(!verify(&signature, &body, &[&other]));
    assert!(!verify(&signature, &body, &[]));
}

#[test]
fn a_malformed_signature_header_is_refused() {
    let Vector { body, signature, secret } = vector();
    let wrong = format!("{}0", &signature[..63]);
    let base64 = "aXf/QBeUxFnLMIhJ3CGE3Z0ARHCAVYTpY+60dwmHQ+4=";
    for header in [
        "",
        "sha256=",
        "=",
        "sha256",
        "zz",
        base64,
        &wrong,
        &signature[..62],
        &format!("{signature}00"),
        &format!("sha1={signature}"),
        "ä",
    ] {
        assert!(!verify(header, &body, &[&secret]), "{header}");
    }
}

#[test]
fn a_signature_is_valid_for_its_body_only() {
    let Vector { body, signature, secret } = vector();
    assert!(!verify(&signature, body.trim_ascii_end(), &[&secret]));
    assert!(!verify(&signature, b"", &[&secret]));
}

#[test]
fn an_empty_platform_secret_verifies_nothing() {
    // HMAC-SHA256 of nothing with an empty key.
    let anyone = "b613679a0814d9ec772f95d778c35fc5ff1697c493715653c6c712144292c5ad";
    assert!(!verify(anyone, b"", &[&SecretString::from("")]));
}
