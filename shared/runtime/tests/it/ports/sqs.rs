use std::collections::BTreeMap;

use onboarding::{Class, OnboardingId};
use queue::{About, InvalidTask, Queue, QueueError, SqsQueue, Step, Task};
use serde_json::{Value, json};

use crate::support::aws::Aws;

fn queue(aws: &Aws) -> SqsQueue {
    let url = "https://sqs.eu-central-1.amazonaws.com/000000000000/key-creation".parse().unwrap();
    let urls = BTreeMap::from([(Step::KeyCreation.into(), url)]);
    SqsQueue::new(aws_sdk_sqs::Client::new(&aws.config), urls)
}

const ID: &str = "onb_019a4c5e0f1270008a11bb22cc33dd44";

fn task() -> Task {
    let about = About::Onboarding { onboarding_id: ID.parse().unwrap() };
    Task { about, permit: "p".to_owned(), class: Class::Key, after_failures: false }
}

#[tokio::test]
async fn a_task_is_sent_to_sqs_without_a_delay() {
    let aws = Aws::start(|_, _| Ok(json!({ "MessageId": "m-1" }))).await;
    queue(&aws).send(Step::KeyCreation.into(), &task()).await.unwrap();
    let (action, parameters) = aws.calls().remove(0);
    assert_eq!(action, "SendMessage");
    assert_eq!(parameters["QueueUrl"], "https://sqs.eu-central-1.amazonaws.com/000000000000/key-creation");
    assert_eq!(parameters["DelaySeconds"], Value::Null);
    let body: Value = serde_json::from_str(parameters["MessageBody"].as_str().unwrap()).unwrap();
    assert_eq!(body, json!({ "v": 2, "kind": "onboarding", "onboarding_id": ID, "permit": "p", "class": "key" }));
}

#[tokio::test]
async fn a_queue_that_refuses_is_unavailable_and_one_that_is_not_set_is_named() {
    let aws = Aws::start(|_, _| Err("AccessDenied: User arn:aws:sts::1:x may not")).await;
    let queue = queue(&aws);
    let refused = queue.send(Step::KeyCreation.into(), &task()).await;
    assert_eq!(refused, Err(QueueError::Unavailable("AccessDenied".to_owned())));
    let unset = queue.send(Step::ClientAccount.into(), &task()).await.unwrap_err();
    assert_eq!(unset.to_string(), "CLIENT_ACCOUNT_QUEUE_URL is not set");
}

#[tokio::test]
async fn a_queue_that_cannot_be_reached_is_unavailable() {
    let mut aws = Aws::start(|_, _| Ok(json!({}))).await;
    // Bound and closed again: nobody listens there.
    let port = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
    aws.config = aws.config.to_builder().endpoint_url(format!("http://{port}")).build();
    let sent = queue(&aws).send(Step::KeyCreation.into(), &task()).await;
    assert_eq!(sent, Err(QueueError::Unavailable("no connection".to_owned())));
}

#[test]
fn a_message_body_that_is_no_task_is_refused() {
    let inbox = About::Inbox { inbox_key: "hub#1".to_owned() };
    for about in [task().about, inbox, About::Sweep, About::Probe] {
        for after_failures in [true, false] {
            let task = Task { about: about.clone(), class: Class::LookUp, after_failures, ..task() };
            assert_eq!(Task::from_body(&task.body().unwrap()), Ok(task));
        }
    }
    let id = OnboardingId::generate();
    let body = |id: &str| {
        format!(r#"{{"v":2,"kind":"onboarding","onboarding_id":"{id}","permit":"p","class":"key","more":1}}"#)
    };
    assert!(Task::from_body(&body(id.as_str())).is_ok());
    for text in ["", "text", "{}", "[]", r#"{"v":2}"#, &body("onb_1"), r#"{"v":2,"kind":"sweep"}"#] {
        assert_eq!(Task::from_body(text), Err(InvalidTask::Shape), "{text}");
    }
    assert_eq!(Task::from_body(r#"{"v":1,"kind":"sweep"}"#), Err(InvalidTask::Version));
}
