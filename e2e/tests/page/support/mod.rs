//! What many tests look at.

use e2e::visit::Visit;
use local::client::Started;
use serde_json::Value;

pub(crate) const LAUNCH: &str = "Continue with Facebook";
pub(crate) const FULL_PAGE: &str = "Sign in on a full page";
pub(crate) const START: &str = "Connect your WhatsApp number";
pub(crate) const DONE: &str = "Your number is connected";
pub(crate) const BACK: &str = "Back to Funkturm CRM";

/// Asserts that the customer is led to the news of the connected number, and that it works. Returns the record.
pub(crate) async fn assert_done(visit: &Visit, started: &Started) -> Value {
    let record = assert_connected(visit, started).await;
    assert_eq!(visit.focus().await, DONE, "whoever reads by ear is not put at the new heading");
    record
}

/// The same where it may be the first thing that a page shows, so that nobody has to be led to it.
pub(crate) async fn assert_connected(visit: &Visit, started: &Started) -> Value {
    visit.sees_heading(DONE).await;
    let record = visit.stack.assert_promise_kept(started).await;
    let number = &record["signup"]["number"];
    for name in ["display_phone_number", "verified_name"] {
        visit.sees(number[name].as_str().unwrap()).await;
    }
    assert_clean_address(visit).await;
    record
}

/// Asserts that the customer is back at the start, that nothing was connected, and that the record holds this one attempt.
pub(crate) async fn assert_left(visit: &Visit, started: &Started, event: &str) -> Value {
    visit.sees_heading(START).await;
    let record = visit
        .browser
        .wait("the attempt in the record", async || {
            let record = visit.stack.record(started).await;
            (record["attempts"].as_array().is_some_and(|attempts| !attempts.is_empty())).then_some(record)
        })
        .await;
    assert_eq!(record["status"], "started");
    assert_eq!(record["attempts"].as_array().unwrap().len(), 1, "{record:#}");
    assert_eq!(record["attempts"][0]["event"], event);
    record["attempts"][0].clone()
}

/// Asserts that the address bar holds neither token nor code.
pub(crate) async fn assert_clean_address(visit: &Visit) {
    let address = visit.address().await;
    assert!(!address.contains(['#', '?']), "{}", address.split(['#', '?']).next().unwrap());
}
