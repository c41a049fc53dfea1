use aws_sdk_dynamodb::types::AttributeValue;
use onboarding::{ClientAccount, Event, OnboardingId, Problem, Status, Step};
use serde_json::json;
use store::{ListFilter, StoreError};
use time::Duration;

use crate::filters::{WABA, of_channel, of_client, of_number, of_waba};
use crate::operations::Operations;
use crate::{TABLE, TestBench, client_found, onboarding, signup_proven};

fn with_reference(reference: &str) -> ListFilter {
    ListFilter::Reference(reference.to_owned())
}

pub(crate) fn failed() -> Event {
    let (code, detail) = ("refused".to_owned(), "no".to_owned());
    Event::StepFailed { problem: Problem { step: Step::ClientAccount, code, detail, retryable: true } }
}

impl TestBench {
    /// Every page of a list, which must not be longer than `limit`.
    pub(crate) async fn pages(&self, filter: &ListFilter, limit: u32) -> Vec<Vec<OnboardingId>> {
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

    pub(crate) async fn put_unknown(&self, pk: &str, sk: &str, attributes: &[(&str, AttributeValue)]) {
        let mut put = self
            .client
            .put_item()
            .table_name(TABLE)
            .item("pk", AttributeValue::S(pk.to_owned()))
            .item("sk", AttributeValue::S(sk.to_owned()));
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
}

#[tokio::test]
async fn a_list_by_status_begins_with_the_onboarding_that_reached_it_last() {
    let bench = TestBench::new().await;
    let mut ids = Vec::new();
    for number in 0..5 {
        ids.push(bench.create(&format!("customer {number}")).await);
        bench.pass(Duration::SECOND);
    }
    for number in [3, 0, 4, 1] {
        bench.apply(&ids[number], failed()).await.unwrap();
        bench.pass(Duration::SECOND);
    }
    // An event that leaves the status as it is moves nothing.
    bench.apply(&ids[3], signup_proven("106540352242922")).await.unwrap();
    let filter = ListFilter::Status(Status::Failed);
    let (by_failure, by_creation) = ([1, 4, 0, 3].map(|n| ids[n].clone()), [ids[2].clone()]);
    for limit in [1, 2, 3, 4, 100] {
        let pages = bench.pages(&filter, limit).await;
        assert!(pages.iter().all(|page| !page.is_empty()), "{limit}: {pages:?}");
        assert_eq!(pages.concat(), by_failure, "{limit}");
    }
    assert_eq!(bench.pages(&ListFilter::Status(Status::Started), 3).await, [by_creation.to_vec()]);
    assert_eq!(bench.pages(&ListFilter::Status(Status::Ready), 3).await, [vec![]]);
}

#[tokio::test]
async fn onboardings_that_reached_a_status_in_the_same_millisecond_are_listed_once_each() {
    let bench = TestBench::new().await;
    let mut ids = Vec::new();
    for _ in 0..7 {
        ids.push(bench.create("a").await);
    }
    let mut listed = bench.pages(&ListFilter::Status(Status::Started), 2).await.concat();
    listed.sort();
    ids.sort();
    assert_eq!(listed, ids);
}

#[tokio::test]
async fn the_first_page_of_any_filter_takes_two_reads_however_many_others_there_are() {
    let bench = TestBench::new().await;
    let first = bench.create("rare").await;
    bench.apply(&first, failed()).await.unwrap();
    let waits = bench.create_signed_up("106540352242920").await;
    bench.apply(&waits, client_found("hT3mVxCL")).await.unwrap();
    let start = bench.now();
    bench.pass(Duration::HOUR);
    for _ in 0..1_500 {
        bench.create("common").await;
    }
    let before = bench.now();
    bench.pass(Duration::HOUR);
    bench.mark_overdue(&waits).await;
    let (store, operations) = bench.counted(Operations::default());
    for (filter, shown) in [
        (ListFilter::Status(Status::Failed), 1),
        (ListFilter::Status(Status::Started), 50),
        (with_reference("rare"), 1),
        (with_reference("common"), 50),
        (ListFilter::All, 50),
        (ListFilter::Overdue, 1),
        (of_client("hT3mVxCL"), 1),
        (of_waba(WABA), 1),
        (ListFilter::UpdatedAfter(start), 50),
        (ListFilter::UpdatedAfter(before), 1),
    ] {
        let page = store.list(&filter, None, 50).await.unwrap();
        assert_eq!((page.onboardings.len(), page.cursor.is_some()), (shown, shown == 50), "{filter:?}");
        assert_eq!(operations.take(), ["Query", "BatchGetItem"], "{filter:?}");
    }
    assert_eq!(store.list(&of_number("106540352242920"), None, 50).await.unwrap().onboardings.len(), 1);
    assert_eq!(operations.take(), ["GetItem", "BatchGetItem"]);
    assert!(store.list(&of_channel("Rb82LdCH"), None, 50).await.unwrap().onboardings.is_empty());
    assert_eq!(operations.take(), ["GetItem"]);
    assert!(store.list(&ListFilter::Status(Status::Ready), None, 50).await.unwrap().onboardings.is_empty());
    assert_eq!(operations.take(), ["Query"]);
}

#[tokio::test]
async fn a_page_of_more_than_16_megabytes_is_read_in_several_answers() {
    let bench = TestBench::new().await;
    for _ in 0..60 {
        let mut large = onboarding("a", bench.now());
        large.prefill.insert("text".to_owned(), json!("x".repeat(380_000)));
        bench.store.create(&large, None).await.unwrap();
    }
    let (store, operations) = bench.counted(Operations::default());
    let page = store.list(&ListFilter::All, None, 100).await.unwrap();
    assert_eq!((page.onboardings.len(), page.cursor), (60, None));
    assert!(page.onboardings.is_sorted_by(|newer, older| newer.onboarding.id > older.onboarding.id));
    assert_eq!(operations.take(), ["Query", "BatchGetItem", "BatchGetItem"]);
}

#[tokio::test]
async fn keys_that_stay_unprocessed_are_given_up_after_a_bounded_number_of_tries() {
    let bench = TestBench::new().await;
    bench.create("a").await;
    let (store, operations) = bench.counted(Operations::without_capacity());
    let page = store.list(&ListFilter::All, None, 50).await;
    assert!(matches!(page, Err(StoreError::Unavailable(_))), "{page:?}");
    assert_eq!(operations.take().len(), 1 + 8);
}

#[tokio::test]
async fn a_foreign_list_cursor_is_refused() {
    let bench = TestBench::new().await;
    let start = bench.now();
    bench.pass(Duration::HOUR);
    for number in 0..3 {
        let id = bench.create_signed_up(&format!("10654035224292{number}")).await;
        bench.apply(&id, client_found("hT3mVxCL")).await.unwrap();
        bench.pass(Duration::HOUR);
        bench.mark_overdue(&id).await;
    }
    let changes = ListFilter::UpdatedAfter(start);
    let signed_up = ListFilter::Status(Status::SignedUp);
    let (by_client, by_waba) = (of_client("hT3mVxCL"), of_waba(WABA));
    for filter in
        [ListFilter::All, with_reference("a"), signed_up, ListFilter::Overdue, by_client, by_waba, changes.clone()]
    {
        let cursor = bench.store.list(&filter, None, 1).await.unwrap().cursor.unwrap();
        assert!(cursor.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_'));
        let (cut, longer, turned) = (&cursor[1..], format!("{cursor}AAAA"), cursor.chars().rev().collect::<String>());
        for cursor in ["", "x", "%", "e30", "eyJwayI6eyJTIjoiSURFTSN4In19", cut, &longer, &turned] {
            let page = bench.store.list(&filter, Some(cursor), 1).await;
            assert!(matches!(page, Err(StoreError::InvalidCursor)), "{filter:?}: {cursor}: {page:?}");
        }
        // No page follows the one of an owner, and the place of a change is before a later time.
        let later = ListFilter::UpdatedAfter(bench.now());
        for other in [of_number("106540352242920"), of_channel("Rb82LdCH"), later] {
            let page = bench.store.list(&other, Some(&cursor), 1).await;
            assert!(matches!(page, Err(StoreError::InvalidCursor)), "{filter:?}: {other:?}: {page:?}");
        }
    }
}

#[tokio::test]
async fn a_cursor_of_another_list_shows_nothing_of_that_list() {
    let bench = TestBench::new().await;
    for reference in ["mine", "mine", "another's", "another's"] {
        let id = bench.create(reference).await;
        if reference == "another's" {
            bench.apply(&id, failed()).await.unwrap();
        }
        bench.pass(Duration::SECOND);
    }
    let failed = ListFilter::Status(Status::Failed);
    let (by_id, by_change) =
        (bench.store.list(&with_reference("another's"), None, 1).await, bench.store.list(&failed, None, 1).await);
    let (by_id, by_change) = (by_id.unwrap().cursor.unwrap(), by_change.unwrap().cursor.unwrap());

    let mine = bench.store.list(&with_reference("mine"), Some(&by_id), 50).await.unwrap().onboardings;
    assert_eq!(mine.iter().map(|stored| stored.onboarding.reference.as_str()).collect::<Vec<_>>(), ["mine"; 2]);
    let started = ListFilter::Status(Status::Started);
    let found = bench.store.list(&started, Some(&by_change), 50).await.unwrap().onboardings;
    assert_eq!(found.iter().map(|stored| stored.onboarding.status).collect::<Vec<_>>(), [Status::Started; 2]);
    let changes = ListFilter::UpdatedAfter(bench.now() - Duration::HOUR);
    let by_update = bench.store.list(&changes, None, 1).await.unwrap().cursor.unwrap();
    for (filter, cursor) in [
        (started.clone(), &by_id),
        (failed, &by_id),
        (ListFilter::Overdue, &by_id),
        (changes.clone(), &by_id),
        (changes, &by_change),
        (ListFilter::All, &by_change),
        (of_client("hT3mVxCL"), &by_change),
        (of_waba(WABA), &by_change),
        (started, &by_update),
        (ListFilter::Overdue, &by_update),
        (of_waba(WABA), &by_update),
    ] {
        let page = bench.store.list(&filter, Some(cursor), 50).await;
        assert!(matches!(page, Err(StoreError::InvalidCursor)), "{filter:?}: {page:?}");
    }
}

#[tokio::test]
async fn the_newest_200_onboardings_of_a_client_account_are_listed() {
    let bench = TestBench::new().await;
    let mut ids = Vec::new();
    for number in 0..205 {
        let mut onboarding = onboarding(&format!("customer {number}"), bench.now());
        onboarding.client = ClientAccount::Known { id: "hT3mVxCL".parse().unwrap(), details: None };
        bench.store.create(&onboarding, None).await.unwrap();
        ids.push(onboarding.id);
    }
    let searched = bench.create("found later").await;
    bench.apply(&searched, client_found("hT3mVxCL")).await.unwrap();
    ids.push(searched);
    ids.reverse();
    ids.truncate(200);

    let found = bench.store.by_client(&"hT3mVxCL".parse().unwrap()).await.unwrap();
    assert_eq!(found.into_iter().map(|stored| stored.onboarding.id).collect::<Vec<_>>(), ids);
    assert!(bench.store.by_client(&"otherCL".parse().unwrap()).await.unwrap().is_empty());
}

#[tokio::test]
async fn table_items_of_unknown_shape_do_not_stop_a_list() {
    let bench = TestBench::new().await;
    let (first, second, third) = (bench.create("a").await, bench.create("a").await, bench.create("a").await);
    for id in [&first, &second, &third] {
        bench.apply(id, client_found("hT3mVxCL")).await.unwrap();
    }
    bench.tamper(format!("ONB#{second}"), "ONB", "v", AttributeValue::N("1".to_owned())).await;
    let listed = [third.clone(), first.clone()];
    for filter in [ListFilter::All, with_reference("a"), ListFilter::Status(Status::Started), of_client("hT3mVxCL")] {
        for limit in [1, 2, 3] {
            let pages = bench.pages(&filter, limit).await;
            assert_eq!(pages.concat(), listed, "{filter:?}");
            assert!(pages.iter().all(|page| !page.is_empty()), "{filter:?}: {pages:?}");
        }
    }
    let of_client = bench.store.by_client(&"hT3mVxCL".parse().unwrap()).await.unwrap();
    assert_eq!(of_client.into_iter().map(|stored| stored.onboarding.id).collect::<Vec<_>>(), listed);
}

/// What the index by status has and no list shows: items that are no records, and a record whose status has changed since.
#[tokio::test]
async fn items_that_lead_to_no_record_of_the_status_do_not_stop_a_list() {
    let bench = TestBench::new().await;
    let (first, other, last) = (bench.create("a").await, bench.create("a").await, bench.create("a").await);
    for id in [&first, &last] {
        bench.apply(id, failed()).await.unwrap();
    }
    bench.tamper(format!("ONB#{other}"), "ONB", "status", AttributeValue::S("failed".to_owned())).await;
    let at = (bench.now().unix_timestamp() * 1000 + 1).to_string();
    let listed = [("status", AttributeValue::S("failed".to_owned())), ("changed_at", AttributeValue::N(at))];
    for (pk, sk) in [
        (format!("ONB#{first}"), "no sort key of ours"),
        (format!("ONB#{}", OnboardingId::generate()), "ELSEWHERE"),
        ("LATER#1".to_owned(), "ONB"),
    ] {
        bench.put_unknown(&pk, sk, &listed).await;
    }
    let filter = ListFilter::Status(Status::Failed);
    for limit in [1, 2, 50] {
        let pages = bench.pages(&filter, limit).await;
        assert!(pages.iter().all(|page| !page.is_empty()), "{limit}: {pages:?}");
        assert_eq!(pages.concat(), [last.clone(), first.clone()], "{limit}");
    }
    // One that names a record of the status is one more place of the record.
    bench.put_unknown(&format!("ONB#{first}"), "ELSEWHERE", &listed).await;
    assert_eq!(bench.pages(&filter, 1).await.concat(), [first.clone(), last.clone(), first.clone()]);
    assert_eq!(bench.pages(&filter, 50).await, [vec![first, last]]);

    let (store, _) = bench.counted(Operations::without_records());
    let page = store.list(&filter, None, 1).await.unwrap();
    assert_eq!((page.onboardings, page.cursor), (vec![], None));
}

#[tokio::test]
async fn a_page_is_never_empty_and_not_the_last_however_many_records_are_unreadable() {
    let bench = TestBench::new().await;
    let first = bench.create("a").await;
    for _ in 0..30 {
        let id = bench.create("a").await;
        bench.tamper(format!("ONB#{id}"), "ONB", "v", AttributeValue::N("1".to_owned())).await;
    }
    let last = bench.create("a").await;
    for filter in [ListFilter::All, with_reference("a"), ListFilter::Status(Status::Started)] {
        assert_eq!(bench.pages(&filter, 1).await, [vec![last.clone()], vec![first.clone()]], "{filter:?}");
        assert_eq!(bench.pages(&filter, 2).await.concat(), [last.clone(), first.clone()], "{filter:?}");
    }
}

#[tokio::test]
async fn a_longest_wait_that_is_raised_shows_nobody_again_until_it_is_over() {
    let bench = TestBench::new().await;
    let id = bench.create("tenant-1").await;
    let since = bench.now();
    bench.pass(Duration::hours(25));
    let shown =
        async |wait: Duration| bench.store.in_status_since(Status::Started, bench.now() - wait, 10).await.unwrap();
    let found = shown(Duration::hours(24)).await;
    assert_eq!(found.iter().map(|one| (&one.id, one.since)).collect::<Vec<_>>(), [(&id, since)]);
    bench.store.looked_at(Status::Started, since).await.unwrap();
    assert_eq!(shown(Duration::hours(72)).await, []);
    bench.pass(Duration::hours(48));
    assert_eq!(shown(Duration::hours(72)).await, found);
}
