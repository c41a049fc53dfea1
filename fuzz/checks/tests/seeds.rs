//! Every fuzz target's check on its seeds: the files of `seeds/`, and the samples that `samples` names.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on should stop")]

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use fuzz_checks::{hub_webhook, json, meta_webhook, return_query, session, signatures, start_body, tokens};

#[test]
fn hub_webhook_holds_for_its_seeds() {
    replay("hub_webhook", hub_webhook::check);
}

#[test]
fn json_holds_for_its_seeds() {
    replay("json", json::check);
}

#[test]
fn meta_webhook_holds_for_its_seeds() {
    replay("meta_webhook", meta_webhook::check);
}

#[test]
fn return_query_holds_for_its_seeds() {
    replay("return_query", return_query::check);
}

#[test]
fn session_holds_for_its_seeds() {
    replay("session", session::check);
}

#[test]
fn signatures_hold_for_their_seeds() {
    replay("signatures", signatures::check);
}

#[test]
fn start_body_holds_for_its_seeds() {
    replay("start_body", start_body::check);
}

#[test]
fn tokens_hold_for_their_seeds() {
    replay("tokens", tokens::check);
}

/// A target without a test here would only be checked by the fuzzer.
#[test]
fn every_fuzz_target_is_replayed() {
    let targets = files(&fuzz().join("fuzz_targets")).into_iter();
    let targets: BTreeSet<String> =
        targets.map(|file| file.file_stem().unwrap().to_string_lossy().into_owned()).collect();
    let replayed =
        ["hub_webhook", "json", "meta_webhook", "return_query", "session", "signatures", "start_body", "tokens"];
    assert_eq!(targets, BTreeSet::from(replayed.map(str::to_owned)));
}

fn replay(target: &str, check: fn(&[u8])) {
    let seeds = seeds(target);
    assert!(!seeds.is_empty(), "{target} has no seeds");
    for seed in seeds {
        // Shown only if the check fails.
        println!("{}", seed.display());
        check(&fs::read(seed).unwrap());
    }
}

/// The seeds of a target, in the order of their names.
fn seeds(target: &str) -> Vec<PathBuf> {
    let own = fuzz().join("seeds").join(target);
    let mut seeds = if own.is_dir() { files(&own) } else { Vec::new() };
    let samples = fs::read_to_string(fuzz().join("samples")).unwrap();
    for (of, pattern) in samples.lines().filter_map(|line| line.split_once(' ')) {
        if of != target {
            continue;
        }
        let pattern = fuzz().join("..").join(pattern.trim());
        let name = pattern.file_name().unwrap().to_string_lossy().into_owned();
        let (start, end) = name.split_once('*').unwrap();
        let all = files(pattern.parent().unwrap());
        let found: Vec<PathBuf> = all.into_iter().filter(|file| matches(file, start, end)).collect();
        assert!(!found.is_empty(), "there is no {}", pattern.display());
        seeds.extend(found);
    }
    seeds.sort();
    seeds
}

fn matches(file: &Path, start: &str, end: &str) -> bool {
    let name = file.file_name().unwrap().to_string_lossy();
    name.starts_with(start) && name.ends_with(end)
}

fn files(folder: &Path) -> Vec<PathBuf> {
    fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect()
}

/// The folder of the fuzz targets.
fn fuzz() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}
