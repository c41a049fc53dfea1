use aws_sdk_dynamodb::types::AttributeValue;
use onboarding::{ClientAccount, Event, OnboardingId, Status};
use serde_json::json;
use store::{Due, ListFilter, StoreError};
use time::Duration;

use crate::{TABLE, TestBench, client_found, onboarding, signup_proven};

fn with_reference(reference: &str) -> ListFilter {
    ListFilter { reference: Some(reference.to_owned()), ..ListFilter::default() }
}

fn in_status(status: Status) -> ListFilter {
    ListFilter { status: Some(status), ..ListFilter::default() }
}

impl TestBench {
    /// Every page of a list, which must not be longer than `limit`.
    async fn pages(&self, filter: &ListFilter, limit: u32) -> Vec<Vec<OnboardingId>> {
        let mut pages = Vec::new();
        let mut cursor = None;
        loop {
            let page = self.store.list(filter, cursor.as_deref(), limit).await.unwrap();
            assert!(page.onboardings.len() <= limit as usize);
            pages.push(page.onboardings.into_iter().map(|stored| stored.onboarding.id).collect());
            cursor = page.cursor;
            if cursor.is_none() {
                return pages;
            }
        }
    }

    async fn put_unknown(&self, pk: &str, attributes: &[(&str, AttributeValue)]) {
        let mut put = self
            .client
            .put_item()
            .table_name(TABLE)
            .item("pk", AttributeValue::S(pk.to_owned()))
            .item("sk", AttributeValue::S("ONB".to_owned()));
        for (name, value) in attributes {
            put = put.item(*name, value.clone());
        }
        put.send().await.unwrap();
    }
}

#[tokio::test]
async fn all_onboardings_are_listed_page_by_page_newest_first() {
    let bench = TestBench::new().await;
    assert_eq!(bench.pages(&ListFilter::default(), 3).await, [vec![]]);
    let mut ids = Vec::new();
    for number in 0..7 {
        ids.push(bench.create(&format!("customer {number}")).await);
    }
    ids.reverse();
    let pages = bench.pages(&ListFilter::default(), 3).await;
    assert_eq!(pages, [ids[0..3].to_vec(), ids[3..6].to_vec(), ids[6..].to_vec()]);
    assert_eq!(bench.pages(&ListFilter::default(), 7).await, [ids.clone()]);
    assert_eq!(bench.pages(&ListFilter::default(), u32::MAX).await.len(), 1);
    assert_eq!(bench.store.list(&ListFilter::default(), None, 0).await.unwrap().onboardings.len(), 1);
}

#[tokio::test]
async fn a_list_by_reference_has_its_own_onboardings_only() {
    let bench = TestBench::new().await;
    let mut ids = Vec::new();
    for _ in 0..5 {
        ids.push(bench.create("mine").await);
        bench.create("another's").await;
    }
    ids.reverse();
    let pages = bench.pages(&with_reference("mine"), 2).await;
    assert_eq!(pages.len(), 3);
    assert_eq!(pages.concat(), ids);
    assert_eq!(bench.pages(&with_reference("nobody's"), 2).await, [vec![]]);

    bench.apply(&ids[1], client_found("hT3mVxCL")).await.unwrap();
    bench.apply(&ids[1], signup_proven("106540352242922")).await.unwrap();
    let filter = ListFilter { status: Some(Status::SignedUp), ..with_reference("mine") };
    assert_eq!(bench.pages(&filter, 2).await, [vec![ids[1].clone()]]);
}

#[tokio::test]
async fn pages_of_a_list_by_a_rare_status_are_filled() {
    let bench = TestBench::new().await;
    let mut rare = Vec::new();
    for number in 0..130 {
        let id = bench.create("a").await;
        if number % 40 == 0 {
            bench.apply(&id, signup_proven(&format!("10654035224{number:04}"))).await.unwrap();
            rare.push(id);
        }
    }
    rare.reverse();
    let pages = bench.pages(&in_status(Status::SignedUp), 3).await;
    assert_eq!(pages, [rare[..3].to_vec(), rare[3..].to_vec()]);
    assert_eq!(bench.pages(&in_status(Status::Failed), 3).await.concat(), []);
}

#[tokio::test]
async fn a_foreign_list_cursor_is_refused() {
    let bench = TestBench::new().await;
    for _ in 0..3 {
        bench.create("a").await;
    }
    let cursor = bench.store.list(&ListFilter::default(), None, 1).await.unwrap().cursor.unwrap();
    assert!(cursor.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_'));
    let (cut, longer, turned) = (&cursor[1..], format!("{cursor}AAAA"), cursor.chars().rev().collect::<String>());
    for cursor in ["", "x", "%", "e30", "eyJwayI6eyJTIjoiSURFTSN4In19", cut, &longer, &turned] {
        for filter in [ListFilter::default(), with_reference("a")] {
            let page = bench.store.list(&filter, Some(cursor), 1).await;
            assert!(matches!(page, Err(StoreError::InvalidCursor)), "{cursor}: {page:?}");
        }
    }
}

#[tokio::test]
async fn all_onboardings_of_a_client_account_are_listed_on_any_number_of_pages() {
    let bench = TestBench::new().await;
    let mut ids = Vec::new();
    for number in 0..30 {
        let mut onboarding = onboarding(&format!("customer {number}"), bench.now());
        onboarding.client = ClientAccount::Known { id: "hT3mVxCL".parse().unwrap(), details: None };
        // 30 of them do not fit on one page, which holds a megabyte.
        onboarding.prefill.insert("text".to_owned(), json!("x".repeat(50_000)));
        bench.store.create(&onboarding, None).await.unwrap();
        ids.push(onboarding.id);
    }
    let searched = bench.create("found later").await;
    bench.apply(&searched, client_found("hT3mVxCL")).await.unwrap();
    ids.push(searched);
    ids.reverse();

    let found = bench.store.by_client(&"hT3mVxCL".parse().unwrap()).await.unwrap();
    assert_eq!(found.into_iter().map(|stored| stored.onboarding.id).collect::<Vec<_>>(), ids);
    assert!(bench.store.by_client(&"otherCL".parse().unwrap()).await.unwrap().is_empty());
}

#[tokio::test]
async fn due_onboardings_come_longest_due_first_without_those_at_rest() {
    let bench = TestBench::new().await;
    let mut ids = Vec::new();
    for _ in 0..4 {
        ids.push(bench.create("a").await);
        bench.pass(Duration::seconds(1));
    }
    // Heard from last, so due last.
    bench.apply(&ids[0], signup_proven("106540352242922")).await.unwrap();
    bench.pass(Duration::minutes(10) - Duration::seconds(1));
    let due = |id: &OnboardingId| Due::Onboarding(id.clone());
    assert_eq!(bench.store.due(bench.now(), 10).await.unwrap(), [due(&ids[1]), due(&ids[2]), due(&ids[3])]);
    bench.pass(Duration::seconds(1));
    assert_eq!(
        bench.store.due(bench.now(), 10).await.unwrap(),
        [due(&ids[1]), due(&ids[2]), due(&ids[3]), due(&ids[0])]
    );
    assert_eq!(bench.store.due(bench.now(), 2).await.unwrap(), [due(&ids[1]), due(&ids[2])]);

    bench.pass(Duration::days(7));
    for id in &ids[1..] {
        bench.apply(id, Event::LinkExpired).await.unwrap();
    }
    assert_eq!(bench.store.due(bench.now(), 10).await.unwrap(), [due(&ids[0])]);
}

#[tokio::test]
async fn table_items_of_unknown_shape_do_not_stop_a_list() {
    let bench = TestBench::new().await;
    let (first, second, third) = (bench.create("a").await, bench.create("a").await, bench.create("a").await);
    for id in [&first, &second, &third] {
        bench.apply(id, client_found("hT3mVxCL")).await.unwrap();
    }
    bench.tamper(format!("ONB#{second}"), "ONB", "v", AttributeValue::N("2".to_owned())).await;
    assert_eq!(bench.pages(&ListFilter::default(), 1).await.concat(), [third.clone(), first.clone()]);
    assert_eq!(bench.pages(&with_reference("a"), 2).await.concat(), [third.clone(), first.clone()]);
    let of_client = bench.store.by_client(&"hT3mVxCL".parse().unwrap()).await.unwrap();
    assert_eq!(of_client.into_iter().map(|stored| stored.onboarding.id).collect::<Vec<_>>(), [third, first]);
}

#[tokio::test]
async fn due_onboardings_are_listed_on_any_number_of_pages() {
    let bench = TestBench::new().await;
    for number in 0..5 {
        let due = [("due", AttributeValue::S("DUE".to_owned())), ("due_at", AttributeValue::N(number.to_string()))];
        bench.put_unknown(&format!("LATER#{number}"), &due).await;
    }
    let id = bench.create("a").await;
    bench.pass(Duration::hours(1));
    assert_eq!(bench.store.due(bench.now(), 2).await.unwrap(), [Due::Onboarding(id)]);
}
