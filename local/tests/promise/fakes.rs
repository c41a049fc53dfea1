//! The border at the Hub, Meta and the messaging API: a layer around the simulator's routes.

use std::future::pending;
use std::sync::Arc;

use axum::Json;
use axum::extract::{Request, State};
use axum::http::StatusCode;
use axum::middleware::{Next, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use serde_json::json;
use simulator::{Around, Unanswered};

use crate::outside::{Effect, Fate, Outside, Place, Trouble};

/// Puts the border around the simulator.
pub(crate) fn around(outside: Arc<Outside>) -> Around {
    Arc::new(move |fakes| fakes.layer(from_fn_with_state(Arc::clone(&outside), through)))
}

async fn through(State(outside): State<Arc<Outside>>, request: Request, next: Next) -> Response {
    let path = request.uri().path();
    let place = match path.split('/').nth(1) {
        Some("hub") => Place::Hub,
        Some("graph") => Place::Meta,
        Some("messaging") => Place::Messaging,
        _ => return next.run(request).await,
    };
    let what = format!("{} {}", request.method(), words(path));
    let fate = outside.arriving(place, what);
    let answer = match fate {
        Fate::Crash(Effect::None) | Fate::Fail(_, Effect::None) => None,
        _ => Some(next.run(request).await),
    };
    match (fate, answer) {
        (Fate::Pass, Some(answer)) => answer,
        (Fate::Crash(_), _) => outside.end().await,
        (Fate::Fail(trouble, _), _) => go_wrong(trouble, place).await,
        (Fate::Pass, None) => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
    }
}

/// The path without the parts that are ids.
fn words(path: &str) -> String {
    let word = |part: &&str| part.len() > 1 && part.chars().all(|c| c.is_ascii_lowercase() || c == '_');
    path.split('/').skip(2).filter(word).collect::<Vec<_>>().join("/")
}

async fn go_wrong(trouble: Trouble, place: Place) -> Response {
    match trouble {
        Trouble::Status(status) => {
            let status = StatusCode::from_u16(status).unwrap();
            (status, Json(error_body(place, status))).into_response()
        }
        Trouble::Silence => pending().await,
        Trouble::Garbage => (StatusCode::OK, "<html>Welcome to the hotel network</html>").into_response(),
        _ => {
            let mut response = StatusCode::INTERNAL_SERVER_ERROR.into_response();
            response.extensions_mut().insert(Unanswered);
            response
        }
    }
}

fn error_body(place: Place, status: StatusCode) -> serde_json::Value {
    let message = status.canonical_reason().unwrap_or("Error");
    match place {
        Place::Hub => json!({"meta": {"success": false, "http_code": status.as_u16(), "developer_message": message}}),
        Place::Meta => {
            let code = if status == StatusCode::TOO_MANY_REQUESTS { 4 } else { 2 };
            json!({"error": {"message": message, "type": "OAuthException", "code": code, "is_transient": true}})
        }
        _ => json!({"error": message}),
    }
}
