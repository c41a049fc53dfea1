use serde_json::json;

use crate::support::{TestBench, answer};

const PAGE: &str = "<html><body>upstream route not found</body></html>";

#[tokio::test]
async fn a_proxys_page_has_its_own_content_type_and_any_status() {
    let bench = TestBench::new().await;
    let html = json!({"content-type": "text/html", "retry-after": "7"});
    for (status, body) in [(200, PAGE), (200, ""), (403, PAGE), (404, ""), (502, PAGE)] {
        bench.fault(json!({"route": "list_clients", "status": status, "body": body, "headers": html})).await;
        let response = bench.hub("GET", "/clients").send().await.unwrap();
        assert_eq!(
            (response.status().as_u16(), &response.headers()["content-type"]),
            (status, &"text/html".parse().unwrap())
        );
        assert_eq!(response.headers()["retry-after"], "7");
        assert_eq!(response.text().await.unwrap(), body);
    }
}

#[tokio::test]
async fn the_true_answer_can_be_cut_and_mislabeled() {
    let bench = TestBench::new().await;
    bench
        .fault(json!([
            {"route": "create_client", "cut_after": 9},
            {"route": "create_client", "headers": {"content-type": "text/plain"}},
            {"route": "create_client", "status": 200, "body": PAGE, "after_effect": true, "cut_after": 6},
        ]))
        .await;
    let (status, cut) = bench.create_client("a@nordlicht.example").await;
    assert_eq!((status, cut.as_str().map(str::len)), (200, Some(9)));
    let (status, whole) = bench.create_client("b@nordlicht.example").await;
    assert_eq!((status, whole["id"].is_string()), (200, true));
    assert_eq!(bench.create_client("c@nordlicht.example").await, (200, json!("<html>")));
    let ledger = bench.ledger().await;
    assert_eq!(ledger["clients"].as_array().unwrap().len(), 3, "all were carried out");
    assert_eq!(ledger["calls"][0]["fault"], "cut after 9 bytes");
}

#[tokio::test]
async fn headers_that_frame_the_body_are_refused() {
    let bench = TestBench::new().await;
    for order in [
        json!({"route": "numbers", "headers": {"content-length": "3"}}),
        json!({"route": "numbers", "headers": {"no header": "3"}}),
        json!({"route": "numbers", "drop": true, "cut_after": 3}),
        json!({"route": "webhook", "cut_after": 3}),
    ] {
        assert_eq!(bench.control("faults", order.clone()).await.0, 422, "{order}");
    }
    assert_eq!(answer(bench.hub("GET", "/clients")).await.0, 200);
}
