//! The deletion of an onboarding that ended long ago.

use aws_sdk_dynamodb::types::AttributeValue;
use onboarding::{Class, Event, OfferedNumber, OnboardingId, PhoneNumber, PopupAttempt, Signup, SignupSource, Status};
use store::{Created, Idempotency, KeptToken, StoreError, WorkKey};
use time::Duration;

use crate::records::failed_with;
use crate::{TABLE, TestBench, channel_live, client_found, onboarding, signup_proven};

const NUMBER: &str = "106540352242922";
const OTHER_NUMBER: &str = "106540352242923";
const CHANNEL: &str = "Rb82LdCH";
const WABAS: [&str; 2] = ["409812357760143", "409812357760144"];
const RETENTION: Duration = Duration::days(400);

impl TestBench {
    /// The items that are in the table, but for those that DynamoDB deletes by itself.
    async fn lasting_items(&self) -> Vec<(String, String)> {
        let mut items = self.client.scan().table_name(TABLE).into_paginator().items().send();
        let mut found = Vec::new();
        while let Some(item) = items.next().await.transpose().unwrap() {
            let expires_at = item.get("expires_at").map(|at| at.as_n().unwrap().parse::<i64>().unwrap());
            if expires_at.is_none_or(|at| at > self.now().unix_timestamp()) {
                let AttributeValue::S(pk) = &item["pk"] else { panic!("{item:?}") };
                found.push((pk.clone(), format!("{item:?}")));
            }
        }
        found.sort();
        found
    }

    /// Deletes an onboarding, in as many parts as it takes. How many.
    async fn delete(&self, id: &OnboardingId) -> usize {
        let stored = self.store.get(id).await.unwrap();
        assert!(self.store.delete_record(&stored).await.unwrap());
        let mut parts = 1;
        while !self.store.delete_rest(id).await.unwrap() {
            parts += 1;
        }
        parts
    }

    async fn left_to_delete(&self) -> Vec<WorkKey> {
        let due = self.store.due(Class::Reconciliation, self.now(), 10).await.unwrap();
        due.into_iter().map(|due| due.key).collect()
    }
}

fn several_numbers() -> Event {
    let offered = |id: &str, waba_id: &str| OfferedNumber {
        number: PhoneNumber { id: id.parse().unwrap(), display_phone_number: None, verified_name: None },
        waba_id: waba_id.parse().unwrap(),
        waba_name: None,
    };
    let signup = Signup {
        source: SignupSource::Callback,
        waba_id: None,
        waba_name: None,
        business_id: None,
        coexistence: false,
        number: None,
        code_sha256: None,
    };
    Event::NumbersFound { signup, numbers: vec![offered(NUMBER, WABAS[0]), offered(OTHER_NUMBER, WABAS[1])] }
}

fn popup_left(bench: &TestBench, number: usize) -> Event {
    let attempt = PopupAttempt {
        at: bench.now(),
        event: "CANCEL".to_owned(),
        current_step: None,
        error_code: None,
        error_message: None,
        session_id: Some(format!("session-{number}")),
    };
    Event::PopupLeft { attempt }
}

/// An onboarding that has been everywhere, and was disconnected before it had a key. Its history has several pages.
async fn disconnected(bench: &TestBench) -> OnboardingId {
    let started = onboarding("tenant-1", bench.now());
    let id = started.id.clone();
    let repeatable = Idempotency {
        key_sha256: "key".to_owned(),
        body_sha256: "body".to_owned(),
        sealed_token: "sealed".to_owned(),
        onboarding_id: id.clone(),
    };
    assert_eq!(bench.store.create(&started, Some(&repeatable)).await.unwrap(), Created::New);
    let store = &bench.store;
    store.claim_client_search("kim@acme.example", &id).await.unwrap();
    store.popup_opened(&id, "00").await.unwrap();
    store.hint(&id, &WABAS[0].parse().unwrap()).await.unwrap();
    for number in 0..110 {
        bench.apply(&id, popup_left(bench, number)).await.unwrap();
    }
    store.claim_code("c0de", &id).await.unwrap();
    let token = KeptToken {
        sealed: vec![1],
        code_sha256: "c0de".to_owned(),
        exchanged_at: bench.now(),
        waba_id: None,
        phone_number_id: None,
        coexistence: false,
        event: "FINISH".to_owned(),
        session_id: None,
    };
    store.exchanged(&id, &token).await.unwrap();
    let chosen = Event::NumberChosen { phone_number_id: NUMBER.parse().unwrap() };
    let ended = Event::ChannelEnded { channel_id: CHANNEL.parse().unwrap() };
    for event in [client_found("hT3mVxCL"), several_numbers(), chosen, channel_live(CHANNEL), ended] {
        bench.apply(&id, event).await.unwrap();
    }
    assert_eq!(store.get(&id).await.unwrap().onboarding.status, Status::Disconnected);
    id
}

#[tokio::test]
async fn a_deleted_onboarding_leaves_nothing_but_the_owners_of_its_number_and_channel() {
    let bench = TestBench::new().await;
    let id = disconnected(&bench).await;
    let other = failed_with(&bench, "tenant-2", OTHER_NUMBER).await;
    bench.pass(RETENTION);
    let pks_of = |items: Vec<(String, String)>, id: &OnboardingId| -> Vec<String> {
        items.into_iter().filter(|(_, item)| item.contains(id.as_str())).map(|(pk, _)| pk).collect()
    };
    let others = pks_of(bench.lasting_items().await, &other);
    assert!(bench.delete(&id).await > 1, "a history of several pages");

    let items = bench.lasting_items().await;
    for (pk, item) in &items {
        for gone in ["tenant-1", "session-", "c0de"] {
            assert!(!item.contains(gone), "{gone} in {pk}: {item}");
        }
    }
    assert_eq!(pks_of(items.clone(), &id), [format!("CHANNEL#{CHANNEL}"), format!("NUMBER#{NUMBER}")]);
    assert_eq!(pks_of(items, &other), others, "nothing of another onboarding is gone");
    for waba_id in WABAS {
        let holders = bench.store.holders(&waba_id.parse().unwrap()).await.unwrap();
        assert!(!holders.contains(&id), "{waba_id}: {holders:?}");
    }
    assert!(matches!(bench.store.get(&id).await, Err(StoreError::NotFound)));
    assert_eq!(bench.left_to_delete().await, []);
}

#[tokio::test]
async fn a_deletion_that_was_interrupted_is_due_until_it_is_done() {
    let bench = TestBench::new().await;
    let id = disconnected(&bench).await;
    bench.pass(RETENTION);
    let stored = bench.store.get(&id).await.unwrap();
    assert!(bench.store.delete_record(&stored).await.unwrap());
    assert!(!bench.store.delete_record(&stored).await.unwrap(), "it is deleted once");
    assert_eq!(bench.left_to_delete().await, [WorkKey::Deletion(id.clone())]);
    // A hundred items at once: entries, and how their telling went.
    for _ in 0..2 {
        assert!(!bench.store.delete_rest(&id).await.unwrap());
        assert_eq!(bench.left_to_delete().await, [WorkKey::Deletion(id.clone())]);
    }
    assert!(bench.store.delete_rest(&id).await.unwrap());
    assert_eq!(bench.left_to_delete().await, []);
    assert!(bench.store.history(&id).await.unwrap().is_empty());
    assert!(bench.store.delete_rest(&id).await.unwrap(), "again, by a run that read an older index");
}

#[tokio::test]
async fn a_record_that_changed_since_it_was_read_is_not_deleted() {
    let bench = TestBench::new().await;
    let id = failed_with(&bench, "tenant-1", NUMBER).await;
    bench.pass(RETENTION);
    let read = bench.store.get(&id).await.unwrap();
    let retried = bench.apply(&id, Event::RetryRequested { replace_key: false }).await.unwrap();
    assert!(!bench.store.delete_record(&read).await.unwrap());
    // Nothing is deleted of an onboarding that has its record.
    assert!(bench.store.delete_rest(&id).await.unwrap());
    let kept = bench.store.get(&id).await.unwrap();
    assert_eq!((*kept.onboarding, kept.version), (retried, read.version + 1));
    let versions: Vec<u64> = bench.store.history(&id).await.unwrap().into_iter().map(|entry| entry.version).collect();
    assert_eq!(versions, (1..=kept.version).collect::<Vec<_>>());
    assert_eq!(bench.left_to_delete().await, []);
}

#[tokio::test]
async fn what_a_deleted_onboarding_owned_is_taken_over_by_a_fresh_proof() {
    let bench = TestBench::new().await;
    let deleted = disconnected(&bench).await;
    bench.pass(RETENTION);
    bench.delete(&deleted).await;

    let winner = bench.create("tenant-2").await;
    assert_eq!(bench.apply(&winner, signup_proven(NUMBER)).await.unwrap().status, Status::SignedUp);
    assert_eq!(bench.store.number_owner(&NUMBER.parse().unwrap()).await.unwrap(), Some(winner.clone()));
    assert_eq!(bench.apply(&winner, channel_live(CHANNEL)).await.unwrap().status, Status::Live);
    assert_eq!(bench.store.channel_owner(&CHANNEL.parse().unwrap()).await.unwrap(), Some(winner));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn one_of_many_takes_over_the_number_of_a_deleted_onboarding() {
    let bench = TestBench::new().await;
    let deleted = failed_with(&bench, "tenant-1", NUMBER).await;
    bench.delete(&deleted).await;
    let mut tasks = Vec::new();
    for number in 0..6 {
        let (store, id) = (bench.store.clone(), bench.create(&format!("customer {number}")).await);
        tasks.push(tokio::spawn(async move { store.apply(&id, &signup_proven(NUMBER)).await.map(|_| id) }));
    }
    let mut winners = Vec::new();
    for task in tasks {
        match task.await.unwrap() {
            Ok(id) => winners.push(id),
            Err(StoreError::NumberTaken) => {}
            Err(error) => panic!("{error}"),
        }
    }
    let owner = bench.store.number_owner(&NUMBER.parse().unwrap()).await.unwrap();
    assert_eq!(winners, owner.into_iter().collect::<Vec<_>>());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_number_is_taken_over_from_an_onboarding_that_is_just_being_deleted() {
    for _ in 0..10 {
        let bench = TestBench::new().await;
        let loser = failed_with(&bench, "tenant-1", NUMBER).await;
        let (read, winner) = (bench.store.get(&loser).await.unwrap(), bench.create("tenant-2").await);
        let deletion = tokio::spawn({
            let store = bench.store.clone();
            async move { store.delete_record(&read).await.unwrap() }
        });
        assert_eq!(bench.apply(&winner, signup_proven(NUMBER)).await.unwrap().status, Status::SignedUp);
        let owner = bench.store.number_owner(&NUMBER.parse().unwrap()).await.unwrap();
        assert_eq!(owner.as_ref(), Some(&winner));
        match bench.store.get(&loser).await {
            Ok(kept) => {
                assert!(!deletion.await.unwrap());
                assert_eq!(kept.onboarding.number_lost_to, Some(winner));
            }
            Err(error) => assert!(matches!(error, StoreError::NotFound) && deletion.await.unwrap(), "{error}"),
        }
    }
}

#[tokio::test]
async fn records_that_have_to_stay_do_not_hide_those_behind_them() {
    let bench = TestBench::new().await;
    let mut ids = Vec::new();
    for number in 0..5 {
        ids.push(failed_with(&bench, "tenant-1", &format!("10654035224292{number}")).await);
        bench.pass(Duration::SECOND);
    }
    let until = bench.now();
    bench.pass(Duration::SECOND);
    failed_with(&bench, "too young", OTHER_NUMBER.replace('1', "7").as_str()).await;
    let look = async || bench.store.long_in_status(Status::Failed, until, 3).await.unwrap();
    assert_eq!(look().await, ids[..3]);
    assert_eq!(look().await, ids[2..]);
    assert_eq!(look().await, ids[4..]);
    assert_eq!(look().await, ids[..3], "it begins anew");
    // A time that was raised: nobody is old enough any more.
    assert_eq!(bench.store.long_in_status(Status::Failed, until - Duration::HOUR, 3).await.unwrap(), []);
    assert_eq!(look().await, ids[..3]);
}
