//! The log of all these tests is looked through for secrets; here is shown that what looks does see.

use secrecy::ExposeSecret;
use time::Duration;

use crate::world::World;
use crate::world::log_scan::{LogScan, opens_something};

#[tokio::test]
async fn every_secret_of_an_onboarding_would_be_seen_in_the_log_and_every_id_may_stand_there() {
    let world = World::new().await;
    let before = LogScan::lines();
    let started = world.client.start("tenant-1").await.unwrap();
    let popup = world.client.popup("one_number", "finish").await.unwrap();
    assert_eq!(world.callback(&started, &popup).await.status, 200);
    world.live_through(Duration::minutes(1)).await;
    world.assert_promise_kept(&started).await;
    assert!(LogScan::lines() > before, "nothing was looked through");

    let fake = simulator::Settings::default();
    let kept = &world.stack.world.vault.keys()[0].1;
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
    let record = world.record(&started).await.to_string();
    assert!(!opens_something(&record), "{record}");
}
