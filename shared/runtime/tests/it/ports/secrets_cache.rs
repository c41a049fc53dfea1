#![expect(clippy::disallowed_methods, reason = "the secrets are made up")]

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};

use secrecy::ExposeSecret;
use secrets::{BundleSecret, CachedSecret, MemorySecret, Secret, SecretError};
use serde_json::{Value, json};
use time::Duration;

use super::bundle::complete;
use crate::support::aws::Aws;
use crate::support::time::Time;

struct Setup {
    aws: Aws,
    time: Time,
    secret: CachedSecret<BundleSecret>,
    value: Arc<Mutex<Value>>,
    down: Arc<AtomicBool>,
}

impl Setup {
    async fn new() -> Self {
        let (value, down) = (Arc::new(Mutex::new(complete())), Arc::new(AtomicBool::new(false)));
        let (answer, refuse) = (Arc::clone(&value), Arc::clone(&down));
        let aws = Aws::start(move |_, _| {
            if refuse.load(Ordering::Relaxed) {
                return Err("AccessDeniedException: not you, canary");
            }
            Ok(json!({ "SecretString": answer.lock().unwrap().to_string() }))
        })
        .await;
        let time = Time::new();
        let secret = CachedSecret::new(
            aws_sdk_secretsmanager::Client::new(&aws.config),
            "stack/bundle".to_owned(),
            BundleSecret::parse,
            time.clock(),
        );
        Self { aws, time, secret, value, down }
    }

    fn rotate(&self) {
        self.value.lock().unwrap()["backend_token"] = "canary-rotated".into();
    }

    fn calls(&self) -> usize {
        self.aws.calls().len()
    }
}

#[tokio::test]
async fn the_secret_is_read_again_after_five_minutes() {
    let setup = Setup::new().await;
    let first = setup.secret.value().await.unwrap();
    setup.rotate();
    setup.time.pass(Duration::seconds(299));
    assert!(Arc::ptr_eq(&first, &setup.secret.value().await.unwrap()));
    setup.time.pass(Duration::seconds(1));
    let second = setup.secret.value().await.unwrap();
    assert_eq!(second.backend_token.expose_secret(), "canary-rotated");
    assert_eq!(setup.aws.calls()[0], ("GetSecretValue".to_owned(), json!({ "SecretId": "stack/bundle" })));
    assert_eq!(setup.calls(), 2);
}

#[tokio::test]
async fn a_refresh_of_the_secret_sees_a_rotation_and_reads_at_most_twice_a_minute() {
    let setup = Setup::new().await;
    setup.secret.value().await.unwrap();
    setup.rotate();
    setup.time.pass(Duration::seconds(29));
    assert_eq!(setup.secret.refresh().await.unwrap().backend_token.expose_secret(), "canary-backend");
    setup.time.pass(Duration::seconds(1));
    assert_eq!(setup.secret.refresh().await.unwrap().backend_token.expose_secret(), "canary-rotated");
    for _ in 0..10 {
        setup.secret.refresh().await.unwrap();
    }
    assert_eq!(setup.calls(), 2);
}

#[tokio::test]
async fn the_cached_secret_stays_in_use_while_secrets_manager_is_down_or_the_secret_is_broken() {
    let setup = Setup::new().await;
    let first = setup.secret.value().await.unwrap();
    setup.down.store(true, Ordering::Relaxed);
    setup.time.pass(Duration::minutes(6));
    for _ in 0..3 {
        assert!(Arc::ptr_eq(&first, &setup.secret.value().await.unwrap()));
    }
    assert_eq!(setup.calls(), 2, "asked again only after a pause");

    setup.down.store(false, Ordering::Relaxed);
    setup.value.lock().unwrap()["backend_token"] = Value::Null;
    setup.time.pass(Duration::seconds(30));
    assert!(Arc::ptr_eq(&first, &setup.secret.value().await.unwrap()));

    setup.rotate();
    setup.time.pass(Duration::seconds(30));
    assert_eq!(setup.secret.value().await.unwrap().backend_token.expose_secret(), "canary-rotated");
    assert_eq!(setup.calls(), 4);
}

#[tokio::test]
async fn concurrent_callers_share_one_read_of_the_secret_and_its_failure() {
    let setup = Setup::new().await;
    setup.down.store(true, Ordering::Relaxed);
    let failed = tokio::join!(setup.secret.value(), setup.secret.value(), setup.secret.refresh());
    let error = SecretError::Unavailable("AccessDeniedException".to_owned());
    assert_eq!(
        [failed.0.unwrap_err(), failed.1.unwrap_err(), failed.2.unwrap_err()],
        [error.clone(), error.clone(), error]
    );
    assert_eq!(setup.calls(), 1);

    setup.down.store(false, Ordering::Relaxed);
    let (a, b, c) = tokio::join!(setup.secret.value(), setup.secret.refresh(), setup.secret.value());
    assert!(a.is_ok() && b.is_ok() && c.is_ok());
    assert_eq!(setup.calls(), 2, "a failure with nothing to fall back on is not remembered");
}

#[tokio::test]
async fn an_incomplete_secret_is_distinguished_from_an_unavailable_one() {
    let setup = Setup::new().await;
    setup.value.lock().unwrap()["meta_app_secret"] = "REPLACE_ME".into();
    match setup.secret.value().await.unwrap_err() {
        SecretError::Incomplete(error) => assert_eq!(error.problems, ["meta_app_secret is missing"]),
        error @ SecretError::Unavailable(_) => panic!("{error}"),
    }
}

#[tokio::test]
async fn the_secrets_twin_rotates_at_the_next_refresh() {
    let bundle = |token: &str| {
        let mut fields = complete();
        fields["backend_token"] = token.into();
        BundleSecret::parse(&fields.to_string()).unwrap()
    };
    let secret = MemorySecret::new(bundle("canary-a"));
    secret.rotate(bundle("canary-b"));
    assert_eq!(secret.value().await.unwrap().backend_token.expose_secret(), "canary-a");
    assert_eq!(secret.refresh().await.unwrap().backend_token.expose_secret(), "canary-b");
    assert_eq!(secret.value().await.unwrap().backend_token.expose_secret(), "canary-b");
}
