use onboarding::{
    ClientAccount, ClientSearch, Onboarding, PopupAttempt, Problem, Refusal, Retry, Status, Step, StoredKey,
    Submission, UnclearSubmission,
};
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use serde_json::{Value, json};
use store::ListFilter;
use time::Duration;

use crate::{START, TestBench, onboarding};

fn prefill() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<u64>().prop_map(Value::from),
        ".{0,12}".prop_map(Value::from),
    ];
    leaf.prop_recursive(3, 12, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::btree_map(".{1,8}", inner, 0..4).prop_map(|map| json!(map)),
        ]
    })
}

fn times() -> impl Strategy<Value = Option<time::OffsetDateTime>> {
    let at = |milliseconds| time::OffsetDateTime::UNIX_EPOCH + Duration::milliseconds(milliseconds);
    prop::option::of((0..4_000_000_000_000_i64).prop_map(at))
}

fn client() -> impl Strategy<Value = ClientAccount> {
    let details = (".{0,20}", ".{0,20}", ".{0,20}").prop_map(|(name, email, user_name)| onboarding::ClientDetails {
        name,
        email,
        user_name,
    });
    let search = prop_oneof![
        Just(ClientSearch::Open),
        Just(ClientSearch::Absent { at: None }),
        (any::<u32>(), times()).prop_map(|(offset, began_at)| ClientSearch::Reading { offset, began_at }),
        (any::<u32>(), times()).prop_map(|(offset, began_at)| ClientSearch::Filtering { offset, began_at }),
    ];
    prop_oneof![
        (details.clone(), search).prop_map(|(details, search)| ClientAccount::Wanted { details, search }),
        ("[A-Za-z0-9]{4,10}CL", prop::option::of(details))
            .prop_map(|(id, details)| ClientAccount::Known { id: id.parse().unwrap(), details }),
    ]
}

fn records() -> impl Strategy<Value = Onboarding> {
    let texts = (".{1,40}", prop::option::of(".{0,40}"), ".{0,40}");
    let times = (0..4_000_000_000_000_i64, prop::option::of(0..4_000_000_000_000_i64), any::<u32>());
    (client(), prefill(), texts, times, 0..Status::ALL.len()).prop_map(
        |(client, prefill, (reference, maybe, text), (milliseconds, later, count), status)| {
            let at = time::OffsetDateTime::UNIX_EPOCH + Duration::milliseconds(milliseconds);
            let later = later.map(|more| at + Duration::milliseconds(more));
            let step = Step::NumberSubmission;
            let attempt = PopupAttempt {
                at,
                event: text.clone(),
                current_step: maybe.clone(),
                error_code: maybe.clone(),
                error_message: None,
                session_id: maybe.clone(),
            };
            let mut record = onboarding(&reference, at);
            record.prefill.insert("setup".to_owned(), prefill);
            record.client = client;
            record.status = Status::ALL[status];
            record.attempts = vec![attempt];
            record.permission_granted_at = later;
            record.overdue_since = later;
            record.retry = later.map(|next_at| Retry {
                step,
                tries: count,
                next_at,
                error: text.clone(),
                refused: Some(Refusal { code: text.clone(), at }),
            });
            let unclear = later.map(|asked_at| UnclearSubmission { asked_at, conflict: status % 2 == 0, looks: 1 });
            record.submission = Some(Submission { first_asked_at: at, unclear });
            record.look_up_asked_at = later;
            record.number_lost_to = later.map(|_| record.id.clone());
            record.former_channels = vec!["Rb82LdCH".parse().unwrap()];
            record.may_have_key = later.is_some();
            record.problem = maybe.clone().map(|detail| Problem { step, code: text.clone(), detail, retryable: true });
            record.key = later.map(|_| StoredKey {
                secret_arn: text.clone(),
                key_id: maybe.clone(),
                version: maybe.clone(),
                address: text.clone(),
            });
            record.return_url = maybe;
            record.failed_from = Some(Status::Live);
            record
        },
    )
}

#[test]
fn every_record_survives_the_table() {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    let bench = runtime.block_on(TestBench::new());
    let mut runner = TestRunner::new(Config { cases: 48, failure_persistence: None, ..Config::default() });
    runner
        .run(&records(), |record| {
            runtime.block_on(bench.store.create(&record, None)).unwrap();
            prop_assert_eq!(*runtime.block_on(bench.store.get(&record.id)).unwrap().onboarding, record);
            Ok(())
        })
        .unwrap();
}

#[tokio::test]
async fn a_prefill_of_any_json_survives_the_table() {
    let bench = TestBench::new().await;
    let mut record = onboarding("a", START);
    let mut deep = json!(1e300);
    for _ in 0..60 {
        deep = json!([deep]);
    }
    record.prefill =
        [(String::new(), json!({"": [0.5, 1.0, u64::MAX]})), ("deep".to_owned(), deep)].into_iter().collect();
    bench.store.create(&record, None).await.unwrap();
    bench.apply(&record.id, crate::client_found("hT3mVxCL")).await.unwrap();
    assert_eq!(bench.store.get(&record.id).await.unwrap().onboarding.prefill, record.prefill);
    let listed = bench.store.list(&ListFilter::default(), None, 1).await.unwrap();
    assert_eq!(listed.onboardings[0].onboarding.prefill, record.prefill);
}
