//! Faults at the Hub, Meta, the messaging API and the partner's webhook: a layer around the simulator's routes.

use std::future::pending;
use std::sync::{Arc, Mutex};

use axum::Json;
use axum::body::{Body, to_bytes};
use axum::extract::{Request, State};
use axum::http::StatusCode;
use axum::middleware::{Next, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use fastrand::Rng;
use serde_json::json;
use simulator::{Around, Clock, Unanswered, Uncounted};
use time::{Duration, OffsetDateTime};

use crate::support::fault_injection::{Failure, FaultInjection, Outcome, Place, SideEffect};

/// Injects faults into requests to the simulator and its receiver, and holds the requests that are carried out late.
pub(crate) struct FaultLayer {
    injection: Arc<FaultInjection>,
    clock: Clock,
    late: Mutex<Vec<Late>>,
    arrivals: Mutex<Arrivals>,
}

/// When calls came to the Hub, in milliseconds: each travels for up to half a second.
struct Arrivals {
    times: Vec<i64>,
    dice: Rng,
}

/// A request that is carried out some time after its caller was told that it failed.
struct Late {
    at: OffsetDateTime,
    request: Request,
    next: Next,
}

impl FaultLayer {
    pub(crate) fn new(injection: &Arc<FaultInjection>, clock: Clock) -> Arc<Self> {
        let arrivals = Mutex::new(Arrivals { times: Vec::new(), dice: Rng::with_seed(11) });
        Arc::new(Self { injection: Arc::clone(injection), clock, late: Mutex::default(), arrivals })
    }

    /// Wraps the simulator, or its receiver, in this layer.
    pub(crate) fn around(self: &Arc<Self>) -> Around {
        let layer = Arc::clone(self);
        Arc::new(move |fakes| fakes.layer(from_fn_with_state(Arc::clone(&layer), through)))
    }

    /// When the next late request is carried out.
    pub(crate) fn next_due(&self) -> Option<OffsetDateTime> {
        self.late.lock().unwrap().iter().map(|late| late.at).min()
    }

    /// Carries out the late requests that are due.
    pub(crate) async fn run_due(&self) {
        let now = (self.clock)();
        let due: Vec<Late> = self.late.lock().unwrap().extract_if(.., |late| late.at <= now).collect();
        for Late { request, next, .. } in due {
            next.run(request).await;
        }
    }

    fn arrives(&self) {
        let mut arrivals = self.arrivals.lock().unwrap();
        let travels = arrivals.dice.i128(0..=500);
        arrivals.times.push(i64::try_from((self.clock)().unix_timestamp_nanos() / 1_000_000 + travels).unwrap());
    }

    /// When calls came to the Hub, in milliseconds, in this order.
    pub(crate) fn arrivals(&self) -> Vec<i64> {
        let mut times = self.arrivals.lock().unwrap().times.clone();
        times.sort_unstable();
        times
    }

    async fn keep(&self, seconds: u8, request: Request, next: Next) {
        let (head, body) = request.into_parts();
        let body = to_bytes(body, usize::MAX).await.unwrap();
        let mut request = Request::from_parts(head, Body::from(body));
        request.extensions_mut().insert(Uncounted);
        let at = (self.clock)() + Duration::seconds(seconds.into());
        self.late.lock().unwrap().push(Late { at, request, next });
    }
}

async fn through(State(layer): State<Arc<FaultLayer>>, request: Request, next: Next) -> Response {
    let path = request.uri().path();
    let place = match path.split('/').nth(1) {
        Some("hub") => Place::Hub,
        Some("graph") => Place::Meta,
        Some("messaging") => Place::Messaging,
        Some("events") => Place::Partner,
        _ => return next.run(request).await,
    };
    if place == Place::Hub {
        layer.arrives();
    }
    let what = match place {
        Place::Partner => "POST event".to_owned(),
        _ => format!("{} {}", request.method(), words(path)),
    };
    let outcome = layer.injection.arriving(place, what);
    let answer = match outcome {
        Outcome::Crash(SideEffect::None) | Outcome::Fail(_, SideEffect::None) => None,
        Outcome::Crash(SideEffect::Late(seconds)) | Outcome::Fail(_, SideEffect::Late(seconds)) => {
            layer.keep(seconds, request, next).await;
            None
        }
        _ => Some(next.run(request).await),
    };
    match (outcome, answer) {
        (Outcome::Pass, Some(answer)) => answer,
        (Outcome::Crash(_), _) => layer.injection.end().await,
        (Outcome::Fail(failure, _), _) => go_wrong(failure, place).await,
        (Outcome::Pass, None) => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
    }
}

/// The path without the parts that are ids.
fn words(path: &str) -> String {
    let word = |part: &&str| part.len() > 1 && part.chars().all(|c| c.is_ascii_lowercase() || c == '_');
    path.split('/').skip(2).filter(word).collect::<Vec<_>>().join("/")
}

async fn go_wrong(failure: Failure, place: Place) -> Response {
    match failure {
        Failure::Status(status) => {
            let status = StatusCode::from_u16(status).unwrap();
            (status, Json(error_body(place, status))).into_response()
        }
        Failure::Silence => pending().await,
        Failure::Garbage => (StatusCode::OK, "<html>Welcome to the hotel network</html>").into_response(),
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
