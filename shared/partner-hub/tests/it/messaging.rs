//! The messaging API: where a number's messages are sent, and to whom a key may be shown.

use std::collections::BTreeMap;

use exchange::PhoneNumberId;
use partner_hub::messaging::{AllowedHosts, Health, MessageWebhook, Messaging, MessagingError};
use secrecy::SecretString;
use url::Url;

use crate::server::{Answer, Server, closed, json, silent};

const URL: &str = "https://edge.funkturm.example/hooks/360dialog/messages";
const LINE: &str = "/v1/configs/webhook";

fn messaging(hosts: &str) -> Messaging {
    Messaging::new(exchange::client().unwrap(), hosts.parse().unwrap())
}

fn key() -> SecretString {
    "made-up-key".into()
}

fn webhook() -> MessageWebhook {
    let headers = BTreeMap::from([("X-Funkturm-Auth".to_owned(), "made-up-shared-secret".into())]);
    MessageWebhook { url: URL.parse().unwrap(), headers }
}

async fn set(address: &Url) -> Result<(), MessagingError> {
    messaging("127.0.0.1").set_webhook(address, &key(), &webhook()).await
}

async fn get(address: &Url) -> Result<Option<String>, MessagingError> {
    messaging("127.0.0.1").webhook(address, &key()).await
}

async fn health(address: &Url) -> Result<Health, MessagingError> {
    messaging("127.0.0.1").health(address, &key()).await
}

fn retry(reason: &str) -> MessagingError {
    MessagingError::Retry { reason: reason.to_owned() }
}

#[tokio::test]
async fn the_message_webhook_is_set_and_read_back() {
    let server = Server::start([
        Answer::sample(200, "messaging.set_webhook_request"),
        Answer::sample(200, "messaging.get_webhook_response"),
    ])
    .await;
    set(&server.url).await.unwrap();
    assert_eq!(get(&server.url).await, Ok(Some(URL.to_owned())));

    let requests = server.requests();
    assert_eq!(requests[0].line, format!("POST {LINE}"));
    assert_eq!(requests[0].header("d360-api-key"), Some("made-up-key"));
    assert_eq!(requests[0].body, Some(json("messaging.set_webhook_request")));
    assert_eq!(requests[1].line, format!("GET {LINE}"));
    assert_eq!(requests[1].header("d360-api-key"), Some("made-up-key"));
}

#[tokio::test]
async fn a_messaging_address_may_have_a_path() {
    let server = Server::start([Answer::new(200, ""), Answer::new(200, "")]).await;
    for path in ["/base", "/base/"] {
        set(&server.url.join(path).unwrap()).await.unwrap();
        assert_eq!(server.requests()[0].line, format!("POST /base{LINE}"));
    }
}

#[tokio::test]
async fn a_channel_without_a_message_webhook_is_read_as_such() {
    for answer in [
        Answer::new(200, "{}"),
        Answer::new(200, r#"{"url": ""}"#),
        Answer::new(200, ""),
        Answer::new(404, r#"{"error": "Not found"}"#),
    ] {
        let server = Server::start([answer]).await;
        assert_eq!(get(&server.url).await, Ok(None));
    }
    let server = Server::start([Answer::new(200, "<html>")]).await;
    assert_eq!(get(&server.url).await, Err(retry("the answer is not JSON")));
    let server = Server::start([Answer::new(404, "<html>")]).await;
    assert_eq!(get(&server.url).await, Err(retry("status 404, no reason given")));
}

#[tokio::test]
async fn the_message_webhook_is_read_back_if_the_answer_does_not_confirm_it() {
    let read_back = Answer::sample(200, "messaging.get_webhook_response");
    let server = Server::start([Answer::new(200, "OK"), read_back]).await;
    assert_eq!(set(&server.url).await, Ok(()));
    for other in ["{}", r#"{"url": "https://elsewhere.example"}"#, "<html>"] {
        let server = Server::start([Answer::new(200, "<html>"), Answer::new(200, other)]).await;
        assert_eq!(set(&server.url).await, Err(retry("the answer is not JSON")), "{other}");
    }
}

#[tokio::test]
async fn messaging_refusals_are_classified_by_what_to_do_about_them() {
    let permanent = |status, reason: &str| MessagingError::Permanent { status, reason: reason.to_owned() };
    for (status, body, expected) in [
        (401, r#"{"error": "Invalid API key"}"#, MessagingError::KeyRefused),
        (403, r#"{"error": {"message": "Forbidden", "code": 10}}"#, MessagingError::KeyRefused),
        (403, r#"{"meta": {"success": false}}"#, MessagingError::KeyRefused),
        // A proxy's.
        (401, "<html>", retry("status 401, no reason given")),
        (403, "", retry("status 403, no reason given")),
        (403, r#"{"message": "Forbidden"}"#, retry("status 403, no reason given")),
        (400, r#"{"error": {"message": "url is invalid", "code": 100}}"#, permanent(400, "url is invalid")),
        (409, r#"{"error": "multiple webhooks are set"}"#, permanent(409, "multiple webhooks are set")),
        (404, "<html>", retry("status 404, no reason given")),
        (429, "", retry("status 429, no reason given")),
        (503, "<html>", retry("status 503, no reason given")),
        (302, "", retry("status 302, no reason given")),
    ] {
        let server = Server::start([Answer::new(status, body)]).await;
        assert_eq!(set(&server.url).await, Err(expected), "{status}");
    }
    let server = Server::start([Answer::sample(401, "messaging.error_401")]).await;
    assert_eq!(get(&server.url).await, Err(MessagingError::KeyRefused));
}

#[tokio::test]
async fn a_key_is_proven_and_names_its_number() {
    for (name, number) in [
        ("messaging.health_status", Some("512904417735208")),
        ("messaging.health_status_blocked", Some("512904417735208")),
    ] {
        let server = Server::start([Answer::sample(200, name)]).await;
        let health = health(&server.url).await.unwrap();
        assert_eq!(health.phone_number_id.as_ref().map(PhoneNumberId::as_str), number, "{name}");
        let requests = server.requests();
        assert_eq!((requests.len(), requests[0].line.as_str()), (1, "GET /health_status"));
        assert_eq!(requests[0].header("d360-api-key"), Some("made-up-key"));
    }
    for entities in ["[]", "7", r#"[null, 7, {"entity_type": "WABA", "id": "409812357760143"}]"#] {
        let server =
            Server::start([Answer::new(200, format!(r#"{{"health_status": {{"entities": {entities}}}}}"#))]).await;
        assert_eq!(health(&server.url).await, Ok(Health { phone_number_id: None }), "{entities}");
    }
}

#[tokio::test]
async fn a_key_without_a_health_status_is_proven_by_its_webhook() {
    let refused = r#"{"error": "Invalid API key"}"#;
    for (status, body) in [(404, "<html>"), (403, "<html>"), (500, ""), (200, "<html>"), (200, "{}"), (401, refused)] {
        for (webhook, expected) in [
            (Answer::sample(200, "messaging.get_webhook_response"), Ok(Health { phone_number_id: None })),
            (Answer::new(404, r#"{"error": "Not found"}"#), Ok(Health { phone_number_id: None })),
            (Answer::new(401, refused), Err(MessagingError::KeyRefused)),
            (Answer::new(401, "<html>"), Err(retry("status 401, no reason given"))),
            (Answer::new(503, ""), Err(retry("status 503, no reason given"))),
        ] {
            let server = Server::start([Answer::new(status, body), webhook]).await;
            assert_eq!(health(&server.url).await, expected, "{status} {body}");
            let lines: Vec<_> = server.requests().into_iter().map(|request| request.line).collect();
            assert_eq!(lines, ["GET /health_status", "GET /v1/configs/webhook"]);
        }
    }
    let server = Server::start([Answer::new(429, "")]).await;
    assert_eq!(health(&server.url).await, Err(retry("too many requests")));
    assert_eq!(health(&closed().await).await, Err(retry("no connection")));
}

#[tokio::test]
async fn secrets_quoted_in_a_messaging_error_are_masked() {
    let quoted = r#"{"error": {"message": "bad headers {X-Funkturm-Auth: made-up-shared-secret}, key made-up-key"}}"#;
    for (status, expected) in [
        (400, "the messaging API refused with 400: bad headers {X-Funkturm-Auth: ***}, key ***"),
        (500, "try again later: bad headers {X-Funkturm-Auth: ***}, key ***"),
    ] {
        let server = Server::start([Answer::new(status, quoted)]).await;
        assert_eq!(set(&server.url).await.unwrap_err().to_string(), expected);
    }
}

#[tokio::test]
async fn an_unanswered_messaging_call_is_retried() {
    assert_eq!(set(&silent().await).await, Err(retry("the connection broke off")));
    assert_eq!(set(&closed().await).await, Err(retry("no connection")));
}

#[tokio::test]
async fn an_api_key_is_sent_to_allowed_hosts_only() {
    let server = Server::start([]).await;
    let messaging = messaging("360dialog.io");
    let set = messaging.set_webhook(&server.url, &key(), &webhook()).await;
    assert_eq!(set, Err(MessagingError::ForbiddenAddress));
    assert_eq!(messaging.webhook(&server.url, &key()).await, Err(MessagingError::ForbiddenAddress));
    assert_eq!(server.requests().len(), 0);
}

#[test]
fn messaging_addresses_must_be_https_on_a_listed_host_or_below() {
    let hosts = AllowedHosts::default();
    for (allowed, address) in [
        (true, "https://waba-v2.360dialog.io"),
        (true, "https://360dialog.io/"),
        (true, "https://WABA-v2.360DIALOG.io:8443/base"),
        (false, "http://waba-v2.360dialog.io"),
        (false, "https://evil360dialog.io"),
        (false, "https://360dialog.io.evil.example"),
        (false, "https://evil.example/360dialog.io"),
        (false, "https://waba-v2.360dialog.io@evil.example"),
        (false, "https://user:word@waba-v2.360dialog.io"),
        (false, "https://360dialog.io."),
        (false, "https://169.254.169.254"),
        (false, "https://127.0.0.1"),
        (false, "http://localhost"),
        (false, "ftp://waba-v2.360dialog.io"),
        (false, "mailto:waba@360dialog.io"),
    ] {
        assert_eq!(hosts.allow(&address.parse().unwrap()), allowed, "{address}");
    }
}

#[test]
fn plain_http_is_allowed_for_listed_loopback_addresses_only() {
    let hosts: AllowedHosts = " 127.0.0.1 ,localhost,[::1], Example.COM, 10.0.0.1".parse().unwrap();
    for (allowed, address) in [
        (true, "http://127.0.0.1:8080"),
        (true, "http://localhost:8080"),
        (true, "http://stack.localhost:8080"),
        (true, "http://[::1]:8080"),
        (true, "https://api.example.com"),
        (true, "https://10.0.0.1"),
        (false, "http://127.0.0.2:8080"),
        (false, "http://example.com"),
        (false, "http://10.0.0.1"),
        (false, "https://360dialog.io"),
    ] {
        assert_eq!(hosts.allow(&address.parse().unwrap()), allowed, "{address}");
    }
}

#[test]
fn messaging_hosts_that_are_no_list_of_hosts_are_refused() {
    for list in [
        "",
        " ",
        ",",
        "360dialog.io,",
        "https://360dialog.io",
        "360dialog.io:443",
        "*.360dialog.io",
        "a b",
        "360dialog.io.",
    ] {
        assert!(list.parse::<AllowedHosts>().is_err(), "{list}");
    }
    assert_eq!("360dialog.io".parse(), Ok(AllowedHosts::default()));
    assert_eq!(AllowedHosts::default().to_string(), "360dialog.io");
}
