//! The partner says whose an unclaimed signup is. It is checked at Meta where that is possible, and given once.

use local::client::Started;
use local::settings::BACKEND_TOKEN;
use secrets::Secret;
use serde_json::{Value, json};
use time::Duration;

use crate::support::TestBench;
use crate::support::replies::Reply;

impl TestBench {
    async fn claim(&self, started: &Started, claim: &Value) -> Reply {
        self.post(&format!("/v1/onboardings/{}/claim", started.id), BACKEND_TOKEN, claim).await
    }

    /// A signup that Meta reported. Returns what the partner claims it with.
    pub(crate) async fn reported_signup(&self, account: &str) -> Value {
        let popup = self.client.popup(account, "finish").await.unwrap();
        self.meta_reports(account, "PARTNER_ADDED").await;
        self.live_on_schedule(Duration::minutes(15)).await;
        let data = &popup["session"]["data"];
        json!({"waba_id": data["waba_id"], "phone_number_id": data["phone_number_id"]})
    }
}

#[tokio::test]
async fn a_signup_that_the_partner_claims_ends_with_a_key() {
    let bench = TestBench::new().await;
    let started = bench.at_meta("tenant-1").await;
    let claim = bench.reported_signup("one_number").await;
    let reply = bench.claim(&started, &claim).await;
    assert_eq!((reply.status, &reply.body["status"]), (200, &json!("signed_up")), "{}", reply.text);
    assert_eq!(reply.body["signup"]["source"], "partner");
    assert!(reply.body["signup"]["waba_name"].is_string(), "Meta was asked");
    assert_eq!(bench.unclaimed().await, Vec::<Value>::new());
    // The same again is done already.
    assert_eq!(bench.claim(&started, &claim).await.status, 200);
    assert_eq!(bench.calls("recover_token").await, 1);
    bench.live_through(Duration::seconds(2)).await;
    bench.assert_promise_kept(&started).await;
    let record = bench.record(&started).await;
    let proven = record["history"].as_array().unwrap().iter().find(|entry| entry["event"]["event"] == "signup_proven");
    assert_eq!(proven.unwrap()["event"]["signup"]["source"], "partner");
}

#[tokio::test]
async fn a_signup_is_given_once() {
    let bench = TestBench::new().await;
    let both = [bench.at_meta("tenant-1").await, bench.at_meta("tenant-2").await];
    let claim = bench.reported_signup("one_number").await;
    let (first, second) = tokio::join!(bench.claim(&both[0], &claim), bench.claim(&both[1], &claim));
    let mut answers = [&first, &second].map(|reply| (reply.status, reply.body["code"].as_str().unwrap_or_default()));
    answers.sort_unstable();
    assert_eq!(answers[0], (200, ""));
    assert!([(409, "signup_unknown"), (409, "number_taken")].contains(&answers[1]), "{answers:?}");
}

#[tokio::test]
async fn only_a_reported_signup_can_be_claimed_and_only_for_who_has_none() {
    let bench = TestBench::new().await;
    let started = bench.client.start("tenant-1").await.unwrap();
    let made_up = json!({"waba_id": "409812357760199", "phone_number_id": "512904417735201"});
    bench.claim(&started, &made_up).await.assert_problem(409, "signup_unknown");
    let owner = bench.signed_up("tenant-2", "one_number:2").await;
    let claim = bench.reported_signup("one_number").await;
    bench.claim(&owner, &claim).await.assert_problem(409, "already_signed_up");
    bench.claim(&started, &json!({"waba_id": "x", "phone_number_id": 7})).await.assert_problem(422, "invalid_field");
    bench
        .claim(&started, &json!({"waba_id": "x", "phone_number_id": "y"}))
        .await
        .assert_fields(&["waba_id", "phone_number_id"]);
    let path = format!("/v1/onboardings/{}/claim", started.id);
    bench.post(&path, started.token(), &claim).await.assert_problem(401, "unauthorized");
    assert_eq!(bench.status(&started).await, "started");
    assert_eq!(bench.unclaimed().await.len(), 1);
}

#[tokio::test]
async fn what_meta_refuses_the_partner_cannot_claim() {
    let bench = TestBench::new().await;
    let started = bench.client.start("tenant-1").await.unwrap();
    let mut claim = bench.reported_signup("one_number").await;
    let number = claim["phone_number_id"].take();
    claim["phone_number_id"] = json!("512904417735201");
    bench.claim(&started, &claim).await.assert_problem(422, "number_not_in_waba");
    claim["phone_number_id"] = number;
    bench.fault(json!({"route": "recover_token", "status": 500, "times": 3})).await;
    bench.claim(&started, &claim).await.assert_problem(503, "unavailable");
    assert_eq!((bench.status(&started).await.as_str(), bench.unclaimed().await.len()), ("started", 1));
    bench.mend().await;
    assert_eq!(bench.claim(&started, &claim).await.status, 200);
}

#[tokio::test]
async fn without_a_system_user_the_partners_word_stands() {
    let bench = TestBench::new().await;
    bench.change_secret(|bundle| bundle.meta_system_user_token = None).await;
    bench.stack.twins.bundle.refresh().await.unwrap();
    let started = bench.client.start("tenant-1").await.unwrap();
    let claim = bench.reported_signup("one_number").await;
    assert_eq!(bench.claim(&started, &claim).await.status, 200);
    assert_eq!(bench.calls("recover_token").await, 0);
    assert!(bench.record(&started).await["signup"]["business_id"].is_string(), "as Meta reported");
    bench.live_through(Duration::seconds(2)).await;
    bench.assert_promise_kept(&started).await;
}

#[tokio::test]
async fn a_number_of_another_onboarding_cannot_be_claimed() {
    let bench = TestBench::new().await;
    let claim = bench.reported_signup("several_numbers").await;
    let owner = bench.signed_up("tenant-1", "several_numbers").await;
    let number = bench.page_view(&owner).await.body["numbers"][0]["id"].clone();
    let path = format!("/v1/onboardings/{}/number", owner.id);
    assert_eq!(bench.post(&path, owner.token(), &json!({"phone_number_id": number})).await.status, 202);
    bench.live_on_schedule(Duration::minutes(5)).await;
    // Nobody has the WABA as far as the table knows, and the number has its owner.
    let started = bench.client.start("tenant-2").await.unwrap();
    let signup = store::UnclaimedSignup {
        waba_id: claim["waba_id"].as_str().unwrap().parse().unwrap(),
        business_id: None,
        event: "PARTNER_ADDED".to_owned(),
        reported_at: None,
        received_at: bench.now(),
    };
    assert!(bench.stack.twins.store.keep_unclaimed(&signup, true).await.unwrap());
    let claim = json!({"waba_id": claim["waba_id"], "phone_number_id": number});
    bench.claim(&started, &claim).await.assert_problem(409, "number_taken");
    assert_eq!(bench.unclaimed().await.len(), 1);
    assert_eq!(bench.status(&owner).await, "ready");
}
