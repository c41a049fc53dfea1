//! The daily sweep of the Hub's client accounts, one page with each permit: a second account with the e-mail address of one
//! of ours is told, and nothing is changed.

use serde_json::json;
use time::Duration;

use crate::support::TestBench;
use crate::support::log_scan::LogScan;

/// The day passes, and no other.
const DAY: Duration = Duration::hours(25);

impl TestBench {
    /// What the log said of duplicate client accounts of this bench.
    async fn duplicates_told(&self) -> Vec<String> {
        let ledger = self.client.ledger().await.unwrap();
        let clients = ledger["clients"].as_array().unwrap().iter();
        let clients: Vec<String> = clients.map(|client| client["id"].as_str().unwrap().to_owned()).collect();
        LogScan::warnings("two client accounts have the same e-mail address", &clients)
    }

    /// Makes client accounts of strangers, two for each e-mail address.
    async fn strangers(&self, count: usize) {
        for number in 0..count {
            self.make_client(&format!("customer-{}@another.example", number / 2)).await;
        }
    }
}

/// A line of the log says this of both accounts, and does not show the address.
fn assert_names(line: &str, duplicate: &str, ours: &str) {
    let ids = format!(r#""client_id":"{duplicate}","duplicate_of":"{ours}""#);
    assert!(line.contains(&ids), "{line}");
    assert!(!line.contains('@'), "{line}");
}

#[tokio::test]
async fn a_duplicate_client_account_on_another_page_is_told_once() {
    let bench = TestBench::unlimited().await;
    let started = bench.signed_up("tenant-1", "one_number").await;
    bench.live_through(Duration::minutes(1)).await;
    let before = bench.record(&started).await;
    let ours = before["client"]["id"].as_str().unwrap();
    bench.strangers(448).await;
    bench.pass(Duration::SECOND);
    let duplicate = bench.make_client("Tenant-1@Nordlicht.EXAMPLE").await;
    bench.reconcile().await;
    let listed = bench.calls_of("list_clients").await.len();
    bench.live_through(DAY).await;
    assert_eq!(bench.calls_of("list_clients").await.len() - listed, 3, "450 accounts, 200 on a page");
    bench.live_through(DAY).await;
    assert_eq!(bench.calls_of("list_clients").await.len() - listed, 6, "again a day later");
    let told = bench.duplicates_told().await;
    assert_eq!(told.len(), 1, "{told:#?}");
    assert_names(&told[0], &duplicate, ours);
    assert_eq!(bench.record(&started).await, before);
    bench.live_through(Duration::days(91)).await;
    assert_eq!(bench.duplicates_told().await.len(), 2, "there are still two");
}

#[tokio::test]
async fn a_duplicate_client_account_on_the_same_page_is_told_also_if_it_is_older() {
    let bench = TestBench::new().await;
    bench.change(json!({"client_lag_ms": 60_000})).await;
    let older = bench.make_client("TENANT-1@nordlicht.example").await;
    let started = bench.signed_up("tenant-1", "one_number").await;
    bench.live_through(Duration::minutes(2)).await;
    let record = bench.record(&started).await;
    let ours = record["client"]["id"].as_str().unwrap();
    assert_ne!(ours, older, "the list lagged, and another was created");
    bench.reconcile().await;
    bench.live_through(DAY).await;
    let told = bench.duplicates_told().await;
    assert_eq!(told.len(), 1, "{told:#?}");
    assert_names(&told[0], &older, ours);
}

#[tokio::test]
async fn a_client_account_that_no_onboarding_uses_any_more_has_no_duplicate() {
    let bench = TestBench::new().await;
    bench.break_routes(&["numbers"], &json!({"status": 400})).await;
    let started = bench.signed_up("tenant-1", "one_number").await;
    bench.live_through(Duration::minutes(10)).await;
    assert_eq!(bench.status(&started).await, "failed");
    bench.mend().await;
    let kept = bench.make_client("tenant-1@nordlicht.example").await;
    assert_eq!(bench.retry_with(&started, &json!({"client": {"id": kept}})).await.status, 202);
    bench.live_through(Duration::minutes(1)).await;
    assert_eq!(bench.status(&started).await, "ready");
    bench.reconcile().await;
    bench.live_through(DAY).await;
    assert_eq!(bench.duplicates_told().await, [""; 0], "the partner has said which one is kept");
}

#[tokio::test]
async fn a_sweep_of_client_accounts_that_the_hub_interrupts_resumes_where_it_was() {
    let bench = TestBench::unlimited().await;
    bench.signed_up("tenant-1", "one_number").await;
    bench.live_through(Duration::minutes(1)).await;
    bench.make_client("tenant-1@nordlicht.example").await;
    bench.pass(Duration::SECOND);
    bench.strangers(448).await;
    bench.reconcile().await;
    let listed = bench.calls_of("list_clients").await.len();
    bench
        .fault(json!([
            {"route": "list_clients", "delay_ms": 1},
            {"route": "list_clients", "status": 500},
            {"route": "list_clients", "status": 401},
            {"route": "list_clients", "drop": true},
            {"route": "list_clients", "status": 429},
        ]))
        .await;
    // Four times 15 minutes more.
    bench.live_through(DAY + Duration::HOUR).await;
    let statuses: Vec<Option<u64>> =
        bench.calls_of("list_clients").await[listed..].iter().map(|call| call["status"].as_u64()).collect();
    let (good, bad) = (Some(200), [Some(500), Some(401), None, Some(429)]);
    assert_eq!(statuses, [&[good][..], &bad, &[good, good]].concat());
    assert_eq!(bench.duplicates_told().await.len(), 1);
}

#[tokio::test]
async fn a_refusal_to_list_client_accounts_does_not_keep_channels_from_being_swept() {
    let bench = TestBench::new().await;
    bench.reconcile().await;
    bench.break_routes(&["list_clients"], &json!({"status": 403})).await;
    bench.live_through(DAY * 3).await;
    assert_eq!(bench.calls_of("list_channels").await.len(), 2 + 1, "once a day");
    assert_eq!(bench.calls_of("list_clients").await.len(), 2 + 1, "once a day");
}

/// What is no refusal in the Hub's own words may pass, but not before the channels are due.
#[tokio::test]
async fn a_list_of_client_accounts_that_cannot_be_read_does_not_keep_channels_from_being_swept() {
    for answer in [
        json!({"status": 403, "body": "<html></html>", "headers": {"content-type": "text/html"}}),
        json!({"status": 200, "body": {"accounts": []}}),
        json!({"status": 500}),
    ] {
        let bench = TestBench::new().await;
        bench.reconcile().await;
        bench.break_routes(&["list_clients"], &answer).await;
        bench.live_through(DAY * 3).await;
        let channels = bench.calls_of("list_channels").await.len();
        assert!(channels > 1, "{answer}: {channels} in three days");
    }
}
