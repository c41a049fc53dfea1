//! A delivery of the Hub's, authentic or not: nothing of it is lost when it is split, and every event can be kept and queued.

use onboarding::Class;
use partner_hub::webhook::{self, EventKind};
use queue::{About, Task};
use serde::de::IgnoredAny;
use store::InboxKey;

/// Checks one input.
///
/// # Panics
/// If that does not hold for it.
pub fn check(body: &[u8]) {
    let events = webhook::split(body);
    let text = exchange::json_text(body);
    // However deep the elements are: a `Value` would refuse some that are kept apart.
    match serde_json::from_str::<Vec<IgnoredAny>>(&text) {
        Ok(elements) => assert_eq!(events.len(), elements.len()),
        Err(_) => assert_eq!(events.len(), 1),
    }
    assert_nothing_lost(&text, &events.iter().map(|event| event.body.as_str()).collect::<Vec<_>>());

    for event in events {
        let read = webhook::parse(&event.body);
        assert!(read.name.len() <= 200);
        assert!(read.channel.is_none() || read.kind != EventKind::Other);
        assert!(read.kind == EventKind::Other || webhook::is_documented(&read.name));
        assert!(read.unreadable || serde_json::from_str::<IgnoredAny>(&event.body).is_ok());
        assert!(read.unreadable || read.channel.is_some() || read.kind == EventKind::Other);
        assert_eq!(read, webhook::parse(&event.body));

        let Some(id) = event.event_id else { continue };
        // The longest key is that of another body under the same id.
        let key = format!("partner_hub#{id}#{}", "0".repeat(64));
        assert_eq!(key.parse::<InboxKey>().unwrap().as_str(), key);
        let about = About::Inbox { inbox_key: key };
        let task = Task { about, permit: "made-up".to_owned(), class: Class::LookUp, after_failures: false };
        let message = task.body().unwrap();
        assert!(message.chars().all(taken_by_sqs), "SQS refuses {message:?}");
    }
}

/// The texts of the events lie in the body one after the other, with nothing between them but an array's own signs.
fn assert_nothing_lost(text: &str, events: &[&str]) {
    let mut rest = text;
    for event in events {
        let (between, after) = rest.split_once(event).expect("an event is not a part of the body");
        assert!(between.chars().all(is_filling), "lost: {between}");
        rest = after;
    }
    assert!(rest.chars().all(is_filling), "lost: {rest}");
}

fn is_filling(c: char) -> bool {
    " \t\r\n[,]".contains(c)
}

/// The characters that a message may have.
fn taken_by_sqs(c: char) -> bool {
    matches!(c, '\t' | '\n' | '\r' | ' '..='\u{d7ff}' | '\u{e000}'..='\u{fffd}' | '\u{10000}'..)
}
