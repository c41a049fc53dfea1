use std::collections::BTreeMap;

use onboarding::OnboardingId;
use queue::{InvalidTask, Queue, QueueError, SqsQueue, Step, Task};
use serde_json::{Value, json};
use time::Duration;

use crate::support::aws::Aws;

fn queue(aws: &Aws) -> SqsQueue {
    let url = "https://sqs.eu-central-1.amazonaws.com/000000000000/key-creation".parse().unwrap();
    let urls = BTreeMap::from([(Step::KeyCreation, url)]);
    SqsQueue::new(aws_sdk_sqs::Client::new(&aws.config), urls)
}

fn task() -> Task {
    Task::Onboarding { onboarding_id: "onb_019a4c5e0f1270008a11bb22cc33dd44".parse().unwrap(), slot: Some(3) }
}

#[tokio::test]
async fn a_task_is_sent_to_sqs_with_its_delay_in_whole_seconds() {
    let aws = Aws::start(|_, _| Ok(json!({ "MessageId": "m-1" }))).await;
    let queue = queue(&aws);
    let delays = [
        (Duration::ZERO, 0),
        (Duration::seconds(-5), 0),
        (Duration::milliseconds(-1), 0),
        (Duration::milliseconds(1), 1),
        (Duration::milliseconds(2000), 2),
        (Duration::milliseconds(2001), 3),
        (Duration::minutes(15), 900),
        (Duration::days(3), 900),
    ];
    for (delay, _) in delays {
        queue.send(Step::KeyCreation, &task(), delay).await.unwrap();
    }
    for ((action, parameters), (delay, seconds)) in aws.calls().into_iter().zip(delays) {
        assert_eq!(action, "SendMessage");
        assert_eq!(parameters["QueueUrl"], "https://sqs.eu-central-1.amazonaws.com/000000000000/key-creation");
        assert_eq!(parameters["DelaySeconds"], seconds, "{delay}");
        let body: Value = serde_json::from_str(parameters["MessageBody"].as_str().unwrap()).unwrap();
        let id = "onb_019a4c5e0f1270008a11bb22cc33dd44";
        assert_eq!(body, json!({ "v": 1, "kind": "onboarding", "onboarding_id": id, "slot": 3 }));
    }
}

#[tokio::test]
async fn a_queue_that_refuses_is_unavailable_and_one_that_is_not_set_is_named() {
    let aws = Aws::start(|_, _| Err("AccessDenied: User arn:aws:sts::1:x may not")).await;
    let queue = queue(&aws);
    let refused = queue.send(Step::KeyCreation, &task(), Duration::ZERO).await;
    assert_eq!(refused, Err(QueueError::Unavailable("AccessDenied".to_owned())));
    let unset = queue.send(Step::ClientAccount, &task(), Duration::ZERO).await.unwrap_err();
    assert_eq!(unset.to_string(), "CLIENT_ACCOUNT_QUEUE_URL is not set");
}

#[tokio::test]
async fn a_queue_that_cannot_be_reached_is_unavailable() {
    let mut aws = Aws::start(|_, _| Ok(json!({}))).await;
    // Bound and closed again: nobody listens there.
    let port = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
    aws.config = aws.config.to_builder().endpoint_url(format!("http://{port}")).build();
    let sent = queue(&aws).send(Step::KeyCreation, &task(), Duration::ZERO).await;
    assert_eq!(sent, Err(QueueError::Unavailable("no connection".to_owned())));
}

#[test]
fn a_message_body_that_is_no_task_is_refused() {
    let inbox = Task::Inbox { inbox_key: "INBOX#hub#1".to_owned(), slot: None };
    assert_eq!(inbox.body().unwrap(), r#"{"v":1,"kind":"inbox","inbox_key":"INBOX#hub#1"}"#);
    for task in [task(), inbox] {
        assert_eq!(Task::from_body(&task.body().unwrap()), Ok(task));
    }
    let id = OnboardingId::generate();
    assert!(Task::from_body(&format!(r#"{{"v":1,"kind":"onboarding","onboarding_id":"{id}","more":1}}"#)).is_ok());
    for text in ["", "text", "{}", "[]", r#"{"v":1}"#, r#"{"v":1,"kind":"onboarding","onboarding_id":"onb_1"}"#] {
        assert_eq!(Task::from_body(text), Err(InvalidTask::Shape), "{text}");
    }
    assert_eq!(Task::from_body(r#"{"v":2,"kind":"new"}"#), Err(InvalidTask::Version));
}
