#![expect(clippy::disallowed_methods, reason = "the secrets are made up")]

use api::auth::{is_backend_token, is_token_of, new_setup_token, seal, unseal};
use exchange::sha256_hex;
use onboarding::OnboardingId;
use secrecy::{ExposeSecret, SecretString};

#[test]
fn a_setup_token_is_256_bits_and_never_the_same() {
    let (a, b) = (new_setup_token().unwrap(), new_setup_token().unwrap());
    assert_eq!(a.expose_secret().len(), 43);
    assert!(a.expose_secret().bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_'));
    assert_ne!(a.expose_secret(), b.expose_secret());
    let sha256 = sha256_hex(a.expose_secret());
    assert!(is_token_of(&a, &sha256));
    assert!(!is_token_of(&b, &sha256));
    assert!(!is_token_of(&a, ""));
}

#[test]
fn only_the_whole_back_end_token_is_accepted() {
    let token = SecretString::from("a-backend-token");
    assert!(is_backend_token(&token.clone(), &token));
    for other in ["", "a-backend-toke", "a-backend-token ", "A-backend-token"] {
        assert!(!is_backend_token(&other.into(), &token), "{other}");
    }
}

#[test]
fn a_sealed_setup_token_opens_only_with_the_values_it_was_sealed_with() {
    let (token, backend, id) =
        (new_setup_token().unwrap(), SecretString::from("a-backend-token"), OnboardingId::generate());
    let sealed = seal(&token, &backend, "key-1", &id).unwrap();
    assert_ne!(sealed, token.expose_secret(), "the table must not hold it");
    let open = |backend: &str, key, id: &OnboardingId, sealed: &str| unseal(sealed, &backend.into(), key, id);
    assert_eq!(open("a-backend-token", "key-1", &id, &sealed).unwrap().expose_secret(), token.expose_secret());
    assert!(open("another-token", "key-1", &id, &sealed).is_none());
    assert!(open("a-backend-token", "key-2", &id, &sealed).is_none());
    assert!(open("a-backend-token", "key-1", &OnboardingId::generate(), &sealed).is_none());
    for broken in ["", "!", "AAAA", token.expose_secret()] {
        assert!(open("a-backend-token", "key-1", &id, broken).is_none());
    }
    assert_ne!(sealed, seal(&token, &backend, "key-1", &id).unwrap(), "a nonce is never used twice");
    let mut changed = sealed.clone().into_bytes();
    changed[20] ^= 1;
    assert!(open("a-backend-token", "key-1", &id, &String::from_utf8(changed).unwrap()).is_none());
}

#[test]
fn sha256_is_written_in_hexadecimal() {
    assert_eq!(sha256_hex("abc"), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
}
