//! WABAs with several numbers, with one that the browser does not name, with none.

use local::client::Started;
use serde_json::{Value, json};
use time::Duration;

use crate::support::TestBench;
use crate::support::replies::Reply;

/// An onboarding whose customer has to choose among three numbers, and their ids.
async fn choosing(bench: &TestBench) -> (Started, Vec<String>) {
    let started = bench.client.start("tenant-1").await.unwrap();
    let popup = bench.client.popup("several_numbers", "finish").await.unwrap();
    let reply = bench.callback(&started, &popup).await;
    assert_eq!((reply.status, &reply.body["status"]), (200, &json!("number_choice")), "{}", reply.text);
    assert!(reply.body.get("launch").is_none());
    let numbers = reply.body["numbers"].as_array().unwrap();
    let ids: Vec<_> = numbers.iter().map(|number| number["id"].as_str().unwrap().to_owned()).collect();
    assert_eq!(ids.len(), 3);
    (started, ids)
}

async fn choose(bench: &TestBench, started: &Started, id: &str) -> Reply {
    let path = format!("/v1/onboardings/{}/number", started.id);
    bench.post(&path, started.token(), &json!({"phone_number_id": id})).await
}

#[tokio::test]
async fn the_number_that_the_customer_chooses_is_the_one_that_is_connected() {
    let bench = TestBench::new().await;
    let (started, ids) = choosing(&bench).await;
    bench.settle().await;
    assert_eq!((bench.status(&started).await.as_str(), bench.calls("numbers").await), ("number_choice", 0));

    let before = bench.everything().await;
    choose(&bench, &started, "51234567890").await.assert_fields(&["phone_number_id"]);
    choose(&bench, &started, "one").await.assert_fields(&["phone_number_id"]);
    assert_eq!(bench.everything().await, before);

    let reply = choose(&bench, &started, &ids[1]).await;
    assert_eq!((reply.status, &reply.body["status"]), (202, &json!("signed_up")), "{}", reply.text);
    assert_eq!((&reply.body["numbers"], &reply.body["number"]["id"]), (&json!([]), &json!(ids[1])));
    let chosen = bench.history(&started).await;

    // Twice the same is once; another one comes too late.
    assert_eq!(choose(&bench, &started, &ids[1]).await.status, 202);
    choose(&bench, &started, &ids[0]).await.assert_problem(409, "not_choosable");
    choose(&bench, &started, "51234567890").await.assert_problem(409, "not_choosable");
    assert_eq!(bench.history(&started).await, chosen);

    bench.live_through(Duration::seconds(2)).await;
    bench.assert_promise_kept(&started).await;
    let ledger = bench.client.ledger().await.unwrap();
    let numbers = ledger["numbers"].as_array().unwrap();
    assert!(numbers.iter().all(|number| number["channel_external_id"] == ids[1].as_str()), "{numbers:#?}");
    assert_eq!(choose(&bench, &started, &ids[1]).await.status, 202);
    bench.assert_promise_kept(&started).await;
}

#[tokio::test]
async fn three_number_choices_at_once_connect_one_number() {
    let bench = TestBench::new().await;
    let (started, ids) = choosing(&bench).await;
    let path = format!("/v1/onboardings/{}/number", started.id);
    let posts: Vec<_> = ids
        .iter()
        .map(|id| {
            let (client, path, token) = (bench.client.clone(), path.clone(), started.token().to_owned());
            let body = json!({"phone_number_id": id});
            tokio::spawn(async move { client.post(&path, &token, &body).await.unwrap() })
        })
        .collect();
    let mut accepted = Vec::new();
    for post in posts {
        let answer = post.await.unwrap();
        match answer.status {
            202 => accepted.push(answer.body["number"]["id"].clone()),
            _ => assert_eq!(answer.body["code"], "not_choosable", "{}", answer.body),
        }
    }
    assert_eq!(accepted, [bench.record(&started).await["signup"]["number"]["id"].clone()]);
    bench.live_through(Duration::seconds(2)).await;
    bench.assert_promise_kept(&started).await;
}

#[tokio::test]
async fn a_number_cannot_be_chosen_before_there_is_a_choice() {
    let bench = TestBench::new().await;
    let started = bench.client.start("tenant-1").await.unwrap();
    let before = bench.everything().await;
    choose(&bench, &started, "51234567890").await.assert_problem(409, "not_choosable");
    assert_eq!(bench.everything().await, before);
    bench.finish(&started, "one_number").await;
}

#[tokio::test]
async fn numbers_of_one_waba_go_to_several_onboardings_but_each_to_one() {
    let bench = TestBench::new().await;
    let (first, ids) = choosing(&bench).await;
    assert_eq!(choose(&bench, &first, &ids[0]).await.status, 202);
    let second = bench.client.start("tenant-2").await.unwrap();
    let popup = bench.client.popup("several_numbers", "finish").await.unwrap();
    assert_eq!(bench.callback(&second, &popup).await.body["status"], "number_choice");
    choose(&bench, &second, &ids[0]).await.assert_problem(409, "number_taken");
    assert_eq!(bench.status(&second).await, "number_choice");
    assert_eq!(choose(&bench, &second, &ids[2]).await.status, 202);
    bench.live_through(Duration::seconds(90)).await;
    bench.assert_key_works(&first).await;
    bench.assert_key_works(&second).await;
    bench.assert_nothing_left();
}

#[tokio::test]
async fn a_repeated_callback_shows_the_choice_again_and_another_one_does_not_change_it() {
    let bench = TestBench::new().await;
    let started = bench.client.start("tenant-1").await.unwrap();
    let popup = bench.client.popup("several_numbers", "finish").await.unwrap();
    let first = bench.callback(&started, &popup).await;
    let again = bench.callback(&started, &popup).await;
    assert_eq!((again.status, again.body), (200, first.body.clone()));
    let other = bench.client.popup("one_number", "finish").await.unwrap();
    bench.callback(&started, &other).await.assert_problem(409, "already_signed_up");
    assert_eq!(bench.calls("exchange_code").await, 1);
    let id = first.body["numbers"][0]["id"].as_str().unwrap();
    assert_eq!(choose(&bench, &started, id).await.status, 202);
    bench.live_through(Duration::seconds(2)).await;
    bench.assert_promise_kept(&started).await;
}

#[tokio::test]
async fn a_waba_without_a_number_is_refused_and_another_popup_works() {
    let bench = TestBench::new().await;
    let started = bench.client.start("tenant-1").await.unwrap();
    let popup = bench.client.popup("no_number", "finish").await.unwrap();
    assert_eq!(popup["session"]["event"], "FINISH_ONLY_WABA");
    bench.callback(&started, &popup).await.assert_problem(422, "no_number");
    let record = bench.record(&started).await;
    assert_eq!((&record["status"], &record["attempts"][0]["error_code"]), (&json!("started"), &json!("no_number")));
    bench.finish(&started, "one_number").await;
}

#[tokio::test]
async fn a_number_that_stays_in_the_app_needs_no_choice() {
    let bench = TestBench::new().await;
    let started = bench.client.start("tenant-1").await.unwrap();
    let popup = bench.client.popup("coexistence", "finish").await.unwrap();
    assert_eq!(popup["session"]["data"].get("phone_number_id"), None);
    let reply = bench.callback(&started, &popup).await;
    assert_eq!((reply.status, &reply.body["status"]), (200, &json!("signed_up")), "{}", reply.text);
    assert_eq!(bench.record(&started).await["signup"]["coexistence"], Value::Bool(true));
    bench.live_through(Duration::seconds(2)).await;
    bench.assert_promise_kept(&started).await;
}
