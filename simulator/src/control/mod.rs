//! The routes under `/simulator`: what a test or a person orders. `README.md` has an example of each.

mod change;
mod hub_person;
mod ledger;
mod send;

use axum::body::Bytes;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use crate::faults::{self, Fault};
use crate::lists::Disturbance;
use crate::meta;
use crate::platforms::App;

/// The control routes.
pub(crate) fn router(app: App) -> Router {
    Router::new()
        .route("/simulator/popup", post(popup))
        .route("/simulator/faults", get(pending).post(order).delete(mend))
        .route("/simulator/lists", get(disturbed).post(disturb))
        .route("/simulator/ledger", get(ledger::show))
        .route("/simulator/settings", get(change::show).post(change::apply))
        .route("/simulator/permission", post(change::permission))
        .route("/simulator/channels", post(hub_person::channel))
        .route("/simulator/keys", post(hub_person::key))
        .route("/simulator/cancellation", post(hub_person::cancel))
        .route("/simulator/webhook", post(send::webhook))
        .route("/simulator/account_update", post(send::account_update))
        .route("/simulator/meta_webhook", post(send::meta_webhook))
        .route("/simulator/reset", post(reset))
        .with_state(app)
}

/// An order that cannot be carried out: `{"error": "…"}`.
struct Refused(StatusCode, String);

impl Refused {
    fn unprocessable(problem: impl Into<String>) -> Self {
        Self(StatusCode::UNPROCESSABLE_ENTITY, problem.into())
    }
}

impl IntoResponse for Refused {
    fn into_response(self) -> Response {
        (self.0, Json(json!({"error": self.1}))).into_response()
    }
}

/// Reads an order. What is wrong with it, and what is known instead, stands in the error. An empty body is `{}`.
fn read<T: DeserializeOwned>(body: &[u8]) -> Result<T, Refused> {
    let body = if body.iter().all(u8::is_ascii_whitespace) { b"{}" } else { body };
    serde_json::from_slice(body).map_err(|error| Refused::unprocessable(error.to_string()))
}

async fn popup(State(app): State<App>, body: Bytes) -> Result<Json<meta::Outcome>, Refused> {
    Ok(Json(meta::play(&app, read(&body)?)))
}

async fn pending(State(app): State<App>) -> Json<Value> {
    Json(json!({"routes": faults::known_routes(), "pending": app.state().faults}))
}

async fn order(State(app): State<App>, body: Bytes) -> Result<Json<Value>, Refused> {
    let many = body.iter().find(|byte| !byte.is_ascii_whitespace()) == Some(&b'[');
    let faults: Vec<Fault> = if many { read(&body)? } else { vec![read(&body)?] };
    if let Some(problem) = faults.iter().find_map(Fault::problem) {
        return Err(Refused::unprocessable(problem));
    }
    let mut state = app.state();
    state.faults.extend(faults);
    Ok(Json(json!({"pending": state.faults})))
}

async fn mend(State(app): State<App>) -> Json<Value> {
    app.state().faults.clear();
    Json(json!({}))
}

async fn disturbed(State(app): State<App>) -> Json<Value> {
    Json(json!({"lists": app.state().lists}))
}

async fn disturb(State(app): State<App>, body: Bytes) -> Result<Json<Value>, Refused> {
    let order: Disturbance = read(&body)?;
    let mut state = app.state();
    state.lists.retain(|earlier| earlier.list != order.list);
    state.lists.push(order);
    Ok(Json(json!({"lists": state.lists})))
}

async fn reset(State(app): State<App>) -> Json<Value> {
    app.reset();
    Json(json!({}))
}
