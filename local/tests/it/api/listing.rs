//! `GET /onboardings`: pages, filters, and cursors that are not ours.

use std::collections::HashSet;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use local::Options;
use local::settings::BACKEND_TOKEN;
use serde_json::{Value, json};
use time::Duration;

use crate::support::TestBench;

/// More than fit on two pages.
const COUNT: usize = 103;

async fn page(bench: &TestBench, query: &str) -> (Vec<String>, Option<String>) {
    let reply = bench.get(&format!("/v1/onboardings?{query}"), BACKEND_TOKEN).await;
    assert_eq!(reply.status, 200, "{}", reply.text);
    let shown = reply.body["onboardings"].as_array().unwrap();
    let ids = shown.iter().map(|onboarding| onboarding["id"].as_str().unwrap().to_owned()).collect();
    (ids, reply.body["next_cursor"].as_str().map(ToOwned::to_owned))
}

/// Every filter, with a value that it takes.
const FILTERS: [(&str, &str); 8] = [
    ("status", "started"),
    ("overdue", "true"),
    ("reference", "tenant-1"),
    ("client_id", "hT3mVxCL"),
    ("waba_id", "409812357760143"),
    ("phone_number_id", "106540352242922"),
    ("channel_id", "Rb82LdCH"),
    ("updated_after", "2026-11-03T09:00:00Z"),
];

/// All pages, one after the other.
async fn pages(bench: &TestBench, filter: &str) -> Vec<Vec<String>> {
    let mut all = Vec::new();
    let mut cursor = String::new();
    loop {
        let (ids, next) = page(bench, &format!("{filter}&cursor={cursor}")).await;
        all.push(ids);
        match next {
            Some(next) => cursor = next,
            None => return all,
        }
    }
}

/// A bench without the Hub's limit, so that many onboardings can be moved at once.
async fn unlimited() -> TestBench {
    let mut options = Options::default();
    options.simulator.behavior.rate_limit = None;
    TestBench::with(options).await
}

#[tokio::test]
async fn the_pages_of_the_list_hold_every_onboarding_once_newest_first() {
    let bench = unlimited().await;
    let mut ids = Vec::new();
    for number in 0..COUNT {
        ids.push(bench.client.start(&format!("tenant-{}", number % 2)).await.unwrap().id);
        bench.pass(Duration::SECOND);
    }
    ids.reverse();
    let all = pages(&bench, "").await;
    assert_eq!(all.iter().map(Vec::len).collect::<Vec<_>>(), [50, 50, 3]);
    assert_eq!(all.concat(), ids);

    let odd: Vec<_> = ids.iter().step_by(2).cloned().collect();
    let all = pages(&bench, "reference=tenant-0").await;
    assert_eq!(all.iter().map(Vec::len).collect::<Vec<_>>(), [50, 2]);
    assert_eq!(all.concat(), odd);
    assert_eq!(pages(&bench, "reference=tenant-2").await.concat(), [""; 0]);

    // What comes while somebody reads moves nothing on the pages that follow.
    let (first, cursor) = page(&bench, "").await;
    bench.client.start("tenant-2").await.unwrap();
    let (second, _) = page(&bench, &format!("cursor={}", cursor.unwrap())).await;
    assert_eq!([first, second].concat(), ids[..100]);
}

#[tokio::test]
async fn the_first_page_of_a_status_has_it_however_rare_it_is() {
    let bench = unlimited().await;
    let signed_up = bench.signed_up("tenant-1", "one_number").await;
    for number in 0..COUNT {
        bench.client.start(&format!("tenant-{number}")).await.unwrap();
    }
    assert_eq!(pages(&bench, "status=signed_up").await.concat(), [signed_up.id.as_str()]);
    let started = pages(&bench, "status=started").await;
    assert_eq!(started.iter().map(Vec::len).collect::<Vec<_>>(), [50, 50, 3]);
    assert_eq!(pages(&bench, "status=ready").await.concat(), [""; 0]);
    // Behind its own client account those of others are found, while tokens are free.
    bench.live_through(Duration::minutes(2)).await;
    assert_eq!(pages(&bench, "status=ready").await.concat(), [signed_up.id.as_str()]);
    bench.assert_key_works(&signed_up).await;
}

#[tokio::test]
async fn a_foreign_cursor_is_refused_by_name_and_no_cursor_leads_out_of_the_list() {
    let bench = TestBench::new().await;
    let started = bench.client.start("tenant-1").await.unwrap();
    let good = URL_SAFE_NO_PAD.encode(&started.id);
    let mut tampered = good.clone();
    tampered.replace_range(8..9, "!");
    for cursor in [
        "x".to_owned(),
        tampered,
        format!("{good}="),
        good[..20].to_owned(),
        URL_SAFE_NO_PAD.encode("LIMIT#hub"),
        URL_SAFE_NO_PAD.encode(json!({"pk": {"S": "LIMIT#hub"}}).to_string()),
        URL_SAFE_NO_PAD.encode([0xff, 0xfe]),
        "%F0%9F%98%80".to_owned(),
    ] {
        let reply = bench.get(&format!("/v1/onboardings?cursor={cursor}"), BACKEND_TOKEN).await;
        reply.assert_fields(&["cursor"]);
    }
    // A place before everything, and one after everything.
    let places = [("onb_00000000000000000000000000000000", 0), ("onb_ffffffffffffffffffffffffffffffff", 1)];
    for (id, count) in places {
        let (ids, _) = page(&bench, &format!("cursor={}", URL_SAFE_NO_PAD.encode(id))).await;
        assert_eq!(ids.len(), count, "{id}");
        for (at, count) in [(i64::MIN, 0), (0, 0), (i64::MAX, 1)] {
            let cursor = URL_SAFE_NO_PAD.encode(format!("{at}.{id}.ONB"));
            let (ids, _) = page(&bench, &format!("status=started&cursor={cursor}")).await;
            assert_eq!(ids.len(), count, "{at}.{id}");
        }
    }
    // A list by status is in another order, and its cursors name other places.
    bench.client.start("tenant-2").await.unwrap();
    let (_, by_change) = page(&bench, "status=started&limit=1").await;
    for query in [format!("status=started&cursor={good}"), format!("cursor={}", by_change.unwrap())] {
        bench.get(&format!("/v1/onboardings?{query}"), BACKEND_TOKEN).await.assert_fields(&["cursor"]);
    }
}

#[tokio::test]
async fn a_limit_sets_the_length_of_a_page_and_a_wrong_one_is_refused() {
    let bench = unlimited().await;
    for _ in 0..COUNT {
        bench.client.start("tenant-1").await.unwrap();
    }
    for filter in ["", "reference=tenant-1", "status=started"] {
        for (limit, lengths) in [("", vec![50, 50, 3]), ("60", vec![60, 43]), ("100", vec![100, 3])] {
            let all = pages(&bench, &format!("{filter}&limit={limit}")).await;
            assert_eq!(all.iter().map(Vec::len).collect::<Vec<_>>(), lengths, "{filter} {limit}");
            let ids: HashSet<_> = all.concat().into_iter().collect();
            assert_eq!(ids.len(), COUNT, "{filter} {limit}");
        }
    }
    assert_eq!(page(&bench, "limit=1").await.0.len(), 1);
    for limit in ["0", "101", "-1", "1.0", "%2B5", "ten", "1e1", "4294967297", "%00"] {
        bench.get(&format!("/v1/onboardings?limit={limit}"), BACKEND_TOKEN).await.assert_fields(&["limit"]);
    }
}

#[tokio::test]
async fn two_filters_at_once_are_refused_by_name() {
    let bench = TestBench::new().await;
    bench.client.start("tenant-1").await.unwrap();
    for query in ["status=started&reference=tenant-1", "reference=nobody&limit=1&status=ready"] {
        let reply = bench.get(&format!("/v1/onboardings?{query}"), BACKEND_TOKEN).await;
        reply.assert_problem(422, "unsupported_filter");
        let errors = reply.body["errors"].as_array().unwrap();
        assert_eq!(errors.iter().map(|error| &error["field"]).collect::<Vec<_>>(), ["status", "reference"]);
    }
    for (number, (one, value)) in FILTERS.iter().enumerate() {
        for (other, other_value) in &FILTERS[..number] {
            let query = format!("{one}={value}&{other}={other_value}");
            let reply = bench.get(&format!("/v1/onboardings?{query}"), BACKEND_TOKEN).await;
            reply.assert_problem(422, "unsupported_filter");
            let errors = reply.body["errors"].as_array().unwrap();
            assert_eq!(errors.iter().map(|error| &error["field"]).collect::<Vec<_>>(), [other, one]);
            let detail = reply.body["detail"].as_str().unwrap();
            assert!(FILTERS.iter().all(|(name, _)| detail.contains(name)), "{detail}");
        }
    }
}

#[tokio::test]
async fn parameters_that_are_unknown_or_given_twice_are_refused_by_name() {
    let bench = TestBench::new().await;
    for (query, fields) in [
        ("client=hT3mVxCL", &["client"][..]),
        ("overdue=true&overdue=true", &["overdue"]),
        ("Status=started", &["Status"]),
        ("status=started&page=2&size=", &["page", "size"]),
        ("a=1&a=2", &["a"]),
        ("status=started&status=started", &["status"]),
        ("reference=a&reference=b", &["reference"]),
        ("limit=1&limit=", &["limit"]),
        ("cursor=&cursor=", &["cursor"]),
        // A value that was left out by mistake must not list everybody.
        ("status=started&reference=", &["reference"]),
        ("status=&reference=&cursor=&limit=", &["status", "reference"]),
        ("status=lost&limit=0&other=1", &["other", "status", "limit"]),
    ] {
        bench.get(&format!("/v1/onboardings?{query}"), BACKEND_TOKEN).await.assert_fields(fields);
    }
}

#[tokio::test]
async fn an_unknown_status_is_refused_with_the_list_of_valid_ones() {
    let bench = TestBench::new().await;
    for status in ["done", "Started", "started,ready", "%00"] {
        let reply = bench.get(&format!("/v1/onboardings?status={status}"), BACKEND_TOKEN).await;
        reply.assert_fields(&["status"]);
        let message = reply.body["errors"][0]["message"].as_str().unwrap();
        assert!(message.contains("number_choice") && message.contains("ready"), "{message}");
    }
}

#[tokio::test]
async fn a_wrong_value_of_a_filter_is_refused_with_the_reason() {
    let bench = TestBench::new().await;
    for (query, reason) in [
        ("overdue=false", "must be true"),
        ("overdue=1", "must be true"),
        ("overdue=True", "must be true"),
        ("client_id=a%23b", "is not a client id: letters and digits"),
        ("waba_id=WABA", "is not a WABA id: 5 to 20 digits"),
        ("phone_number_id=%2B491711234567", "is not a phone number id: 5 to 20 digits"),
        ("channel_id=C", "is not a channel id: letters and digits"),
        ("updated_after=yesterday", "must be a time of RFC 3339, such as 2026-"),
        ("updated_after=2026-11-03", "must be a time of RFC 3339"),
        ("updated_after=2026-11-03T09:00:00", "must be a time of RFC 3339"),
        ("updated_after=1772442000000", "must be a time of RFC 3339"),
    ] {
        let reply = bench.get(&format!("/v1/onboardings?{query}"), BACKEND_TOKEN).await;
        reply.assert_fields(&[query.split_once('=').unwrap().0]);
        let message = reply.body["errors"][0]["message"].as_str().unwrap();
        assert!(message.starts_with(reason), "{query}: {message}");
    }
    for (filter, value) in FILTERS {
        for page in ["limit=0", "cursor=x"] {
            let reply = bench.get(&format!("/v1/onboardings?{filter}={value}&{page}"), BACKEND_TOKEN).await;
            reply.assert_fields(&[page.split_once('=').unwrap().0]);
        }
    }
}

#[tokio::test]
async fn an_onboarding_is_found_by_each_of_its_ids() {
    let bench = unlimited().await;
    let started = bench.signed_up("tenant-1", "one_number:1").await;
    let other = bench.signed_up("tenant-2", "one_number:2").await;
    bench.live_through(Duration::minutes(2)).await;
    let (record, of_other) = (bench.record(&started).await, bench.record(&other).await);
    for (filter, path) in [
        ("client_id", "/client/id"),
        ("waba_id", "/signup/waba_id"),
        ("phone_number_id", "/signup/number/id"),
        ("channel_id", "/channel_id"),
    ] {
        for (record, id) in [(&record, &started.id), (&of_other, &other.id)] {
            let value = record.pointer(path).and_then(Value::as_str).unwrap();
            let (ids, next) = page(&bench, &format!("{filter}={value}&limit=1")).await;
            assert_eq!((ids, next), (vec![id.clone()], None), "{filter}");
        }
    }
    for (filter, value) in FILTERS.into_iter().filter(|(filter, _)| filter.ends_with("_id")) {
        assert_eq!(page(&bench, &format!("{filter}={value}")).await, (vec![], None), "{filter}");
    }
}

#[tokio::test]
async fn an_onboarding_is_listed_as_overdue_while_it_is() {
    let bench = TestBench::new().await;
    let started = bench.signed_up("tenant-1", "one_number").await;
    bench.client.start("tenant-2").await.unwrap();
    bench.break_routes(&["numbers"], &json!({"status": 503})).await;
    bench.pass(Duration::hours(6));
    bench.live_on_schedule(Duration::minutes(10)).await;
    assert!(bench.record(&started).await["overdue_since"].is_string());
    assert_eq!(pages(&bench, "overdue=true").await, [[started.id.as_str()]]);
    bench.mend().await;
    bench.live_on_schedule(Duration::hours(7)).await;
    assert_eq!(bench.status(&started).await, "ready");
    assert_eq!(pages(&bench, "overdue=true").await, [[""; 0]]);
}

#[tokio::test]
async fn a_system_that_goes_on_from_the_last_change_sees_every_onboarding() {
    let bench = unlimited().await;
    let mut ids = Vec::new();
    for number in 0..5 {
        ids.push(bench.client.start(&format!("tenant-{number}")).await.unwrap().id);
        bench.pass(Duration::SECOND);
    }
    let last_change = async |after: &str| {
        let reply = bench.get(&format!("/v1/onboardings?updated_after={after}&limit=2"), BACKEND_TOKEN).await;
        let shown = reply.body["onboardings"].as_array().unwrap().clone();
        let ids: Vec<String> = shown.iter().map(|shown| shown["id"].as_str().unwrap().to_owned()).collect();
        (ids, shown.last().map(|last| last["updated_at"].as_str().unwrap().to_owned()))
    };
    let (mut seen, mut after) = (Vec::new(), "2020-01-01T00:00:00Z".to_owned());
    while let (ids, Some(last)) = last_change(&after).await {
        seen.extend(ids);
        after = last;
    }
    assert_eq!(seen, ids);

    bench.pass(Duration::SECOND);
    bench.live_through(Duration::minutes(2)).await;
    let (changed, _) = page(&bench, &format!("updated_after={after}")).await;
    assert_eq!(changed.iter().collect::<HashSet<_>>(), ids.iter().collect::<HashSet<_>>());
    assert_eq!(pages(&bench, "updated_after=2020-01-01T00:00:00%2B02:00&limit=2").await.concat(), changed);
}
