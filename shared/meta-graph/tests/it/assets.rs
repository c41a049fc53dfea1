//! The WABA, its numbers, the portfolio and the solution.

use exchange::{BusinessId, WabaId};
use meta_graph::{BusinessToken, MetaError, PhoneNumber};
use serde_json::{Value, json};

use crate::graph::{APP_ID, APP_SECRET, Answer, Graph, TOKEN, WABA, secret};

fn token() -> BusinessToken {
    BusinessToken::new(secret(TOKEN))
}

fn waba() -> WabaId {
    WABA.parse().unwrap()
}

async fn numbers(graph: &Graph) -> Result<Vec<PhoneNumber>, MetaError> {
    graph.meta().phone_numbers(&secret(APP_SECRET), &token(), &waba()).await
}

#[tokio::test]
async fn a_waba_is_read_with_the_token_in_a_header_and_the_proof_in_the_query() {
    let graph = Graph::answering([Answer::new(200, json!({"id": WABA, "name": "Nordlicht", "new": {}}))]).await;
    let found = graph.meta().waba(&secret(APP_SECRET), &token(), &waba()).await.unwrap();
    assert_eq!((found.id, found.name.as_deref()), (waba(), Some("Nordlicht")));

    let asked = &graph.asked()[0];
    assert_eq!(asked.line, format!("GET /v25.0/{WABA}"));
    assert_eq!(asked.headers["authorization"], format!("Bearer {TOKEN}"));
    assert_eq!(asked.query["fields"], "id,name");
    // printf %s "$TOKEN" | openssl dgst -sha256 -hmac "$APP_SECRET"
    assert_eq!(asked.query["appsecret_proof"], "822d7ced6a952876ed6836d8b1fc162dc63e3404a5c8e648e5024c738bb7b451");
    assert!(asked.query.keys().eq(["appsecret_proof", "fields"]), "no token in the URL");
}

#[tokio::test]
async fn a_waba_is_proven_only_by_an_answer_that_names_it() {
    for body in [json!({}), json!({"name": "Nordlicht"}), json!({"id": "409812357760144"}), json!([WABA]), json!(true)]
    {
        let graph = Graph::answering([Answer::new(200, &body)]).await;
        let outcome = graph.meta().waba(&secret(APP_SECRET), &token(), &waba()).await;
        assert!(matches!(outcome, Err(MetaError::Retry { .. })), "{body}");
    }
}

#[tokio::test]
async fn the_sample_of_phone_numbers_has_one_number() {
    let graph = Graph::answering([Answer::sample(200, "meta.waba_phone_numbers_response.json")]).await;
    let expected = PhoneNumber {
        id: "512904417735208".parse().unwrap(),
        display_phone_number: Some("+49 30 901820143".to_owned()),
        verified_name: Some("Nordlicht Fahrrad".to_owned()),
    };
    assert_eq!(numbers(&graph).await.unwrap(), [expected]);
    assert_eq!(graph.asked().len(), 1, "the last page has a cursor too, and no `next`");
    assert_eq!(graph.asked()[0].line, format!("GET /v25.0/{WABA}/phone_numbers"));
}

fn page(id: &str, after: Option<&str>) -> Answer {
    let paging =
        after.map(|after| json!({"cursors": {"after": after}, "next": "https://elsewhere.example/?access_token=x"}));
    Answer::new(200, json!({"data": [{"id": id}, {"id": "no id"}, {}, null], "paging": paging}))
}

#[tokio::test]
async fn every_page_of_phone_numbers_is_read_and_invalid_entries_are_skipped() {
    let graph = Graph::answering([page("10001", Some("QVG")), page("10002", Some("QVH")), page("10003", None)]).await;
    let ids: Vec<String> = numbers(&graph).await.unwrap().into_iter().map(|number| number.id.to_string()).collect();
    assert_eq!(ids, ["10001", "10002", "10003"]);
    let cursors: Vec<Option<String>> = graph.asked().iter().map(|asked| asked.query.get("after").cloned()).collect();
    assert_eq!(cursors, [None, Some("QVG".to_owned()), Some("QVH".to_owned())]);
}

#[tokio::test]
async fn names_are_cut_and_have_no_marks_of_direction() {
    let long = format!("\u{202e}Caf\u{1}{}", "ä".repeat(3000));
    let data = json!({"data": [
        {"id": 512_904_417_735_208_u64, "display_phone_number": "\u{2066}+49 30\u{2069}", "verified_name": long},
        {"id": "512904417735209", "verified_name": "\u{202e}"},
    ]});
    // A name that was cut in the middle of a character.
    let body =
        data.to_string().replace("512904417735209\"", "512904417735209\", \"display_phone_number\": \"\\ud83d\"");
    let graph = Graph::answering([Answer::new(200, body), Answer::new(200, json!({"id": WABA, "name": long}))]).await;
    let numbers = numbers(&graph).await.unwrap();
    assert_eq!(numbers[0].id.as_str(), "512904417735208");
    assert_eq!(numbers[0].display_phone_number.as_deref(), Some("+49 30"));
    let expected = format!("Caf {}", "ä".repeat(196));
    assert_eq!(numbers[0].verified_name.as_ref(), Some(&expected));
    assert_eq!(
        (numbers[1].verified_name.as_ref(), numbers[1].display_phone_number.as_deref()),
        (None, Some("\u{fffd}"))
    );
    let read = graph.meta().waba(&secret(APP_SECRET), &token(), &waba()).await.unwrap();
    assert_eq!(read.name, Some(expected));
}

#[tokio::test]
async fn an_endless_list_of_phone_numbers_is_cut_off() {
    let endless = (0..100).map(|n| page("10001", Some(&n.to_string())));
    let graph = Graph::answering(endless).await;
    assert_eq!(numbers(&graph).await.unwrap().len(), 10);
    assert_eq!(graph.asked().len(), 10);

    let circle = Graph::answering([page("10001", Some("QVG"))]).await;
    numbers(&circle).await.unwrap();
    assert_eq!(circle.asked().len(), 2);
}

#[tokio::test]
async fn a_phone_number_list_without_data_is_an_error() {
    let graph = Graph::answering([Answer::new(200, "{}")]).await;
    assert!(matches!(numbers(&graph).await, Err(MetaError::Retry { .. })));
    let graph = Graph::answering([Answer::new(200, r#"{"data": []}"#)]).await;
    assert_eq!(numbers(&graph).await.unwrap(), []);
}

#[tokio::test]
async fn the_portfolio_is_what_meta_says_or_unknown() {
    let no_such_field = Answer::error(400, &json!({"code": 100, "message": "Tried accessing nonexisting field"}));
    for (answer, expected) in [
        (Answer::new(200, json!({"client_business_id": "687201944350116", "id": "1"})), Some("687201944350116")),
        (Answer::new(200, json!({"id": "1"})), None),
        (Answer::new(200, json!({"client_business_id": "../x"})), None),
        (no_such_field, None),
    ] {
        let graph = Graph::answering([answer]).await;
        let found = graph.meta().client_business_id(&secret(APP_SECRET), &token()).await.unwrap();
        assert_eq!(found.as_ref().map(BusinessId::as_str), expected);
        assert_eq!(graph.asked()[0].line, "GET /v25.0/me");
    }
}

#[tokio::test]
async fn the_solution_is_read_with_the_system_user_token_or_as_the_app() {
    let graph = Graph::answering([Answer::sample(200, "meta.solution_response.json")]).await;
    let system_user = secret("EAAmade-up-system-user");
    for (token, bearer) in [
        (Some(&system_user), "Bearer EAAmade-up-system-user".to_owned()),
        (None, format!("Bearer {APP_ID}|{APP_SECRET}")),
    ] {
        let status = graph.meta().solution_status(&secret(APP_SECRET), token, "1093388274650217").await.unwrap();
        assert_eq!(status, "ACTIVE");
        assert_eq!(graph.asked().last().unwrap().headers["authorization"], bearer);
    }
}

#[tokio::test]
async fn an_odd_solution_id_stays_one_path_segment() {
    let graph = Graph::answering([Answer::new(200, Value::Null)]).await;
    let outcome = graph.meta().solution_status(&secret(APP_SECRET), None, "../me?x#y").await;
    assert!(matches!(outcome, Err(MetaError::Retry { .. })));
    assert_eq!(graph.asked()[0].line, "GET /v25.0/..%2Fme%3Fx%23y");
}
