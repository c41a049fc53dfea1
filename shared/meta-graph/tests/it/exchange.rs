//! The code exchange: one use, 30 seconds, never sent twice.

#![expect(clippy::disallowed_methods, reason = "the secrets are made up")]

use meta_graph::{BusinessToken, Meta, MetaError};
use secrecy::ExposeSecret;
use serde_json::json;

use crate::graph::{APP_ID, APP_SECRET, Answer, CODE, Graph, TOKEN, mute, secret};

async fn exchange(meta: &Meta) -> Result<BusinessToken, MetaError> {
    meta.exchange_code(&secret(APP_SECRET), &secret(CODE), None).await
}

#[tokio::test]
async fn a_code_becomes_a_token_and_nothing_secret_is_in_the_url() {
    let graph = Graph::answering([Answer::sample(200, "meta.code_exchange_response.json")]).await;
    let token = exchange(&graph.meta()).await.unwrap();
    assert_eq!(token.secret().expose_secret(), TOKEN);

    let [asked] = &graph.asked()[..] else { panic!("one request") };
    assert_eq!(asked.line, "POST /v25.0/oauth/access_token");
    assert!(asked.query.is_empty());
    assert_eq!(asked.headers["content-type"], "application/x-www-form-urlencoded");
    let form: Vec<_> = asked.form.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    assert_eq!(form, [("client_id", APP_ID), ("client_secret", APP_SECRET), ("code", CODE)]);
}

#[tokio::test]
async fn a_code_of_the_full_page_sign_in_is_exchanged_with_its_redirect_uri() {
    let graph = Graph::answering([Answer::sample(200, "meta.code_exchange_response.json")]).await;
    let page = "https://example.com/signup/return?x=1".parse().unwrap();
    graph.meta().exchange_code(&secret(APP_SECRET), &secret(CODE), Some(&page)).await.unwrap();
    assert_eq!(graph.asked()[0].form["redirect_uri"], "https://example.com/signup/return?x=1");
}

#[tokio::test]
async fn unknown_and_missing_members_of_a_code_exchange_are_ignored() {
    let graph =
        Graph::answering([Answer::new(200, json!({"access_token": TOKEN, "expires_in": "soon", "new": [1]}))]).await;
    assert!(exchange(&graph.meta()).await.is_ok());
}

/// A sorting function for what the exchange should come to.
type Expected = fn(&MetaError) -> bool;

#[tokio::test]
async fn each_code_refusal_is_classified_and_not_retried() {
    let refused: Expected = |error| matches!(error, MetaError::CodeRefused { .. });
    let misconfigured: Expected = |error| matches!(error, MetaError::Misconfigured { .. });
    let used: Expected = |error| *error == MetaError::CodeUsed;
    let rows = [
        (400, json!({"code": 100, "error_subcode": 36009, "message": "This authorization code has been used."}), used),
        (400, json!({"code": "100", "error_subcode": "36009"}), used),
        (400, json!({"code": 100, "error_subcode": 36007}), |error| *error == MetaError::CodeExpired),
        (400, json!({"code": 100, "error_subcode": 36008, "message": "Error validating verification code."}), refused),
        (400, json!({"code": 100, "message": "Invalid verification code format."}), refused),
        (400, json!({"code": 191, "message": "redirect not allowed"}), misconfigured),
        (400, json!({"code": 1, "message": "Error validating client secret."}), misconfigured),
        (500, json!({"code": 1, "message": "Error validating Client Secret.", "is_transient": true}), misconfigured),
        (400, json!({"code": 101, "message": "Invalid application ID."}), misconfigured),
        (400, json!({"code": 104, "message": "Invalid appsecret_proof"}), misconfigured),
        (400, json!({"code": 1, "message": "An unknown error occurred"}), |error| {
            matches!(error, MetaError::Retry { .. })
        }),
        (500, json!({"code": 2}), |error| matches!(error, MetaError::Retry { .. })),
        (400, json!({"code": 368}), |error| matches!(error, MetaError::Refused { code: Some(368), .. })),
        (400, json!("odd"), |error| matches!(error, MetaError::Refused { code: None, .. })),
    ];
    for (status, error, expected) in rows {
        let graph = Graph::answering([Answer::error(status, &error)]).await;
        let outcome = exchange(&graph.meta()).await.unwrap_err();
        assert!(expected(&outcome), "{error}: {outcome:?}");
        assert_eq!(graph.asked().len(), 1, "{error}");
    }
}

#[tokio::test]
async fn the_sample_of_an_expired_code_is_classified_as_expired() {
    let graph = Graph::answering([Answer::sample(400, "meta.code_exchange_error_expired.json")]).await;
    assert_eq!(exchange(&graph.meta()).await.unwrap_err(), MetaError::CodeExpired);
}

#[tokio::test]
async fn an_unreadable_answer_leaves_the_code_exchange_unclear() {
    for (status, body) in [
        (200, "<html>"),
        (200, ""),
        (200, "{}"),
        (200, "[]"),
        (200, r#"{"access_token": ""}"#),
        (200, r#"{"access_token": 7}"#),
        (302, ""),
        (400, "no"),
        (403, r#"{"message": "Forbidden"}"#),
        (502, "<html>Bad Gateway</html>"),
    ] {
        let graph = Graph::answering([Answer::new(status, body)]).await;
        assert_eq!(exchange(&graph.meta()).await.unwrap_err(), MetaError::Unclear, "{status} {body}");
        assert_eq!(graph.asked().len(), 1, "{status} {body}");
    }
    let endless = Answer::new(200, format!(r#"{{"access_token": "{}"}}"#, "x".repeat(2 << 20)));
    let graph = Graph::answering([endless]).await;
    assert_eq!(exchange(&graph.meta()).await.unwrap_err(), MetaError::Unclear);
}

#[tokio::test]
async fn a_connection_broken_after_the_code_was_sent_leaves_the_exchange_unclear() {
    let (url, mut requests) = mute(false);
    assert_eq!(exchange(&crate::graph::meta(url)).await.unwrap_err(), MetaError::Unclear);
    assert!(requests.try_recv().is_ok());
    assert!(requests.try_recv().is_err(), "sent twice");
}

#[tokio::test]
async fn a_timeout_after_the_code_was_sent_leaves_the_exchange_unclear() {
    let (url, mut requests) = mute(true);
    let meta = crate::graph::meta(url);
    let exchange = tokio::spawn(async move { exchange(&meta).await });
    requests.recv().await.unwrap();
    // From here the clock runs as fast as it can to the client's time-out.
    tokio::time::pause();
    assert_eq!(exchange.await.unwrap().unwrap_err(), MetaError::Unclear);
    assert!(requests.try_recv().is_err(), "sent twice");
}
