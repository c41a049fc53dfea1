use serde_json::{Value, json};
use simulator::RateLimit;
use time::Duration;

use crate::support::{TestBench, answer, shape};

#[tokio::test]
async fn the_sixth_hub_call_in_thirty_seconds_is_refused() {
    let bench = TestBench::with(|settings| settings.behavior.rate_limit = Some(RateLimit::default())).await;
    for call in 0..5 {
        assert_eq!(answer(bench.hub("GET", "/clients")).await.0, 200, "call {call}");
        bench.wait(Duration::seconds(2)).await;
    }
    let (status, body) = answer(bench.hub("GET", "/channels")).await;
    assert_eq!(status, 429);
    let sample = json!({"meta": {"success": false, "http_code": 429, "developer_message": "Too many requests"}});
    assert_eq!(body, sample);
    // 10 s have passed. The window slides: 20 s later the first call is out of it, the second is not.
    bench.wait(Duration::seconds(20)).await;
    assert_eq!(answer(bench.hub("GET", "/channels")).await.0, 200);
    assert_eq!(answer(bench.hub("GET", "/channels")).await.0, 429);
}

#[tokio::test]
async fn the_hub_accepts_only_its_own_credentials() {
    let bench = TestBench::new().await;
    let url = format!("{}/partners/{}/clients", bench.simulator.hub_url(), bench.settings.partner_id);
    assert_eq!(answer(bench.http.get(&url)).await.0, 401);
    assert_eq!(answer(bench.http.get(&url).header("X-API-Key", "made-up-other")).await.0, 401);
    assert_eq!(answer(bench.http.get(&url).bearer_auth(&bench.settings.bearer_token)).await.0, 200);
    let other = url.replace(&bench.settings.partner_id, "OtherPA");
    let (status, body) = answer(bench.http.get(other).header("X-API-Key", &bench.settings.api_key)).await;
    assert_eq!((status, body["meta"]["developer_message"].as_str()), (401, Some("Unauthorized")));
}

#[tokio::test]
async fn a_fetched_hub_token_expires_when_it_said_it_would() {
    let bench = TestBench::new().await;
    let token = format!("{}/token", bench.simulator.hub_url());
    let wrong = json!({"username": bench.settings.user_name, "password": "made-up-other"});
    let (status, refused) = answer(bench.http.post(&token).json(&wrong)).await;
    assert_eq!((status, refused["error"].as_str()), (401, Some("invalid_grant")));
    let right = json!({"username": bench.settings.user_name, "password": bench.settings.password});
    let (status, fetched) = answer(bench.http.post(&token).json(&right)).await;
    assert_eq!(status, 200);
    assert_eq!(shape(&fetched), ["access_token", "expires_in", "refresh_token", "token_type"]);

    let url = format!("{}/partners/{}/clients", bench.simulator.hub_url(), bench.settings.partner_id);
    let list = || bench.http.get(&url).bearer_auth(fetched["access_token"].as_str().unwrap());
    let lifetime = Duration::seconds(fetched["expires_in"].as_i64().unwrap());
    bench.wait(lifetime - Duration::seconds(1)).await;
    assert_eq!(answer(list()).await.0, 200);
    bench.wait(Duration::seconds(1)).await;
    assert_eq!(answer(list()).await.0, 401);
}

#[tokio::test]
async fn the_same_email_twice_makes_two_clients() {
    let bench = TestBench::new().await;
    let (status, first) = bench.create_client("lena.voss@nordlicht.example").await;
    assert_eq!(status, 200);
    assert!(first["id"].as_str().unwrap().ends_with("CL"));
    assert_eq!(first["created_by"], json!({"user_id": "0aBcDe1", "user_name": "integration@partner.example"}));
    bench.create_client("other@nordlicht.example").await;
    let (_, second) = bench.create_client("lena.voss@nordlicht.example").await;
    assert_ne!(first["id"], second["id"]);

    let filters = json!({"contact_info.email": "lena.voss@nordlicht.example"}).to_string();
    let list =
        || bench.hub("GET", "/clients").query(&[("filters", filters.as_str()), ("limit", "1"), ("sort", "created_at")]);
    let (_, page) = answer(list()).await;
    assert_eq!((&page["count"], &page["total"], &page["limit"]), (&json!(1), &json!(2), &json!(1)));
    assert_eq!(page["clients"][0]["id"], first["id"]);
    assert_eq!(page["sort"], json!(["created_at"]));
    assert_eq!(page["filters"], json!({"contact_info.email": "lena.voss@nordlicht.example"}));
    assert_eq!(answer(list().query(&[("offset", "1")])).await.1["clients"][0]["id"], second["id"]);

    bench.control("settings", json!({"email_filter": "ignored"})).await;
    assert_eq!(answer(list()).await.1["total"], 3);
}

#[tokio::test]
async fn wrong_clients_and_filters_are_refused_with_the_field() {
    let bench = TestBench::new().await;
    let details = |body: Value| body["meta"]["details"][0].as_str().unwrap().to_owned();
    let (status, body) = bench.create_client("someone@mailinator.com").await;
    assert_eq!((status, details(body)), (400, "email: This email domain is not allowed.".to_owned()));
    let (status, body) = answer(bench.hub("POST", "/account_sharing/clients").json(&json!({"name": "A"}))).await;
    assert_eq!((status, details(body)), (400, "email: Missing data for required field.".to_owned()));
    let (status, body) = answer(bench.hub("GET", "/clients").query(&[("filters", r#"{"email":"a"}"#)])).await;
    assert_eq!((status, details(body)), (400, "filters: email: Unknown field.".to_owned()));
    let (status, body) = answer(bench.hub("GET", "/nothing")).await;
    assert_eq!((status, body["meta"]["http_code"].as_u64()), (404, Some(404)));
}

#[tokio::test]
async fn a_clients_payload_comes_back_inside_its_channels() {
    let mut bench = TestBench::new().await;
    bench.live_channel("one_number").await;
    let ledger = bench.ledger().await;
    let client = ledger["clients"][0]["id"].as_str().unwrap();
    let patch = json!({"partner_payload": "tenant-48213", "max_channels": 7});
    let (status, patched) = answer(bench.hub("PATCH", &format!("/clients/{client}")).json(&patch)).await;
    assert_eq!((status, &patched["max_channels"]), (200, &json!(7)));
    let (_, page) = answer(bench.hub("GET", "/channels")).await;
    assert_eq!(page["partner_channels"][0]["client"]["partner_payload"], "tenant-48213");
}

#[tokio::test]
async fn invalid_number_submissions_are_refused() {
    let bench = TestBench::new().await;
    let good = bench.signed_up("one_number").await;
    let with = |name: &str, value: Value| {
        let mut submission = good.clone();
        submission[name] = value;
        submission
    };
    for (name, value, status) in [
        ("solution_id", json!(null), 400),
        ("solution_id", json!("1093388274650218"), 404),
        ("waba_external_id", json!("409999999999999"), 404),
        ("waba_external_id", json!(409_999_999_999_999_u64), 400),
        ("client_id", json!("missingCL"), 404),
        ("client_id", json!(null), 400),
        ("waba_business_id", json!("687201944350116"), 400),
        ("channel_external_id", json!("519999999999999"), 404),
        ("tier", json!("gold"), 400),
    ] {
        let (answered, body) = bench.submit(&with(name, value.clone())).await;
        assert_eq!(answered, status, "{name} = {value}: {body}");
        assert_eq!(body["meta"]["success"], false);
    }
    // A WABA that Meta knows, but whose customer left half-way.
    let (_, popup) = bench.control("popup", json!({"account": "other", "outcome": "cancel"})).await;
    assert!(popup["code"].is_null());
    bench.control("popup", json!({"account": "other_customer:9", "outcome": "cancel"})).await;
    let (_, claimed) = bench.control("popup", json!({"account": "other_customer:9"})).await;
    let mut unshared = with("waba_external_id", claimed["session"]["data"]["waba_id"].clone());
    unshared["channel_external_id"] = claimed["session"]["data"]["phone_number_id"].clone();
    let (status, body) = bench.submit(&unshared).await;
    assert_eq!((status, body["meta"]["error_data"]["code"].as_str()), (400, Some("100")));
    assert_eq!(bench.ledger().await["channels"], json!([]));
}

#[tokio::test]
async fn a_number_submitted_again_gets_the_same_answer_and_no_second_channel() {
    let mut bench = TestBench::new().await;
    let submission = bench.signed_up("one_number").await;
    let (status, first) = bench.submit(&submission).await;
    assert_eq!(status, 200);
    let mut expected = submission.clone();
    expected["message"] = json!("Success. Please wait, your number is onboarding.");
    assert_eq!(first, expected);
    assert_eq!(bench.submit(&submission).await, (200, first));
    bench.wait(Duration::seconds(1)).await;
    let ledger = bench.ledger().await;
    assert_eq!(ledger["channels"].as_array().unwrap().len(), 1);
    assert_eq!(ledger["numbers"].as_array().unwrap().len(), 2);
    assert_eq!(bench.receiver.events().iter().filter(|event| *event == "channel_live").count(), 1);

    let (_, other) = bench.create_client("other@nordlicht.example").await;
    let mut taken = submission;
    taken["client_id"] = other["id"].clone();
    assert_eq!(bench.submit(&taken).await.0, 409);
}

#[tokio::test]
async fn a_submission_without_a_number_connects_all_of_the_waba() {
    let bench = TestBench::new().await;
    let mut submission = bench.signed_up("several_numbers").await;
    submission.as_object_mut().unwrap().remove("channel_external_id");
    assert_eq!(bench.submit(&submission).await.0, 200);
    let filters = json!({"waba_account.external_id": submission["waba_external_id"]}).to_string();
    let (_, page) = answer(bench.hub("GET", "/channels").query(&[("filters", filters)])).await;
    assert_eq!(page["total"], 3);

    let submission = bench.signed_up("no_number").await;
    assert_eq!(bench.submit(&submission).await.0, 200);
    assert_eq!(bench.ledger().await["channels"].as_array().unwrap().len(), 3);
}

#[tokio::test]
async fn a_submission_by_business_finds_or_makes_the_client() {
    let bench = TestBench::new().await;
    let (_, popup) = bench.control("popup", json!({"account": "one_number"})).await;
    let ids = &popup["session"]["data"];
    let submission = json!({
        "solution_id": bench.settings.solution_id,
        "waba_external_id": ids["waba_id"],
        "waba_business_id": ids["business_id"],
    });
    for _ in 0..2 {
        assert_eq!(bench.submit(&submission).await.0, 200);
    }
    let ledger = bench.ledger().await;
    assert_eq!(ledger["clients"].as_array().unwrap().len(), 1);
    assert_eq!(ledger["channels"][0]["client_id"], ledger["clients"][0]["id"]);
}

#[tokio::test]
async fn the_details_of_a_new_channel_are_listed_late_when_a_lag_is_set() {
    let mut bench = TestBench::with(|settings| settings.behavior.listing_lag_ms = 3000).await;
    let channel = bench.live_channel("one_number").await;
    let listed = async || {
        let filters = json!({"id": channel}).to_string();
        let (_, page) = answer(bench.hub("GET", "/channels").query(&[("filters", filters)])).await;
        page["partner_channels"][0].clone()
    };
    let at_once = listed().await;
    assert_eq!(at_once["hub_status"], "live");
    assert_eq!(at_once["setup_info"]["phone_number"], "");
    bench.wait(Duration::seconds(1)).await;
    let later = listed().await;
    assert_ne!(later["setup_info"]["phone_number"], "");
    assert_eq!(later["setup_info"]["phone_name"], "");
    bench.wait(Duration::seconds(2)).await;
    let last = listed().await;
    assert_eq!(last["setup_info"]["phone_name"], "Nordlicht one number");
    assert_eq!(last["current_limit"], "TIER_250");
}

#[tokio::test]
async fn a_new_client_is_listed_late_when_a_lag_is_set() {
    let bench = TestBench::with(|settings| settings.behavior.client_lag_ms = 3000).await;
    let order = json!({"name": "Nordlicht", "email": "lena@nordlicht.example", "user_name": "Lena Voss"});
    assert_eq!(answer(bench.hub("POST", "/account_sharing/clients").json(&order)).await.0, 200);
    for (listed, wait) in [(0, 2), (0, 1), (1, 0)] {
        assert_eq!(answer(bench.hub("GET", "/clients")).await.1["total"], listed);
        bench.wait(Duration::seconds(wait)).await;
    }
}

#[tokio::test]
async fn a_listed_channel_has_every_member_that_the_hub_shows() {
    let mut bench = TestBench::new().await;
    bench.live_channel("one_number").await;
    let (_, page) = answer(bench.hub("GET", "/channels").query(&[("sort", "-created_at")])).await;
    let channel = &page["partner_channels"][0];
    let names = shape(channel);
    for name in [
        "client.contact_info.email",
        "setup_info.shards_number",
        "waba_account.on_behalf_of_business_info.type",
        "integration.state",
        "is_on_biz_app",
        "availability_status",
    ] {
        assert!(names.iter().any(|known| known == name), "{name}");
    }
    assert_eq!(names.len(), 61);
    assert!(channel["setup_info"]["phone_number"].as_str().unwrap().starts_with("493023125"));
    assert!(channel["created_at"].as_str().unwrap().ends_with('Z'));
}

#[tokio::test]
async fn the_partners_addresses_can_be_read_and_set() {
    let bench = TestBench::new().await;
    let new = format!("{}?new", bench.receiver.url);
    let (status, set) = answer(bench.hub("POST", "/webhook_url").json(&json!({"webhook_url": new}))).await;
    assert_eq!((status, set), (200, json!({"webhook_url": new})));
    assert_eq!(answer(bench.hub("GET", "/webhook_url")).await.1, json!({"webhook_url": new}));
    let patch = json!({"partner_redirect_url": "https://app.funkturm.example/whatsapp/connected"});
    let (_, partner) = answer(bench.hub("PATCH", "").json(&patch)).await;
    assert_eq!(partner["webhook_url"], new);
    assert_eq!(answer(bench.hub("GET", "")).await.1, partner);
    let outside = json!({"webhook_url": "https://edge.funkturm.example/hook"});
    assert_eq!(answer(bench.hub("POST", "/webhook_url").json(&outside)).await.0, 400);
}
