use std::sync::Mutex;
use std::time::{Duration, Instant, SystemTime};

use aws_lambda_events::sqs::SqsEvent;
use queue::About;
use runtime::worker::{self, WorkerError, run};
use serde_json::{Value, json};

use crate::support::log::Log;

const ID: &str = "onb_019a4c5e0f1270008a11bb22cc33dd44";

fn body(n: i64) -> String {
    json!({ "v": 2, "kind": "onboarding", "onboarding_id": ID, "permit": n.to_string(), "class": "key" }).to_string()
}

/// Messages `m-1`, `m-2`, … as SQS hands them to Lambda.
fn batch(bodies: &[String]) -> SqsEvent {
    let record = |(n, body): (usize, &String)| json!({ "messageId": format!("m-{}", n + 1), "body": body });
    let records: Vec<Value> = bodies.iter().enumerate().map(record).collect();
    serde_json::from_value(json!({ "Records": records })).unwrap()
}

/// The permits of the tasks handled and the ids of the messages that failed; the task with `bad` fails.
async fn handled(bodies: &[String], bad: i64) -> (Vec<i64>, Vec<String>) {
    let permits = Mutex::new(Vec::new());
    let handle = async |task: queue::Task, _| {
        let permit = task.permit.parse().unwrap();
        permits.lock().unwrap().push(permit);
        if permit == bad { Err(WorkerError("the table is away".to_owned())) } else { Ok(()) }
    };
    let response = run(batch(bodies), "request-1", None, handle).await;
    let failed = response.batch_item_failures.into_iter().map(|failure| failure.item_identifier).collect();
    (permits.into_inner().unwrap(), failed)
}

#[tokio::test]
async fn a_batch_answer_names_only_the_messages_that_failed() {
    let bodies = [body(1), body(2), body(3)];
    assert_eq!(handled(&bodies, 2).await, (vec![1, 2, 3], vec!["m-2".to_owned()]));
    assert_eq!(handled(&bodies, 0).await, (vec![1, 2, 3], vec![]));
    assert_eq!(handled(&[], 0).await, (vec![], vec![]));
}

#[tokio::test]
async fn a_message_that_is_no_task_fails_and_is_not_logged() {
    let (log, _guard) = Log::start("debug");
    let bodies = ["{\"canary\": 1}".to_owned(), body(2)];
    assert_eq!(handled(&bodies, 0).await, (vec![2], vec!["m-1".to_owned()]));
    let text = log.text();
    assert!(text.contains("m-1") && !text.contains("canary"), "{text}");
}

#[test]
fn a_deadline_is_that_of_lambda_and_an_emulator_may_give_none() {
    assert_eq!(worker::deadline(0), None);
    let in_a_minute = SystemTime::now() + Duration::from_mins(1);
    let milliseconds = in_a_minute.duration_since(SystemTime::UNIX_EPOCH).unwrap().as_millis();
    let left = worker::deadline(milliseconds.try_into().unwrap()).unwrap() - Instant::now();
    assert!((55..=60).contains(&left.as_secs()), "{left:?}");
    assert!(worker::deadline(1).unwrap() <= Instant::now(), "long past");
}

#[tokio::test]
async fn each_message_has_its_own_onboarding_in_the_log() {
    let (log, _guard) = Log::start("info");
    let inbox = json!({ "v": 2, "kind": "inbox", "inbox_key": "hub#1", "permit": "p", "class": "look_up" }).to_string();
    let handle = async |task: queue::Task, _| {
        assert!(matches!(task.about, About::Onboarding { .. } | About::Inbox { .. }));
        tracing::info!("at work");
        Ok(())
    };
    run(batch(&[body(1), inbox]), "request-1", None, handle).await;
    let lines = log.lines();
    assert_eq!(lines.len(), 2);
    assert_eq!(lines[0]["span"]["onboarding_id"], ID);
    assert_eq!(lines[1]["span"]["onboarding_id"], Value::Null);
    assert!(lines.iter().all(|line| line["span"]["request_id"] == "request-1"));
}
