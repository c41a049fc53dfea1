//! What each bad answer, or none at all, means to a caller.

use std::cell::RefCell;

use exchange::ChannelId;
use exchange::Clock;
use partner_hub::{ClientDetails, Hub, HubError, Trouble};
use time::Duration;

use crate::server::{Answer, Server, api_key, closed, hub, silent};

fn details() -> ClientDetails<'static> {
    ClientDetails { name: "Nordlicht", email: "lena.voss@nordlicht.example", user_name: "Lena" }
}

fn channel() -> ChannelId {
    "Rb82LdCH".parse().unwrap()
}

async fn create(hub: &Hub) -> Result<(), HubError> {
    hub.create_client(&api_key(), details()).await.map(drop)
}

async fn make_key(hub: &Hub) -> Result<(), HubError> {
    hub.create_api_key(&api_key(), &channel()).await.map(drop)
}

async fn list(hub: &Hub) -> Result<(), HubError> {
    hub.channels_page(&api_key(), 0).await.map(drop)
}

fn permanent(status: u16, reason: &str) -> HubError {
    HubError::Permanent { status, reason: reason.to_owned() }
}

fn retry(reason: &str, unclear: bool, trouble: Trouble) -> HubError {
    HubError::Retry { reason: reason.to_owned(), retry_after: None, unclear, trouble }
}

#[tokio::test]
async fn each_hub_refusal_is_classified_by_what_to_do_about_it() {
    for (status, name, expected) in [
        (
            400,
            "error.meta_400_wrong_payload",
            permanent(400, "Wrong payload; waba_external_id: Missing data for required field."),
        ),
        (
            400,
            "error.meta_400_with_error_data",
            permanent(
                400,
                "Number could not be onboarded; Invalid parameter; (#100) The WABA is not shared with this solution",
            ),
        ),
        (401, "error.meta_401_unauthorized", HubError::Unauthorized),
        (403, "error.meta_403_forbidden", permanent(403, "Forbidden")),
        (404, "error.meta_404_not_found", permanent(404, "Not found")),
        (409, "error.meta_409_conflict", permanent(409, "Conflict")),
        (429, "error.meta_429_rate_limited", retry("Too many requests", true, Trouble::TooMany)),
        (500, "error.meta_500_after_side_effect", retry("Internal server error", true, Trouble::Down)),
    ] {
        let server = Server::start([Answer::sample(status, name)]).await;
        assert_eq!(create(&server.hub()).await, Err(expected), "{name}");
        assert_eq!(server.requests().len(), 1, "{name}: one call, whatever it answers");
    }
}

#[tokio::test]
async fn a_failed_read_from_the_hub_never_has_an_unclear_outcome() {
    for (status, name) in [(429, "error.meta_429_rate_limited"), (500, "error.meta_500_after_side_effect")] {
        let server = Server::start([Answer::sample(status, name)]).await;
        let error = list(&server.hub()).await;
        assert!(matches!(error, Err(HubError::Retry { unclear: false, .. })), "{error:?}");
    }
}

#[tokio::test]
async fn the_key_creation_has_refusals_of_its_own() {
    let not_yet = |reason: &str| HubError::NotYet { reason: reason.to_owned() };
    let no_permission = "Forbidden; Client has not granted API key permission for this channel";
    for (status, name, expected) in [
        (400, "api_keys.error_400_channel_not_running", not_yet("Client error; Channel is not running")),
        (403, "api_keys.error_403_no_permission", HubError::Permission { reason: no_permission.to_owned() }),
        (404, "error.meta_404_not_found", not_yet("Not found")),
        (409, "error.meta_409_conflict", not_yet("Conflict")),
        (401, "error.meta_401_unauthorized", HubError::Unauthorized),
        (429, "error.meta_429_rate_limited", retry("Too many requests", true, Trouble::TooMany)),
        (500, "error.meta_500_after_side_effect", retry("Internal server error", true, Trouble::Down)),
    ] {
        let server = Server::start([Answer::sample(status, name)]).await;
        assert_eq!(make_key(&server.hub()).await, Err(expected), "{name}");
    }
}

#[tokio::test]
async fn hub_statuses_with_an_unknown_body_are_classified_too() {
    let page = "<html><body>upstream connect error</body></html>";
    for (status, body, expected) in [
        // A verdict is the Hub's only in its own words, whatever it says.
        (422, "{\"meta\": {}}", permanent(422, "status 422, no reason given")),
        (422, "", retry("status 422, no reason given", true, Trouble::Other)),
        (413, page, retry("status 413, no reason given", true, Trouble::Other)),
        (404, "{\"meta\": 3}", retry("status 404, no reason given", true, Trouble::Other)),
        (404, r#"{"error": "Not Found"}"#, retry("Not Found", true, Trouble::Other)),
        (405, r#"[{"meta": {}}]"#, retry("status 405, no reason given", true, Trouble::Other)),
        (408, "", retry("status 408, no reason given", true, Trouble::Other)),
        (502, page, retry("status 502, no reason given", true, Trouble::Down)),
        (503, "{\"meta\": 3}", retry("status 503, no reason given", true, Trouble::Down)),
        // A redirect is not followed, because it would carry the credential elsewhere.
        (302, "", retry("status 302, no reason given", true, Trouble::Other)),
        (401, page, retry("status 401, no reason given", true, Trouble::Other)),
        (401, r#"{"error": "invalid_token", "error_description": "Expired"}"#, HubError::Unauthorized),
    ] {
        let server = Server::start([Answer::new(status, body)]).await;
        assert_eq!(create(&server.hub()).await, Err(expected), "{status}");
    }
}

#[tokio::test]
async fn a_stray_answer_of_a_proxy_is_no_verdict_on_any_hub_call() {
    let page = "<html><body>upstream route not found</body></html>";
    for status in [400, 401, 403, 404, 405, 409, 413, 422] {
        let server = Server::start(std::iter::repeat_with(|| Answer::new(status, page)).take(8)).await;
        let (hub, reason) = (server.hub(), format!("status {status}, no reason given"));
        let unclear = Err(retry(&reason, true, Trouble::Other));
        assert_eq!(create(&hub).await, unclear);
        assert_eq!(make_key(&hub).await, unclear);
        let submitted = hub.submit_number(&api_key(), &crate::calls::number()).await;
        assert_eq!(submitted, unclear);
        let read = Err(retry(&reason, false, Trouble::Other));
        assert_eq!(list(&hub).await, read);
        assert_eq!(hub.channels_of_number(&api_key(), &"512904417735208".parse().unwrap()).await.map(drop), read);
        assert_eq!(hub.api_keys(&api_key(), &channel()).await.map(drop), read);
        assert_eq!(hub.webhook_url(&api_key()).await.map(drop), read);
        assert_eq!(hub.fetch_token("made-up", &"made-up".into()).await.map(drop), read);
    }
}

#[tokio::test]
async fn an_empty_success_is_unclear_for_calls_with_an_effect() {
    for body in [
        "",
        "<html>",
        "[]",
        "null",
        "7",
        "{}",
        r#"{"id": null}"#,
        r#"{"id": "../x"}"#,
        r#"{"id": ["hT3mVxCL"]}"#,
        "{\"id\":",
    ] {
        let server = Server::start([Answer::new(200, body), Answer::new(200, body), Answer::new(200, body)]).await;
        let hub = server.hub();
        assert!(matches!(create(&hub).await, Err(HubError::Retry { unclear: true, .. })), "{body}");
        assert!(matches!(make_key(&hub).await, Err(HubError::Retry { unclear: true, .. })), "{body}");
        assert!(matches!(list(&hub).await, Err(HubError::Retry { unclear: false, .. })), "{body}");
    }
}

#[tokio::test]
async fn an_answer_without_the_new_key_is_no_key() {
    let server = Server::start([Answer::sample(200, "api_keys.list_response")]).await;
    assert_eq!(make_key(&server.hub()).await, Err(retry("the answer holds no API key", true, Trouble::Other)));
}

#[tokio::test]
async fn retry_after_is_read_in_seconds_and_bounded() {
    for (header, expected) in [
        ("7", Some(Duration::seconds(7))),
        ("99999999999999999999", None),
        ("9999999999999", Some(Duration::hours(1))),
        ("-1", None),
        ("Sun, 22 Nov 2026 15:00:00 GMT", None),
    ] {
        let server = Server::start([Answer::new(429, "").header("retry-after", header)]).await;
        let Err(HubError::Retry { retry_after, .. }) = create(&server.hub()).await else { panic!("{header}") };
        assert_eq!(retry_after, expected, "{header}");
    }
}

#[tokio::test]
async fn a_connection_closed_without_an_answer_has_an_unclear_outcome() {
    let hub = hub(&silent().await, Clock::system());
    assert_eq!(create(&hub).await, Err(retry("the connection broke off", true, Trouble::Down)));
    assert_eq!(list(&hub).await, Err(retry("the connection broke off", false, Trouble::Down)));
}

#[tokio::test]
async fn a_failed_connect_to_the_hub_has_no_effect() {
    let hub = hub(&closed().await, Clock::system());
    assert_eq!(create(&hub).await, Err(retry("no connection", false, Trouble::Down)));
}

#[tokio::test]
async fn an_endless_hub_answer_is_cut_off() {
    let small = format!(r#"{{"id": "hT3mVxCL", "padding": "{}"}}"#, "x".repeat(1 << 20));
    let list_of_two_mebibytes = format!(r#"{{"partner_channels": [], "padding": "{}"}}"#, "x".repeat(2 << 20));
    let list_of_nine_mebibytes = format!(r#"{{"partner_channels": [], "padding": "{}"}}"#, "x".repeat(9 << 20));
    let server =
        Server::start([small, list_of_two_mebibytes, list_of_nine_mebibytes].map(|body| Answer::new(200, body))).await;
    assert_eq!(create(&server.hub()).await, Err(retry("the answer is too large", true, Trouble::Other)));
    assert_eq!(list(&server.hub()).await, Ok(()));
    assert_eq!(list(&server.hub()).await, Err(retry("the answer is too large", false, Trouble::Other)));
}

#[tokio::test]
async fn each_hub_call_is_one_log_line_without_personal_data() {
    thread_local!(static LOG: RefCell<Vec<u8>> = const { RefCell::new(Vec::new()) });
    struct Log;
    impl std::io::Write for Log {
        fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
            LOG.with_borrow_mut(|log| log.extend_from_slice(bytes));
            Ok(bytes.len())
        }
        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }
    // For the whole process: with one for this thread alone, a test on another decides whether a line is written at all.
    // Each test has its own thread and so its own log.
    tracing_subscriber::fmt()
        .with_env_filter("exchange=trace,partner_hub=trace")
        .with_ansi(false)
        .with_writer(|| Log)
        .init();

    let server = Server::start([
        Answer::sample(200, "clients.list_response"),
        Answer::sample(201, "api_keys.create_response"),
        Answer::sample(400, "error.meta_400_wrong_payload"),
    ])
    .await;
    let hub_that_answers = server.hub();
    hub_that_answers.clients_page(&api_key(), 0).await.unwrap();
    make_key(&hub_that_answers).await.unwrap();
    create(&hub_that_answers).await.unwrap_err();
    create(&hub(&closed().await, Clock::system())).await.unwrap_err();

    let text = String::from_utf8(LOG.take()).unwrap();
    let lines: Vec<&str> = text.lines().collect();
    assert_eq!(lines.len(), 4, "{text}");
    assert!(
        lines[0].contains(r#"service="hub" route="GET /partners/{partner_id}/clients" status=200 milliseconds="#),
        "{text}"
    );
    assert!(lines[1].contains("channels/{channel_id}/api_keys"), "{text}");
    assert!(lines[2].contains("status=400"), "{text}");
    assert!(lines[3].contains(r#"failure="not_connected""#), "{text}");
    for private in ["lena", "nordlicht", "made-up", "made_up", "Rb82LdCH", "q8ZkWnPA"] {
        assert!(!text.contains(private), "{private} in {text}");
    }
}
