//! A timeline for people: what our record and the fakes' ledger say, in the order in which it happened.

use std::fmt::Write as _;

use serde_json::Value;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

/// One line.
struct Entry {
    at: OffsetDateTime,
    who: &'static str,
    what: String,
}

/// Renders the record's history and the ledger's calls and webhooks, with the seconds since the start.
pub fn render(record: &Value, ledger: &Value) -> String {
    let mut entries: Vec<Entry> = Vec::new();
    entries.extend(list(&record["history"]).filter_map(history));
    entries.extend(list(&ledger["calls"]).filter_map(call));
    entries.extend(list(&ledger["webhooks"]).filter_map(webhook));
    entries.sort_by_key(|entry| entry.at);
    let mut text = String::new();
    let Some(start) = entries.first().map(|entry| entry.at) else { return text };
    for Entry { at, who, what } in entries {
        let _ = writeln!(text, "{:>9.3} s  {who:<10}  {what}", (at - start).as_seconds_f64());
    }
    text
}

fn list(value: &Value) -> impl Iterator<Item = &Value> {
    value.as_array().into_iter().flatten()
}

fn word<'a>(value: &'a Value, name: &str) -> &'a str {
    value[name].as_str().unwrap_or_default()
}

fn at(value: &Value) -> Option<OffsetDateTime> {
    OffsetDateTime::parse(value["at"].as_str()?, &Rfc3339).ok()
}

fn history(entry: &Value) -> Option<Entry> {
    let event = &entry["event"];
    let (from, to) = (word(entry, "from"), word(entry, "to"));
    let mut what = format!("· {}", word(event, "event").replace('_', " "));
    if let Some(error) = event["error"].as_str() {
        let _ = write!(what, ": {error}");
    }
    if from != to {
        let _ = write!(what, "  ⟶  {to}");
    }
    Some(Entry { at: at(entry)?, who: "record", what })
}

fn call(entry: &Value) -> Option<Entry> {
    let who = match word(entry, "service") {
        "hub" | "messaging" => "to Hub",
        "graph" | "meta" => "to Meta",
        _ => return None,
    };
    let status = &entry["status"];
    let status = if status.is_null() { "no answer".to_owned() } else { status.to_string() };
    Some(Entry { at: at(entry)?, who, what: format!("{} → {status}", word(entry, "route").replace('_', " ")) })
}

fn webhook(entry: &Value) -> Option<Entry> {
    let what = format!("{} → {}", word(entry, "event").replace('_', " "), entry["status"]);
    Some(Entry { at: at(entry)?, who: "from Hub", what })
}
