//! The whole log of one onboarding, at the finest level of every crate, holds none of its secrets.
//!
//! In a process of its own: the subscriber of a process can be set once, and the log of all threads has to be this test's
//! alone. All other tests of the binary share the one of [`crate::support::log_scan`].

#![expect(clippy::disallowed_methods, reason = "the secrets are made up")]

use std::io::{self, Write};
use std::sync::{Arc, Mutex};

use local::settings::{BACKEND_TOKEN, PLATFORM_SECRET, VERIFY_TOKEN};
use rusty_fork::rusty_fork_test;
use secrecy::ExposeSecret;
use serde_json::json;
use telemetry::subscriber;
use time::Duration;
use tokio::runtime::Builder;

use crate::support::TestBench;
use crate::support::webhooks::channel_live;

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

rusty_fork_test! {
    #[test]
    fn no_log_line_of_an_onboarding_with_faults_holds_a_secret() {
        Builder::new_current_thread().enable_all().build().unwrap().block_on(assert_no_secret_is_logged());
    }
}

/// Goes through an onboarding in which much goes wrong, and looks for each of its secrets in each line of the log.
async fn assert_no_secret_is_logged() {
    let log = Log::default();
    let writer = log.clone();
    tracing::subscriber::set_global_default(subscriber("trace", move || writer.clone())).unwrap();

    let bench = TestBench::new().await;
    let started = bench.client.start("tenant-1").await.unwrap();
    let mut secrets = vec![started.token().to_owned()];

    // Refused in every way in which a secret is part of what is refused.
    let misplaced = json!({"code": ["AQ-made-up-code-in-a-list"], "session": 7}).to_string();
    let callback = format!("/v1/onboardings/{}/es-callback", started.id);
    bench.post_text(&callback, started.token(), misplaced).await.assert_problem(422, "invalid_field");
    bench.post_text(&callback, started.token(), "{\"code\": \"AQ-made-up-code-cut-off").await;
    bench.post(&callback, "a-wrong-setup-token", &json!({})).await.assert_problem(404, "not_found");
    bench.callback(&started, &json!({"code": "AQ-made-up-code-refused"})).await.assert_problem(422, "code_refused");
    secrets.extend(["AQ-made-up-code", "a-wrong-setup-token"].map(str::to_owned));

    for fault in [
        json!({"route": "exchange_code", "status": 500}),
        json!({"route": "debug_token", "drop": true, "times": 3}),
        json!({"route": "phone_numbers", "body": "garbage", "times": 1}),
    ] {
        let popup = bench.client.popup("one_number", "finish").await.unwrap();
        secrets.push(popup["code"].as_str().unwrap().to_owned());
        let echo = json!({"error": {"message": format!("cannot take {}", popup["code"]), "code": 100}});
        bench.faults(json!([{"route": "exchange_code", "status": 400, "body": echo}, fault])).await;
        bench.callback(&started, &popup).await.assert_problem(422, "code_refused");
        let popup = bench.client.popup("one_number", "finish").await.unwrap();
        secrets.push(popup["code"].as_str().unwrap().to_owned());
        let reply = bench.callback(&started, &popup).await;
        // Once the code is exchanged, its token is kept, sealed.
        assert!(reply.body["code"] == "unavailable" || reply.body["status"] == "confirming", "{}", reply.text);
    }

    let echo = json!({"meta": {"developer_message": "refused"}});
    bench
        .faults(json!([
            {"route": "create_client", "status": 500, "after_effect": true},
            {"route": "numbers", "status": 429},
            {"route": "api_keys", "status": 500, "after_effect": true},
            {"route": "set_message_webhook", "status": 500, "body": echo},
        ]))
        .await;
    let popup = bench.client.popup("one_number", "finish").await.unwrap();
    secrets.push(popup["code"].as_str().unwrap().to_owned());
    assert_eq!(bench.callback(&started, &popup).await.status, 200);
    bench.live_through(Duration::minutes(40)).await;
    bench.assert_promise_kept(&started).await;
    let live = channel_live(&bench, "evt_1").await.to_string();
    bench.hub_webhook_with(&live, "x-360dialog-signature", PLATFORM_SECRET).await.assert_problem(401, "not_authentic");

    let fake = simulator::Settings::default();
    secrets.extend(
        [BACKEND_TOKEN, PLATFORM_SECRET, VERIFY_TOKEN, "made-up-message-token", "made-up-sealing-key"]
            .map(str::to_owned),
    );
    secrets.extend([fake.app_secret, fake.api_key, fake.system_user_token]);
    let keys = bench.client.ledger().await.unwrap()["keys"].clone();
    let keys = keys.as_array().unwrap();
    assert!(keys.len() > 1, "no key was lost on its way");
    secrets.extend(keys.iter().map(|key| key["api_key"].as_str().unwrap().to_owned()));
    let vault = bench.stack.twins.vault.keys();
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
