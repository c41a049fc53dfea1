//! Scans every line that the tests of this binary log, at the finest level, for secrets.
//!
//! Codes, tokens and keys are known by their look: no other word in the log is that long and that mixed. The secrets of
//! the local settings are known by heart.

use std::io::{self, Write};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, MutexGuard, Once, PoisonError};

use local::roles;
use local::settings::{BACKEND_TOKEN, PLATFORM_SECRET, VERIFY_TOKEN};
use telemetry::subscriber;

/// Made-up secrets of the local settings and of the simulator begin with this.
const MADE_UP: &str = "made-up-";
/// The embedded database's own finest lines are its requests, items and all; on AWS nobody writes them.
const LEVEL: &str = "trace,dynoxide=info";
/// Shorter than a setup token (43), a key (35 with its suffix), a code (82) and a business token (93).
const SECRET: usize = 34;

static STARTED: Once = Once::new();
static LINES: AtomicUsize = AtomicUsize::new(0);
/// Warnings about channels and client accounts.
static WARNINGS: Mutex<Vec<String>> = Mutex::new(Vec::new());
static FOUND: Mutex<Vec<String>> = Mutex::new(Vec::new());

/// As long as one of these is there, the log is looked through. What was found fails the test that lets go of it next, and
/// so does a call that a role does not allow, which its function may only have logged.
pub(crate) struct LogScan(());

impl LogScan {
    pub(crate) fn start() -> Self {
        // A test in a process of its own has set its own subscriber before.
        STARTED.call_once(|| drop(tracing::subscriber::set_global_default(subscriber(LEVEL, || Scanner))));
        Self(())
    }

    /// The warnings that said this of one of these channels or client accounts.
    pub(crate) fn warnings(text: &str, ids: &[String]) -> Vec<String> {
        let kept = WARNINGS.lock().unwrap_or_else(PoisonError::into_inner);
        let fits = |line: &&String| line.contains(text) && ids.iter().any(|id| line.contains(id));
        kept.iter().filter(fits).cloned().collect()
    }

    /// How many lines were looked through.
    pub(crate) fn lines() -> usize {
        LINES.load(Ordering::SeqCst)
    }
}

impl Drop for LogScan {
    fn drop(&mut self) {
        let (found, refused) = (found().first().cloned(), roles::refused());
        assert!(std::thread::panicking() || found.is_none(), "a secret in the log: {found:?}");
        assert!(std::thread::panicking() || refused.is_empty(), "a call that AWS would refuse: {refused:?}");
    }
}

fn found() -> MutexGuard<'static, Vec<String>> {
    FOUND.lock().unwrap_or_else(PoisonError::into_inner)
}

struct Scanner;

impl Write for Scanner {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        LINES.fetch_add(1, Ordering::SeqCst);
        let text = String::from_utf8_lossy(line);
        if text.contains("WARN") && (text.contains("channel_id") || text.contains("client_id")) {
            WARNINGS.lock().unwrap_or_else(PoisonError::into_inner).push(text.clone().into_owned());
        }
        if opens_something(&text) {
            found().push(text.into_owned());
        }
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Whether a line of the log holds a secret.
pub(crate) fn opens_something(line: &str) -> bool {
    let known = [BACKEND_TOKEN, PLATFORM_SECRET, VERIFY_TOKEN, MADE_UP, "Bearer ", "appsecret_proof"];
    known.iter().any(|secret| line.contains(secret)) || line.split(|c: char| !is_of_a_word(c)).any(looks_like_a_secret)
}

fn is_of_a_word(c: char) -> bool {
    c.is_ascii_alphanumeric() || c == '_' || c == '-'
}

/// Neither a name in the code, nor a UUID, nor a digest in hexadecimal digits mixes all three kinds.
fn looks_like_a_secret(word: &str) -> bool {
    let has = |kind: fn(&u8) -> bool| word.bytes().any(|byte| kind(&byte));
    word.len() >= SECRET && has(u8::is_ascii_lowercase) && has(u8::is_ascii_uppercase) && has(u8::is_ascii_digit)
}
