//! A code was exchanged, and Meta does not say whose signup it is: the token is kept, and Meta is asked again.

use local::client::Started;
use secrets::{SealingKeys, Secret};
use serde_json::{Value, json};
use time::Duration;

use crate::support::TestBench;

/// An onboarding whose code was exchanged while Meta answers nothing more, and what the page posted.
async fn confirming(bench: &TestBench, account: &str) -> (Started, Value) {
    let started = bench.client.start("tenant-1").await.unwrap();
    bench.break_routes(&["debug_token"], &json!({"status": 500})).await;
    let popup = bench.client.popup(account, "finish").await.unwrap();
    let reply = bench.callback(&started, &popup).await;
    assert_eq!((reply.status, &reply.body["status"]), (200, &json!("confirming")), "{}", reply.text);
    assert_eq!(reply.body.get("launch"), None);
    (started, popup)
}

#[tokio::test]
async fn the_pages_repetition_of_the_code_has_the_signup_confirmed() {
    let bench = TestBench::new().await;
    let (started, popup) = confirming(&bench, "one_number").await;
    assert_eq!(bench.callback(&started, &popup).await.body["status"], "confirming");
    bench.mend().await;
    assert_eq!(bench.callback(&started, &popup).await.body["status"], "signed_up");
    assert_eq!(bench.calls("exchange_code").await, 1);
    bench.live_through(Duration::seconds(2)).await;
    bench.assert_promise_kept(&started).await;
    assert_eq!(bench.attempts(&started).await, 0);
}

#[tokio::test]
async fn reconciliation_has_a_signup_confirmed_whose_customer_is_gone() {
    let bench = TestBench::new().await;
    let (started, _) = confirming(&bench, "one_number").await;
    bench.live_on_schedule(Duration::hours(30)).await;
    let record = bench.record(&started).await;
    assert_eq!(record["status"], "confirming");
    assert!(record["overdue_since"].is_string() && record.get("confirmation").is_none(), "{record:#}");
    let asked = bench.calls("debug_token").await / 3;
    assert!((20..45).contains(&asked), "{asked} times in 30 hours");
    bench.mend().await;
    bench.live_on_schedule(Duration::hours(2)).await;
    bench.assert_promise_kept(&started).await;
    assert_eq!(bench.calls("exchange_code").await, 1);
    let history = bench.history(&started).await;
    assert!(history.contains(&"code_exchanged".to_owned()), "{history:?}");
}

#[tokio::test]
async fn a_signup_that_is_being_confirmed_does_not_expire_with_its_link() {
    let bench = TestBench::new().await;
    let started = bench.client.start("tenant-1").await.unwrap();
    bench.skip(Duration::days(6)).await;
    bench.break_routes(&["phone_numbers"], &json!({"status": 500})).await;
    let popup = bench.client.popup("one_number", "finish").await.unwrap();
    assert_eq!(bench.callback(&started, &popup).await.body["status"], "confirming");
    bench.skip(Duration::days(3)).await;
    assert_eq!(bench.status(&started).await, "confirming");
    assert_eq!(bench.page_view(&started).await.status, 200);
    bench.mend().await;
    bench.live_on_schedule(Duration::hours(2)).await;
    bench.assert_promise_kept(&started).await;
}

#[tokio::test]
async fn a_new_code_takes_the_place_of_the_token_that_is_kept() {
    let bench = TestBench::new().await;
    let (started, first) = confirming(&bench, "one_number").await;
    let second = bench.client.popup("one_number:2", "finish").await.unwrap();
    assert_eq!(bench.callback(&started, &second).await.body["status"], "confirming");
    assert_eq!(bench.calls("exchange_code").await, 2);
    bench.mend().await;
    assert_eq!(bench.callback(&started, &first).await.body["status"], "signed_up");
    assert_eq!(bench.record(&started).await["signup"]["waba_id"], second["session"]["data"]["waba_id"]);
    bench.live_through(Duration::seconds(2)).await;
    bench.assert_promise_kept(&started).await;
}

#[tokio::test]
async fn what_meta_refuses_at_last_is_an_attempt_and_the_next_popup_works() {
    for (account, code) in [("other_customer", "waba_not_granted"), ("no_number", "no_number")] {
        let bench = TestBench::new().await;
        let (started, popup) = confirming(&bench, account).await;
        bench.mend().await;
        bench.live_on_schedule(Duration::minutes(10)).await;
        let record = bench.record(&started).await;
        assert_eq!((&record["status"], &record["attempts"][0]["error_code"]), (&json!("started"), &json!(code)));
        assert_eq!(record["attempts"][0]["event"], popup["session"]["event"]);
        assert_eq!(bench.history(&started).await.last().unwrap(), "proof_failed");
        bench.callback(&started, &popup).await.assert_problem(422, "code_used");
        bench.finish(&started, "one_number").await;
    }
}

#[tokio::test]
async fn a_token_sealed_with_a_key_that_is_gone_costs_one_more_click() {
    let keys = |key: &str, previous: &str| {
        SealingKeys::parse(&json!({"key": key, "previous_key": previous}).to_string()).unwrap()
    };
    let bench = TestBench::new().await;
    let (started, popup) = confirming(&bench, "one_number").await;
    // Rotated once, it still opens.
    let sealing = &bench.stack.twins.sealing;
    sealing.rotate(keys("another", "made-up-sealing-key"));
    sealing.refresh().await.unwrap();
    assert_eq!(bench.callback(&started, &popup).await.body["status"], "confirming");
    sealing.rotate(keys("a third", "another"));
    sealing.refresh().await.unwrap();
    bench.mend().await;
    // Another process may have sealed it with a key that this one has not read yet.
    assert_eq!(bench.callback(&started, &popup).await.body["status"], "confirming");
    bench.pass(Duration::minutes(1));
    let reply = bench.callback(&started, &popup).await;
    assert_eq!((reply.status, &reply.body["status"]), (200, &json!("started")), "{}", reply.text);
    assert_eq!(reply.body["one_more_click"], true);
    assert_eq!(bench.record(&started).await["attempts"][0]["error_code"], "one_more_click");
    bench.finish(&started, "one_number").await;
}

#[tokio::test]
async fn a_signup_that_meta_never_confirms_is_given_up_before_its_token_ends() {
    let bench = TestBench::with(local::Options {
        variables: vec![("SETUP_LINK_DAYS".to_owned(), "90".to_owned())],
        ..local::Options::default()
    })
    .await;
    let (started, _) = confirming(&bench, "one_number").await;
    bench.skip(Duration::days(6) + Duration::hours(2)).await;
    let record = bench.record(&started).await;
    assert_eq!(
        (&record["status"], &record["attempts"][0]["error_code"]),
        (&json!("started"), &json!("one_more_click"))
    );
    assert_eq!(bench.page_view(&started).await.body["one_more_click"], true);
    bench.mend().await;
    bench.finish(&started, "one_number").await;
}

#[tokio::test]
async fn the_search_for_the_client_account_and_its_failure_leave_the_signup_alone() {
    let bench = TestBench::new().await;
    bench.faults(json!({"route": "create_client", "status": 400, "times": 2})).await;
    let (started, popup) = confirming(&bench, "one_number").await;
    bench.live_through(Duration::minutes(5)).await;
    assert_eq!(bench.status(&started).await, "failed");
    bench.mend().await;
    assert_eq!(bench.callback(&started, &popup).await.status, 200);
    assert_eq!(bench.record(&started).await["failed_from"], "signed_up");
    let body = json!({"client": {"name": "A", "email": "a@partner.example", "user_name": "A"}});
    assert_eq!(bench.retry_with(&started, &body).await.status, 202);
    bench.live_through(Duration::minutes(2)).await;
    bench.assert_promise_kept(&started).await;
}

#[tokio::test]
async fn a_link_is_good_for_two_hundred_exchanges_exactly() {
    let bench = TestBench::new().await;
    let started = bench.client.start("tenant-1").await.unwrap();
    let posts: Vec<_> = (0..260)
        .map(|number| {
            let (client, started) = (bench.client.clone(), started.clone());
            let body = json!({"code": format!("AQ-made-up-{number}")});
            tokio::spawn(async move { client.es_callback(&started, &body).await.unwrap() })
        })
        .collect();
    for post in posts {
        post.await.unwrap();
    }
    assert_eq!(bench.calls("exchange_code").await, 200);
    let popup = bench.client.popup("one_number", "finish").await.unwrap();
    bench.callback(&started, &popup).await.assert_problem(422, "too_many_attempts");
    assert_eq!(bench.calls("exchange_code").await, 200);
}
