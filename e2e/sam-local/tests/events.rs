//! `events/` and `env.json` are what the test data says.
//! `UPDATE_EVENTS=1 cargo test --workspace --test events` writes them anew.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on should stop")]

use std::path::{Path, PathBuf};

use aws_lambda_events::sqs::SqsEvent;
use local::containers;
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
    for event in events().await.unwrap() {
        match event.answer {
            Answer::Status(_) => drop(lambda_http::request::from_str(&event.payload.to_string()).unwrap()),
            Answer::Nothing => assert_eq!(event.payload["detail-type"], "Scheduled Event"),
            Answer::Taken | Answer::Failed => {
                let messages: SqsEvent = serde_json::from_value(event.payload).unwrap();
                let body = messages.records[0].body.clone().unwrap();
                assert_eq!(Task::from_body(&body).is_err(), event.answer == Answer::Failed, "{}", event.name);
            }
        }
    }
}

fn assert_file(path: &Path, expected: &Value) {
    if std::env::var_os("UPDATE_EVENTS").is_some() {
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, format!("{expected:#}\n")).unwrap();
    }
    let written: Option<Value> = std::fs::read(path).ok().and_then(|text| serde_json::from_slice(&text).ok());
    assert_eq!(written.as_ref(), Some(expected), "{} is not what the test data says", path.display());
}
