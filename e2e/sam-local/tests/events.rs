//! `events/` and `env.json` are what the test data says.
//! `UPDATE_EVENTS=1 cargo test --workspace --test events` writes them anew.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on should stop")]

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use aws_lambda_events::sqs::SqsEvent;
use dispatcher::FILTERS;
use local::{LocalStack, Options, containers, stream};
use queue::Task;
use sam_local::{Answer, events};
use serde_json::Value;
use simulator::{Settings, Simulator};

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

#[tokio::test]
async fn the_event_files_are_those_of_the_test_data() {
    let events = events().await.unwrap();
    for event in &events {
        assert_file(&root().join("events").join(format!("{}.json", event.name)), &event.payload);
    }
    let files = std::fs::read_dir(root().join("events")).unwrap().count();
    assert_eq!(files, events.len(), "events/ holds a file that no test data stands for");
}

#[tokio::test]
async fn env_json_holds_the_settings_of_the_local_stack() {
    let fake = Settings::default();
    let simulator = Simulator::start(fake.clone()).await.unwrap();
    assert_file(&root().join("env.json"), &containers::env_json(&simulator, &fake));
    simulator.stop().await;
}

#[tokio::test]
async fn the_event_files_are_readable_by_their_functions() {
    let stack = LocalStack::start(Options { by_hand: true, ..Options::default() }).await.unwrap();
    for event in events().await.unwrap() {
        match event.answer {
            Answer::Status(_) => drop(lambda_http::request::from_str(&event.payload.to_string()).unwrap()),
            Answer::Nothing => {
                if event.function() == "Dispatcher" {
                    stack.functions.dispatcher.handle(event.payload.clone(), None).await.unwrap();
                }
                match event.payload["Records"].as_array() {
                    Some(records) => assert!(!records.is_empty() && records.iter().all(wakes), "{}", event.name),
                    None => assert_eq!(event.payload["detail-type"], "Scheduled Event"),
                }
            }
            Answer::Taken | Answer::Failed => {
                let messages: SqsEvent = serde_json::from_value(event.payload).unwrap();
                let body = messages.records[0].body.clone().unwrap();
                assert_eq!(Task::from_body(&body).is_err(), event.answer == Answer::Failed, "{}", event.name);
            }
        }
    }
    stack.stop().await.unwrap();
}

#[tokio::test]
async fn every_function_has_an_event() {
    let events = events().await.unwrap();
    let named: BTreeSet<&str> = events.iter().filter_map(|event| event.name.split('.').next()).collect();
    let folders = std::fs::read_dir(root().join("functions")).unwrap();
    let folders: BTreeSet<String> = folders.map(|folder| folder.unwrap().file_name().into_string().unwrap()).collect();
    assert_eq!(named, folders.iter().map(String::as_str).collect());
}

/// Whether the template's filters let a record of the stream through.
fn wakes(record: &Value) -> bool {
    FILTERS.iter().any(|filter| stream::matches(&serde_json::from_str(filter).unwrap(), record))
}

fn assert_file(path: &Path, expected: &Value) {
    if std::env::var_os("UPDATE_EVENTS").is_some() {
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, format!("{expected:#}\n")).unwrap();
    }
    let written: Option<Value> = std::fs::read(path).ok().and_then(|text| serde_json::from_slice(&text).ok());
    assert_eq!(written.as_ref(), Some(expected), "{} is not what the test data says", path.display());
}
