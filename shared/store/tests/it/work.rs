//! What is due, and who is at work with it.

use onboarding::limiter::{Permit, milliseconds};
use onboarding::{Class, Event, HOLD, Status, Step};
use store::{Due, WorkKey};
use time::{Duration, OffsetDateTime};

use crate::{TestBench, client_found, signup_proven};

const SECOND: Duration = Duration::SECOND;

impl TestBench {
    /// What is due in a class now.
    async fn due(&self, class: Class) -> Vec<WorkKey> {
        self.store.due(class, self.now(), 10).await.unwrap().into_iter().map(|due| due.key).collect()
    }

    async fn take(&self, key: &WorkKey, permit: &str) -> bool {
        let state = self.store.work(key).await.unwrap().unwrap();
        self.store.take(key, &state, permit).await.unwrap()
    }

    async fn due_at(&self, key: &WorkKey) -> OffsetDateTime {
        self.store.work(key).await.unwrap().unwrap().due_at
    }

    /// A token is taken for a permit of this name, as the dispatcher does.
    async fn reserve(&self, id: &str, key: &WorkKey) {
        let mut lease = self.store.begin_dispatch(true).await.unwrap().unwrap();
        let permit = Permit {
            work: key.as_text(),
            class: Class::ClientAccount,
            due_at: milliseconds(self.now()),
            sent_at: milliseconds(self.now()),
            redeemed_at: None,
        };
        assert!(self.store.reserve(&mut lease, id, &permit, None).await.unwrap());
    }
}

#[tokio::test]
async fn work_is_taken_once_and_is_due_again_later_and_later_without_a_result() {
    let bench = TestBench::new().await;
    let key = WorkKey::Onboarding(bench.create("a").await);
    assert_eq!(bench.due(Class::ClientAccount).await, std::slice::from_ref(&key));
    let state = bench.store.work(&key).await.unwrap().unwrap();
    assert!(bench.store.take(&key, &state, "p1").await.unwrap());
    assert!(!bench.store.take(&key, &state, "p2").await.unwrap(), "who comes second takes nothing");
    for wait in [30, 60, 120, 240] {
        assert_eq!(bench.due_at(&key).await, bench.now() + SECOND * wait);
        bench.pass(SECOND * wait);
        assert_eq!(bench.due(Class::ClientAccount).await, std::slice::from_ref(&key));
        assert!(bench.take(&key, "again").await);
    }
    for _ in 0..12 {
        bench.pass(Duration::hours(1));
        assert!(bench.take(&key, "again").await);
    }
    assert_eq!(bench.due_at(&key).await, bench.now() + Duration::hours(1), "never longer");
}

#[tokio::test]
async fn a_result_resets_the_count_and_what_is_next_is_due() {
    let bench = TestBench::new().await;
    let id = bench.create("a").await;
    let key = WorkKey::Onboarding(id.clone());
    bench.apply(&id, signup_proven("106540352242922")).await.unwrap();
    for _ in 0..3 {
        assert!(bench.take(&key, "p").await);
        bench.pass(Duration::minutes(10));
    }
    let before = bench.store.get(&id).await.unwrap();
    bench.store.record(before, "p", &client_found("hT3mVxCL")).await.unwrap();
    let state = bench.store.work(&key).await.unwrap().unwrap();
    assert_eq!((state.class, state.unanswered, state.held_until), (Class::Submission, 0, None));
    assert!(state.due_at <= bench.now());
}

#[tokio::test]
async fn a_worker_whose_work_is_another_messages_by_now_leaves_it_to_that_one() {
    let bench = TestBench::new().await;
    let id = bench.create("a").await;
    let key = WorkKey::Onboarding(id.clone());
    bench.apply(&id, signup_proven("106540352242922")).await.unwrap();
    let before = bench.store.get(&id).await.unwrap();
    assert!(bench.take(&key, "early").await);
    bench.pass(Duration::minutes(10));
    assert!(bench.take(&key, "late").await);
    assert!(bench.store.redeem(&key, "late", Class::Free).await.unwrap());
    let at_work = bench.store.work(&key).await.unwrap().unwrap();
    assert!(at_work.held_until.is_some());

    let failed = Event::StepDelayed {
        step: Step::ClientAccount,
        error: "the vault is out of reach".to_owned(),
        next_at: bench.now(),
        refused: None,
    };
    let stored = bench.store.record(before.clone(), "early", &failed).await.unwrap().into_stored();
    assert_eq!((stored.onboarding.retry, stored.version), (None, before.version));
    bench.store.work_done(&before.onboarding, "early").await.unwrap();
    bench.store.due_next(&key, Some("early"), Class::LookUp, bench.now()).await.unwrap();
    assert_eq!(bench.store.work(&key).await.unwrap().unwrap(), at_work);

    // What it found out counts all the same.
    bench.store.record(before, "early", &client_found("hT3mVxCL")).await.unwrap();
    let now = bench.store.work(&key).await.unwrap().unwrap();
    assert!(now.record.unwrap().onboarding.client_id().is_some());
    assert_eq!(now.held_until, at_work.held_until);
}

#[tokio::test]
async fn an_event_from_outside_changes_nothing_of_a_message_that_was_sent() {
    let bench = TestBench::new().await;
    let id = bench.create("a").await;
    let key = WorkKey::Onboarding(id.clone());
    assert!(bench.take(&key, "p1").await);
    let due_at = bench.due_at(&key).await;
    let attempt = onboarding::PopupAttempt {
        at: bench.now(),
        event: "CANCEL".to_owned(),
        current_step: None,
        error_code: None,
        error_message: None,
        session_id: None,
    };
    bench.apply(&id, Event::PopupLeft { attempt }).await.unwrap();
    assert_eq!(bench.due_at(&key).await, due_at);
    // The customer signs up: that is more urgent, and due at once.
    bench.apply(&id, signup_proven("106540352242922")).await.unwrap();
    assert_eq!(bench.due(Class::Submission).await, std::slice::from_ref(&key));
    assert!(bench.due(Class::ClientAccount).await.is_empty());
}

#[tokio::test]
async fn a_permit_is_redeemed_once_and_within_its_time() {
    let bench = TestBench::new().await;
    let key = WorkKey::Onboarding(bench.create("a").await);
    bench.reserve("p1", &key).await;
    assert!(bench.take(&key, "p1").await);
    let redeem = |permit: &'static str| bench.store.redeem(&key, permit, Class::ClientAccount);
    assert!(!redeem("p0").await.unwrap(), "of another message");
    assert!(redeem("p1").await.unwrap());
    assert!(!redeem("p1").await.unwrap(), "the message came twice");
    assert_eq!(bench.store.work(&key).await.unwrap().unwrap().held_until, Some(bench.now() + HOLD));

    let key = WorkKey::Onboarding(bench.create("b").await);
    bench.reserve("p2", &key).await;
    assert!(bench.take(&key, "p2").await);
    bench.pass(SECOND * 20);
    assert!(!bench.store.redeem(&key, "p2", Class::ClientAccount).await.unwrap(), "too late");
    // What needs no token needs no permit of the limiter's.
    assert!(bench.store.redeem(&key, "p2", Class::Free).await.unwrap());
}

#[tokio::test]
async fn a_void_permit_gives_its_work_back_as_it_was() {
    let bench = TestBench::new().await;
    let key = WorkKey::Onboarding(bench.create("a").await);
    let due_at = milliseconds(bench.due_at(&key).await);
    for times in 1..=3 {
        assert!(bench.take(&key, "p").await);
        assert_eq!(bench.store.give_back(&key, "p", due_at).await.unwrap(), Some(times));
        let state = bench.store.work(&key).await.unwrap().unwrap();
        assert_eq!((milliseconds(state.due_at), state.unanswered), (due_at, 0), "it does not count");
    }
    assert_eq!(bench.store.give_back(&key, "p", due_at).await.unwrap(), None, "of an earlier message");
}

#[tokio::test]
async fn work_at_rest_is_never_due() {
    let bench = TestBench::new().await;
    let id = bench.create("a").await;
    let key = WorkKey::Onboarding(id.clone());
    let state = bench.store.work(&key).await.unwrap().unwrap();
    bench.pass(Duration::days(7));
    assert_eq!(bench.apply(&id, Event::LinkExpired).await.unwrap().status, Status::Expired);
    assert_eq!(bench.store.work(&key).await.unwrap(), None);
    assert!(!bench.store.take(&key, &state, "p").await.unwrap());
    let due = Due { key: key.clone(), due_at: state.due_at };
    bench.store.defer(&due, state.class, bench.now()).await.unwrap();
    bench.store.due_next(&key, None, Class::Key, bench.now()).await.unwrap();
    assert_eq!(bench.store.work(&key).await.unwrap(), None);
}

#[tokio::test]
async fn due_work_comes_longest_due_first_and_unknown_items_do_not_stop_it() {
    let bench = TestBench::new().await;
    for number in 0..5 {
        let due = [
            ("due", aws_sdk_dynamodb::types::AttributeValue::S("client_account".to_owned())),
            ("due_at", aws_sdk_dynamodb::types::AttributeValue::N(number.to_string())),
        ];
        bench.put_unknown(&format!("LATER#{number}"), "LATER", &due).await;
    }
    let mut keys = Vec::new();
    for _ in 0..3 {
        keys.push(WorkKey::Onboarding(bench.create("a").await));
        bench.pass(SECOND);
    }
    let due: Vec<Due> = bench.store.due(Class::ClientAccount, bench.now(), 2).await.unwrap();
    assert_eq!(due.into_iter().map(|due| due.key).collect::<Vec<_>>(), keys[..2]);
    assert_eq!(bench.store.count_due(Class::ClientAccount, bench.now()).await.unwrap(), 8);
}

#[test]
fn the_name_of_work_is_read_as_it_is_written() {
    let inbox = WorkKey::Inbox("partner_hub#evt#1".parse().unwrap());
    let onboarding = WorkKey::Onboarding(onboarding::OnboardingId::generate());
    for key in [onboarding, inbox, WorkKey::Sweep, WorkKey::Probe] {
        assert_eq!(WorkKey::from_text(&key.as_text()), Some(key));
    }
    for other in ["", "ONB#", "CHANNEL#x", "SWEEP#", "INBOX#"] {
        assert_eq!(WorkKey::from_text(other), None, "{other}");
    }
}
