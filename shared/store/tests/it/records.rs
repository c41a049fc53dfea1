use aws_sdk_dynamodb::types::AttributeValue;
use onboarding::{ChannelId, Event, FailureCode, OnboardingId, PopupAttempt, Problem, Status, Step, StoredKey};
use store::{Applied, Created, Idempotency, ListFilter, StoreError, Stored, WorkKey};
use time::Duration;

use crate::{TestBench, channel_live, client_found, onboarding, signup_proven};

fn popup_left(bench: &TestBench, session: usize) -> Event {
    let attempt = PopupAttempt {
        at: bench.now(),
        event: "CANCEL".to_owned(),
        current_step: None,
        error_code: None,
        error_message: None,
        session_id: Some(format!("session-{session}")),
    };
    Event::PopupLeft { attempt }
}

fn request(key: &str, body: &str, onboarding_id: &OnboardingId) -> Idempotency {
    Idempotency {
        key_sha256: key.to_owned(),
        body_sha256: body.to_owned(),
        sealed_token: format!("sealed-for-{onboarding_id}"),
        onboarding_id: onboarding_id.clone(),
    }
}

#[tokio::test]
async fn a_new_onboarding_record_is_read_as_it_was_written() {
    let bench = TestBench::new().await;
    bench.store.warm().await.unwrap();
    let onboarding = onboarding("customer 17", bench.now());
    assert_eq!(bench.store.create(&onboarding, None).await.unwrap(), Created::New);

    let history = bench.store.history(&onboarding.id).await.unwrap();
    assert_eq!(history.len(), 1);
    assert_eq!((history[0].version, &history[0].event, history[0].at), (1, &Event::Started, bench.now()));
    assert_eq!(bench.store.get(&onboarding.id).await.unwrap(), Stored { onboarding: Box::new(onboarding), version: 1 });
}

#[tokio::test]
async fn an_unknown_onboarding_is_not_found() {
    let bench = TestBench::new().await;
    let id = OnboardingId::generate();
    assert!(matches!(bench.store.get(&id).await, Err(StoreError::NotFound)));
    assert!(matches!(bench.apply(&id, Event::RetryRequested { replace_key: false }).await, Err(StoreError::NotFound)));
    assert!(matches!(bench.store.work(&WorkKey::Onboarding(id.clone())).await, Ok(None)));
}

#[tokio::test]
async fn an_event_is_kept_unless_it_changes_nothing() {
    let bench = TestBench::new().await;
    let id = bench.create("a").await;
    bench.pass(Duration::seconds(3));
    let event = client_found("hT3mVxCL");
    let changed = bench.store.apply(&id, &event).await.unwrap();
    assert!(matches!(&changed, Applied::Changed(stored) if stored.version == 2));
    let unchanged = bench.store.apply(&id, &event).await.unwrap();
    assert!(matches!(&unchanged, Applied::Unchanged(stored) if stored.version == 2));
    assert_eq!(changed.into_stored(), bench.store.get(&id).await.unwrap());
    assert_eq!(bench.store.history(&id).await.unwrap().len(), 2);
}

#[tokio::test]
async fn an_event_that_does_not_fit_the_status_changes_nothing() {
    let bench = TestBench::new().await;
    let id = bench.create("a").await;
    assert!(matches!(
        bench.apply(&id, Event::RetryRequested { replace_key: false }).await,
        Err(StoreError::Illegal(_))
    ));
    assert_eq!(bench.store.get(&id).await.unwrap().version, 1);
    assert_eq!(bench.store.history(&id).await.unwrap().len(), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn ten_concurrent_events_are_all_kept() {
    let bench = TestBench::new().await;
    let id = bench.create("a").await;
    let tasks: Vec<_> = (0..10)
        .map(|session| {
            let (store, id, event) = (bench.store.clone(), id.clone(), popup_left(&bench, session));
            tokio::spawn(async move { store.apply(&id, &event).await })
        })
        .collect();
    for task in tasks {
        assert!(matches!(task.await.unwrap().unwrap(), Applied::Changed(_)));
    }

    let stored = bench.store.get(&id).await.unwrap();
    assert_eq!(stored.version, 11);
    assert_eq!(stored.onboarding.attempts.len(), 10);
    let history = bench.store.history(&id).await.unwrap();
    // All of them within one millisecond: only the version orders them.
    assert_eq!(history.iter().map(|entry| entry.version).collect::<Vec<_>>(), (1..=11).collect::<Vec<_>>());
    let told = history[1..].iter().map(|entry| match &entry.event {
        Event::PopupLeft { attempt } => attempt.clone(),
        other => panic!("{}", other.name()),
    });
    assert_eq!(told.collect::<Vec<_>>(), stored.onboarding.attempts);
}

#[tokio::test]
async fn history_keeps_its_order_when_a_clock_goes_back() {
    let bench = TestBench::new().await;
    let id = bench.create("a").await;
    for session in 0..3 {
        bench.pass(Duration::seconds(-20));
        bench.apply(&id, popup_left(&bench, session)).await.unwrap();
    }
    let history = bench.store.history(&id).await.unwrap();
    assert_eq!(history.iter().map(|entry| entry.version).collect::<Vec<_>>(), [1, 2, 3, 4]);
}

#[tokio::test]
async fn a_history_of_several_pages_is_complete() {
    let bench = TestBench::new().await;
    let id = bench.create("a").await;
    for number in 0..9 {
        let event = Event::StepDelayed {
            step: Step::ClientAccount,
            error: format!("{number}{}", "x".repeat(150_000)),
            next_at: bench.now(),
            refused: None,
        };
        bench.apply(&id, event).await.unwrap();
    }
    assert_eq!(bench.store.history(&id).await.unwrap().len(), 10);
}

#[tokio::test]
async fn a_number_belongs_to_one_onboarding() {
    let bench = TestBench::new().await;
    let (first, second) = (bench.create("a").await, bench.create("b").await);
    bench.apply(&first, signup_proven("106540352242922")).await.unwrap();
    let refused = bench.apply(&second, signup_proven("106540352242922")).await;
    assert!(matches!(refused, Err(StoreError::NumberTaken)), "{refused:?}");

    let stored = bench.store.get(&second).await.unwrap();
    assert_eq!((stored.version, stored.onboarding.status), (1, Status::Started));
    assert_eq!(bench.store.history(&second).await.unwrap().len(), 1);
    let number = "106540352242922".parse().unwrap();
    assert_eq!(bench.store.number_owner(&number).await.unwrap(), Some(first));
    bench.apply(&second, signup_proven("106540352242923")).await.unwrap();
}

/// An onboarding whose number was refused for good.
pub(crate) async fn failed_with(bench: &TestBench, reference: &str, number: &str) -> OnboardingId {
    let id = bench.create(reference).await;
    bench.apply(&id, signup_proven(number)).await.unwrap();
    let problem = Problem {
        step: Step::NumberSubmission,
        code: FailureCode::NumberRefused.as_str().to_owned(),
        detail: "refused".to_owned(),
        retryable: true,
    };
    bench.apply(&id, Event::StepFailed { problem }).await.unwrap();
    id
}

#[tokio::test]
async fn a_number_that_is_proven_anew_is_taken_over_from_an_onboarding_at_rest() {
    let bench = TestBench::new().await;
    let number = "106540352242922";
    let loser = failed_with(&bench, "a", number).await;
    let winner = bench.create("b").await;
    assert_eq!(bench.apply(&winner, signup_proven(number)).await.unwrap().status, Status::SignedUp);
    assert_eq!(bench.store.number_owner(&number.parse().unwrap()).await.unwrap(), Some(winner.clone()));

    let lost = bench.store.get(&loser).await.unwrap();
    assert_eq!((lost.onboarding.number_lost_to, lost.version), (Some(winner.clone()), 4));
    let history = bench.store.history(&loser).await.unwrap();
    assert_eq!(history.last().unwrap().event, Event::NumberLost { to: winner });
    // Its retry would submit a number that is another's now.
    let retried = bench.apply(&loser, Event::RetryRequested { replace_key: true }).await;
    assert!(matches!(retried, Err(StoreError::Illegal(_))), "{retried:?}");
}

#[tokio::test]
async fn a_channel_goes_with_its_number() {
    let bench = TestBench::new().await;
    let (number, channel) = ("106540352242922", "Rb82LdCH");
    let loser = bench.create("a").await;
    bench.apply(&loser, signup_proven(number)).await.unwrap();
    bench.apply(&loser, channel_live(channel)).await.unwrap();
    let ended = Event::ChannelEnded { channel_id: channel.parse().unwrap() };
    assert_eq!(bench.apply(&loser, ended).await.unwrap().status, Status::Disconnected);

    let winner = bench.create("b").await;
    bench.apply(&winner, signup_proven(number)).await.unwrap();
    assert_eq!(bench.store.channel_owner(&channel.parse().unwrap()).await.unwrap(), None);
    bench.apply(&winner, channel_live(channel)).await.unwrap();
    assert_eq!(bench.store.channel_owner(&channel.parse().unwrap()).await.unwrap(), Some(winner));
}

#[tokio::test]
async fn a_number_at_work_or_ready_is_not_taken_over() {
    let bench = TestBench::new().await;
    let number = "106540352242922";
    let owner = bench.create("a").await;
    bench.apply(&owner, signup_proven(number)).await.unwrap();
    let address = "https://a.example".to_owned();
    let key = StoredKey { secret_arn: "arn".to_owned(), key_id: None, version: None, address };
    let channel_id: ChannelId = "Rb82LdCH".parse().unwrap();
    let stored = Event::KeyStored { channel_id: channel_id.clone(), key };
    for event in [channel_live("Rb82LdCH"), stored, Event::MessagingReady { channel_id }] {
        let other = bench.create("b").await;
        let refused = bench.apply(&other, signup_proven(number)).await;
        assert!(matches!(refused, Err(StoreError::NumberTaken)), "{refused:?}");
        bench.apply(&owner, event).await.unwrap();
    }
    // The Hub is asked whether it still has its channel.
    let ready = bench.store.get(&owner).await.unwrap().onboarding;
    assert_eq!((ready.status, ready.look_up_asked_at), (Status::Ready, None));
    let other = bench.create("c").await;
    assert!(matches!(bench.apply(&other, signup_proven(number)).await, Err(StoreError::NumberTaken)));
    let asked = bench.store.get(&owner).await.unwrap().onboarding;
    assert_eq!((asked.status, asked.look_up_asked_at), (Status::Ready, Some(bench.now())));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn one_of_many_takes_a_number_over() {
    let bench = TestBench::new().await;
    let loser = failed_with(&bench, "loser", "106540352242922").await;
    let mut tasks = Vec::new();
    for number in 0..6 {
        let (store, id) = (bench.store.clone(), bench.create(&format!("customer {number}")).await);
        tasks.push(tokio::spawn(async move { store.apply(&id, &signup_proven("106540352242922")).await.map(|_| id) }));
    }
    let mut winners = Vec::new();
    for task in tasks {
        match task.await.unwrap() {
            Ok(id) => winners.push(id),
            Err(StoreError::NumberTaken) => {}
            Err(error) => panic!("{error}"),
        }
    }
    let lost_to = bench.store.get(&loser).await.unwrap().onboarding.number_lost_to;
    assert_eq!(winners, lost_to.into_iter().collect::<Vec<_>>());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn one_of_many_concurrent_claims_of_a_number_wins() {
    let bench = TestBench::new().await;
    let mut tasks = Vec::new();
    for number in 0..6 {
        let (store, id) = (bench.store.clone(), bench.create(&format!("customer {number}")).await);
        tasks.push(tokio::spawn(async move { store.apply(&id, &signup_proven("106540352242922")).await }));
    }
    let mut winners = 0;
    for task in tasks {
        match task.await.unwrap() {
            Ok(_) => winners += 1,
            Err(StoreError::NumberTaken) => {}
            Err(error) => panic!("{error}"),
        }
    }
    assert_eq!(winners, 1);
}

#[tokio::test]
async fn a_channel_belongs_to_one_onboarding() {
    let bench = TestBench::new().await;
    let (first, second) = (bench.create("a").await, bench.create("b").await);
    bench.apply(&first, signup_proven("106540352242922")).await.unwrap();
    bench.apply(&second, signup_proven("106540352242923")).await.unwrap();
    assert_eq!(bench.apply(&first, channel_live("Rb82LdCH")).await.unwrap().status, Status::Live);
    assert!(matches!(bench.apply(&second, channel_live("Rb82LdCH")).await, Err(StoreError::ChannelTaken)));
    assert_eq!(bench.store.get(&second).await.unwrap().onboarding.status, Status::SignedUp);

    let owner = |channel: &str| channel.parse().unwrap();
    assert_eq!(bench.store.channel_owner(&owner("Rb82LdCH")).await.unwrap(), Some(first));
    assert_eq!(bench.store.channel_owner(&owner("Xy82LdCH")).await.unwrap(), None);
}

#[tokio::test]
async fn a_repeated_start_gets_the_first_answer_for_a_day() {
    let bench = TestBench::new().await;
    let (first, second, third) =
        (onboarding("a", bench.now()), onboarding("a", bench.now()), onboarding("a", bench.now()));
    let asked = request("key", "body", &first.id);
    assert_eq!(bench.store.create(&first, Some(&asked)).await.unwrap(), Created::New);

    bench.pass(Duration::hours(24) - Duration::seconds(1));
    let again = bench.store.create(&second, Some(&request("key", "other body", &second.id))).await.unwrap();
    assert_eq!(again, Created::Earlier(asked));
    assert!(matches!(bench.store.get(&second.id).await, Err(StoreError::NotFound)));
    assert!(bench.store.history(&second.id).await.unwrap().is_empty());

    bench.pass(Duration::seconds(1));
    let asked = request("key", "body", &third.id);
    assert_eq!(bench.store.create(&third, Some(&asked)).await.unwrap(), Created::New);
    let fourth = onboarding("a", bench.now());
    let again = bench.store.create(&fourth, Some(&request("key", "body", &fourth.id))).await.unwrap();
    assert_eq!(again, Created::Earlier(asked));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn one_of_many_concurrent_equal_starts_creates_an_onboarding() {
    let bench = TestBench::new().await;
    let tasks: Vec<_> = (0..8)
        .map(|_| {
            let (store, onboarding) = (bench.store.clone(), onboarding("a", bench.now()));
            tokio::spawn(async move {
                let created = store.create(&onboarding, Some(&request("key", "body", &onboarding.id))).await.unwrap();
                match created {
                    Created::New => onboarding.id,
                    Created::Earlier(earlier) => earlier.onboarding_id,
                }
            })
        })
        .collect();
    let mut answers = Vec::new();
    for task in tasks {
        answers.push(task.await.unwrap());
    }
    answers.dedup();
    assert_eq!(answers.len(), 1);
    let listed = bench.store.list(&ListFilter::default(), None, 10).await.unwrap();
    assert_eq!(listed.onboardings.len(), 1);
}

#[tokio::test]
async fn an_existing_onboarding_record_is_never_overwritten() {
    let bench = TestBench::new().await;
    let onboarding = onboarding("a", bench.now());
    bench.store.create(&onboarding, None).await.unwrap();
    bench.apply(&onboarding.id, client_found("hT3mVxCL")).await.unwrap();
    assert!(matches!(bench.store.create(&onboarding, None).await, Err(StoreError::Unavailable(_))));
    assert_eq!(bench.store.get(&onboarding.id).await.unwrap().version, 2);
}

#[tokio::test]
async fn a_table_item_of_unknown_shape_is_an_error_and_left_alone() {
    let bench = TestBench::new().await;
    let id = bench.create("a").await;
    let pk = format!("ONB#{id}");
    for (attribute, value) in [
        ("record", AttributeValue::S("gone".to_owned())),
        ("v", AttributeValue::N("1".to_owned())),
        ("v", AttributeValue::S("one".to_owned())),
    ] {
        bench.tamper(pk.clone(), "ONB", attribute, value).await;
        let outcomes =
            [bench.store.get(&id).await.map(drop), bench.apply(&id, client_found("hT3mVxCL")).await.map(drop)];
        for outcome in outcomes {
            assert!(matches!(&outcome, Err(StoreError::Unreadable { what, .. }) if *what == pk), "{outcome:?}");
        }
    }
}
