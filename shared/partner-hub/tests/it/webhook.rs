//! The Hub's webhooks, in every shape that we know of.

use std::collections::BTreeSet;

use partner_hub::Channel;
use partner_hub::webhook::{EventKind, RawEvent, parse, split};

use crate::server::sample;

/// Every sample of a single event: what it means, and its id.
const EVENTS: [(&str, EventKind, Option<&str>); 23] = [
    ("webhook.account_restriction", EventKind::Other, Some("evt_09c2")),
    ("webhook.account_violation", EventKind::Other, Some("evt_09c1")),
    ("webhook.cancellation_processed", EventKind::ChannelEnded, Some("evt_08b3")),
    ("webhook.cancellation_request", EventKind::LookUp, Some("evt_08b1")),
    ("webhook.cancellation_revoke", EventKind::LookUp, Some("evt_08b2")),
    ("webhook.channel_created", EventKind::Other, Some("evt_02b1")),
    ("webhook.channel_created.flat", EventKind::Other, Some("evt_02b2")),
    ("webhook.channel_live.flat", EventKind::ChannelLive, Some("evt_05e2")),
    ("webhook.channel_live.full", EventKind::ChannelLive, Some("evt_05e1")),
    ("webhook.channel_live.legacy_top_level_channel_id", EventKind::ChannelLive, None),
    ("webhook.channel_permission_granted", EventKind::PermissionGranted, Some("evt_07a1")),
    ("webhook.channel_permission_revoked", EventKind::LookUp, Some("evt_07a2")),
    ("webhook.channel_ready", EventKind::Other, Some("evt_03c1")),
    ("webhook.channel_running", EventKind::ChannelLive, Some("evt_04d1")),
    ("webhook.channel_submitted", EventKind::Other, Some("evt_02c3")),
    ("webhook.client_created.nested_client", EventKind::Other, Some("evt_01a7")),
    ("webhook.coexistence_smb_app_state_sync", EventKind::Other, Some("evt_12f2")),
    ("webhook.template_messaging_disabled", EventKind::Other, Some("evt_11e2")),
    ("webhook.template_messaging_enabled", EventKind::Other, Some("evt_11e1")),
    ("webhook.unknown_event", EventKind::Other, Some("evt_99z9")),
    ("webhook.waba_template_category_changed", EventKind::Other, Some("evt_10d2")),
    ("webhook.waba_template_status_changed", EventKind::Other, Some("evt_10d1")),
    // Not from the Hub at all: a message that was sent to the wrong address.
    ("messaging.first_inbound_text", EventKind::Other, None),
];

fn one(body: &[u8]) -> RawEvent {
    let mut events = split(body);
    assert_eq!(events.len(), 1, "{}", String::from_utf8_lossy(body));
    events.remove(0)
}

fn channel(name: &str) -> Channel {
    parse(&one(&sample(name)).body).channel.unwrap()
}

#[test]
fn every_webhook_sample_is_read_as_its_event() {
    for (name, kind, event_id) in EVENTS {
        let raw = one(&sample(name));
        assert_eq!(raw.event_id.as_deref(), event_id, "{name}");
        assert_eq!(raw.body.as_bytes(), sample(name).trim_ascii(), "{name}");
        let event = parse(&raw.body);
        assert_eq!((event.kind, event.unreadable), (kind, false), "{name}");
        assert_eq!(
            event.channel.as_ref().map(|channel| channel.id.as_str()),
            (kind != EventKind::Other).then_some("Rb82LdCH"),
            "{name}"
        );
    }
}

#[test]
fn every_webhook_sample_has_an_expectation() {
    let read = |name: std::ffi::OsString| name.into_string().unwrap().strip_suffix(".json").map(str::to_owned);
    let files = std::fs::read_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/../samples")).unwrap();
    let found: BTreeSet<String> = files
        .filter_map(|file| read(file.unwrap().file_name()))
        .filter(|name| name.starts_with("webhook."))
        .filter(|name| {
            !["webhook.signature_vector", "webhook.duplicate_delivery_same_event_id"].contains(&name.as_str())
        })
        .collect();
    let listed = EVENTS.iter().map(|event| event.0.to_owned()).filter(|name| name.starts_with("webhook.")).collect();
    assert_eq!(found, listed);
}

#[test]
fn a_full_channel_webhook_has_every_field() {
    let channel = channel("webhook.channel_live.full");
    assert_eq!(channel.client_id, Some("hT3mVxCL".parse().unwrap()));
    assert_eq!(channel.waba_id, Some("409812357760143".parse().unwrap()));
    assert_eq!(channel.phone_number_id, Some("512904417735208".parse().unwrap()));
    assert_eq!(channel.phone_number.as_deref(), Some("4930901820143"));
    assert_eq!(channel.phone_name.as_deref(), Some("Nordlicht Fahrrad"));
    assert!(channel.is_live());
}

#[test]
fn a_flat_channel_webhook_has_the_fields_that_it_can() {
    let live = channel("webhook.channel_live.flat");
    assert_eq!((live.client_id.as_ref(), live.waba_id.as_ref(), live.phone_number_id.as_ref()), (None, None, None));
    assert_eq!(live.phone_number.as_deref(), Some("4930901820143"));
    assert!(live.is_live());
}

#[test]
fn a_legacy_webhook_has_its_channel_beside_the_event() {
    let channel = channel("webhook.channel_live.legacy_top_level_channel_id");
    assert_eq!(channel.id.as_str(), "Rb82LdCH");
    assert!(channel.client_id.is_none() && channel.status.is_none());
    // `data` without an id still tells the rest.
    let event = parse(r#"{"event": "channel_live", "channel_id": "Rb82LdCH", "data": {"client_id": "hT3mVxCL"}}"#);
    assert_eq!(event.channel.unwrap().client_id, Some("hT3mVxCL".parse().unwrap()));
    // With both, `data` is right.
    let event = parse(r#"{"event": "channel_live", "channel_id": "wrongCH", "data": {"id": "Rb82LdCH"}}"#);
    assert_eq!(event.channel.unwrap().id.as_str(), "Rb82LdCH");
}

#[test]
fn phone_numbers_are_reduced_to_digits() {
    let event =
        parse(r#"{"event": "channel_live", "data": {"id": "Rb82LdCH", "phone_number": "+49 (30) 901-820 143"}}"#);
    assert_eq!(event.channel.unwrap().phone_number.as_deref(), Some("4930901820143"));
    let event = parse(r#"{"event": "channel_live", "data": {"id": "Rb82LdCH", "phone_number": 4930901820143}}"#);
    assert_eq!(event.channel.unwrap().phone_number.as_deref(), Some("4930901820143"));
    let event =
        parse(r#"{"event": "channel_live", "data": {"id": "Rb82LdCH", "phone_number": "", "phone_name": " "}}"#);
    let channel = event.channel.unwrap();
    assert_eq!((channel.phone_number, channel.phone_name), (None, None));
}

#[test]
fn a_webhook_array_is_several_events() {
    let events = split(&sample("webhook.duplicate_delivery_same_event_id"));
    assert_eq!(events.len(), 2);
    assert_eq!(events[0], events[1]);
    assert_eq!(events[0].event_id.as_deref(), Some("evt_05e1"));
    assert_eq!(parse(&events[1].body).kind, EventKind::ChannelLive);
    assert_eq!(split(b" [ ] "), []);
    // Half of a character, as of a name that was cut: no text, but no reason to lose the others.
    assert_eq!(split(br#"[{"id": "evt_1"}, "\ude00", {"id": "evt_2"}]"#).len(), 3);
}

#[test]
fn each_event_of_a_webhook_array_keeps_its_own_text() {
    let elements = [
        r#"{ "id" : "evt_1",  "n": 1.0e+02, "big": 123456789012345678901234567890, "twice": 1, "twice": 2 }"#,
        r#"{"id":"evt_2","text":"\u00e4 \/ ä, ] } \" [ {"}"#,
        "7",
        "null",
        r#"["evt_3"]"#,
        r#"{"id": 42}"#,
    ];
    let body = format!("\n[ {} ]\n", elements.join("\t,\r\n "));
    let events = split(body.as_bytes());
    assert_eq!(events.iter().map(|event| event.body.as_str()).collect::<Vec<_>>(), elements);
    let ids: Vec<_> = events.iter().map(|event| event.event_id.as_deref()).collect();
    assert_eq!(ids, [Some("evt_1"), Some("evt_2"), None, None, None, Some("42")]);
}

#[test]
fn a_webhook_id_that_fits_no_table_key_is_ignored() {
    let long = format!(r#"{{"id": "{}"}}"#, "x".repeat(201));
    for body in [
        r#"{"id": ""}"#,
        r#"{"id": " "}"#,
        r#"{"id": null}"#,
        r#"{"id": {"a": 1}}"#,
        r#"{"id": "a", "id": "b"}"#,
        // SQS would refuse the message that names it, each time it comes again.
        r#"{"id": "evt_\ufffe"}"#,
        "{\"id\": \"evt_\u{ffff}\"}",
        &long,
    ] {
        assert_eq!(one(body.as_bytes()).event_id, None, "{body}");
    }
}

#[test]
fn a_webhook_that_is_not_json_is_one_event_without_a_name() {
    for body in
        ["", " \n", "hello", "{", "[{\"id\": \"evt_1\"}", "{\"id\": \"evt_1\"} trailing", "a=b&c=d", "{}\u{feff}"]
    {
        assert_eq!(one(body.as_bytes()), RawEvent { event_id: None, body: body.to_owned() });
        let event = parse(body);
        assert_eq!((event.kind, event.name.as_str(), event.channel), (EventKind::Other, "", None));
        assert!(event.unreadable, "{body}");
    }
    for body in ["{}", "null", "7", "[]", "\"text\"", r#"{"event": "news"}"#, r#"{"event": "history", "data": null}"#] {
        assert!(!parse(body).unreadable, "{body}");
    }
    for name in ["channel_live", "channel_running", "cancellation_processed", "cancellation_request"] {
        for data in ["null", "{}", r#"{"id": "../x"}"#] {
            assert!(parse(&format!(r#"{{"event": "{name}", "data": {data}}}"#)).unreadable, "{name} {data}");
        }
        assert!(!parse(&format!(r#"{{"event": "{name}", "channel_id": "Rb82LdCH"}}"#)).unreadable, "{name}");
    }
    assert_eq!(one(b"\xff{}").body, "\u{fffd}{}");
}

#[test]
fn half_a_character_or_a_byte_order_mark_hides_no_webhook() {
    let text = String::from_utf8(sample("webhook.channel_live.full")).unwrap();
    for broken in ["Caf\\ud83d", "Caf\\udE00", "Caf\\uDBFF\\n", "Caf\\\\\\ud83d"] {
        let text = format!("\u{feff}{}", text.replace("Nordlicht Fahrrad\"", &format!("{broken}\"")));
        let raw = one(text.as_bytes());
        assert_eq!(raw.event_id.as_deref(), Some("evt_05e1"), "{broken}");
        let event = parse(&raw.body);
        assert_eq!((event.kind, event.channel.as_ref().unwrap().is_live()), (EventKind::ChannelLive, true), "{broken}");
        let name = event.channel.unwrap().phone_name.unwrap();
        assert!(name.starts_with("Caf") && name.contains('\u{fffd}'), "{name}");
    }
}

#[test]
fn deep_nesting_and_long_names_in_a_webhook_do_no_harm() {
    let deep =
        format!(r#"{{"id": "evt_1", "event": "channel_live", "data": {}{}}}"#, "[".repeat(50_000), "]".repeat(50_000));
    assert_eq!(one(deep.as_bytes()).event_id.as_deref(), Some("evt_1"));
    let read = parse(&deep);
    assert_eq!((read.kind, read.channel), (EventKind::ChannelLive, None));
    let long = format!(r#"{{"event": "{}"}}"#, "ä".repeat(1000));
    assert_eq!(parse(&long).name.len(), 200);
}
