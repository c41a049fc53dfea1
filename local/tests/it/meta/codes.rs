//! Codes that were used, that are too old, or that come ten times at once. Meta's ledger says what was exchanged.

use serde_json::json;
use time::Duration;

use crate::support::TestBench;

#[tokio::test]
async fn a_replayed_code_gets_the_same_answer_and_is_not_exchanged_again() {
    let bench = TestBench::new().await;
    let started = bench.client.start("tenant-1").await.unwrap();
    let popup = bench.client.popup("one_number", "finish").await.unwrap();
    let first = bench.callback(&started, &popup).await;
    assert_eq!((first.status, &first.body["status"]), (200, &json!("signed_up")));
    let before = bench.everything().await;
    let again = bench.callback(&started, &popup).await;
    assert_eq!((again.status, &again.body), (200, &first.body));
    assert_eq!(bench.everything().await, before);

    bench.live_through(Duration::seconds(2)).await;
    let late = bench.callback(&started, &popup).await;
    assert_eq!((late.status, &late.body["status"]), (200, &json!("ready")));
    assert_eq!(bench.calls("exchange_code").await, 1);
    bench.assert_promise_kept(&started).await;
}

#[tokio::test]
async fn a_code_of_another_onboarding_is_used_and_claims_nothing() {
    let bench = TestBench::new().await;
    let (first, second) =
        (bench.client.start("tenant-1").await.unwrap(), bench.client.start("tenant-2").await.unwrap());
    let popup = bench.client.popup("one_number", "finish").await.unwrap();
    assert_eq!(bench.callback(&first, &popup).await.status, 200);
    let before = bench.everything().await;
    bench.callback(&second, &popup).await.assert_problem(422, "code_used");
    assert_eq!(bench.everything().await, before);
    assert_eq!(bench.calls("exchange_code").await, 1);

    let popup = bench.client.popup("one_number:2", "finish").await.unwrap();
    assert_eq!(bench.callback(&second, &popup).await.status, 200);
    bench.live_through(Duration::seconds(90)).await;
    bench.assert_key_works(&first).await;
    bench.assert_key_works(&second).await;
    bench.assert_nothing_left();
}

#[tokio::test]
async fn another_code_after_the_signup_is_refused_and_left_unused() {
    let bench = TestBench::new().await;
    let started = bench.signed_up("tenant-1", "one_number").await;
    let before = bench.everything().await;
    let popup = bench.client.popup("one_number:2", "finish").await.unwrap();
    bench.callback(&started, &popup).await.assert_problem(409, "already_signed_up");
    assert_eq!(bench.everything().await, before);
    assert_eq!(bench.calls("exchange_code").await, 1);
    bench.live_through(Duration::seconds(2)).await;
    bench.assert_promise_kept(&started).await;
}

#[tokio::test]
async fn the_same_code_ten_times_at_once_is_exchanged_once() {
    let bench = TestBench::new().await;
    let started = bench.client.start("tenant-1").await.unwrap();
    let popup = bench.client.popup("one_number", "finish").await.unwrap();
    // Long enough that all ten are there while the first is being proven.
    bench.faults(json!({"route": "debug_token", "delay_ms": 300})).await;
    let posts: Vec<_> = (0..10)
        .map(|_| {
            let (client, started, popup) = (bench.client.clone(), started.clone(), popup.clone());
            tokio::spawn(async move { client.es_callback(&started, &popup).await.unwrap() })
        })
        .collect();
    let mut done = 0;
    for post in posts {
        let answer = post.await.unwrap();
        match answer.status {
            200 => done += 1,
            _ => assert_eq!((answer.status, &answer.body["code"]), (409, &json!("in_progress")), "{}", answer.body),
        }
    }
    assert!(done >= 1);
    assert_eq!(bench.calls("exchange_code").await, 1);
    assert_eq!(bench.client.es_callback(&started, &popup).await.unwrap().status, 200);
    let history = bench.history(&started).await;
    assert_eq!(history.iter().filter(|event| *event == "signup_proven").count(), 1, "{history:?}");
    assert!(!history.contains(&"popup_left".to_owned()), "{history:?}");
    bench.live_through(Duration::seconds(2)).await;
    bench.assert_promise_kept(&started).await;
}

#[tokio::test]
async fn ten_codes_at_once_sign_up_one_number() {
    let bench = TestBench::new().await;
    let started = bench.client.start("tenant-1").await.unwrap();
    let mut posts = Vec::new();
    for _ in 0..10 {
        let popup = bench.client.popup("one_number", "finish").await.unwrap();
        let (client, started) = (bench.client.clone(), started.clone());
        posts.push(tokio::spawn(async move { client.es_callback(&started, &popup).await.unwrap() }));
    }
    for post in posts {
        let answer = post.await.unwrap();
        assert!(answer.status == 200 || answer.body["code"] == "already_signed_up", "{}", answer.body);
    }
    let history = bench.history(&started).await;
    assert_eq!(history.iter().filter(|event| *event == "signup_proven").count(), 1, "{history:?}");
    bench.live_through(Duration::seconds(2)).await;
    bench.assert_promise_kept(&started).await;
}

#[tokio::test]
async fn an_expired_code_is_kept_as_an_attempt_and_a_new_one_works() {
    let bench = TestBench::new().await;
    let started = bench.client.start("tenant-1").await.unwrap();
    let popup = bench.client.popup("one_number", "finish").await.unwrap();
    bench.pass(Duration::seconds(31));
    bench.callback(&started, &popup).await.assert_problem(422, "code_expired");
    let record = bench.record(&started).await;
    assert_eq!((&record["status"], &record["attempts"][0]["error_code"]), (&json!("started"), &json!("code_expired")));
    assert_eq!(record["attempts"][0]["event"], "FINISH");
    assert!(record.get("signup").is_none());

    // The page may well send it again: it is not worked on, and Meta is not asked again.
    bench.callback(&started, &popup).await.assert_problem(422, "code_used");
    assert_eq!(bench.calls("exchange_code").await, 1);
    bench.finish(&started, "one_number").await;
}

#[tokio::test]
async fn a_code_that_meta_never_gave_is_refused_and_not_repeated_in_the_answer() {
    let bench = TestBench::new().await;
    let started = bench.client.start("tenant-1").await.unwrap();
    let made_up = json!({"code": "AQ-made-up-code-0123456789"});
    let reply = bench.callback(&started, &made_up).await;
    reply.assert_problem(422, "code_refused");
    // What Meta wrote for developers is for the log.
    for hidden in ["made-up-code", "fbtrace", "HTTP", "format"] {
        assert!(!reply.text.contains(hidden), "{}", reply.text);
    }
    let record = bench.record(&started).await;
    assert_eq!(record["attempts"][0]["error_code"], "code_refused");
    assert_eq!(record["attempts"][0]["event"], "NONE");
    assert!(!record.to_string().contains("made-up-code"));
    bench.finish(&started, "one_number").await;
}
