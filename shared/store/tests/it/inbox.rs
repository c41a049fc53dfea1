use onboarding::Class;
use store::{Dedup, InboxEntry, InboxKey, NewInboxEntry, Source, StoreError, WorkKey};
use time::Duration;

use crate::TestBench;

fn webhook(event_id: Option<&str>, body: &str) -> NewInboxEntry {
    NewInboxEntry {
        source: Source::PartnerHub,
        event_id: event_id.map(str::to_owned),
        name: "channel_live".to_owned(),
        body: body.to_owned(),
    }
}

impl TestBench {
    async fn keep(&self, event_id: Option<&str>, body: &str) -> (InboxKey, Dedup) {
        let kept = self.store.keep(&webhook(event_id, body)).await.unwrap();
        (kept.key, kept.dedup)
    }

    async fn entry(&self, key: &InboxKey) -> InboxEntry {
        self.store.inbox(key).await.unwrap().unwrap()
    }
}

#[tokio::test]
async fn a_webhook_is_kept_in_the_inbox_unchanged() {
    let bench = TestBench::new().await;
    let (key, outcome) = bench.keep(Some("evt-1"), "{\"a\" : 1}").await;
    assert_eq!((key.as_str(), outcome), ("partner_hub#evt-1", Dedup::New));
    assert_eq!(key.as_str().parse(), Ok(key.clone()));
    let entry = bench.entry(&key).await;
    assert_eq!(entry.body.as_deref(), Some("{\"a\" : 1}"));
    assert_eq!((entry.source, entry.name.as_str(), entry.size), (Source::PartnerHub, "channel_live", 9));
    assert_eq!((entry.received_at, bench.store.outcome(&key).await.unwrap()), (bench.now(), None));
    assert_eq!(bench.store.inbox(&"meta#evt-1".parse().unwrap()).await.unwrap(), None);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn one_of_many_concurrent_deliveries_of_a_webhook_is_new() {
    let bench = TestBench::new().await;
    let tasks: Vec<_> = (0..12)
        .map(|_| {
            let store = bench.store.clone();
            tokio::spawn(async move { store.keep(&webhook(Some("evt-1"), "{}")).await })
        })
        .collect();
    let mut new = 0;
    for task in tasks {
        match task.await.unwrap().unwrap().dedup {
            Dedup::New => new += 1,
            outcome => assert_eq!(outcome, Dedup::Repeated),
        }
    }
    assert_eq!(new, 1);
}

#[tokio::test]
async fn a_repeated_webhook_is_kept_once_whatever_came_of_it() {
    let bench = TestBench::new().await;
    for event_id in [Some("evt-1"), None, Some("")] {
        let body = format!("{event_id:?}");
        let (key, _) = bench.keep(event_id, &body).await;
        assert_eq!(bench.keep(event_id, &body).await, (key.clone(), Dedup::Repeated));
        bench.store.processed(&key, "matched").await.unwrap();
        bench.pass(Duration::minutes(10));
        assert_eq!(bench.keep(event_id, &body).await, (key.clone(), Dedup::Repeated));
        assert_eq!(bench.store.outcome(&key).await.unwrap().as_deref(), Some("matched"));
    }
}

#[tokio::test]
async fn a_webhook_without_an_id_is_news_again_ten_minutes_after_it_was_processed() {
    let bench = TestBench::new().await;
    let (key, _) = bench.keep(None, "{}").await;
    let due = async || bench.store.due(Class::Free, bench.now(), 10).await.unwrap().len();
    bench.pass(Duration::days(1));
    assert_eq!(bench.keep(None, "{}").await, (key.clone(), Dedup::Repeated), "the first waits still");
    bench.store.processed(&key, "unmatched").await.unwrap();
    assert_eq!(due().await, 0);

    bench.pass(Duration::minutes(10) + Duration::seconds(1));
    assert_eq!(bench.keep(None, "{}").await, (key.clone(), Dedup::Renewed));
    assert_eq!(bench.keep(None, "{}").await, (key.clone(), Dedup::Repeated));
    assert_eq!((due().await, bench.store.outcome(&key).await.unwrap()), (1, None));
    assert_eq!(bench.entry(&key).await.received_at, bench.now(), "and lasts for thirty days from now");

    // With an id it is the same one, sent again.
    let (key, _) = bench.keep(Some("evt-1"), "{}").await;
    bench.store.processed(&key, "matched").await.unwrap();
    bench.pass(Duration::days(1));
    assert_eq!(bench.keep(Some("evt-1"), "{}").await, (key, Dedup::Repeated));
}

#[tokio::test]
async fn of_a_webhook_that_is_not_kept_only_its_name_digest_and_size_stay() {
    let bench = TestBench::new().await;
    let body = r#"{"id": "evt-1", "event": "history", "data": "private words"}"#;
    assert!(bench.store.note_seen(Source::PartnerHub, "history", body).await.unwrap());
    assert!(!bench.store.note_seen(Source::PartnerHub, "history", body).await.unwrap());
    assert!(bench.store.note_seen(Source::Meta, "history", body).await.unwrap());
    let seen = bench.store.seen(Source::PartnerHub, body).await.unwrap().unwrap();
    assert_eq!((seen.body, seen.size, seen.received_at), (None, body.len(), bench.now()));

    let items = bench.client.scan().table_name(crate::TABLE).send().await.unwrap().items.unwrap();
    assert_eq!(items.len(), 2);
    for item in items {
        assert!(item["pk"].as_s().unwrap().ends_with(&format!("#{}", seen.body_sha256)), "{item:?}");
        assert_eq!(item["sk"].as_s().unwrap(), "SEEN", "nothing that wakes the dispatcher, and nothing that is due");
        let expires_at = (bench.now() + Duration::days(30)).unix_timestamp().to_string();
        assert_eq!(item["expires_at"].as_n(), Ok(&expires_at));
        let shown = format!("{item:?}");
        assert!(!shown.contains("private") && !shown.contains("evt-1") && !item.contains_key("due"), "{shown}");
    }
}

#[tokio::test]
async fn a_webhook_with_a_known_id_and_another_body_is_kept_separately() {
    let bench = TestBench::new().await;
    let (first, _) = bench.keep(Some("evt-1"), "one").await;
    let (second, outcome) = bench.keep(Some("evt-1"), "two").await;
    assert_eq!(outcome, Dedup::Conflicting);
    assert_eq!(bench.keep(Some("evt-1"), "two").await, (second.clone(), Dedup::Repeated));
    assert_eq!(bench.keep(Some("evt-1"), "one").await, (first.clone(), Dedup::Repeated));
    assert_eq!(bench.entry(&first).await.body.as_deref(), Some("one"));
    assert_eq!(bench.entry(&second).await.body.as_deref(), Some("two"));
}

#[tokio::test]
async fn any_webhook_id_can_be_an_inbox_key() {
    let bench = TestBench::new().await;
    let long = "🔑".repeat(200);
    let longer = "🔑".repeat(40_000);
    for id in [" ", "a#b#c", "line\nbreak\u{0}", "ONB#x", &long, &longer] {
        let (key, outcome) = bench.keep(Some(id), "one").await;
        assert_eq!(outcome, Dedup::New);
        assert_eq!(bench.keep(Some(id), "two").await.1, Dedup::Conflicting);
        let key: InboxKey = key.as_str().parse().unwrap();
        assert_eq!(bench.entry(&key).await.body.as_deref(), Some("one"));
    }
    assert_eq!(bench.store.due(Class::Free, bench.now(), 100).await.unwrap().len(), 12);
}

#[tokio::test]
async fn a_webhook_body_that_is_too_long_is_kept_as_its_digest() {
    let bench = TestBench::new().await;
    let longest = "x".repeat(256 * 1024);
    let (key, _) = bench.keep(None, &longest).await;
    assert_eq!(bench.entry(&key).await.body, Some(longest.clone()));
    let (key, outcome) = bench.keep(None, &format!("{longest}x")).await;
    assert_eq!(outcome, Dedup::New);
    let entry = bench.entry(&key).await;
    assert_eq!((entry.body, entry.size), (None, 256 * 1024 + 1));
    assert_eq!(key.as_str(), format!("partner_hub#{}", entry.body_sha256));
    assert_eq!(bench.keep(None, &format!("{longest}x")).await.1, Dedup::Repeated);
}

#[tokio::test]
async fn an_inbox_entry_is_due_at_once_until_it_is_processed() {
    let bench = TestBench::new().await;
    let (key, _) = bench.keep(Some("evt-1"), "{}").await;
    let work = WorkKey::Inbox(key.clone());
    let due = async |class| bench.store.due(class, bench.now(), 10).await.unwrap().len();
    assert_eq!(due(Class::Free).await, 1);

    bench.store.due_next(&work, None, Class::LookUp, bench.now() + Duration::hours(1)).await.unwrap();
    assert_eq!((due(Class::Free).await, due(Class::LookUp).await), (0, 0));
    bench.pass(Duration::hours(1));
    assert_eq!(due(Class::LookUp).await, 1);

    bench.store.processed(&key, "matched").await.unwrap();
    bench.store.due_next(&work, None, Class::Free, bench.now()).await.unwrap();
    assert_eq!((due(Class::Free).await, due(Class::LookUp).await), (0, 0));
}

#[tokio::test]
async fn a_deleted_inbox_entry_cannot_be_marked_processed() {
    let bench = TestBench::new().await;
    let key: InboxKey = "partner_hub#evt-1".parse().unwrap();
    assert!(matches!(bench.store.processed(&key, "matched").await, Err(StoreError::NotFound)));
    bench.store.due_next(&WorkKey::Inbox(key.clone()), None, Class::Free, bench.now()).await.unwrap();
    assert_eq!(bench.store.inbox(&key).await.unwrap(), None);
}

#[tokio::test]
async fn an_inbox_entry_expires_after_thirty_days() {
    let bench = TestBench::new().await;
    bench.keep(Some("evt-1"), "{}").await;
    let item = bench
        .client
        .get_item()
        .table_name(crate::TABLE)
        .key("pk", aws_sdk_dynamodb::types::AttributeValue::S("INBOX#partner_hub#evt-1".to_owned()))
        .key("sk", aws_sdk_dynamodb::types::AttributeValue::S("INBOX".to_owned()))
        .send()
        .await
        .unwrap();
    let expires_at = (bench.now() + Duration::days(30)).unix_timestamp().to_string();
    assert_eq!(item.item().unwrap()["expires_at"].as_n(), Ok(&expires_at));
}

#[test]
fn a_malformed_inbox_key_is_refused() {
    for text in ["", "partner_hub", "partner_hub#", "elsewhere#evt-1", &format!("meta#{}", "x".repeat(1001))] {
        assert!(text.parse::<InboxKey>().is_err(), "{text}");
    }
}

#[tokio::test]
async fn that_the_hub_was_heard_is_known_for_the_time_since_and_ten_minutes_before() {
    let bench = TestBench::new().await;
    let first = bench.now();
    assert!(!bench.store.heard_since(first).await.unwrap());
    bench.store.note_heard().await.unwrap();
    // Within ten minutes the time is not written again.
    bench.pass(Duration::minutes(9));
    bench.store.note_heard().await.unwrap();
    assert!(bench.store.heard_since(first + Duration::minutes(10)).await.unwrap());
    assert!(!bench.store.heard_since(first + Duration::minutes(11)).await.unwrap());
    bench.pass(Duration::minutes(2));
    bench.store.note_heard().await.unwrap();
    assert!(bench.store.heard_since(bench.now()).await.unwrap());
}
