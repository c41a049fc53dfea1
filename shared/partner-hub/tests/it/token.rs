//! `/token`: when a token is fetched, kept, and fetched again.

use partner_hub::{HubCredentials, HubError, Trouble};
use time::{Duration, OffsetDateTime};

use crate::server::{Answer, Server, hub, json, set_clock};

const TOKEN: &str = "POST /api/v2/token";
const CALL: &str = "GET /api/v2/partners/q8ZkWnPA/webhook_url";

fn credentials() -> HubCredentials {
    let request = json("auth.token_request");
    let text = |name: &str| request[name].as_str().unwrap().to_owned();
    HubCredentials::Password { user_name: text("username"), password: text("password").into() }
}

fn token(name: &str, expires_in: i64) -> Answer {
    Answer::new(
        200,
        serde_json::json!({"access_token": name, "token_type": "Bearer", "expires_in": expires_in}).to_string(),
    )
}

fn good() -> Answer {
    Answer::sample(200, "partner.webhook_url_get_response")
}

fn refused() -> Answer {
    Answer::sample(401, "error.meta_401_unauthorized")
}

/// The requests, and with which token each came.
fn seen(server: &Server) -> Vec<(String, Option<String>)> {
    let bearer = |request: &crate::server::Recorded| request.header("authorization").map(str::to_owned);
    server.requests().iter().map(|request| (request.line.clone(), bearer(request))).collect()
}

fn with(line: &str, token: &str) -> (String, Option<String>) {
    (line.to_owned(), Some(format!("Bearer {token}")))
}

fn without(line: &str) -> (String, Option<String>) {
    (line.to_owned(), None)
}

#[tokio::test]
async fn a_hub_token_is_fetched_once_for_all_clones() {
    let server = Server::start([Answer::sample(200, "auth.token_response_200"), good(), good()]).await;
    let hub = server.hub();
    hub.webhook_url(&credentials()).await.unwrap();
    hub.clone().webhook_url(&credentials()).await.unwrap();
    let requests = server.requests();
    assert_eq!(requests[0].body, Some(json("auth.token_request")));
    let bearer = "Bearer eyJhbGciOiJSUzI1NiIsInR5cCI6IkpXVCJ9.made-up.signature";
    assert_eq!(requests[1].header("authorization"), Some(bearer));
    assert_eq!(requests[2].header("authorization"), Some(bearer));
    assert_eq!(requests.len(), 3);
}

#[tokio::test]
async fn concurrent_hub_calls_share_one_token() {
    let server = Server::start([token("first", 3600), good(), good(), good()]).await;
    let (hub, credentials) = (server.hub(), credentials());
    let call = || hub.webhook_url(&credentials);
    let (a, b, c) = tokio::join!(call(), call(), call());
    assert!(a.is_ok() && b.is_ok() && c.is_ok());
    assert_eq!(server.requests().iter().filter(|request| request.line == TOKEN).count(), 1);
}

#[tokio::test]
async fn a_hub_token_is_renewed_before_it_expires() {
    let server = Server::start([token("first", 3600), good(), good(), token("second", 3600), good()]).await;
    let (clock, time) = set_clock();
    let hub = hub(&server.url, clock);
    hub.webhook_url(&credentials()).await.unwrap();
    *time.lock().unwrap() = OffsetDateTime::UNIX_EPOCH + Duration::seconds(3539);
    hub.webhook_url(&credentials()).await.unwrap();
    *time.lock().unwrap() = OffsetDateTime::UNIX_EPOCH + Duration::seconds(3540);
    hub.webhook_url(&credentials()).await.unwrap();
    let expected = [without(TOKEN), with(CALL, "first"), with(CALL, "first"), without(TOKEN), with(CALL, "second")];
    assert_eq!(seen(&server), expected);
}

#[tokio::test]
async fn a_refused_hub_token_is_replaced_once() {
    let server = Server::start([token("first", 3600), refused(), token("second", 3600), good(), good()]).await;
    let hub = server.hub();
    hub.webhook_url(&credentials()).await.unwrap();
    hub.webhook_url(&credentials()).await.unwrap();
    let calls = [with(CALL, "first"), without(TOKEN), with(CALL, "second"), with(CALL, "second")];
    assert_eq!(seen(&server)[1..], calls);
}

#[tokio::test]
async fn a_hub_token_refused_twice_is_a_configuration_error() {
    let server = Server::start([token("first", 3600), refused(), token("second", 3600), refused()]).await;
    assert_eq!(server.hub().webhook_url(&credentials()).await, Err(HubError::Unauthorized));
    assert_eq!(seen(&server).len(), 4);
}

#[tokio::test]
async fn a_refused_fixed_hub_token_is_not_retried() {
    let server = Server::start([refused()]).await;
    let bearer = HubCredentials::Bearer("made-up-token".into());
    assert_eq!(server.hub().webhook_url(&bearer).await, Err(HubError::Unauthorized));
    assert_eq!(seen(&server).len(), 1);
}

#[tokio::test]
async fn other_hub_credentials_get_another_token() {
    let server = Server::start([token("first", 3600), good(), token("second", 3600), good()]).await;
    let hub = server.hub();
    hub.webhook_url(&credentials()).await.unwrap();
    let changed =
        HubCredentials::Password { user_name: "integration@partner.example".into(), password: "made-up-too".into() };
    hub.webhook_url(&changed).await.unwrap();
    assert_eq!(seen(&server)[2..], [without(TOKEN), with(CALL, "second")]);
}

#[tokio::test]
async fn failures_of_the_token_endpoint_are_classified_like_the_others() {
    for (answer, expected) in [
        (Answer::sample(401, "auth.token_error_401"), HubError::Unauthorized),
        (Answer::sample(400, "auth.token_error_401"), HubError::Unauthorized),
        (Answer::new(404, ""), HubError::Unauthorized),
        (Answer::new(503, "<html>"), retry("status 503, no reason given", Trouble::Down)),
        (Answer::sample(429, "error.meta_429_rate_limited"), retry("Too many requests", Trouble::TooMany)),
        (Answer::new(200, "<html>"), retry("the answer of /token has no access_token", Trouble::Other)),
        (
            Answer::new(200, r#"{"token_type": "Bearer"}"#),
            retry("the answer of /token has no access_token", Trouble::Other),
        ),
    ] {
        let server = Server::start([answer]).await;
        let url = "https://edge.funkturm.example/hooks".parse().unwrap();
        assert_eq!(server.hub().set_webhook_url(&credentials(), &url).await, Err(expected));
        assert_eq!(seen(&server), [without(TOKEN)]);
    }
}

/// Never unclear: the call itself was not made.
fn retry(reason: &str, trouble: Trouble) -> HubError {
    HubError::Retry { reason: reason.to_owned(), retry_after: None, unclear: false, trouble }
}
