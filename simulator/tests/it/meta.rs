use hmac::{Hmac, KeyInit, Mac};
use serde_json::{Value, json};
use sha2::Sha256;
use time::Duration;

use crate::support::{TestBench, answer, shape};

async fn exchange(bench: &TestBench, code: &Value, extra: &[(&str, &str)]) -> (u16, Value) {
    let mut form = vec![
        ("client_id", bench.settings.app_id.as_str()),
        ("client_secret", bench.settings.app_secret.as_str()),
        ("code", code.as_str().unwrap()),
    ];
    // The last one of a name counts.
    form.extend(extra);
    answer(bench.http.post(format!("{}/v25.0/oauth/access_token", bench.simulator.graph_url())).form(&form)).await
}

async fn popup(bench: &TestBench, order: Value) -> Value {
    let (status, played) = bench.control("popup", order).await;
    assert_eq!(status, 200, "{played}");
    played
}

async fn token(bench: &TestBench, played: &Value) -> String {
    exchange(bench, &played["code"], &[]).await.1["access_token"].as_str().unwrap().to_owned()
}

async fn debug(bench: &TestBench, token: &str) -> Value {
    let app = format!("{}|{}", bench.settings.app_id, bench.settings.app_secret);
    answer(bench.graph("debug_token").query(&[("input_token", token)]).bearer_auth(app)).await.1["data"].clone()
}

fn subcode(answer: &(u16, Value)) -> (u16, u64, u64) {
    let error = &answer.1["error"];
    (answer.0, error["code"].as_u64().unwrap(), error["error_subcode"].as_u64().unwrap_or_default())
}

#[tokio::test]
async fn a_code_works_once_and_for_thirty_seconds() {
    let bench = TestBench::new().await;
    let played = popup(&bench, json!({"account": "one_number"})).await;
    bench.wait(Duration::seconds(29)).await;
    // Refusals that are not about the code leave it usable.
    assert_eq!(subcode(&exchange(&bench, &played["code"], &[("client_secret", "made-up-other")]).await), (400, 1, 0));
    assert_eq!(subcode(&exchange(&bench, &played["code"], &[("client_id", "1482000011112223")]).await), (400, 101, 0));
    let uri = [("redirect_uri", "https://edge.funkturm.example/signup")];
    assert_eq!(subcode(&exchange(&bench, &played["code"], &uri).await), (400, 100, 36008));
    let (status, token) = exchange(&bench, &played["code"], &[]).await;
    assert_eq!((status, shape(&token)), (200, vec!["access_token".to_owned(), "token_type".to_owned()]));
    assert_eq!(subcode(&exchange(&bench, &played["code"], &[]).await), (400, 100, 36009));

    let played = popup(&bench, json!({"account": "one_number", "code": "AQmade-up-ordered"})).await;
    assert_eq!(played["code"], "AQmade-up-ordered");
    bench.wait(Duration::seconds(30)).await;
    assert_eq!(subcode(&exchange(&bench, &played["code"], &[]).await), (400, 100, 36007));
}

#[tokio::test]
async fn a_code_of_the_full_page_sign_in_needs_its_redirect_uri() {
    let bench = TestBench::new().await;
    let uri = "https://edge.funkturm.example/signup/return";
    let played = popup(&bench, json!({"redirect_uri": uri})).await;
    assert_eq!(subcode(&exchange(&bench, &played["code"], &[]).await), (400, 100, 36008));
    assert_eq!(exchange(&bench, &played["code"], &[("redirect_uri", uri)]).await.0, 200);
}

#[tokio::test]
async fn a_code_can_be_exchanged_by_get_too() {
    let bench = TestBench::new().await;
    let played = popup(&bench, json!({})).await;
    let query = [
        ("client_id", bench.settings.app_id.as_str()),
        ("client_secret", bench.settings.app_secret.as_str()),
        ("code", played["code"].as_str().unwrap()),
    ];
    assert_eq!(answer(bench.graph("oauth/access_token").query(&query)).await.0, 200);
}

#[tokio::test]
async fn a_business_token_sees_its_own_waba_and_no_other() {
    let bench = TestBench::new().await;
    let played = popup(&bench, json!({"account": "one_number"})).await;
    let other = popup(&bench, json!({"account": "one_number:2"})).await;
    assert_ne!(played["session"], other["session"]);
    let token = token(&bench, &played).await;
    let own = played["session"]["data"]["waba_id"].as_str().unwrap();
    let response = bench.graph(own).query(&[("fields", "id,name")]).bearer_auth(&token).send().await.unwrap();
    assert!(response.headers()["x-app-usage"].to_str().unwrap().contains("call_count"));
    let foreign = other["session"]["data"]["waba_id"].as_str().unwrap();
    assert_eq!(subcode(&answer(bench.graph(foreign).bearer_auth(&token)).await), (400, 100, 33));
    let numbers = answer(bench.graph(&format!("{foreign}/phone_numbers")).bearer_auth(&token)).await;
    assert_eq!(subcode(&numbers), (400, 100, 33));
    let unknown = bench.graph(own).query(&[("fields", "id,colour")]).bearer_auth(&token);
    assert_eq!(subcode(&answer(unknown).await), (400, 100, 0));
    assert_eq!(subcode(&answer(bench.graph(own).bearer_auth("made-up-other")).await), (401, 190, 0));
    let (_, me) = answer(bench.graph("me").query(&[("fields", "client_business_id")]).bearer_auth(&token)).await;
    assert_eq!(me["client_business_id"], played["session"]["data"]["business_id"]);
}

#[tokio::test]
async fn a_wrong_appsecret_proof_is_refused() {
    let bench = TestBench::new().await;
    let token = token(&bench, &popup(&bench, json!({})).await).await;
    let mac = Hmac::<Sha256>::new_from_slice(bench.settings.app_secret.as_bytes()).unwrap();
    let proof = hex::encode(mac.chain_update(&token).finalize().into_bytes());
    let me = |proof: &str| bench.graph("me").query(&[("appsecret_proof", proof)]).bearer_auth(&token);
    assert_eq!(answer(me(&proof)).await.0, 200);
    assert_eq!(subcode(&answer(me("00")).await), (400, 104, 0));
}

#[tokio::test]
async fn phone_numbers_come_in_pages() {
    let bench = TestBench::new().await;
    let played = popup(&bench, json!({"account": "several_numbers"})).await;
    assert!(played["session"]["data"].get("phone_number_id").is_none());
    let token = token(&bench, &played).await;
    let path = format!("{}/phone_numbers", played["session"]["data"]["waba_id"].as_str().unwrap());
    let mut after = String::new();
    let mut ids = Vec::new();
    loop {
        let query = [("limit", "2"), ("after", after.as_str()), ("fields", "id,display_phone_number")];
        let (_, page) = answer(bench.graph(&path).query(&query).bearer_auth(&token)).await;
        ids.extend(page["data"].as_array().unwrap().iter().map(|number| number["id"].clone()));
        if page["paging"]["next"].is_null() {
            break;
        }
        after = page["paging"]["cursors"]["after"].as_str().unwrap().to_owned();
    }
    ids.dedup();
    assert_eq!(ids.len(), 3);
}

#[tokio::test]
async fn every_account_of_the_simulator_behaves_as_its_name_says() {
    let bench = TestBench::new().await;
    let victim = popup(&bench, json!({"account": "one_number"})).await;
    let victim = &victim["session"]["data"];

    let thief = popup(&bench, json!({"account": "other_customer"})).await;
    assert_eq!(&thief["session"]["data"], victim);
    let granted = debug(&bench, &token(&bench, &thief).await).await;
    assert_ne!(granted["granular_scopes"][0]["target_ids"], json!([victim["waba_id"]]));

    let mixed = popup(&bench, json!({"account": "other_number"})).await;
    assert_eq!(mixed["session"]["data"]["phone_number_id"], victim["phone_number_id"]);
    assert_ne!(mixed["session"]["data"]["waba_id"], victim["waba_id"]);

    let changed = popup(&bench, json!({"account": "changed_scopes"})).await;
    let granted = debug(&bench, &token(&bench, &changed).await).await;
    assert!(!granted.to_string().contains("whatsapp_business_management"), "{granted}");

    let wide = popup(&bench, json!({"account": "unnarrowed_scopes"})).await;
    let granted = debug(&bench, &token(&bench, &wide).await).await;
    assert_eq!(granted["granular_scopes"][0], json!({"scope": "whatsapp_business_management"}));

    let coexistence = popup(&bench, json!({"account": "coexistence"})).await;
    assert_eq!(coexistence["session"]["event"], "FINISH_WHATSAPP_BUSINESS_APP_ONBOARDING");
    assert_eq!(shape(&coexistence["session"]["data"]), ["waba_id"]);

    let fresh = popup(&bench, json!({})).await;
    assert_ne!(fresh["session"], popup(&bench, json!({})).await["session"]);
    assert_eq!(debug(&bench, "made-up-other").await["is_valid"], false);
}

#[tokio::test]
async fn every_popup_outcome_can_be_ordered() {
    let bench = TestBench::new().await;
    for (outcome, code, event) in [
        ("finish", true, Some("FINISH")),
        ("finish_only_waba", true, Some("FINISH_ONLY_WABA")),
        ("finish_coexistence", true, Some("FINISH_WHATSAPP_BUSINESS_APP_ONBOARDING")),
        ("cancel", false, Some("CANCEL")),
        ("error", false, Some("ERROR")),
        ("report_error", false, Some("CANCEL")),
        ("finish_without_code", false, Some("FINISH")),
        ("finish_without_session", true, None),
        ("app_only", true, Some("FINISH_GRANT_ONLY_API_ACCESS")),
    ] {
        let played = popup(&bench, json!({"account": "one_number", "outcome": outcome})).await;
        assert_eq!(played.get("code").is_some(), code, "{outcome}");
        assert_eq!(played["session"]["event"].as_str(), event, "{outcome}");
    }
    let popups = bench.ledger().await["popups"].clone();
    assert_eq!((popups.as_array().unwrap().len(), &popups[3]["outcome"]), (9, &json!("cancel")));
}

#[tokio::test]
async fn a_lost_code_is_recovered_with_our_own_token() {
    let bench = TestBench::new().await;
    let played = popup(&bench, json!({"account": "one_number", "outcome": "finish_without_code"})).await;
    let own = &bench.settings.system_user_token;
    let mac = Hmac::<Sha256>::new_from_slice(bench.settings.app_secret.as_bytes()).unwrap();
    let proof = hex::encode(mac.chain_update(own).finalize().into_bytes());
    let business = played["session"]["data"]["business_id"].as_str().unwrap();
    let url = |business: &str| format!("{}/v25.0/{business}/system_user_access_tokens", bench.simulator.graph_url());
    let form = [("fetch_only", "true"), ("appsecret_proof", proof.as_str())];
    let (status, token) = answer(bench.http.post(url(business)).form(&form).bearer_auth(own)).await;
    assert_eq!(status, 200, "{token}");
    let scopes = debug(&bench, token["access_token"].as_str().unwrap()).await;
    assert_eq!(scopes["granular_scopes"][0]["target_ids"], json!([played["session"]["data"]["waba_id"]]));
    let unknown = answer(bench.http.post(url("680000000000000")).form(&form).bearer_auth(own)).await;
    assert_eq!(subcode(&unknown), (400, 3962, 0));
}

#[tokio::test]
async fn the_solution_tells_its_status() {
    let bench = TestBench::new().await;
    let app = format!("{}|{}", bench.settings.app_id, bench.settings.app_secret);
    let read = || {
        bench
            .graph(&bench.settings.solution_id)
            .query(&[("fields", "name,status,partners{partner_app}")])
            .bearer_auth(&app)
    };
    assert_eq!(answer(read()).await.1["status"], "ACTIVE");
    bench.control("settings", json!({"solution_status": "DRAFT"})).await;
    assert_eq!(answer(read()).await.1["status"], "DRAFT");
    let submission = bench.signed_up("one_number").await;
    assert_eq!(bench.submit(&submission).await.0, 400);
}
