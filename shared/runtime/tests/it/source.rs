//! What no test of behaviour can show, read from the sources: how secrets are held and how they are compared.

use std::fs;
use std::path::{Path, PathBuf};

/// What a field is called that holds something that opens something.
const SECRETS: [&str; 13] = [
    "api_key",
    "access_token",
    "app_secret",
    "backend_token",
    "bearer",
    "meta_app_secret",
    "meta_system_user_token",
    "meta_verify_token",
    "password",
    "platform_secret",
    "platform_secret_previous",
    "token",
    "webhook_token",
];

/// Where two secrets that are both ours are compared: nobody outside learns how long that took.
const BOTH_OURS: &str = "partner-hub/src/credentials.rs";

/// The sources of the functions and of what they share, with their paths; without unit tests.
fn sources() -> Vec<(String, String)> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let crates = ["shared", "functions"].into_iter().flat_map(|folder| entries(&root.join(folder)));
    let mut folders: Vec<PathBuf> = crates.map(|folder| folder.join("src")).filter(|folder| folder.is_dir()).collect();
    let mut sources = Vec::new();
    while let Some(folder) = folders.pop() {
        for path in entries(&folder) {
            if path.is_dir() {
                folders.push(path);
                continue;
            }
            let text = fs::read_to_string(&path).unwrap();
            let text = text.split("#[cfg(test)]").next().unwrap().to_owned();
            sources.push((path.to_str().unwrap().to_owned(), text));
        }
    }
    sources
}

fn entries(folder: &Path) -> Vec<PathBuf> {
    fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect()
}

/// `Debug` of a `SecretString` shows nothing, so that a type shows a secret only if it holds one as a plain text.
#[test]
fn no_printable_type_holds_a_secret_as_plain_text() {
    let mut held = 0;
    for (path, text) in sources() {
        let mut derives = String::new();
        let mut printed = false;
        for line in text.lines().map(str::trim) {
            if line.starts_with("#[derive(") {
                line.clone_into(&mut derives);
            } else if line.contains("struct ") || line.contains("enum ") {
                printed = derives.contains("Debug");
                derives.clear();
            }
            let Some((name, kind)) = line.trim_start_matches("pub ").trim_start_matches("pub(crate) ").split_once(": ")
            else {
                continue;
            };
            if SECRETS.contains(&name) && kind.ends_with(',') {
                held += usize::from(kind.contains("SecretString"));
                let plain = kind.starts_with("String") || kind.starts_with("Option<String>");
                assert!(!(printed && plain), "{path}: {line}");
            }
        }
    }
    assert!(held >= 15, "only {held} secrets were found: are they called something else now?");
}

#[test]
fn secrets_are_compared_in_constant_time_only() {
    let (mut constant, mut ours) = (0, 0);
    for (path, text) in sources() {
        for line in text.lines().filter(|line| !line.trim_start().starts_with("//")) {
            constant += usize::from(line.contains(".ct_eq(") || line.contains(".verify_slice("));
            let compared = line.contains(" == ") || line.contains(" != ") || line.contains(".eq(");
            let secret =
                line.contains("expose_secret()") || line.contains("sha256_hex(token") || line.contains("signature ==");
            if compared && secret {
                assert!(path.ends_with(BOTH_OURS), "{path}: {line}");
                ours += 1;
            }
        }
    }
    // Setup and back-end token, shared token, verify token; both senders' signatures, by one function.
    assert_eq!((constant, ours), (4, 2));
}
