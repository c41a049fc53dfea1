//! What `e2e/generators` has added is at work in the local stack.

use runtime::settings::{Brand, Env};

use crate::support::TestBench;

#[test]
fn the_added_setting_is_read() {
    let mut env = Env::new([("PARTNER_SLOGAN".to_owned(), "We answer".to_owned())]);
    assert_eq!(Brand::read(&mut env).unwrap().slogan.as_deref(), Some("We answer"));
}

#[tokio::test]
async fn the_added_route_answers() {
    let bench = TestBench::new().await;
    let reply = bench.get("/v1/ping", "").await;
    assert_eq!((reply.status, reply.text.as_str()), (200, "true"));
}

#[tokio::test]
async fn the_added_locale_is_served() {
    let bench = TestBench::new().await;
    assert_eq!(bench.get("/v1/signup/eo.json", "").await.body["title"], "Konekti WhatsApp", "signup/texts/eo.json");
    assert!(bench.get("/v1/signup", "").await.text.contains(r#""eo""#));
}

#[tokio::test]
async fn the_added_step_runs_before_the_next() {
    let bench = TestBench::new().await;
    let started = bench.signed_up("tenant-1", "one_number").await;
    bench.live_through(time::Duration::seconds(2)).await;
    bench.assert_promise_kept(&started).await;
    let record = bench.client.record(&started.id).await.unwrap();
    let history = record["history"].as_array().unwrap();
    let place = |event: &str| history.iter().position(|entry| entry["event"]["event"] == event).unwrap();
    assert!(place("welcomed") < place("number_accepted"));
}
