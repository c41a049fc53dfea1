//! Which part of the cases runs.
//!
//! All of them take many minutes of CPU. Without `PROMISE=all` each test runs a part: at least one case of every kind, and
//! of the others one in so many, drawn by a seed. The seed is `PROMISE_SEED`, or else the commit that is checked out, so
//! that it changes from commit to commit and is the same on every machine.

use std::collections::HashSet;
use std::env;
use std::fmt::Display;
use std::hash::Hash;
use std::io::{Write, stderr};
use std::process::Command;
use std::sync::LazyLock;

use fastrand::Rng;
use sha2::{Digest, Sha256};

/// Where no commit can be found out.
const NO_COMMIT: &str = "no-commit";

/// The seed; none if everything runs.
static SEED: LazyLock<Option<String>> = LazyLock::new(|| match env::var("PROMISE").as_deref() {
    Ok("all") => None,
    Ok(other) => panic!("PROMISE={other} is not known: it is \"all\" or not set"),
    Err(_) => Some(env::var("PROMISE_SEED").ok().or_else(commit).unwrap_or_else(|| NO_COMMIT.to_owned())),
});

/// Whether all cases run.
pub(crate) fn is_everything() -> bool {
    SEED.is_none()
}

/// The part of these cases that runs: at least one of every kind, and one in `share` of the others. In their order.
pub(crate) fn part<T, K: Hash + Eq>(what: &str, all: Vec<T>, share: usize, kinds: impl Fn(&T) -> Vec<K>) -> Vec<T> {
    let total = all.len();
    let Some(mut dice) = dice(what) else {
        tell(format!("{what}: all {total}"));
        return all;
    };
    let mut all: Vec<(usize, T)> = all.into_iter().enumerate().collect();
    dice.shuffle(&mut all);
    let mut seen = HashSet::new();
    all.retain(|(_, case)| {
        let new = kinds(case).into_iter().filter(|kind| !seen.contains(kind)).collect::<Vec<_>>();
        let keep = !new.is_empty() || dice.usize(..share) == 0;
        seen.extend(new);
        keep
    });
    all.sort_by_key(|(number, _)| *number);
    tell_part(what, all.len(), total);
    all.into_iter().map(|(_, case)| case).collect()
}

/// So many of these numbers, or all of them. In their order.
pub(crate) fn some(what: &str, mut all: Vec<u64>, count: usize) -> Vec<u64> {
    let total = all.len();
    let Some(mut dice) = dice(what) else {
        tell(format!("{what}: all {total}"));
        return all;
    };
    dice.shuffle(&mut all);
    all.truncate(count);
    all.sort_unstable();
    tell_part(what, all.len(), total);
    all
}

/// Draws for one class of cases; none if all of them run.
fn dice(what: &str) -> Option<Rng> {
    let seed = SEED.as_ref()?;
    let hash = Sha256::new().chain_update(seed).chain_update([0]).chain_update(what).finalize();
    let (number, _) = hash.split_first_chunk::<8>().unwrap();
    Some(Rng::with_seed(u64::from_be_bytes(*number)))
}

fn tell_part(what: &str, part: usize, total: usize) {
    let seed = SEED.as_deref().unwrap_or_default();
    tell(format!("{what}: {part} of {total}. PROMISE_SEED={seed} runs the same part again, PROMISE=all everything"));
}

/// Says something that is seen whether the test succeeds or not: `cargo test` shows what is printed only of a failure.
fn tell(line: impl Display) {
    let _ = writeln!(stderr(), "{line}");
}

/// The commit that is checked out.
fn commit() -> Option<String> {
    let folder = env!("CARGO_MANIFEST_DIR");
    let output = Command::new("git").args(["-C", folder, "rev-parse", "--verify", "HEAD"]).output().ok()?;
    output.status.success().then(|| String::from_utf8_lossy(&output.stdout).trim().to_owned())
}
