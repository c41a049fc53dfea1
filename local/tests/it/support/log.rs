//! What one test's thread logs.

use std::io::{self, Write};
use std::sync::{Arc, Mutex};

use telemetry::subscriber;
use tracing::subscriber::{DefaultGuard, set_default};

/// The lines so far.
#[derive(Clone, Default)]
pub(crate) struct Log(Arc<Mutex<Vec<u8>>>);

impl Write for Log {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Log {
    /// Begins to listen, for as long as the guard is there.
    pub(crate) fn listen() -> (Self, DefaultGuard) {
        let log = Self::default();
        let writer = log.clone();
        (log, set_default(subscriber("info", move || writer.clone())))
    }

    /// How many lines have these words.
    pub(crate) fn lines_with(&self, words: &str) -> usize {
        self.lines_that_say(words).len()
    }

    /// The lines that have these words.
    pub(crate) fn lines_that_say(&self, words: &str) -> Vec<String> {
        let text = String::from_utf8_lossy(&self.0.lock().unwrap()).into_owned();
        text.lines().filter(|line| line.contains(words)).map(ToOwned::to_owned).collect()
    }
}
