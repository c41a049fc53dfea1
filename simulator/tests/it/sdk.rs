use serde_json::json;

use crate::support::{TestBench, answer};

#[tokio::test]
async fn the_sdk_script_can_be_loaded_from_another_origin() {
    let bench = TestBench::new().await;
    let response = bench.http.get(format!("{}/de_DE/sdk.js", bench.simulator.sdk_url())).send().await.unwrap();
    assert_eq!(response.headers()["access-control-allow-origin"], "*");
    assert!(response.headers()["content-type"].to_str().unwrap().starts_with("text/javascript"));
    let script = response.text().await.unwrap();
    for part in ["window.FB", "fbAsyncInit", "WA_EMBEDDED_SIGNUP", "https://www.facebook.com"] {
        assert!(script.contains(part), "{part}");
    }
}

#[tokio::test]
async fn a_popup_with_a_wrong_configuration_shows_an_error_as_at_meta() {
    let bench = TestBench::new().await;
    let popup = |app: &str, config: &str| {
        let query = [("app_id", app), ("config_id", config), ("solution_id", &bench.settings.solution_id)];
        answer(bench.http.get(format!("{}/popup", bench.simulator.sdk_url())).query(&query))
    };
    let (status, page) = popup(&bench.settings.app_id, &bench.settings.config_id).await;
    assert_eq!(status, 200);
    assert!(page.as_str().unwrap().contains("Stand-in for Meta"));
    assert_eq!(popup(&bench.settings.app_id, "1").await.0, 400);
    assert_eq!(popup("1", &bench.settings.config_id).await.0, 400);
    bench.control("settings", json!({"solution_status": "DEACTIVATED"})).await;
    let (status, page) = popup(&bench.settings.app_id, &bench.settings.config_id).await;
    assert_eq!(status, 400);
    assert!(page.as_str().unwrap().contains("Sorry, something went wrong"));
}

#[tokio::test]
async fn the_full_page_sign_in_stands_where_facebook_has_it() {
    let bench = TestBench::new().await;
    for path in ["dialog/oauth", "v25.0/dialog/oauth"] {
        let url = format!("{}/{path}", bench.simulator.sdk_url());
        let query = [("client_id", &bench.settings.app_id), ("config_id", &bench.settings.config_id)];
        assert_eq!(answer(bench.http.get(url).query(&query)).await.0, 200);
    }
}

#[tokio::test]
async fn the_full_page_sign_in_reads_the_solution_from_its_extras() {
    let bench = TestBench::new().await;
    for (solution, status) in [(bench.settings.solution_id.as_str(), 200), ("1", 400)] {
        let url = format!("{}/v25.0/dialog/oauth", bench.simulator.sdk_url());
        let extras = json!({"setup": {"solutionID": solution}}).to_string();
        let query =
            [("client_id", &bench.settings.app_id), ("config_id", &bench.settings.config_id), ("extras", &extras)];
        assert_eq!(answer(bench.http.get(url).query(&query)).await.0, status, "{solution}");
    }
}

#[tokio::test]
async fn there_is_a_page_on_which_a_client_grants_permission() {
    let bench = TestBench::new().await;
    let (status, page) = answer(bench.http.get(bench.simulator.permission_url())).await;
    assert_eq!(status, 200);
    assert!(page.as_str().unwrap().contains("Stand-in for 360dialog"));
}

#[tokio::test]
async fn the_script_repeats_codes_and_opens_separate_windows_when_it_is_set() {
    let bench = TestBench::new().await;
    let url = format!("{}/en_US/sdk.js", bench.simulator.sdk_url());
    let script = async || answer(bench.http.get(&url)).await.1.as_str().unwrap().to_owned();
    assert!(script().await.contains(r#"'{"repeatCode":false,"separateWindows":false}'"#));
    bench.control("settings", json!({"repeat_code": true, "separate_windows": true})).await;
    assert!(script().await.contains(r#"'{"repeatCode":true,"separateWindows":true}'"#));
}
