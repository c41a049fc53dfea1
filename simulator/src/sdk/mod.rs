//! The stand-in for Meta's JavaScript SDK and sign-in pages, below `/sdk`.

use std::collections::HashMap;

use axum::Router;
use axum::extract::{Query, State};
use axum::http::{StatusCode, header};
use axum::middleware::from_fn_with_state;
use axum::response::{Html, IntoResponse, Response};
use axum::routing::get;
use serde_json::{Value, json};

use crate::layers;
use crate::platforms::App;

const SCRIPT: &str = include_str!("sdk.js");
const POPUP: &str = include_str!("popup.html");
const PROBLEM: &str = include_str!("problem.html");

/// The stand-in's routes.
pub(crate) fn router(app: &App) -> Router<App> {
    Router::new()
        .route("/{locale}/sdk.js", get(script))
        .route("/popup", get(popup))
        .route("/dialog/oauth", get(popup))
        .route("/{version}/dialog/oauth", get(popup))
        .layer(from_fn_with_state(app.clone(), layers::fault))
}

/// The script, with the settings that it has when it is loaded.
async fn script(State(app): State<App>) -> Response {
    let behavior = &app.state().behavior;
    let settings = json!({"repeatCode": behavior.repeat_code, "separateWindows": behavior.separate_windows});
    // The page loads it with `crossorigin`, so it must be allowed to.
    let headers = [
        (header::CONTENT_TYPE, "text/javascript; charset=utf-8"),
        (header::ACCESS_CONTROL_ALLOW_ORIGIN, "*"),
        (header::CACHE_CONTROL, "no-store"),
    ];
    (headers, SCRIPT.replace("{settings}", &settings.to_string())).into_response()
}

/// The page on which a person chooses. Like Meta's, it shows an error if app, configuration or solution are wrong.
async fn popup(State(app): State<App>, Query(parameters): Query<HashMap<String, String>>) -> Response {
    let given = |name: &str| parameters.get(name).map(String::as_str).filter(|text| !text.is_empty());
    // The SDK's stand-in names the solution; the full-page sign-in has all `extras`, as JSON.
    let extras: Value = given("extras").and_then(|extras| serde_json::from_str(extras).ok()).unwrap_or_default();
    let solution_id = given("solution_id").or(extras["setup"]["solutionID"].as_str());
    let settings = &app.settings;
    let status = app.state().behavior.solution_status.clone();
    let active = matches!(status.as_str(), "ACTIVE" | "PENDING_DEACTIVATION");
    let wrong = if given("app_id").or(given("client_id")) != Some(&settings.app_id) {
        "The app id is not the one this simulator was started with."
    } else if given("config_id") != Some(&settings.config_id) {
        "The configuration id is not the one this simulator was started with."
    } else if solution_id.is_some_and(|id| id != settings.solution_id) {
        "The solution id is not the one this simulator was started with."
    } else if solution_id.is_some() && !active {
        "The solution is not active."
    } else {
        return Html(POPUP).into_response();
    };
    (StatusCode::BAD_REQUEST, Html(PROBLEM.replace("{problem}", wrong))).into_response()
}
