//! The setup link ends: what is finished in a popup that was opened before still counts, and the status stays visible.

use serde_json::json;
use time::Duration;

use crate::support::TestBench;

const LIFE: Duration = Duration::days(7);

#[tokio::test]
async fn a_signup_counts_that_was_begun_before_the_link_ran_out() {
    let bench = TestBench::new().await;
    let started = bench.client.start("tenant-1").await.unwrap();
    bench.skip(LIFE - Duration::minutes(5)).await;
    bench.goes_to_meta(&started).await;
    bench.skip(Duration::minutes(100)).await;
    assert_eq!(bench.status(&started).await, "started");
    bench.page_view(&started).await.assert_problem(410, "link_expired");
    bench.finish(&started, "one_number").await;
    assert_eq!(bench.page_view(&started).await.status, 200);
}

#[tokio::test]
async fn a_number_can_still_be_chosen_while_the_popup_counts_as_open() {
    let bench = TestBench::new().await;
    let started = bench.client.start("tenant-1").await.unwrap();
    bench.skip(LIFE - Duration::minutes(5)).await;
    bench.goes_to_meta(&started).await;
    bench.skip(Duration::minutes(60)).await;
    let popup = bench.client.popup("several_numbers", "finish").await.unwrap();
    assert_eq!(bench.callback(&started, &popup).await.body["status"], "number_choice");
    bench.live_on_schedule(Duration::minutes(20)).await;
    let number = bench.page_view(&started).await.body["numbers"][1]["id"].clone();
    let path = format!("/v1/onboardings/{}/number", started.id);
    assert_eq!(bench.post(&path, started.token(), &json!({"phone_number_id": number})).await.status, 202);
    bench.live_through(Duration::minutes(2)).await;
    bench.assert_promise_kept(&started).await;
}

#[tokio::test]
async fn a_popup_that_was_opened_too_late_or_too_long_ago_does_not_outlive_its_link() {
    let bench = TestBench::new().await;
    let started = bench.client.start("tenant-1").await.unwrap();
    bench.skip(LIFE - Duration::minutes(5)).await;
    bench.goes_to_meta(&started).await;
    bench.live_on_schedule(Duration::minutes(30)).await;
    // Opening it again with a link that has run out is taken and does not count.
    bench.goes_to_meta(&started).await;
    bench.skip(Duration::minutes(100)).await;
    assert_eq!(bench.status(&started).await, "expired");
    let popup = bench.client.popup("one_number", "finish").await.unwrap();
    bench.callback(&started, &popup).await.assert_problem(410, "link_expired");
    assert_eq!(bench.calls("exchange_code").await, 0);
}

#[tokio::test]
async fn a_link_that_nobody_opened_expires_at_its_end() {
    let bench = TestBench::new().await;
    let started = bench.client.start("tenant-1").await.unwrap();
    bench.skip(LIFE - Duration::minutes(1)).await;
    assert_eq!(bench.status(&started).await, "started");
    bench.live_on_schedule(Duration::minutes(10)).await;
    assert_eq!(bench.status(&started).await, "expired");
    bench.page_view(&started).await.assert_problem(410, "link_expired");
}

#[tokio::test]
async fn the_link_shows_the_status_for_thirty_days_after_its_last_change() {
    let bench = TestBench::new().await;
    let started = bench.signed_up("tenant-1", "one_number").await;
    bench.live_through(Duration::minutes(2)).await;
    assert_eq!(bench.status(&started).await, "ready");
    bench.skip(Duration::days(29)).await;
    let view = bench.page_view(&started).await;
    assert_eq!((view.status, &view.body["status"]), (200, &json!("ready")));
    bench.skip(Duration::days(1)).await;
    bench.page_view(&started).await.assert_problem(410, "link_expired");
}

#[tokio::test]
async fn the_view_names_the_account_that_the_number_is_connected_to() {
    let bench = TestBench::new().await;
    let started = bench.client.start("tenant-1").await.unwrap();
    let name = bench.record(&started).await["client"]["details"]["name"].clone();
    let view = bench.page_view(&started).await;
    assert_eq!(view.body["client"], json!({"name": name}));
    bench.finish(&started, "one_number").await;
    assert_eq!(bench.page_view(&started).await.body["client"], json!({"name": name}));
    assert!(!bench.page_view(&started).await.text.contains('@'), "no address");
}
