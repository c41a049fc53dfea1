//! The log of all tests of this binary is scanned for secrets. This test shows that the scan would see them.

#![expect(clippy::disallowed_methods, reason = "the secrets are made up")]

use secrecy::ExposeSecret;
use time::Duration;

use crate::support::TestBench;
use crate::support::log_scan::{LogScan, opens_something};

#[tokio::test]
async fn the_log_scan_sees_every_secret_of_an_onboarding_and_allows_every_id() {
    let bench = TestBench::new().await;
    let before = LogScan::lines();
    let started = bench.client.start("tenant-1").await.unwrap();
    let popup = bench.client.popup("one_number", "finish").await.unwrap();
    assert_eq!(bench.callback(&started, &popup).await.status, 200);
    bench.live_through(Duration::minutes(1)).await;
    bench.assert_promise_kept(&started).await;
    assert!(LogScan::lines() > before, "nothing was looked through");

    let fake = simulator::Settings::default();
    let kept = &bench.stack.twins.vault.keys()[0].1;
    for secret in [
        started.token(),
        popup["code"].as_str().unwrap(),
        kept.api_key.expose_secret(),
        &fake.api_key,
        &fake.app_secret,
        &fake.system_user_token,
        local::settings::BACKEND_TOKEN,
        local::settings::PLATFORM_SECRET,
        local::settings::VERIFY_TOKEN,
    ] {
        assert!(opens_something(&format!(r#"{{"level":"INFO","detail":"took {secret} from there"}}"#)), "{secret}");
    }
    // The ledger is the fake's own and holds keys; a record is what the partner sees.
    let record = bench.record(&started).await.to_string();
    assert!(!opens_something(&record), "{record}");
}
