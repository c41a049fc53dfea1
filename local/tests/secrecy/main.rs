//! Nothing that opens anything is ever logged. A binary of its own, so that the log of all threads is this test's.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on should stop")]

#[expect(dead_code, reason = "shared with the other tests, which use all of it")]
#[path = "../onboarding/answers.rs"]
mod answers;
#[expect(dead_code, reason = "shared with the other tests, which use all of it")]
#[path = "../onboarding/hooks.rs"]
mod hooks;
#[expect(dead_code, reason = "shared with the other tests, which use all of it")]
#[path = "../onboarding/state.rs"]
mod state;
#[path = "../onboarding/world.rs"]
mod world;

use std::io::{self, Write};
use std::sync::{Arc, Mutex};

use local::settings::{BACKEND_TOKEN, PLATFORM_SECRET, VERIFY_TOKEN};
use secrecy::ExposeSecret;
use serde_json::json;
use telemetry::subscriber;
use time::Duration;

use crate::hooks::channel_live;
use crate::world::World;

/// Keeps what is logged.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl Write for Log {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[tokio::test]
async fn no_line_of_a_whole_onboarding_with_all_its_mishaps_holds_a_secret() {
    let log = Log::default();
    let writer = log.clone();
    tracing::subscriber::set_global_default(subscriber("trace", move || writer.clone())).unwrap();

    let world = World::new().await;
    let started = world.client.start("tenant-1").await.unwrap();
    let mut secrets = vec![started.token().to_owned()];

    // Refused in every way in which a secret is part of what is refused.
    let misplaced = json!({"code": ["AQ-made-up-code-in-a-list"], "session": 7}).to_string();
    let callback = format!("/v1/onboardings/{}/es-callback", started.id);
    world.post_text(&callback, started.token(), misplaced).await.assert_problem(422, "invalid_field");
    world.post_text(&callback, started.token(), "{\"code\": \"AQ-made-up-code-cut-off").await;
    world.post(&callback, "a-wrong-setup-token", &json!({})).await.assert_problem(404, "not_found");
    world.callback(&started, &json!({"code": "AQ-made-up-code-refused"})).await.assert_problem(422, "code_refused");
    secrets.extend(["AQ-made-up-code", "a-wrong-setup-token"].map(str::to_owned));

    for fault in [
        json!({"route": "exchange_code", "status": 500}),
        json!({"route": "debug_token", "drop": true, "times": 3}),
        json!({"route": "phone_numbers", "body": "garbage", "times": 1}),
    ] {
        let popup = world.client.popup("one_number", "finish").await.unwrap();
        secrets.push(popup["code"].as_str().unwrap().to_owned());
        let echo = json!({"error": {"message": format!("cannot take {}", popup["code"]), "code": 100}});
        world.faults(json!([{"route": "exchange_code", "status": 400, "body": echo}, fault])).await;
        world.callback(&started, &popup).await.assert_problem(422, "code_refused");
        let popup = world.client.popup("one_number", "finish").await.unwrap();
        secrets.push(popup["code"].as_str().unwrap().to_owned());
        world.callback(&started, &popup).await.assert_problem(503, "unavailable");
    }

    let echo = json!({"meta": {"developer_message": "refused"}});
    world
        .faults(json!([
            {"route": "create_client", "status": 500, "after_effect": true},
            {"route": "numbers", "status": 429},
            {"route": "api_keys", "status": 500, "after_effect": true},
            {"route": "set_message_webhook", "status": 500, "body": echo},
        ]))
        .await;
    let popup = world.client.popup("one_number", "finish").await.unwrap();
    secrets.push(popup["code"].as_str().unwrap().to_owned());
    assert_eq!(world.callback(&started, &popup).await.status, 200);
    world.live_through(Duration::minutes(4)).await;
    world.assert_promise_kept(&started).await;
    let live = channel_live(&world, "evt_1").await.to_string();
    world.hub_webhook_with(&live, "x-360dialog-signature", PLATFORM_SECRET).await.assert_problem(401, "not_authentic");

    let fake = simulator::Settings::default();
    secrets.extend([BACKEND_TOKEN, PLATFORM_SECRET, VERIFY_TOKEN, "made-up-message-token"].map(str::to_owned));
    secrets.extend([fake.app_secret, fake.api_key, fake.system_user_token]);
    let keys = world.client.ledger().await.unwrap()["keys"].clone();
    let keys = keys.as_array().unwrap();
    assert!(keys.len() > 1, "no key was lost on its way");
    secrets.extend(keys.iter().map(|key| key["api_key"].as_str().unwrap().to_owned()));
    let vault = world.stack.world.vault.keys();
    secrets.push(vault[0].1.api_key.expose_secret().to_owned());

    let text = String::from_utf8(log.0.lock().unwrap().clone()).unwrap();
    for line in text.lines() {
        for secret in &secrets {
            assert!(!line.contains(secret.as_str()), "{secret} in {line}");
        }
        // Business tokens, by what they begin with at Meta and in the simulator.
        assert!(!line.contains("EAA") && !line.contains("Bearer "), "{line}");
    }
    // It is the whole log that was looked at.
    for step in ["client_account", "es_callback", "number_submission", "key_creation"] {
        assert!(text.contains(&format!("\"step\":\"{step}\"")), "{step}");
    }
    for part in ["POST /oauth/access_token", "/api_keys", &started.id] {
        assert!(text.contains(part), "{part}");
    }
}
