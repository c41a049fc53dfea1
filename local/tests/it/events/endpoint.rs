//! The partner's webhook: tries, back-off, switching off and on, signatures, addresses.

use std::collections::{BTreeMap, BTreeSet};

use local::Options;
use local::settings::PARTNER_WEBHOOK_SECRET;
use serde_json::Value;
use simulator::{Received, Reply};
use time::Duration;

use super::{WithWebhook, types};
use crate::support::TestBench;
use crate::support::log::Log;

const UNDELIVERED: &str = r#""metric":"event_undelivered""#;

/// When each event was tried, in seconds, by its id.
fn tries(received: &[Received]) -> BTreeMap<&str, Vec<i64>> {
    let mut tries: BTreeMap<&str, Vec<i64>> = BTreeMap::new();
    for received in received {
        assert_eq!(received.problem, None, "{received:#?}");
        tries.entry(received.id.as_str()).or_default().push(received.at);
    }
    tries
}

async fn webhook_of(with: &WithWebhook, id: &str) -> Value {
    let feed = with.feed().await;
    feed.iter().find(|event| event["id"] == id).unwrap()["delivery"]["webhook"].clone()
}

#[tokio::test]
async fn an_event_is_tried_again_at_its_times_with_the_same_id_and_a_right_signature() {
    let with = WithWebhook::new().await;
    with.receiver.reply([Reply::Status(500), Reply::Status(500), Reply::Hang, Reply::Close]);
    let id = {
        with.bench.client.start("tenant-1").await.unwrap();
        with.bench.stack.wake().await;
        with.bench.tell_events().await;
        with.receiver.received()[0].id.clone()
    };
    with.bench.live_through(Duration::hours(4)).await;
    let received = with.receiver.received();
    let times = &tries(&received)[id.as_str()];
    let waits: Vec<i64> = times.windows(2).map(|pair| pair[1] - pair[0]).collect();
    // Not before its time; the endpoint's own back-off may let another event go first.
    for (wait, least) in waits.iter().zip([5, 300, 1800]) {
        assert!(*wait >= least, "{waits:?}");
    }
    assert!(times.len() >= 3, "{times:?}");
    let bodies: BTreeSet<&str> =
        received.iter().filter(|received| received.id == id).map(|received| received.body.as_str()).collect();
    assert_eq!(bodies.len(), 1, "the same body each time");
    let shown = webhook_of(&with, &id).await;
    assert_eq!(shown["state"], "delivered", "{shown:#}");
    let tried: Vec<&Value> = shown["tries"].as_array().unwrap().iter().map(|tried| &tried["status"]).collect();
    assert_eq!((tried[0], tried.last().unwrap()), (&500.into(), &&204.into()), "{shown:#}");
}

#[tokio::test]
async fn an_endpoint_that_is_dead_for_six_days_is_switched_off_and_loses_nothing() {
    let (log, _guard) = Log::listen();
    let with = WithWebhook::new().await;
    let (bench, receiver) = (&with.bench, &with.receiver);
    receiver.always_reply(Reply::Close);
    let started = bench.signed_up("tenant-1", "one_number").await;
    bench.live_through(Duration::minutes(2)).await;
    assert_eq!(bench.status(&started).await, "ready", "a dead endpoint delays no onboarding");
    let on_bus = bench.stack.twins.bus.events().len();
    assert!(on_bus >= 6, "nor the event bus");
    bench.live_through(Duration::days(6)).await;
    assert_eq!(log.lines_with(UNDELIVERED), 1);
    let requests = receiver.received().len();
    // As many as one event alone would have been tried, and a few of the first moment.
    assert!((8..=16).contains(&requests), "{requests}");
    bench.client.start("tenant-2").await.unwrap();
    bench.live_through(Duration::days(2)).await;
    assert_eq!(receiver.received().len(), requests, "it is off");
    assert!(bench.stack.twins.bus.events().len() > on_bus, "the bus is not");

    // A test that fails leaves it off.
    let failed = with.test_event().await;
    bench.live_through(Duration::hours(1)).await;
    assert_eq!(receiver.received().len(), requests + 1);
    let shown = webhook_of(&with, &failed).await;
    assert_eq!((&shown["state"], &shown["next_try_at"]), (&"given_up".into(), &Value::Null));
    receiver.always_reply(Reply::Status(204));
    bench.live_through(Duration::days(1)).await;
    assert_eq!(receiver.received().len(), requests + 1);
    // One that succeeds switches it on, and what waited goes out.
    with.test_event().await;
    bench.live_through(Duration::minutes(5)).await;
    let taken: BTreeSet<String> =
        receiver.events().iter().map(|event| event["id"].as_str().unwrap().to_owned()).collect();
    let feed = with.feed().await;
    for event in feed.iter().filter(|event| event["id"] != failed.as_str()) {
        assert!(taken.contains(event["id"].as_str().unwrap()), "{event:#}");
    }
    assert_eq!(log.lines_with(UNDELIVERED), 1);
}

#[tokio::test]
async fn an_event_that_the_endpoint_never_takes_keeps_no_other_from_it() {
    let (log, _guard) = Log::listen();
    let with = WithWebhook::new().await;
    let (bench, receiver) = (&with.bench, &with.receiver);
    receiver.reply([Reply::Status(400)]);
    bench.client.start("tenant-1").await.unwrap();
    bench.stack.wake().await;
    bench.tell_events().await;
    let poison = receiver.received()[0].id.clone();
    receiver.refuse(&poison);
    bench.live_through(Duration::hours(1)).await;
    // It is tried at its times, and what comes meanwhile at once.
    let started = bench.signed_up("tenant-2", "one_number").await;
    bench.live_through(Duration::minutes(2)).await;
    assert_eq!(bench.status(&started).await, "ready");
    let others = |events: &[Value]| events.iter().filter(|event| event["id"] != poison.as_str()).count();
    let feed = with.feed().await;
    assert_eq!(receiver.events().len(), others(&feed), "all but the one");
    assert_eq!(webhook_of(&with, &poison).await["delivered_at"], Value::Null);
    bench.live_through(Duration::days(6)).await;
    assert_eq!(webhook_of(&with, &poison).await["state"], "given_up");
    assert_eq!(log.lines_with(UNDELIVERED), 1);
    // Others go out as before.
    bench.client.start("tenant-3").await.unwrap();
    bench.live_through(Duration::minutes(1)).await;
    assert_eq!(receiver.events().len(), others(&with.feed().await));
}

#[tokio::test]
async fn a_redirect_is_no_success_and_is_not_followed() {
    let with = WithWebhook::new().await;
    let elsewhere = WithWebhook::new().await;
    with.receiver.reply([Reply::Redirect(elsewhere.receiver.url())]);
    with.bench.client.start("tenant-1").await.unwrap();
    with.bench.live_through(Duration::minutes(1)).await;
    assert_eq!(elsewhere.receiver.received(), []);
    let first = with.receiver.received()[0].id.clone();
    assert_eq!(webhook_of(&with, &first).await["tries"][0]["status"], 307);
    assert_eq!(webhook_of(&with, &first).await["state"], "delivered");
}

#[tokio::test]
async fn both_secrets_sign_while_one_is_being_rotated() {
    let next = "whsec_bmV4dC1wYXJ0bmVyLXdlYmhvb2stc2VjcmV0IQ==";
    for known in [PARTNER_WEBHOOK_SECRET, next] {
        let with = WithWebhook::signed_with(&[known]).await;
        with.change_secret(|secrets| secrets.insert(0, next.parse().unwrap())).await;
        with.bench.client.start("tenant-1").await.unwrap();
        with.bench.settle().await;
        let received = with.receiver.received();
        assert!(!received.is_empty() && received.iter().all(|received| received.problem.is_none()), "{received:#?}");
    }
}

/// The operator is told by the alarm, and nothing is lost.
#[tokio::test]
async fn a_webhook_without_a_secret_is_told_of_and_the_bus_goes_on() {
    let (log, _guard) = Log::listen();
    let with = WithWebhook::new().await;
    with.change_secret(Vec::clear).await;
    with.bench.client.start("tenant-1").await.unwrap();
    with.bench.live_through(Duration::minutes(10)).await;
    assert_eq!(with.receiver.received(), []);
    assert_eq!(with.bench.stack.twins.bus.events().len(), 2);
    let told = log.lines_with(UNDELIVERED);
    assert!((2..=8).contains(&told), "{told}");
    let secret = PARTNER_WEBHOOK_SECRET.parse().unwrap();
    with.change_secret(|secrets| secrets.push(secret)).await;
    with.bench.live_through(Duration::hours(3)).await;
    assert_eq!(with.receiver.events().len(), 2);
    assert_eq!(with.bench.stack.twins.bus.events().len(), 2);
}

#[tokio::test]
async fn a_bus_that_refuses_keeps_no_event_from_the_webhook_and_gets_it_later() {
    let with = WithWebhook::new().await;
    let bus = &with.bench.stack.twins.bus;
    bus.fail_next(5);
    let started = with.bench.signed_up("tenant-1", "one_number").await;
    with.bench.live_through(Duration::minutes(30)).await;
    assert_eq!(with.bench.status(&started).await, "ready");
    let events = with.receiver.events();
    let put: BTreeSet<String> = bus.events().into_iter().map(|event| event.detail_type).collect();
    assert_eq!(put, types(&events).into_iter().map(str::to_owned).collect());
    assert_eq!(bus.events().len(), events.len());
}

#[tokio::test]
async fn an_address_that_a_webhook_may_not_have_is_refused_at_the_start() {
    for url in ["http://partner.example/", "https://10.0.0.1/", "https://partner.example:8443/", "nowhere"] {
        let variables = vec![("PARTNER_WEBHOOK_URL".to_owned(), url.to_owned())];
        let options = Options { variables, by_hand: true, ..Options::default() };
        let error = local::LocalStack::start(options).await.err().unwrap().to_string();
        assert!(error.contains("PARTNER_WEBHOOK_URL must"), "{url}: {error}");
    }
}

/// The name of this machine resolves to an address that is not public.
#[tokio::test]
async fn a_name_that_leads_inside_is_not_called() {
    let http = exchange::client_resolving_with(partner_webhook::PublicAddresses).unwrap();
    let with = WithWebhook::new().await;
    let url = with.receiver.url().replace("127.0.0.1", "localhost");
    assert!(http.post(&url).body("{}").send().await.is_err_and(|error| error.is_connect()));
    assert_eq!(with.receiver.received(), []);
    // The same without the resolver is answered.
    let anywhere = exchange::client().unwrap();
    assert_eq!(anywhere.post(&url).body("{}").send().await.unwrap().status(), 401);
    drop::<TestBench>(with.bench);
}
