//! `/token`: what is asked, what is read, and how it fails.

use partner_hub::{HubError, HubToken, Trouble};
use secrecy::SecretString;
use time::{Duration, OffsetDateTime};

use crate::server::{Answer, Server, hub, json, set_clock};

const TOKEN: &str = "POST /api/v2/token";

async fn fetch(hub: &partner_hub::Hub) -> Result<HubToken, HubError> {
    let request = json("auth.token_request");
    let text = |name: &str| request[name].as_str().unwrap().to_owned();
    hub.fetch_token(&text("username"), &SecretString::from(text("password"))).await
}

#[tokio::test]
async fn a_hub_token_is_fetched_with_user_name_and_password() {
    let server = Server::start([Answer::sample(200, "auth.token_response_200")]).await;
    let token = fetch(&server.hub()).await.unwrap();
    assert!(exchange::secret_eq("eyJhbGciOiJSUzI1NiIsInR5cCI6IkpXVCJ9.made-up.signature", &token.secret));
    let requests = server.requests();
    assert_eq!(requests.iter().map(|request| request.line.as_str()).collect::<Vec<_>>(), [TOKEN]);
    assert_eq!(requests[0].body, Some(json("auth.token_request")));
    assert_eq!(requests[0].header("authorization"), None);
}

#[tokio::test]
async fn a_hub_token_is_used_until_a_little_before_its_end() {
    let body = serde_json::json!({"access_token": "first", "token_type": "Bearer", "expires_in": 3600});
    let server = Server::start([Answer::new(200, body.to_string())]).await;
    let (clock, time) = set_clock();
    *time.lock().unwrap() = OffsetDateTime::UNIX_EPOCH + Duration::seconds(100);
    let token = fetch(&hub(&server.url, clock)).await.unwrap();
    assert_eq!(token.usable_until, OffsetDateTime::UNIX_EPOCH + Duration::seconds(100 + 3540));
}

#[tokio::test]
async fn failures_of_the_token_endpoint_are_classified_like_the_others() {
    for (answer, expected) in [
        (Answer::sample(401, "auth.token_error_401"), HubError::Unauthorized),
        (Answer::sample(400, "auth.token_error_401"), HubError::Unauthorized),
        (Answer::sample(403, "error.meta_403_forbidden"), HubError::Unauthorized),
        (Answer::new(404, ""), retry("status 404, no reason given", Trouble::Other)),
        (Answer::new(401, "<html>"), retry("status 401, no reason given", Trouble::Other)),
        (Answer::new(503, "<html>"), retry("status 503, no reason given", Trouble::Down)),
        (Answer::sample(429, "error.meta_429_rate_limited"), retry("Too many requests", Trouble::TooMany)),
        (Answer::new(200, "<html>"), retry("the answer of /token has no access_token", Trouble::Other)),
        (
            Answer::new(200, r#"{"token_type": "Bearer"}"#),
            retry("the answer of /token has no access_token", Trouble::Other),
        ),
    ] {
        let server = Server::start([answer]).await;
        assert_eq!(fetch(&server.hub()).await.unwrap_err(), expected);
        assert_eq!(server.requests().len(), 1);
    }
}

/// Never unclear: nobody misses a token.
fn retry(reason: &str, trouble: Trouble) -> HubError {
    HubError::Retry { reason: reason.to_owned(), retry_after: None, unclear: false, trouble }
}
