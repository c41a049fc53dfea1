//! The crate graph in docs/architecture.md is the one in the manifests.

use std::collections::{BTreeMap, BTreeSet};
use std::process::Command;

use serde_json::Value;

use super::facts::root;

type Graph = BTreeMap<String, BTreeSet<String>>;

/// What each crate of the workspace depends on within it, tests aside; and its folder.
fn manifests() -> (Graph, BTreeMap<String, String>) {
    let metadata = Command::new(env!("CARGO"))
        .args(["metadata", "--no-deps", "--offline", "--format-version", "1"])
        .current_dir(root())
        .output()
        .unwrap();
    assert!(metadata.status.success(), "{}", String::from_utf8_lossy(&metadata.stderr));
    let metadata: Value = serde_json::from_slice(&metadata.stdout).unwrap();
    let workspace = metadata["workspace_root"].as_str().unwrap();
    let (mut graph, mut folders) = (Graph::new(), BTreeMap::new());
    for package in metadata["packages"].as_array().unwrap() {
        let name = package["name"].as_str().unwrap().to_owned();
        let dependencies = package["dependencies"].as_array().unwrap().iter();
        let inside = dependencies.filter(|dependency| dependency["kind"].is_null() && dependency["path"].is_string());
        let inside = inside.map(|dependency| dependency["name"].as_str().unwrap().to_owned()).collect();
        let manifest = package["manifest_path"].as_str().unwrap();
        let folder = manifest.strip_prefix(workspace).unwrap().trim_start_matches('/').trim_end_matches("/Cargo.toml");
        folders.insert(name.clone(), folder.to_owned());
        graph.insert(name, inside);
    }
    (graph, folders)
}

/// The lines `a --> b & c` of the picture, and the crates in the order in which they stand.
fn picture() -> (Graph, Vec<String>) {
    let document = std::fs::read_to_string(root().join("docs/architecture.md")).unwrap();
    let lines = document.split("```mermaid\ngraph BT\n").nth(1).unwrap().split("```").next().unwrap();
    let (mut graph, mut order) = (Graph::new(), Vec::new());
    for line in lines.lines().map(str::trim).filter(|line| !line.is_empty()) {
        let (name, dependencies) = line.split_once(" --> ").unwrap_or((line, ""));
        let dependencies = dependencies.split(" & ").filter(|name| !name.is_empty()).map(ToOwned::to_owned).collect();
        order.push(name.to_owned());
        graph.insert(name.to_owned(), dependencies);
    }
    (graph, order)
}

#[test]
fn the_crate_graph_in_the_architecture_document_is_the_one_in_the_manifests() {
    let (manifests, folders) = manifests();
    let shared: Graph = manifests.into_iter().filter(|(name, _)| folders[name].starts_with("shared/")).collect();
    assert_eq!(picture().0, shared);
}

#[test]
fn every_shared_crate_depends_only_on_crates_above_it() {
    let (graph, order) = picture();
    for (place, name) in order.iter().enumerate() {
        let above: BTreeSet<_> = order[..place].iter().cloned().collect();
        let below: Vec<_> = graph[name].difference(&above).collect();
        assert!(below.is_empty(), "{name} depends on {below:?}, which stand below it");
    }
}

#[test]
fn the_clients_of_the_two_platforms_stand_on_exchange_alone() {
    let (graph, _) = manifests();
    for client in ["partner-hub", "meta-graph", "partner-webhook"] {
        assert_eq!(graph[client], BTreeSet::from(["exchange".to_owned()]), "{client}");
    }
}

#[test]
fn every_shared_crate_has_a_readme_that_is_its_documentation() {
    for (name, folder) in manifests().1.into_iter().filter(|(_, folder)| folder.starts_with("shared/")) {
        let readme = std::fs::read_to_string(root().join(&folder).join("README.md")).unwrap_or_default();
        assert!(readme.lines().next().is_some_and(|line| line.len() > 20), "{name} has no README that says what it is");
    }
}
