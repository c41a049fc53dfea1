//! The links in the documents lead to files and headings that exist.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use super::facts::root;

/// The documents for people: those of the project and of its crates.
fn documents() -> Vec<PathBuf> {
    let mut documents = Vec::new();
    for folder in ["", "docs", "docs/decisions", "simulator"] {
        documents.extend(entries(folder).filter(|path| path.extension().is_some_and(|extension| extension == "md")));
    }
    documents.extend(entries("shared").map(|folder| folder.join("README.md")).filter(|readme| readme.exists()));
    documents
}

fn entries(folder: &str) -> impl Iterator<Item = PathBuf> {
    std::fs::read_dir(root().join(folder)).unwrap().map(|entry| entry.unwrap().path())
}

/// The lines that are no commands and no examples.
fn prose(text: &str) -> impl Iterator<Item = &str> {
    let mut in_block = false;
    text.lines().filter(move |line| {
        let fence = line.starts_with("```");
        in_block ^= fence;
        !in_block && !fence
    })
}

/// The anchors of a document, as they are made from its headings.
fn anchors(text: &str) -> BTreeSet<String> {
    let headings = prose(text).filter(|line| line.starts_with('#')).map(|line| line.trim_start_matches('#').trim());
    let letter = |c: char| match c {
        ' ' => Some('-'),
        c if c.is_alphanumeric() || c == '-' || c == '_' => Some(c),
        _ => None,
    };
    headings.map(|heading| heading.to_lowercase().chars().filter_map(letter).collect()).collect()
}

fn targets(text: &str) -> Vec<&str> {
    prose(text).flat_map(|line| line.split("](").skip(1)).filter_map(|rest| rest.split(')').next()).collect()
}

#[test]
fn the_documents_of_the_project_and_of_its_crates_are_checked() {
    let documents = documents();
    for name in ["README.md", "CONTRIBUTING.md", "CHANGELOG.md", "SECURITY.md", "docs/STYLE.md"] {
        assert!(documents.contains(&root().join(name)), "{name}");
    }
    let crates = entries("shared").filter(|folder| folder.join("Cargo.toml").exists());
    for readme in crates.map(|folder| folder.join("README.md")) {
        assert!(documents.contains(&readme), "{}", readme.display());
    }
}

#[test]
fn every_link_in_the_documents_leads_somewhere() {
    let mut count = 0;
    for document in documents() {
        let text = std::fs::read_to_string(&document).unwrap();
        for target in targets(&text).into_iter().filter(|target| !target.contains("://")) {
            let (path, anchor) = target.split_once('#').map_or((target, None), |(path, anchor)| (path, Some(anchor)));
            let file = if path.is_empty() { document.clone() } else { document.parent().unwrap().join(path) };
            assert!(file.exists(), "{}: {target}", document.display());
            assert!(anchor.is_none_or(|anchor| has(&file, anchor)), "{}: {target}", document.display());
            count += 1;
        }
    }
    assert!(count > 50, "{count}");
}

fn has(file: &Path, anchor: &str) -> bool {
    anchors(&std::fs::read_to_string(file).unwrap()).contains(anchor)
}
