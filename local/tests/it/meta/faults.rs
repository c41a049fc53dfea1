//! Meta answering with errors, with garbage, late, or not at all, while a signup is being proven.

use local::client::Started;
use serde_json::{Value, json};
use time::Duration;

use crate::support::TestBench;

/// Every way in which a call can go wrong for as long as it is repeated (three times where it is).
fn outages(route: &str, times: u32) -> [Value; 5] {
    [
        json!({"route": route, "status": 500, "times": times}),
        json!({"route": route, "status": 502, "body": "<html>Bad gateway</html>", "times": times}),
        json!({"route": route, "body": "not what was asked for", "times": times}),
        json!({"route": route, "body": {"unexpected": true}, "times": times}),
        json!({"route": route, "drop": true, "times": times}),
    ]
}

/// The customer's popup while the exchange goes wrong: the answer is 503, the attempt is kept, the code was exchanged at most
/// once, also if it is posted again, one more click is asked for, and the next popup works.
async fn assert_overcome(fault: Value) {
    let bench = TestBench::new().await;
    let started = bench.client.start("tenant-1").await.unwrap();
    let popup = bench.client.popup("one_number", "finish").await.unwrap();
    bench.faults(fault.clone()).await;
    let reply = bench.callback(&started, &popup).await;
    reply.assert_problem(503, "unavailable");
    assert_eq!(reply.header("retry-after"), "5");
    let record = bench.record(&started).await;
    assert_eq!(record["status"], "started", "{fault}");
    assert_eq!(record["attempts"][0]["error_code"], "unavailable");
    assert_eq!(bench.history(&started).await, ["started", "popup_left"]);

    bench.callback(&started, &popup).await.assert_problem(422, "code_used");
    assert_eq!(bench.calls("exchange_code").await, 1, "{fault}");
    assert_eq!(bench.page_view(&started).await.body["one_more_click"], true);
    bench.finish(&started, "one_number").await;
}

#[tokio::test]
async fn a_failed_code_exchange_is_never_repeated() {
    for fault in outages("exchange_code", 1) {
        assert_overcome(fault).await;
    }
    // The code is spent, and only Meta knows.
    assert_overcome(json!({"route": "exchange_code", "after_effect": true})).await;
    assert_overcome(json!({"route": "exchange_code", "drop": true, "after_effect": true})).await;
}

/// The customer's popup while Meta does not say whose signup it is: it is being confirmed, and the same code, posted again when
/// Meta is well, ends with a key.
async fn assert_confirmed_later(fault: Value) {
    let bench = TestBench::new().await;
    let started = bench.client.start("tenant-1").await.unwrap();
    let popup = bench.client.popup("one_number", "finish").await.unwrap();
    bench.faults(fault.clone()).await;
    let reply = bench.callback(&started, &popup).await;
    assert_eq!((reply.status, &reply.body["status"]), (200, &json!("confirming")), "{fault}: {}", reply.text);
    assert_eq!(bench.history(&started).await, ["started", "code_exchanged"]);
    bench.mend().await;
    assert_eq!(bench.callback(&started, &popup).await.body["status"], "signed_up");
    assert_eq!(bench.calls("exchange_code").await, 1, "{fault}");
    bench.live_through(Duration::seconds(2)).await;
    bench.assert_promise_kept(&started).await;
}

#[tokio::test]
async fn a_signup_is_not_proven_while_the_token_check_fails_and_not_lost() {
    for fault in outages("debug_token", 3) {
        assert_confirmed_later(fault).await;
    }
}

#[tokio::test]
async fn a_signup_is_not_proven_while_the_list_of_numbers_fails_and_not_lost() {
    for fault in outages("phone_numbers", 3) {
        assert_confirmed_later(fault).await;
    }
}

/// Signs up while these faults are played, and finishes.
async fn assert_withstood(faults: Value, account: &str) -> (TestBench, Started) {
    let bench = TestBench::new().await;
    let started = bench.client.start("tenant-1").await.unwrap();
    bench.faults(faults).await;
    bench.finish(&started, account).await;
    assert_eq!(bench.calls("exchange_code").await, 1);
    (bench, started)
}

#[tokio::test]
async fn a_read_from_meta_that_fails_twice_is_made_a_third_time() {
    let faults = ["debug_token", "waba", "phone_numbers", "me"].map(|route| json!({"route": route, "drop": true}));
    let (bench, _) = assert_withstood(json!(faults), "unnarrowed_scopes").await;
    assert_eq!(bench.calls("debug_token").await, 2);
    assert_withstood(json!({"route": "debug_token", "status": 500, "times": 2}), "one_number").await;
    assert_withstood(json!({"route": "phone_numbers", "status": 503, "times": 2}), "one_number").await;
}

#[tokio::test]
async fn a_slow_meta_is_waited_for() {
    let slow = ["exchange_code", "debug_token", "waba", "phone_numbers", "me"];
    let faults = slow.map(|route| json!({"route": route, "delay_ms": 250}));
    assert_withstood(json!(faults), "one_number").await;
}

#[tokio::test]
async fn a_signup_does_not_need_the_name_of_the_waba_nor_the_portfolio() {
    for fault in outages("me", 3) {
        let (bench, started) = assert_withstood(fault, "one_number").await;
        assert!(bench.record(&started).await["signup"].get("business_id").is_none());
    }
    for fault in outages("waba", 3) {
        assert_withstood(fault, "one_number").await;
    }
}

#[tokio::test]
async fn a_waba_that_must_be_read_to_be_proven_is_not_proven_by_an_outage() {
    let bench = TestBench::new().await;
    let started = bench.client.start("tenant-1").await.unwrap();
    bench.faults(json!({"route": "waba", "status": 500, "times": 3})).await;
    let popup = bench.client.popup("unnarrowed_scopes", "finish").await.unwrap();
    assert_eq!(bench.callback(&started, &popup).await.body["status"], "confirming");
    bench.mend().await;
    assert_eq!(bench.callback(&started, &popup).await.body["status"], "signed_up");
    bench.live_through(Duration::seconds(2)).await;
    bench.assert_promise_kept(&started).await;
}

#[tokio::test]
async fn a_misconfigured_meta_app_is_told_to_the_operator_and_not_to_the_customer() {
    let bench = TestBench::new().await;
    let started = bench.client.start("tenant-1").await.unwrap();
    let body = json!({"error": {"message": "Error validating client secret.", "type": "OAuthException", "code": 1}});
    bench.faults(json!({"route": "exchange_code", "status": 400, "body": body})).await;
    let popup = bench.client.popup("one_number", "finish").await.unwrap();
    let reply = bench.callback(&started, &popup).await;
    reply.assert_problem(500, "internal");
    assert!(!reply.text.contains("secret"), "{}", reply.text);
    let record = bench.record(&started).await;
    assert_eq!(record["attempts"][0]["error_code"], "misconfigured");
    bench.finish(&started, "one_number").await;
}

#[tokio::test]
async fn only_metas_texts_for_the_customer_reach_the_customer() {
    let bench = TestBench::new().await;
    let started = bench.client.start("tenant-1").await.unwrap();
    let error = json!({
        "message": "(#200) made up for developers", "type": "OAuthException", "code": 200, "fbtrace_id": "AmadeUpTrace",
        "error_user_title": "Konto gesperrt", "error_user_msg": "Dieses Konto ist gesperrt.",
    });
    bench.faults(json!({"route": "phone_numbers", "status": 403, "body": {"error": error}})).await;
    let popup = bench.client.popup("one_number", "finish").await.unwrap();
    let reply = bench.callback(&started, &popup).await;
    reply.assert_problem(422, "meta_refused");
    assert_eq!(reply.body["detail"], "Dieses Konto ist gesperrt.");
    assert!(!reply.text.contains("developers") && !reply.text.contains("AmadeUpTrace"), "{}", reply.text);
    bench.finish(&started, "one_number").await;
}

#[tokio::test]
async fn a_signup_that_could_not_be_queued_is_moved_on() {
    let bench = TestBench::new().await;
    let started = bench.client.start("tenant-1").await.unwrap();
    bench.settle().await;
    bench.stack.twins.queue.fail_next(1);
    let popup = bench.client.popup("one_number", "finish").await.unwrap();
    assert_eq!(bench.callback(&started, &popup).await.status, 200);
    bench.settle().await;
    assert_eq!(bench.status(&started).await, "signed_up");
    bench.live_through(Duration::minutes(1)).await;
    bench.assert_promise_kept(&started).await;
}
