//! Several onboardings with one e-mail address: one of them creates the client account.

use serde_json::json;
use time::Duration;

use crate::support::TestBench;

#[tokio::test]
async fn onboardings_with_one_email_address_share_one_client_account() {
    let bench = TestBench::new().await;
    let mut started = Vec::new();
    for n in 0..6 {
        let mut body = local::client::start_body(&format!("tenant-{n}"));
        body["client"]["email"] =
            json!(if n % 2 == 0 { "lena.voss@nordlicht.example" } else { "Lena.Voss@nordlicht.example" });
        let answer = bench.client.post("/v1/onboardings", local::settings::BACKEND_TOKEN, &body).await.unwrap();
        started.push(answer.succeeded().unwrap()["id"].as_str().unwrap().to_owned());
    }
    bench.live_through(Duration::minutes(3)).await;

    assert_eq!(bench.count("clients").await, 1);
    for id in started {
        assert_eq!(bench.client.record(&id).await.unwrap()["client"]["state"], "known");
    }
    bench.assert_nothing_left();
}
