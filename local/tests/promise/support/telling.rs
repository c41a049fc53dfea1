//! What the partner is told, as a check: every event, at its webhook and on the event bus, and nothing else; and nothing
//! private in it.

use std::collections::{BTreeMap, BTreeSet};

use local::client::start_body;
use local::settings::{BACKEND_TOKEN, PARTNER_WEBHOOK_SECRET, PLATFORM_SECRET, VERIFY_TOKEN};
use onboarding::{EventId, Onboarding, OnboardingId, PartnerEvent, PhoneNumber, Status, transition};
use serde_json::{Value, json};
use store::HistoryEntry;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use crate::support::promise::{Promise, hold, id, list};
use crate::support::strangers::Stranger;
use crate::support::table::TABLE;
use crate::support::test_bench::{START, TestBench};

/// The partition of the events that are of no onboarding.
const STACK: &str = "STACK";
/// The type of events that nothing happened for, of which the webhook need not take each.
const TEST: &str = "test";
/// The shortest access token of Meta.
const META_TOKEN: usize = 30;

/// Events that the partner asked for once more.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Replay {
    /// Those after this one.
    pub(crate) after: EventId,
    pub(crate) asked_at: OffsetDateTime,
}

/// What no event may hold: what each is, and its text.
#[derive(Debug, Clone, Default)]
pub(crate) struct Private(BTreeSet<(&'static str, String)>);

impl Private {
    pub(crate) fn add(&mut self, what: &'static str, text: &str) {
        if !text.is_empty() {
            self.0.insert((what, text.to_owned()));
        }
    }

    /// What the partner said of a customer.
    pub(crate) fn start(&mut self, body: &Value) {
        let client = &body["client"];
        self.add("a name", client["name"].as_str().unwrap_or_default());
        self.add("a name", client["user_name"].as_str().unwrap_or_default());
        self.add("an e-mail address", client["email"].as_str().unwrap_or_default());
        self.add("a return address", body["return_url"].as_str().unwrap_or_default());
    }

    fn number(&mut self, number: &PhoneNumber) {
        self.add("a name", number.verified_name.as_deref().unwrap_or_default());
        let shown = number.display_phone_number.as_deref().unwrap_or_default();
        self.add("a phone number", shown);
        self.add("a phone number", &shown.chars().filter(char::is_ascii_digit).collect::<String>());
    }

    /// What Meta said of a customer.
    fn onboarding(&mut self, onboarding: &Onboarding) {
        for offered in &onboarding.numbers {
            self.number(&offered.number);
            self.add("a name", offered.waba_name.as_deref().unwrap_or_default());
        }
        if let Some(signup) = &onboarding.signup {
            self.add("a name", signup.waba_name.as_deref().unwrap_or_default());
            if let Some(number) = &signup.number {
                self.number(number);
            }
        }
    }

    /// What a text holds of it.
    fn found_in(&self, text: &str) -> Vec<&(&'static str, String)> {
        self.0.iter().filter(|(_, private)| text.contains(private.as_str())).collect()
    }
}

/// An entry that is an event, as the table holds it.
struct Entry {
    id: String,
    kind: String,
    /// It is a test event, and the webhook did not take it.
    is_given_up: bool,
    at: OffsetDateTime,
    data: Value,
    onboarding: Option<OnboardingId>,
    /// Of the record; 0 if it is of no onboarding.
    version: u64,
}

/// What came at one side of an event: each text that came, and whether one of them was taken.
#[derive(Default)]
struct Came {
    bodies: BTreeSet<String>,
    is_taken: bool,
}

impl TestBench {
    /// Whether the partner was told of everything that happened to these, who are all that there are.
    pub(crate) async fn all_told(
        &self,
        promises: &[&Promise],
        strangers: &[&Stranger],
        ledger: &Value,
    ) -> Result<(), String> {
        let customers = promises.iter().map(|promise| &promise.started);
        let ids: Vec<OnboardingId> =
            customers.chain(strangers.iter().map(|stranger| &stranger.started)).map(id).collect();
        let mut entries = self.entries(None)?;
        for id in &ids {
            entries.extend(self.entries(Some(id))?);
        }
        entries.sort_by(|a, b| a.id.cmp(&b.id));
        self.same_on_both_sides(&entries)?;
        for promise in promises {
            self.every_change_told(promise, &entries).await?;
        }
        for id in &ids {
            let now = self.stack.twins.store.get(id).await.unwrap().onboarding;
            in_order(&now, entries.iter().filter(|entry| entry.onboarding.as_ref() == Some(id)))?;
        }
        self.nothing_private(&ids, &entries, ledger).await?;
        self.told_again(&entries)?;
        self.all_in_feed(&entries).await?;
        let endpoint = self.stack.twins.store.endpoint().await.unwrap();
        hold!(endpoint.is_well(), "the partner's webhook is not well: {endpoint:?}");
        Ok(())
    }

    /// The entries of an onboarding that are events, or of none; each is told, as its delivery says.
    fn entries(&self, id: Option<&OnboardingId>) -> Result<Vec<Entry>, String> {
        let pk = id.map_or_else(|| STACK.to_owned(), |id| format!("ONB#{id}"));
        let deliveries = self.items(&pk, "DLV#");
        let mut entries = Vec::new();
        for item in self.items(&pk, "EVT#").iter().filter(|item| item.get("event_id").is_some()) {
            let text = |name: &str| item[name]["S"].as_str().unwrap_or_default().to_owned();
            let event_id = text("event_id");
            let delivery = deliveries.iter().find(|delivery| delivery["sk"]["S"] == format!("DLV#{event_id}"));
            let Some(delivery) = delivery else { return Err(format!("{event_id} has no delivery")) };
            let told = &delivery["delivery"]["M"];
            // A test event is tried once.
            let state = &told["webhook"]["M"]["state"]["S"];
            let is_given_up = text("type") == TEST && state == "given_up";
            let is_told = (state == "delivered" || is_given_up)
                && told["event_bus"]["M"]["delivered_at"]["S"].is_string()
                && delivery.get("due").is_none();
            hold!(is_told, "{event_id} is not told: {delivery}");
            entries.push(Entry {
                id: event_id,
                kind: text("type"),
                is_given_up,
                at: OffsetDateTime::parse(&text("at"), &Rfc3339).unwrap(),
                data: serde_json::from_str(&text("data")).unwrap(),
                onboarding: id.cloned(),
                version: item["version"]["N"].as_str().and_then(|version| version.parse().ok()).unwrap_or_default(),
            });
        }
        hold!(entries.len() == deliveries.len(), "{} events of {pk}, {} deliveries", entries.len(), deliveries.len());
        Ok(entries)
    }

    /// The items of a partition whose sort keys begin so.
    fn items(&self, pk: &str, begin: &str) -> Vec<Value> {
        let mut query = json!({
            "TableName": TABLE,
            "ConsistentRead": true,
            "KeyConditionExpression": "pk = :pk AND begins_with(sk, :begin)",
            "ExpressionAttributeValues": {":pk": {"S": pk}, ":begin": {"S": begin}},
        });
        let mut items = Vec::new();
        loop {
            let (_, answer) = embedded_dynamodb::answer(&self.database, "Query", query.to_string().as_bytes()).unwrap();
            let answer: Value = serde_json::from_slice(&answer).unwrap();
            items.extend(list(&answer["Items"]).cloned());
            let Some(last) = answer.get("LastEvaluatedKey").filter(|last| last.is_object()) else { return items };
            query["ExclusiveStartKey"] = last.clone();
        }
    }

    /// Each entry came to the webhook and to the bus, as the same text each time, and nothing else did.
    fn same_on_both_sides(&self, entries: &[Entry]) -> Result<(), String> {
        let (mut webhook, mut bus) = (BTreeMap::<String, Came>::new(), BTreeMap::<String, Came>::new());
        for received in self.receiver.received() {
            hold!(received.problem.is_none(), "not authentic: {received:?}");
            let came = webhook.entry(received.id).or_default();
            came.bodies.insert(received.body);
            came.is_taken |= received.status.is_some_and(|status| (200..300).contains(&status));
        }
        for event in self.stack.twins.bus.events() {
            let body: Value = serde_json::from_str(&event.detail).unwrap();
            hold!(body["type"] == event.detail_type, "another type on the bus: {event:?}");
            let came = bus.entry(body["id"].as_str().unwrap_or_default().to_owned()).or_default();
            came.bodies.insert(event.detail);
            came.is_taken = true;
        }
        for (side, came) in [("webhook", &mut webhook), ("bus", &mut bus)] {
            for Entry { id, kind, is_given_up, at, data, .. } in entries {
                let Came { bodies, is_taken } = came.entry(id.clone()).or_default();
                if *is_given_up && bodies.is_empty() {
                    continue;
                }
                hold!(*is_taken || *is_given_up, "{kind} {id} did not come to the {side}");
                hold!(bodies.len() == 1, "{kind} {id} has several texts at the {side}: {bodies:?}");
                let body: Value = serde_json::from_str(bodies.first().unwrap()).unwrap();
                let milliseconds = at.unix_timestamp_nanos() / 1_000_000;
                let told = OffsetDateTime::parse(body["timestamp"].as_str().unwrap_or_default(), &Rfc3339).unwrap();
                hold!(
                    told.unix_timestamp_nanos() == milliseconds * 1_000_000,
                    "{kind} {id} is told to be of {told}, not {at}"
                );
                let is_erased = data["onboarding"]["erased"] == true;
                // What was told before the erasure cannot be taken back.
                let told = if is_erased { PartnerEvent::erased(body["data"].clone()) } else { body["data"].clone() };
                let body =
                    json!({"id": body["id"], "type": body["type"], "timestamp": body["timestamp"], "data": told});
                let expected = json!({"id": id, "type": kind, "timestamp": body["timestamp"], "data": data});
                hold!(body == expected, "{body} at the {side}, instead of {expected}");
            }
            // Each id is one entry's, so that as many are no others.
            let ids: BTreeSet<&str> = entries.iter().map(|entry| entry.id.as_str()).collect();
            let others: Vec<_> = came.keys().filter(|id| !ids.contains(id.as_str())).collect();
            hold!(others.is_empty(), "no entries, but at the {side}: {others:?}");
            hold!(came.len() == entries.len(), "{} events, {} at the {side}", entries.len(), came.len());
        }
        Ok(())
    }

    /// The entries of an onboarding that are events are those of the changes that the partner is told.
    async fn every_change_told(&self, promise: &Promise, entries: &[Entry]) -> Result<(), String> {
        let id = id(&promise.started);
        let history = self.stack.twins.store.history(&id).await.unwrap();
        let mut before = promise.first.onboarding.clone();
        let mut told = entries.iter().filter(|entry| entry.onboarding.as_ref() == Some(&id)).collect::<Vec<_>>();
        told.sort_by_key(|entry| entry.version);
        let mut told = told.into_iter();
        for HistoryEntry { version, at, event, erased, .. } in history {
            let after = match version {
                1 => before.clone(),
                _ => Box::new(transition(&before, &event, at).unwrap().unwrap()),
            };
            if let Some(mut event) = PartnerEvent::of_change(&before, &after, version, &event) {
                if erased {
                    event.data = PartnerEvent::erased(event.data);
                }
                let Some(entry) = told.next() else { return Err(format!("{event:?} is no entry")) };
                let is_same =
                    (entry.version, entry.kind.as_str(), &entry.data) == (version, event.kind.as_str(), &event.data);
                hold!(is_same, "{} {} is told instead of {event:?}", entry.kind, entry.data);
            }
            before = after;
        }
        hold!(told.next().is_none(), "more is told of {id} than happened");
        Ok(())
    }

    async fn nothing_private(&self, ids: &[OnboardingId], entries: &[Entry], ledger: &Value) -> Result<(), String> {
        let mut private = self.private.lock().unwrap().clone();
        for id in ids {
            private.onboarding(&self.stack.twins.store.get(id).await.unwrap().onboarding);
        }
        for key in list(&ledger["keys"]) {
            private.add("a key", key["api_key"].as_str().unwrap_or_default());
        }
        for secret in [BACKEND_TOKEN, PLATFORM_SECRET, VERIFY_TOKEN, PARTNER_WEBHOOK_SECRET] {
            private.add("a secret", secret);
        }
        let fakes = simulator::Settings::default();
        for secret in [&fakes.api_key, &fakes.app_secret, &fakes.system_user_token] {
            private.add("a secret", secret);
        }
        for what in ["a name", "an e-mail address", "a return address", "a setup token", "a code"] {
            let is_known = private.0.iter().any(|(known, _)| *known == what);
            // Where the partner claims a signup, no page hands over a code.
            hold!(is_known || what == "a code", "nothing to look for: {what}");
        }
        let held = start_body("tenant-1")["client"]["name"].as_str().unwrap().to_owned();
        hold!(!private.found_in(&json!({"name": held}).to_string()).is_empty(), "the search finds nothing");
        let received = self.receiver.received().into_iter().map(|received| received.body);
        let bodies = received.chain(self.stack.twins.bus.events().into_iter().map(|event| event.detail));
        // What is kept in the table is what comes out at the feed.
        let bodies = bodies.chain(entries.iter().map(|entry| entry.data.to_string()));
        for body in bodies.collect::<BTreeSet<_>>() {
            let found = private.found_in(&body);
            hold!(found.is_empty(), "{body} holds {found:?}");
            let token = body
                .split("EAA")
                .skip(1)
                .any(|rest| rest.chars().take_while(char::is_ascii_alphanumeric).count() >= META_TOKEN);
            hold!(!token, "{body} holds a token of Meta's");
        }
        Ok(())
    }

    /// Events that the partner asked for once more came once more.
    fn told_again(&self, entries: &[Entry]) -> Result<(), String> {
        let received = self.receiver.received();
        for Replay { after, asked_at } in self.replays.lock().unwrap().iter() {
            let asked = asked_at.unix_timestamp();
            let before = EventId::lowest(*asked_at);
            for Entry { id, kind, is_given_up, .. } in entries {
                if id.as_str() <= after.as_str() || id.as_str() >= before.as_str() || *is_given_up {
                    continue;
                }
                let again = received.iter().any(|received| {
                    received.id == *id && received.at >= asked && received.status.is_some_and(|status| status < 300)
                });
                hold!(again, "{kind} {id} did not come again after {asked_at}");
            }
        }
        Ok(())
    }

    /// The feed has these events, in this order, and no others.
    async fn all_in_feed(&self, entries: &[Entry]) -> Result<(), String> {
        let (mut cursor, mut found) = (EventId::lowest(START).to_string(), Vec::new());
        loop {
            let page = self.client.get(&format!("/v1/events?limit=100&after={cursor}"), BACKEND_TOKEN).await.unwrap();
            hold!(page.status == 200, "the feed answers {page:?}");
            let page = page.body;
            found.extend(list(&page["events"]).map(|event| event["id"].as_str().unwrap_or_default().to_owned()));
            page["cursor"].as_str().unwrap_or_default().clone_into(&mut cursor);
            if page["has_more"] != true {
                break;
            }
        }
        let ids: Vec<&str> = entries.iter().map(|entry| entry.id.as_str()).collect();
        hold!(found == ids, "the feed has {found:?} instead of {ids:?}");
        Ok(())
    }
}

/// The versions of an onboarding's events are different, and the last one tells how it is now.
fn in_order<'a>(now: &Onboarding, entries: impl Iterator<Item = &'a Entry>) -> Result<(), String> {
    let mut by_version = BTreeMap::new();
    for Entry { id, kind, data, version, .. } in entries {
        let told = &data["onboarding"];
        hold!(told["id"] == now.id.as_str(), "{kind} {id} is of {}, not of {}", told["id"], now.id);
        hold!(told["reference"] == now.reference, "{kind} {id} has the reference {}", told["reference"]);
        hold!(told["version"] == *version, "{kind} {id} has version {}, not {version}", told["version"]);
        let other = by_version.insert(*version, told);
        hold!(other.is_none(), "two events of version {version}: {other:?} and {told}");
    }
    let Some((_, last)) = by_version.last_key_value() else { return Err(format!("nothing is told of {}", now.id)) };
    // That a proof is pending is not told.
    let is_told = last["status"] == json!(now.status) || now.status == Status::Confirming;
    hold!(is_told, "{} is told to be {}, and is {:?}", now.id, last["status"], now.status);
    Ok(())
}
