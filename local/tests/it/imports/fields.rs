//! What `POST /imports` and `GET /imports/{id}` refuse, and how long an answer is.

use local::settings::BACKEND_TOKEN;
use serde_json::{Value, json};

use super::wanted;
use crate::support::TestBench;

#[tokio::test]
async fn a_wrong_import_names_each_field_that_is_wrong() {
    let bench = TestBench::new().await;
    let many: Vec<Value> = (0..1001).map(|n| wanted(&json!(format!("Ab{n:04}CH")), "r")).collect();
    for (body, fields) in [
        (json!({}), vec!["channels"]),
        (json!({"dry_run": false}), vec!["channels"]),
        (json!({"channels": []}), vec!["channels"]),
        (json!({"channels": many}), vec!["channels"]),
        (json!({"channels": [{"reference": "r"}]}), vec!["channels[0].channel_id"]),
        (json!({"channels": [{"channel_id": "Rb82LdCH"}]}), vec!["channels[0].reference"]),
        (
            json!({"channels": [{"channel_id": "../x", "reference": ""}]}),
            vec!["channels[0].channel_id", "channels[0].reference"],
        ),
        (
            json!({"channels": [wanted(&json!("Rb82LdCH"), "a"), wanted(&json!("Rb82LdCH"), "b")]}),
            vec!["channels[1].channel_id"],
        ),
        (json!({"channels": [{"channel_id": "Rb82LdCH", "reference": "a", "colour": 1}]}), vec!["channels[0].colour"]),
        (json!({"channels": "all"}), vec!["channels"]),
        (json!({"dry_run": "yes"}), vec!["dry_run"]),
    ] {
        let reply = bench.post("/v1/imports", BACKEND_TOKEN, &body).await;
        reply.assert_problem(422, "invalid_field");
        reply.assert_fields(&fields);
    }
    bench.post("/v1/imports", "", &json!({"dry_run": true})).await.assert_problem(401, "unauthorized");
}

#[tokio::test]
async fn the_longest_import_is_taken() {
    let bench = TestBench::new().await;
    let reference = "r".repeat(128);
    let channels: Vec<Value> = (0..1000)
        .map(|n| json!({"channel_id": format!("Ab{n:04}CH"), "reference": reference, "replace_key": false}))
        .collect();
    let id = bench.import(&json!({"dry_run": true, "channels": channels})).await;
    let import = bench.imported(&id).await;
    assert_eq!((&import["state"], &import["done"], &import["total"]), (&json!("running"), &json!(0), &json!(1000)));
    assert_eq!(import["next_cursor"], Value::Null);
    let first = bench.get(&format!("/v1/imports/{id}?limit=600"), BACKEND_TOKEN).await.body;
    let cursor = first["next_cursor"].as_str().unwrap();
    let rest = bench.get(&format!("/v1/imports/{id}?limit=600&cursor={cursor}"), BACKEND_TOKEN).await.body;
    let pages = [&first, &rest].map(|page| page["channels"].as_array().unwrap().clone());
    assert_eq!(json!(pages.concat()), import["channels"]);
    assert_eq!(rest["next_cursor"], Value::Null);
}

#[tokio::test]
async fn an_unknown_import_is_not_found_and_a_wrong_query_refused() {
    let bench = TestBench::new().await;
    for id in ["imp_01890000000070008000000000000000", "x", "onb_01890000000070008000000000000000"] {
        bench.get(&format!("/v1/imports/{id}"), BACKEND_TOKEN).await.assert_problem(404, "not_found");
    }
    let id = bench.import(&json!({"dry_run": true})).await;
    for (query, field) in [
        ("limit=0", "limit"),
        ("limit=1001", "limit"),
        ("cursor=/", "cursor"),
        ("cursor=Ab1234CH", "cursor"),
        ("page=2", "page"),
    ] {
        let reply = bench.get(&format!("/v1/imports/{id}?{query}"), BACKEND_TOKEN).await;
        reply.assert_problem(422, "invalid_field");
        reply.assert_fields(&[field]);
    }
    bench.get(&format!("/v1/imports/{id}"), "").await.assert_problem(401, "unauthorized");
    bench.pass(time::Duration::days(31));
    bench.get(&format!("/v1/imports/{id}"), BACKEND_TOKEN).await.assert_problem(404, "not_found");
}
