//! How answers to reading calls are sorted, and which of those calls are made again.

use meta_graph::{BusinessToken, Meta, MetaError, Waba};
use serde_json::{Value, json};
use time::Duration;

use crate::graph::{APP_SECRET, Answer, Graph, TOKEN, WABA, mute, nobody, secret};

async fn read(meta: &Meta) -> Result<Waba, MetaError> {
    meta.waba(&secret(APP_SECRET), &BusinessToken::new(secret(TOKEN)), &WABA.parse().unwrap()).await
}

/// The outcome of a read that is always answered like this, and how often it was made.
async fn outcome(answer: Answer) -> (MetaError, usize) {
    let graph = Graph::answering([answer]).await;
    (read(&graph.meta()).await.unwrap_err(), graph.asked().len())
}

#[tokio::test]
async fn transient_meta_errors_are_tried_three_times() {
    let codes = [1, 2, 4, 17, 32, 341, 80007, 80008, 130_429, 131_000, 131_016, 131_057, 133_004, 2_494_100];
    let mut answers: Vec<Answer> = codes.iter().map(|code| Answer::error(400, &json!({"code": code}))).collect();
    answers.push(Answer::error(400, &json!({"code": 100, "is_transient": true})));
    answers.push(Answer::error(400, &json!({"code": 424_242, "is_transient": true})));
    // Something before Meta, whose word is no verdict. It may pass as quickly as it came.
    answers.extend(
        [302, 400, 401, 403, 404, 405, 413, 429, 500, 502, 503, 504].map(|status| Answer::new(status, "<html>")),
    );
    answers.extend(["", "{}", r#"{"message": "Forbidden"}"#].map(|body| Answer::new(403, body)));
    answers.push(Answer::error(500, &json!({"code": 424_242})));
    answers.push(Answer::error(200, &json!({"code": 2})));
    let outcomes = answers.into_iter().map(|answer| tokio::spawn(outcome(answer)));
    for (row, outcome) in outcomes.collect::<Vec<_>>().into_iter().enumerate() {
        let (error, tries) = outcome.await.unwrap();
        assert!(matches!(error, MetaError::Retry { retry_after: None, .. }), "row {row}: {error:?}");
        assert_eq!(tries, 3, "row {row}");
    }
}

#[tokio::test]
async fn permanent_meta_errors_are_tried_once() {
    let mut codes = vec![0, 102, 190, 3, 10, 200, 275, 299, 131_005, 100, 368, 131_031, 133_010, 133_016, 1_752_041];
    codes.push(424_242);
    for code in codes {
        let (error, tries) = outcome(Answer::error(400, &json!({"code": code}))).await;
        assert!(matches!(error, MetaError::Refused { code: Some(c), .. } if c == code), "{code}: {error:?}");
        assert_eq!(tries, 1, "{code}");
    }
    for subcode in [458, 459, 460, 463, 464, 467, 492] {
        let (error, tries) = outcome(Answer::error(500, &json!({"code": 190, "error_subcode": subcode}))).await;
        assert!(matches!(error, MetaError::Refused { code: Some(190), subcode: Some(s), .. } if s == subcode));
        assert_eq!(tries, 1, "{subcode}");
    }
}

#[tokio::test]
async fn errors_of_the_apps_configuration_are_misconfigured_and_tried_once() {
    for error in [
        json!({"code": 104, "message": "Invalid appsecret_proof provided in the API argument"}),
        json!({"code": 101}),
        json!({"code": 191}),
        json!({"code": 1, "message": "Error validating client secret."}),
    ] {
        let (sorted, tries) = outcome(Answer::error(400, &error)).await;
        assert!(matches!(sorted, MetaError::Misconfigured { .. }), "{error}: {sorted:?}");
        assert_eq!(tries, 1, "{error}");
    }
}

#[tokio::test]
async fn a_read_from_meta_that_succeeds_on_the_third_try_succeeds() {
    let graph = Graph::answering([
        Answer::new(503, ""),
        Answer::error(400, &json!({"code": 2})),
        Answer::new(200, json!({"id": WABA})),
    ])
    .await;
    assert!(read(&graph.meta()).await.is_ok());
    assert_eq!(graph.asked().len(), 3);
}

#[tokio::test]
async fn a_meta_rate_limit_is_not_retried_before_its_end() {
    let usage =
        json!({"733100000000021": [{"type": "whatsapp", "call_count": 100, "estimated_time_to_regain_access": 7}]});
    let limited = Answer::error(400, &json!({"code": 80008})).header("X-Business-Use-Case-Usage", usage);
    let (error, tries) = outcome(limited).await;
    assert!(matches!(error, MetaError::Retry { retry_after: Some(wait), .. } if wait == Duration::minutes(7)));
    assert_eq!(tries, 1);
}

#[tokio::test]
async fn unreadable_meta_usage_headers_are_ignored() {
    let answer =
        Answer::new(200, json!({"id": WABA})).header("X-App-Usage", "?").header("X-Business-Use-Case-Usage", "[]");
    assert!(read(&Graph::answering([answer]).await.meta()).await.is_ok());
}

#[tokio::test]
async fn texts_for_the_customer_and_reasons_for_the_operator_are_kept_apart() {
    let (error, _) = outcome(Answer::error(
        403,
        &json!({
            "message": "(#200) Permissions error", "type": "OAuthException", "code": 200, "error_subcode": 33,
            "error_data": {"messaging_product": "whatsapp", "details": "No access to this account"},
            "error_user_title": "Kein Zugriff", "error_user_msg": "Bitte melden Sie sich neu an.", "fbtrace_id": "AmadeUpTrace",
        }),
    ))
    .await;
    let MetaError::Refused { code, subcode, reason, user_title, user_message } = error else { panic!("{error:?}") };
    assert_eq!((code, subcode), (Some(200), Some(33)));
    assert_eq!(user_title.as_deref(), Some("Kein Zugriff"));
    assert_eq!(user_message.as_deref(), Some("Bitte melden Sie sich neu an."));
    for part in ["Permissions error", "No access to this account", "code 200", "subcode 33", "AmadeUpTrace", "HTTP 403"]
    {
        assert!(reason.contains(part), "{reason}");
    }
}

#[tokio::test]
async fn a_meta_error_envelope_of_any_shape_is_a_bounded_refusal() {
    for error in [
        json!({}),
        json!([]),
        json!(7),
        json!("text"),
        json!({"message": {"a": 1}, "code": {}, "error_data": "text", "is_transient": "yes"}),
        json!({"message": "ä".repeat(10_000), "error_user_msg": "ä".repeat(10_000), "error_data": "ä".repeat(10_000)}),
    ] {
        let (sorted, _) = outcome(Answer::error(400, &error)).await;
        let MetaError::Refused { code: None, reason, .. } = sorted else { panic!("{sorted:?}") };
        assert!(reason.chars().count() < 700, "{reason}");
    }
    let (null, _) = outcome(Answer::error(200, &Value::Null)).await;
    assert!(matches!(null, MetaError::Retry { .. }), "no error and no WABA");
}

#[tokio::test]
async fn texts_of_metas_are_cut_and_have_no_marks_of_direction() {
    let long = format!("\u{202e}{}\u{2066}", "ä".repeat(10_000));
    let error =
        json!({"message": long, "code": 200, "error_user_title": long, "error_user_msg": long, "error_data": long});
    let (sorted, _) = outcome(Answer::error(400, &error)).await;
    let MetaError::Refused { reason, user_title, user_message, .. } = sorted else { panic!("{sorted:?}") };
    assert!(reason.chars().count() < 700, "{reason}");
    for text in [Some(reason), user_title, user_message].into_iter().flatten() {
        assert!(!text.contains(['\u{202e}', '\u{2066}']), "{text}");
    }
}

#[tokio::test]
async fn a_broken_connection_to_meta_is_tried_three_times() {
    let (url, mut requests) = mute(false);
    let error = read(&crate::graph::meta(url)).await.unwrap_err();
    assert!(matches!(error, MetaError::Retry { .. }), "{error:?}");
    let mut count = 0;
    while requests.try_recv().is_ok() {
        count += 1;
    }
    assert_eq!(count, 3);
}

#[tokio::test]
async fn a_meta_request_that_times_out_is_not_repeated() {
    let (url, mut requests) = mute(true);
    let meta = crate::graph::meta(url);
    let read = tokio::spawn(async move { read(&meta).await });
    requests.recv().await.unwrap();
    // From here the clock runs as fast as it can to the client's time-out.
    tokio::time::pause();
    assert!(matches!(read.await.unwrap().unwrap_err(), MetaError::Retry { .. }));
    assert!(requests.try_recv().is_err(), "asked twice");
}

#[tokio::test]
async fn an_unreachable_meta_is_retried_later() {
    assert!(matches!(read(&crate::graph::meta(nobody())).await, Err(MetaError::Retry { .. })));
}

#[tokio::test]
async fn a_graph_url_that_cannot_have_a_path_is_misconfigured() {
    let meta = crate::graph::meta("mailto:graph@example.com".parse().unwrap());
    assert!(matches!(read(&meta).await, Err(MetaError::Misconfigured { .. })));
}

#[tokio::test]
async fn a_graph_url_with_a_path_keeps_it() {
    let graph = Graph::answering([Answer::new(200, json!({"id": WABA}))]).await;
    for base in ["/proxy", "/proxy/"] {
        read(&crate::graph::meta(graph.url().join(base).unwrap())).await.unwrap();
        assert_eq!(graph.asked().last().unwrap().line, format!("GET /proxy/v25.0/{WABA}"));
    }
}
