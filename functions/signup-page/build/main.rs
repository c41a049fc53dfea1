//! Reads the page's files, so that the function embeds them as it sends them. A file that lies in `signup/` is served.

mod minify;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::{env, fs, io};

/// Writes `index.html` and, by the names in their URLs, `assets.rs`. Such a name is one segment of a path, hence without
/// folders.
fn main() -> io::Result<()> {
    let page = Path::new("../../signup");
    println!("cargo::rerun-if-changed={}", page.display());
    let mut files = BTreeMap::new();
    for file in fs::read_dir(page)?.chain(fs::read_dir(page.join("texts"))?) {
        let path = file?.path();
        if let Some(name) = path.file_name().filter(|_| path.is_file()) {
            let name = name.to_string_lossy().into_owned();
            let text = minify::minify(&name, &fs::read_to_string(&path)?);
            files.insert(name, text);
        }
    }
    let out = env::var_os("OUT_DIR").map(PathBuf::from).ok_or(io::ErrorKind::NotFound)?;
    // A template, and no asset.
    let index = files.remove("index.html").ok_or(io::ErrorKind::NotFound)?;
    fs::write(out.join("index.html"), index)?;
    // Rust writes strings as Rust reads them.
    fs::write(out.join("assets.rs"), format!("&{:?}", Vec::from_iter(files)))
}
