use std::sync::Mutex;
use std::time::{Duration, SystemTime};

use aws_lambda_events::sqs::SqsEvent;
use queue::Task;
use runtime::worker::{WorkerError, run};
use serde_json::{Value, json};

use crate::support::log::Log;

const ID: &str = "onb_019a4c5e0f1270008a11bb22cc33dd44";

fn body(n: i64) -> String {
    json!({ "v": 1, "kind": "onboarding", "onboarding_id": ID, "slot": n }).to_string()
}

/// Messages `m-1`, `m-2`, … as SQS hands them to Lambda.
fn batch(bodies: &[String]) -> SqsEvent {
    let record = |(n, body): (usize, &String)| json!({ "messageId": format!("m-{}", n + 1), "body": body });
    let records: Vec<Value> = bodies.iter().enumerate().map(record).collect();
    serde_json::from_value(json!({ "Records": records })).unwrap()
}

/// The slots of the tasks handled and the ids of the messages that failed; the task with `bad` fails.
async fn handled(bodies: &[String], deadline: Option<SystemTime>, bad: i64) -> (Vec<i64>, Vec<String>) {
    let slots = Mutex::new(Vec::new());
    let handle = async |task| {
        let Task::Onboarding { slot: Some(slot), .. } = task else { panic!("{task:?}") };
        slots.lock().unwrap().push(slot);
        if slot == bad { Err(WorkerError("the table is away".to_owned())) } else { Ok(()) }
    };
    let response = run(batch(bodies), "request-1", deadline, handle).await;
    let failed = response.batch_item_failures.into_iter().map(|failure| failure.item_identifier).collect();
    (slots.into_inner().unwrap(), failed)
}

#[tokio::test]
async fn a_batch_answer_names_only_the_messages_that_failed() {
    let bodies = [body(1), body(2), body(3)];
    assert_eq!(handled(&bodies, None, 2).await, (vec![1, 2, 3], vec!["m-2".to_owned()]));
    assert_eq!(handled(&bodies, None, 0).await, (vec![1, 2, 3], vec![]));
    assert_eq!(handled(&[], None, 0).await, (vec![], vec![]));
}

#[tokio::test]
async fn a_message_that_is_no_task_fails_and_is_not_logged() {
    let (log, _guard) = Log::start("debug");
    let bodies = ["{\"canary\": 1}".to_owned(), body(2)];
    assert_eq!(handled(&bodies, None, 0).await, (vec![2], vec!["m-1".to_owned()]));
    let text = log.text();
    assert!(text.contains("m-1") && !text.contains("canary"), "{text}");
}

#[tokio::test]
async fn a_batch_near_its_deadline_handles_one_message_and_leaves_the_rest() {
    let bodies = [body(1), body(2), body(3)];
    let rest = (vec![1], vec!["m-2".to_owned(), "m-3".to_owned()]);
    for deadline in [SystemTime::UNIX_EPOCH, SystemTime::now() + Duration::from_secs(5)] {
        assert_eq!(handled(&bodies, Some(deadline), 0).await, rest);
    }
    let far = SystemTime::now() + Duration::from_mins(10);
    assert_eq!(handled(&bodies, Some(far), 0).await, (vec![1, 2, 3], vec![]));
}

#[tokio::test]
async fn each_message_has_its_own_onboarding_in_the_log() {
    let (log, _guard) = Log::start("info");
    let inbox = json!({ "v": 1, "kind": "inbox", "inbox_key": "INBOX#hub#1" }).to_string();
    let handle = async |_| {
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
