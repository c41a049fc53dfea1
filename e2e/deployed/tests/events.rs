//! The events for `sam local invoke`, in `events/`: made here from the data of the other tests, so that they cannot drift.
//! `UPDATE_EVENTS=1 cargo test -p deployed --test events` writes them anew.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on should stop")]

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use aws_lambda_events::sqs::SqsEvent;
use hmac::{Hmac, KeyInit, Mac};
use local::client::start_body;
use local::settings::{BACKEND_TOKEN, PLATFORM_SECRET, VERIFY_TOKEN};
use serde_json::{Value, json};
use sha2::Sha256;
use shared::hub::signature;
use shared::queue::Task;

/// The onboarding that the events are about.
const ONBOARDING: &str = "onb_019a47c05e2c7d3fb1a6c94e8f20d7ab";
/// Its setup token.
const SETUP_TOKEN: &str = "bG9jYWwtc2V0dXAtdG9rZW4tb2YtdGhlLWV2ZW50cyE";

#[test]
fn events_are_those_of_the_test_data() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../events");
    let events = events();
    if std::env::var_os("UPDATE_EVENTS").is_some() {
        std::fs::create_dir_all(&folder).unwrap();
        for (name, event) in &events {
            std::fs::write(path(&folder, name), format!("{event:#}\n")).unwrap();
        }
    }
    let written =
        |name: &str| -> Option<Value> { serde_json::from_slice(&std::fs::read(path(&folder, name)).ok()?).ok() };
    for (name, event) in &events {
        assert_eq!(written(name).as_ref(), Some(event), "events/{name}.json is not what the test data says");
    }
    let files = std::fs::read_dir(&folder).unwrap().count();
    assert_eq!(files, events.len(), "events/ holds a file that no test data stands for");
}

#[test]
fn functions_can_read_the_events() {
    for (name, event) in events() {
        let function = name.split('.').next().unwrap();
        match function {
            "client-account" | "number-submission" | "key-creation" => {
                let event: SqsEvent = serde_json::from_value(event).unwrap();
                let body = event.records[0].body.clone().unwrap();
                assert_eq!(Task::from_body(&body).is_err(), name.ends_with("unreadable"), "{name}");
            }
            "reconciliation" => assert_eq!(event["detail-type"], "Scheduled Event"),
            _ => drop(lambda_http::request::from_str(&event.to_string()).unwrap()),
        }
    }
}

fn path(folder: &Path, name: &str) -> PathBuf {
    folder.join(format!("{name}.json"))
}

fn sample(name: &str) -> String {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared/tests/samples");
    std::fs::read_to_string(folder.join(format!("{name}.json"))).unwrap()
}

/// One for each function and case: `function.json` is what should happen.
fn events() -> BTreeMap<&'static str, Value> {
    let of = format!("/onboardings/{ONBOARDING}");
    let callback = format!("{of}/es-callback");
    let session = |name| json!({ "session": serde_json::from_str::<Value>(&sample(name)).unwrap() });
    let mut finish = session("es.message.finish");
    finish["code"] = "AQmade-up-code-of-the-events".into();
    let mut wrong = start_body("tenant-1");
    wrong["client"]["email"] = "not an address".into();
    let live = sample("webhook.channel_live.full");
    let update = sample("meta.webhook.account_update_partner_added");
    let app_secret = simulator::Settings::default().app_secret;
    let webhook_name = "partner_hub#evt_05e1";
    let onboarding = json!({ "v": 1, "kind": "onboarding", "onboarding_id": ONBOARDING });
    let unreadable = json!({ "v": 2, "kind": "onboarding", "onboarding_id": ONBOARDING });

    BTreeMap::from([
        ("signup-page", Call::get("/signup", "/signup").event()),
        ("signup-page.asset", Call::get("/signup/{asset}", "/signup/page.js").event()),
        ("signup-page.unknown-asset", Call::get("/signup/{asset}", "/signup/secrets.js").event()),
        (
            "onboardings",
            Call::post("/onboardings", "/onboardings", &start_body("tenant-1")).token(BACKEND_TOKEN).event(),
        ),
        ("onboardings.wrong-field", Call::post("/onboardings", "/onboardings", &wrong).token(BACKEND_TOKEN).event()),
        (
            "onboardings.wrong-token",
            Call::post("/onboardings", "/onboardings", &start_body("tenant-1")).token("wrong").event(),
        ),
        ("onboardings.list", Call::get("/onboardings", "/onboardings").token(BACKEND_TOKEN).event()),
        ("onboardings.show", Call::get("/onboardings/{id}", &of).token(BACKEND_TOKEN).event()),
        (
            "onboardings.retry",
            Call::post("/onboardings/{id}/retry", &format!("{of}/retry"), &json!({})).token(BACKEND_TOKEN).event(),
        ),
        ("es-callback", Call::post("/onboardings/{id}/es-callback", &callback, &finish).token(SETUP_TOKEN).event()),
        (
            "es-callback.cancelled",
            Call::post("/onboardings/{id}/es-callback", &callback, &session("es.message.cancel_step"))
                .token(SETUP_TOKEN)
                .event(),
        ),
        (
            "es-callback.wrong-token",
            Call::post("/onboardings/{id}/es-callback", &callback, &finish).token("wrong").event(),
        ),
        (
            "webhook-receipt",
            Call::webhook("/webhooks/partner-hub", &live, signature::HEADER, PLATFORM_SECRET, "").event(),
        ),
        (
            "webhook-receipt.forged",
            Call::webhook("/webhooks/partner-hub", &live, signature::HEADER, "another secret", "").event(),
        ),
        (
            "webhook-receipt.meta",
            Call::webhook("/webhooks/meta", &update, "x-hub-signature-256", &app_secret, "sha256=").event(),
        ),
        (
            "webhook-receipt.meta-forged",
            Call::webhook("/webhooks/meta", &update, "x-hub-signature-256", "another secret", "sha256=").event(),
        ),
        (
            "webhook-receipt.meta-handshake",
            Call::get("/webhooks/meta", "/webhooks/meta").handshake(VERIFY_TOKEN).event(),
        ),
        ("client-account", sqs("ClientAccountQueue", &onboarding)),
        ("client-account.unreadable", sqs("ClientAccountQueue", &unreadable)),
        ("number-submission", sqs("NumberSubmissionQueue", &onboarding)),
        ("number-submission.unreadable", sqs("NumberSubmissionQueue", &unreadable)),
        ("key-creation", sqs("KeyCreationQueue", &onboarding)),
        (
            "key-creation.webhook",
            sqs("KeyCreationQueue", &json!({ "v": 1, "kind": "inbox", "inbox_key": webhook_name })),
        ),
        ("key-creation.unreadable", sqs("KeyCreationQueue", &unreadable)),
        ("reconciliation", schedule()),
    ])
}

/// A call of the API, as API Gateway hands it on.
struct Call {
    method: &'static str,
    resource: &'static str,
    path: String,
    headers: BTreeMap<String, String>,
    query: BTreeMap<&'static str, String>,
    body: Option<String>,
}

impl Call {
    fn get(resource: &'static str, path: &str) -> Self {
        let headers = BTreeMap::from([("Host".to_owned(), "127.0.0.1:3000".to_owned())]);
        Self { method: "GET", resource, path: path.to_owned(), headers, query: BTreeMap::new(), body: None }
    }

    fn post(resource: &'static str, path: &str, body: &Value) -> Self {
        Self { method: "POST", body: Some(body.to_string()), ..Self::get(resource, path) }
            .header("Content-Type", "application/json")
    }

    fn webhook(resource: &'static str, body: &str, header: &str, secret: &str, prefix: &str) -> Self {
        let mut mac = Hmac::<Sha256>::new_from_slice(secret.as_bytes()).unwrap();
        mac.update(body.as_bytes());
        let signature = format!("{prefix}{}", hex::encode(mac.finalize().into_bytes()));
        let call = Self { method: "POST", body: Some(body.to_owned()), ..Self::get(resource, resource) };
        call.header("Content-Type", "application/json").header(header, &signature)
    }

    fn header(mut self, name: &str, value: &str) -> Self {
        self.headers.insert(name.to_owned(), value.to_owned());
        self
    }

    fn token(self, token: &str) -> Self {
        self.header("Authorization", &format!("Bearer {token}"))
    }

    fn handshake(mut self, token: &str) -> Self {
        let parameters = [("hub.mode", "subscribe"), ("hub.verify_token", token), ("hub.challenge", "1158201444")];
        self.query = parameters.map(|(name, value)| (name, value.to_owned())).into();
        self
    }

    fn event(self) -> Value {
        let several = |map: Value| -> Value {
            map.as_object().unwrap().iter().map(|(name, value)| (name.clone(), json!([value]))).collect()
        };
        let segments = self.resource.split('/').zip(self.path.split('/'));
        let parameters: serde_json::Map<String, Value> = segments
            .filter_map(|(name, value)| Some((name.strip_prefix('{')?.strip_suffix('}')?.to_owned(), value.into())))
            .collect();
        json!({
            "resource": self.resource,
            "path": self.path,
            "httpMethod": self.method,
            "headers": self.headers,
            "multiValueHeaders": several(json!(self.headers)),
            "queryStringParameters": self.query,
            "multiValueQueryStringParameters": several(json!(self.query)),
            "pathParameters": parameters,
            "stageVariables": null,
            "requestContext": {
                "accountId": "000000000000",
                "apiId": "local",
                "domainName": "127.0.0.1",
                "httpMethod": self.method,
                "identity": { "sourceIp": "127.0.0.1" },
                "path": format!("/v1{}", self.path),
                "protocol": "HTTP/1.1",
                "requestId": "3f1d2c64-6a0e-4d6b-9d0c-1f6f0c1f7a10",
                "resourceId": "local",
                "resourcePath": self.resource,
                "stage": "v1",
            },
            "body": self.body,
            "isBase64Encoded": false,
        })
    }
}

fn sqs(queue: &str, body: &Value) -> Value {
    json!({ "Records": [{
        "messageId": "0b6f4c9e-8f5c-4a55-9a41-5cf2f1f6f0c1",
        "receiptHandle": "made-up-receipt",
        "body": body.to_string(),
        "attributes": { "ApproximateReceiveCount": "1", "SentTimestamp": "1793699950000" },
        "messageAttributes": {},
        "eventSource": "aws:sqs",
        "eventSourceARN": format!("arn:aws:sqs:eu-central-1:000000000000:onboarding-{queue}"),
        "awsRegion": "eu-central-1",
    }]})
}

fn schedule() -> Value {
    json!({
        "version": "0",
        "id": "7d5f1c3a-2f6e-4c0b-8a51-9c8f4d3e2b10",
        "detail-type": "Scheduled Event",
        "source": "aws.events",
        "account": "000000000000",
        "time": "2026-11-03T09:00:00Z",
        "region": "eu-central-1",
        "resources": ["arn:aws:events:eu-central-1:000000000000:rule/onboarding-ReconciliationSchedule"],
        "detail": {},
    })
}
