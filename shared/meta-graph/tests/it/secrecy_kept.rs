//! No code, token or app secret gets into a log or an error, even where Meta's own text repeats it.

use std::io::Write;
use std::sync::{Arc, Mutex};

use meta_graph::{BusinessToken, Meta, MetaError};
use serde_json::{Value, json};
use tracing_subscriber::fmt::MakeWriter;

use crate::graph::{APP_SECRET, Answer, CODE, ECHO, Graph, TOKEN, WABA, mute, nobody, sample_json, secret};

/// Keeps everything that is logged on this thread, at every level and from every crate.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl Log {
    fn start(&self) -> tracing::subscriber::DefaultGuard {
        let subscriber = tracing_subscriber::fmt()
            .json()
            .with_max_level(tracing::Level::TRACE)
            .with_span_events(tracing_subscriber::fmt::format::FmtSpan::FULL)
            .with_writer(self.clone())
            .finish();
        tracing::subscriber::set_default(subscriber)
    }

    fn text(&self) -> String {
        String::from_utf8(self.0.lock().unwrap().clone()).unwrap()
    }

    /// The fields of our own lines with this message.
    fn lines(&self, message: &str) -> Vec<Value> {
        let lines = self.text();
        let lines = lines.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
        lines.map(|line| line["fields"].clone()).filter(|fields| fields["message"] == message).collect()
    }

    fn calls(&self) -> Vec<Value> {
        self.lines("call")
    }
}

impl<'a> MakeWriter<'a> for Log {
    type Writer = Self;

    fn make_writer(&'a self) -> Self {
        self.clone()
    }
}

impl Write for Log {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

/// Makes every call, and gives what came of it as people would see it.
async fn every_call(meta: &Meta) -> String {
    fn show<T: std::fmt::Debug>(outcome: Result<T, MetaError>) -> String {
        let display = outcome.as_ref().err().map(ToString::to_string);
        format!("{outcome:?} {display:?}\n")
    }
    let (app_secret, token) = (secret(APP_SECRET), BusinessToken::new(secret(TOKEN)));
    let waba = WABA.parse().unwrap();
    let code = secret(CODE);
    let outcomes = tokio::join!(
        meta.exchange_code(&app_secret, &code, None),
        meta.debug_token(&app_secret, &token),
        meta.waba(&app_secret, &token, &waba),
        meta.phone_numbers(&app_secret, &token, &waba),
        meta.client_business_id(&app_secret, &token),
        meta.solution_status(&app_secret, None, "1093388274650217"),
    );
    let shown = [
        show(outcomes.0),
        show(outcomes.1),
        show(outcomes.2),
        show(outcomes.3),
        show(outcomes.4),
        show(outcomes.5),
        format!("{token:?} {meta:?}"),
    ];
    shown.concat()
}

fn assert_nothing_secret(text: &str) {
    for secret in [APP_SECRET, CODE, TOKEN, "appsecret_proof="] {
        assert!(!text.contains(secret), "{secret} in {text}");
    }
}

#[tokio::test]
async fn no_meta_secret_is_logged_or_part_of_an_error() {
    let echo = format!("Malformed access token {ECHO}");
    let echoed = |code: i64| {
        json!({"code": code, "message": echo, "error_user_title": echo, "error_user_msg": echo, "fbtrace_id": echo,
               "error_data": {"details": echo}})
    };
    for answer in [
        Answer::sample(200, "meta.code_exchange_response.json"),
        Answer::sample(400, "meta.code_exchange_error_expired.json"),
        Answer::error(400, &echoed(190)),
        Answer::error(400, &echoed(100)),
        Answer::error(400, &echoed(104)),
        Answer::error(500, &echoed(2)),
        Answer::error(400, &json!(echo)),
        Answer::error(400, &json!({"code": 3, "error_data": echo})),
        Answer::new(200, &echo),
        Answer::new(502, &echo),
        Answer::new(200, json!({"id": echo, "data": [echo], "access_token": [echo]})),
    ] {
        let log = Log::default();
        let guard = log.start();
        let graph = Graph::answering([answer]).await;
        let seen = every_call(&graph.meta()).await;
        drop(guard);
        assert!(log.calls().len() >= 6);
        assert_nothing_secret(&seen);
        assert_nothing_secret(&log.text());
    }
}

#[tokio::test]
async fn no_meta_secret_is_in_the_error_of_a_broken_connection() {
    for url in [nobody(), mute(false).0] {
        let log = Log::default();
        let guard = log.start();
        let seen = every_call(&crate::graph::meta(url)).await;
        drop(guard);
        assert_nothing_secret(&seen);
        assert_nothing_secret(&log.text());
    }
}

#[tokio::test]
async fn no_secret_is_in_the_error_of_a_token_that_fits_no_header() {
    let log = Log::default();
    let guard = log.start();
    let token = BusinessToken::new(secret(&format!("{TOKEN}\nx")));
    let outcome = crate::graph::meta(nobody()).client_business_id(&secret(APP_SECRET), &token).await;
    drop(guard);
    assert!(matches!(outcome, Err(MetaError::Misconfigured { .. })));
    assert_nothing_secret(&format!("{outcome:?} {}", outcome.as_ref().unwrap_err()));
    assert_nothing_secret(&log.text());
}

#[tokio::test]
async fn each_meta_request_is_one_log_line_with_route_and_usage() {
    let log = Log::default();
    let guard = log.start();
    let answer = Answer::new(200, sample_json("meta.waba_phone_numbers_response.json"))
        .header("X-App-Usage", json!({"call_count": 28, "total_time": 91, "total_cputime": 2}));
    let graph = Graph::answering([Answer::new(503, ""), answer]).await;
    let token = BusinessToken::new(secret(TOKEN));
    graph.meta().phone_numbers(&secret(APP_SECRET), &token, &WABA.parse().unwrap()).await.unwrap();
    drop(guard);

    let calls = log.calls();
    assert_eq!(calls.len(), 2);
    for (call, status) in calls.iter().zip([503, 200]) {
        assert_eq!(call["service"], "meta");
        assert_eq!(call["route"], "GET /{waba_id}/phone_numbers");
        assert_eq!(call["status"], status);
        assert!(call["milliseconds"].is_u64());
    }
    let usage = log.lines("usage");
    assert_eq!(usage.len(), 1);
    assert_eq!((&usage[0]["route"], &usage[0]["usage_percent"]), (&calls[1]["route"], &json!(91)));
}

#[tokio::test]
async fn a_code_exchange_is_repeated_only_while_no_connection_is_made() {
    let log = Log::default();
    let guard = log.start();
    let outcome = crate::graph::meta(nobody()).exchange_code(&secret(APP_SECRET), &secret(CODE), None).await;
    drop(guard);
    assert!(matches!(outcome, Err(MetaError::Retry { .. })), "the code was not sent, so nothing is unclear");
    let failures: Vec<Value> = log.calls().iter().map(|call| call["failure"].clone()).collect();
    assert_eq!(failures, ["not_connected", "not_connected", "not_connected"]);
}
