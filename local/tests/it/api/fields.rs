//! `POST /onboardings`: every field, wrong and right.

use local::client::start_body;
use local::settings::BACKEND_TOKEN;
use serde_json::{Value, json};

use crate::support::TestBench;

/// A good body with one member replaced, or taken out where the value is null.
fn with(pointer: &str, value: Value) -> Value {
    let mut body = start_body("tenant-1");
    let (parent, name) = pointer.rsplit_once('/').unwrap();
    let members = body.pointer_mut(parent).unwrap().as_object_mut().unwrap();
    if value.is_null() {
        members.remove(name);
    } else {
        members.insert(name.to_owned(), value);
    }
    body
}

async fn assert_refused(bench: &TestBench, body: &Value, fields: &[&str]) {
    bench.post("/v1/onboardings", BACKEND_TOKEN, body).await.assert_fields(fields);
}

async fn assert_started(bench: &TestBench, body: &Value) -> Value {
    let reply = bench.post("/v1/onboardings", BACKEND_TOKEN, body).await;
    assert_eq!(reply.status, 201, "{body} {}", reply.text);
    assert_eq!(reply.header("cache-control"), "no-store");
    bench.client.record(reply.body["id"].as_str().unwrap()).await.unwrap()
}

#[tokio::test]
async fn a_start_with_a_wrong_field_names_it_and_starts_nothing() {
    let bench = TestBench::new().await;
    for pointer in ["/reference", "/client/name", "/client/email", "/client/user_name"] {
        let field = pointer.trim_start_matches('/').replace('/', ".");
        for value in [json!(null), json!(""), json!(" \t "), json!("a\u{7}b"), json!("x".repeat(257))] {
            assert_refused(&bench, &with(pointer, value), &[&field]).await;
        }
    }
    assert_refused(&bench, &with("/reference", json!("r".repeat(129))), &["reference"]).await;
    assert_refused(&bench, &with("/client", json!(null)), &["client"]).await;
    let all = ["client.name", "client.email", "client.user_name"];
    assert_refused(&bench, &with("/client", json!({})), &all).await;
    for email in ["lena", "@nordlicht.example", "lena@", "lena@nordlicht", "lena@.example", "a@b@c.example", "a b@c.de"]
    {
        assert_refused(&bench, &with("/client/email", json!(email)), &["client.email"]).await;
    }
    for tier in ["gold", "Regular", ""] {
        assert_refused(&bench, &with("/tier", json!(tier)), &["tier"]).await;
    }
    for locale in ["de_DE", "de-", "d", "", "../x"] {
        assert_refused(&bench, &with("/locale", json!(locale)), &["locale"]).await;
    }
    assert_refused(&bench, &with("/prefill", json!({"solutionID": "1"})), &["prefill.solutionID"]).await;
    assert_refused(&bench, &with("/prefill", json!({"business": "x".repeat(8 * 1024)})), &["prefill"]).await;
    assert_refused(&bench, &with("/reply_to", json!("x")), &["reply_to"]).await;
    assert_refused(&bench, &with("/client/phone", json!("x")), &["client.phone"]).await;
    assert_eq!(bench.everything().await["records"], json!([]));
    bench.assert_nothing_left();
}

#[tokio::test]
async fn a_start_names_its_client_by_id_or_describes_it_but_not_both() {
    let bench = TestBench::new().await;
    for id in ["", "CL", "a/b", "hT3m VxCL", "hT3m#CL"] {
        assert_refused(&bench, &with("/client", json!({"id": id})), &["client.id"]).await;
    }
    assert_refused(&bench, &with("/client/id", json!("hT3mVxCL")), &["client"]).await;
    assert_refused(&bench, &with("/client/id", json!("CL")), &["client", "client.id"]).await;

    let record = assert_started(&bench, &with("/client", json!({"id": "hT3mVxCL"}))).await;
    assert_eq!(record["client"], json!({"state": "known", "id": "hT3mVxCL"}));
    // There is nothing to look up, so nothing is queued.
    bench.assert_nothing_left();
}

#[tokio::test]
async fn a_return_url_is_taken_only_on_the_origins_of_the_settings() {
    let bench = TestBench::new().await;
    for url in [
        "partner.example/done",
        "//partner.example/done",
        "javascript:alert(1)",
        "http://partner.example/done",
        "https://partner.example.evil.example/done",
        "https://evil.example/https://partner.example/",
        "https://partner.example@evil.example/",
        "https://partner.example:8443/done",
        "http://localhost:8081/done",
        "https://partner.example/\\@evil.example/",
        "https:\\\\partner.example/done",
        " https://partner.example/done",
        "https://partner.example/do\nne",
        "https://partner.example/a b",
        "",
    ] {
        assert_refused(&bench, &with("/return_url", json!(url)), &["return_url"]).await;
    }
    for (url, kept) in [
        ("https://partner.example", "https://partner.example/"),
        ("https://PARTNER.example:443/a/../done?tenant=1#x", "https://partner.example/done?tenant=1#x"),
        ("http://localhost:8080/done", "http://localhost:8080/done"),
    ] {
        assert_eq!(assert_started(&bench, &with("/return_url", json!(url))).await["return_url"], kept);
    }
}

#[tokio::test]
async fn a_start_with_several_wrong_fields_names_them_all() {
    let bench = TestBench::new().await;
    let body = json!({
        "reference": "",
        "client": {"name": " ", "email": "lena"},
        "tier": "gold",
        "prefill": {"solutionID": "1"},
        "return_url": "https://evil.example",
        "locale": "de_DE",
    });
    let fields = [
        "reference",
        "client.name",
        "client.user_name",
        "client.email",
        "tier",
        "prefill.solutionID",
        "return_url",
        "locale",
    ];
    assert_refused(&bench, &body, &fields).await;
    assert_refused(&bench, &json!({}), &["reference", "client"]).await;
    assert_eq!(bench.everything().await["records"], json!([]));
}

#[tokio::test]
async fn a_start_takes_the_longest_and_strangest_valid_values_unchanged() {
    let bench = TestBench::new().await;
    let body = json!({
        "reference": "ü".repeat(128),
        "client": {"name": format!(" {} ", "名".repeat(256)), "email": "o'brien+wa@nord.example", "user_name": "Z"},
        "tier": "premium",
        "prefill": {"business": {"name": "Nordlicht", "id": "9007199254740993"}},
        "locale": "pt-BR",
    });
    let record = assert_started(&bench, &body).await;
    assert_eq!(record["reference"], body["reference"]);
    assert_eq!(record["client"]["details"]["name"], "名".repeat(256));
    assert_eq!((&record["tier"], &record["locale"]), (&json!("premium"), &json!("pt-BR")));
    assert_eq!(record["prefill"], body["prefill"]);
}

#[tokio::test]
async fn ids_that_javascript_would_round_reach_the_page_as_texts() {
    let bench = TestBench::new().await;
    let body = with("/prefill", json!({"business": {"id": 10_203_040_506_070_809_u64}}));
    let started = bench.post("/v1/onboardings", BACKEND_TOKEN, &body).await;
    assert_eq!(started.status, 201, "{}", started.text);
    let token = started.body["setup_url"].as_str().unwrap().rsplit_once('.').unwrap().1;
    let view = bench.get(&format!("/v1/onboardings/{}", started.body["id"].as_str().unwrap()), token).await.body;
    assert_eq!(view["launch"]["extras"]["setup"]["business"]["id"], "10203040506070809");
    let body = with("/prefill", json!({"business": {"id": 1e30}}));
    assert_refused(&bench, &body, &["prefill.business.id"]).await;
}

#[tokio::test]
async fn language_tags_of_any_form_start_an_onboarding() {
    let bench = TestBench::new().await;
    for locale in ["fr", "es-419", "zh-Hant", "pt-br", "sr-Latn-RS"] {
        assert_eq!(assert_started(&bench, &with("/locale", json!(locale))).await["locale"], locale);
    }
}
