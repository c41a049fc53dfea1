//! What `debug_token` says, and what may be concluded from it.

use meta_graph::{BusinessToken, MetaError, TokenInfo};
use serde_json::{Value, json};
use time::macros::datetime;

use crate::graph::{APP_ID, APP_SECRET, Answer, Graph, TOKEN, WABA, sample_json, secret};

async fn debug(answer: Answer) -> (Result<TokenInfo, MetaError>, Graph) {
    let graph = Graph::answering([answer]).await;
    let info = graph.meta().debug_token(&secret(APP_SECRET), &BusinessToken::new(secret(TOKEN))).await;
    (info, graph)
}

async fn info(data: &Value) -> TokenInfo {
    debug(Answer::new(200, json!({ "data": data }))).await.0.unwrap()
}

#[tokio::test]
async fn the_sample_of_a_token_names_its_waba() {
    let (info, graph) = debug(Answer::sample(200, "meta.debug_token_response.json")).await;
    let info = info.unwrap();
    assert!(info.is_valid);
    assert_eq!(info.app_id.as_deref(), Some(APP_ID));
    assert_eq!(info.expires_at, None);
    assert!(info.names_waba(&WABA.parse().unwrap()));
    assert!(!info.names_waba(&"409812357760144".parse().unwrap()));
    assert_eq!(info.wabas(), [WABA.parse().unwrap()]);

    let [asked] = &graph.asked()[..] else { panic!("one request") };
    assert_eq!(asked.line, "GET /v25.0/debug_token");
    assert_eq!(asked.query["input_token"], TOKEN);
    assert_eq!(asked.headers["authorization"], format!("Bearer {APP_ID}|{APP_SECRET}"));
    assert!(asked.query.keys().eq(["appsecret_proof", "input_token"]));
}

#[tokio::test]
async fn a_token_without_the_management_permission_still_names_its_waba() {
    let mut answer = sample_json("meta.debug_token_response.json");
    answer["data"]["scopes"] = json!(["whatsapp_business_manage_events", "public_profile"]);
    answer["data"]["granular_scopes"] = json!([
        {"scope": "business_management", "target_ids": ["733100000000021"]},
        {"scope": "whatsapp_business_manage_events", "target_ids": [WABA]},
    ]);
    let info = info(&answer["data"]).await;
    assert!(info.names_waba(&WABA.parse().unwrap()));
    assert!(!info.names_waba(&"733100000000021".parse().unwrap()), "a portfolio is no WABA");
}

#[tokio::test]
async fn an_unscoped_permission_proves_no_waba() {
    for granular in [json!([{"scope": "whatsapp_business_management"}]), json!([]), Value::Null] {
        let info = info(&json!({"is_valid": true, "app_id": APP_ID, "granular_scopes": granular})).await;
        assert!(!info.names_waba(&WABA.parse().unwrap()));
        assert!(info.wabas().is_empty());
    }
}

#[tokio::test]
async fn the_wabas_of_a_token_are_unique_and_newest_first() {
    let info = info(&json!({"granular_scopes": [
        {"scope": "whatsapp_business_messaging", "target_ids": ["11111", "22222"]},
        {"scope": "whatsapp_business_management", "target_ids": ["33333", "22222", "not an id", 44444]},
    ]}))
    .await;
    let wabas: Vec<String> = info.wabas().iter().map(ToString::to_string).collect();
    assert_eq!(wabas, ["33333", "22222", "44444", "11111"]);
}

#[tokio::test]
async fn an_expired_token_is_read_and_never_valid() {
    let info = info(&json!({
        "app_id": 1_482_000_011_112_222_i64,
        "is_valid": false,
        "expires_at": 1_793_699_900,
        "error": {"code": 190, "subcode": 463, "message": "Session has expired"},
    }))
    .await;
    assert!(!info.is_valid);
    assert_eq!(info.app_id.as_deref(), Some(APP_ID));
    assert_eq!(info.expires_at, Some(datetime!(2026-11-03 09:58:20 UTC)));
}

#[tokio::test]
async fn a_token_with_missing_members_is_never_valid() {
    let info = info(&json!({})).await;
    assert!(!info.is_valid && info.app_id.is_none());
}

#[tokio::test]
async fn a_token_answer_without_data_is_retried() {
    for body in ["{}", r#"{"data": null}"#, r#"{"data": []}"#, "<html>", ""] {
        let (outcome, graph) = debug(Answer::new(200, body)).await;
        assert!(matches!(outcome, Err(MetaError::Retry { .. })), "{body}");
        assert_eq!(graph.asked().len(), 1, "{body}");
    }
}

#[tokio::test]
async fn a_refused_app_token_is_misconfigured() {
    let (outcome, _) = debug(Answer::error(400, &json!({"code": 190, "message": "Invalid OAuth access token."}))).await;
    assert!(matches!(outcome, Err(MetaError::Misconfigured { .. })));
}
