//! `chromedriver` as a child of the test.

use std::io::{BufRead, BufReader, Write};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};

/// Tells the drivers of one process apart.
static STARTED: AtomicU32 = AtomicU32::new(0);

/// A running driver. Dropped, it ends, and every browser that it started with it, and nothing is left on the disk.
#[derive(Debug)]
pub struct Driver {
    child: Child,
    port: u16,
    folder: PathBuf,
}

impl Driver {
    /// Starts one on a free port.
    pub fn start() -> Self {
        let number = STARTED.fetch_add(1, Ordering::Relaxed);
        // A short path: Chromium puts a socket into it.
        let folder = std::env::temp_dir().join(format!("e2e-{}-{number}", std::process::id()));
        std::fs::create_dir(&folder).unwrap();
        // It looks for a free port first and takes it then, so that another process can be faster.
        let started = (0..3).find_map(|_| launch(&folder));
        let (child, port) = started.unwrap_or_else(|| panic!("chromedriver does not stay up"));
        Self { child, port, folder }
    }

    /// Where it takes commands.
    pub fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }
}

/// A driver and its port; none if it ended at once.
fn launch(folder: &Path) -> Option<(Child, u16)> {
    let mut child = Command::new("chromedriver")
        .arg("--port=0")
        .env("TMPDIR", folder)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap_or_else(|error| panic!("chromedriver does not start ({error}); run `e2e/browser`"));
    let lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let port = lines.map_while(Result::ok).find_map(|line| {
        line.strip_prefix("ChromeDriver was started successfully on port ")?.trim_end_matches('.').parse().ok()
    });
    if let Some(port) = port {
        return Some((child, port));
    }
    let _ = child.kill();
    let _ = child.wait();
    None
}

impl Drop for Driver {
    fn drop(&mut self) {
        // Killed at once, it would leave its browsers behind.
        let shut_down = TcpStream::connect(("127.0.0.1", self.port))
            .and_then(|mut stream| stream.write_all(b"GET /shutdown HTTP/1.1\r\nhost: 127.0.0.1\r\n\r\n"));
        if shut_down.is_err() {
            let _ = self.child.kill();
        }
        let _ = self.child.wait();
        let _ = std::fs::remove_dir_all(&self.folder);
    }
}
