//! What the partner is told: at its webhook, at EventBridge, and in the feed.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use deployed::{Error, eventually};
use serde_json::Value;
use tokio::process::Command;

use crate::journey::{PATIENCE, ready};
use crate::support::stack::{DeployedStack, folder};

/// What `PutEvents` names as the events' source.
const SOURCE: &str = "whatsapp-onboarding";
const REFERENCE: &str = "tenant-11";
/// What a customer goes through that meets no trouble.
const SMOOTH: [&str; 6] = [
    "onboarding.started",
    "onboarding.opened",
    "onboarding.confirmed",
    "onboarding.submitted",
    "onboarding.live",
    "onboarding.ready",
];
/// What the steps before the last ones brought about, of no onboarding.
const OF_NO_ONBOARDING: [&str; 4] = ["hub.unavailable", "hub.recovered", "signup.unclaimed", "channel.unknown"];
/// How long an event waits at least for its second try.
const FIRST_DISTANCE: Duration = Duration::from_secs(5);

/// The webhook refuses the first event of an onboarding. All arrive there and at EventBridge, as the feed lists them; a replay goes
/// to the webhook alone.
pub(crate) async fn reach_the_partner(stack: &mut DeployedStack) -> Result<(), Error> {
    let queue = queue_behind_the_bus().await?;
    stack.receiver.refuse_next_of(REFERENCE);
    let started = stack.api.start(REFERENCE).await?;
    stack.secrets.push(started.token().to_owned());
    // As the page does when it is opened.
    stack.api.get(&format!("/onboardings/{}", started.id), started.token()).await?.with(200)?;
    stack.api.return_from_popup(&started, "one_number:11").await?.with(200)?;
    ready(stack, &started).await?;

    let listed = eventually("the feed lists every event as delivered", PATIENCE, async || {
        let events = of_onboarding(&started.id, stack.api.events("").await?);
        let has = |kind: &&str| events.iter().any(|event| event["type"] == **kind);
        let complete = SMOOTH.iter().all(has) && events.iter().all(is_delivered);
        Ok(complete.then_some(events))
    })
    .await?;
    let put = Mutex::new(BTreeMap::new());
    eventually("EventBridge has handed on what the feed lists", PATIENCE, async || {
        let taken = take(stack, &queue).await?;
        let mut put = put.lock().unwrap_or_else(PoisonError::into_inner);
        put.extend(taken);
        Ok(listed.iter().all(|event| put.contains_key(&id(event))).then_some(()))
    })
    .await?;
    let mut put = put.into_inner().unwrap_or_else(PoisonError::into_inner);
    put.retain(|_, event| is_of(&started.id, event));
    for event in &listed {
        let mut told = event.clone();
        told.as_object_mut().map(|members| members.remove("delivery"));
        let received = stack.receiver.deliveries_of(&event["id"]);
        if received.is_empty() || received.iter().any(|delivery| delivery.event != told) {
            return Err(format!("the webhook was told {received:#?} of {told:#}").into());
        }
        if put.remove(&id(event)).as_ref() != Some(&told) {
            return Err(format!("EventBridge was told something else of {told:#}").into());
        }
    }
    if !put.is_empty() {
        return Err(format!("EventBridge was told what the feed does not list: {put:#?}").into());
    }
    says_nothing_personal(stack, &started.id, &listed).await?;
    refused_one_came_again(stack, &listed)?;
    replayed(stack, &queue, &listed).await?;

    let test = Value::from(stack.api.send_test_event().await?);
    eventually("the test event arrives", PATIENCE, async || {
        let received = stack.receiver.deliveries_of(&test);
        Ok(received.first().is_some_and(|delivery| delivery.event["type"] == "test").then_some(()))
    })
    .await?;
    stack.receiver.has_turned_nobody_away()
}

/// What happened in the steps before that belongs to no onboarding was told too.
pub(crate) async fn of_no_onboarding(stack: &DeployedStack) -> Result<(), Error> {
    let told = eventually("every type of event that belongs to no onboarding", PATIENCE, async || {
        let types = stack.receiver.types();
        Ok(OF_NO_ONBOARDING.iter().all(|kind| types.contains(*kind)).then_some(()))
    });
    told.await.map_err(|error| format!("{error}; told were {:?}", stack.receiver.types()))?;
    stack.receiver.has_turned_nobody_away()
}

/// A queue that gets every event of the default bus with our source. Returns its URL.
async fn queue_behind_the_bus() -> Result<String, Error> {
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/event_queue.py");
    // SAM's, which has boto3.
    let python = folder().join("tools/sam/bin/python");
    let output = Command::new(python).args([script, SOURCE]).kill_on_drop(true).output().await?;
    if output.status.success() {
        Ok(String::from_utf8(output.stdout)?.trim().to_owned())
    } else {
        Err(String::from_utf8_lossy(&output.stderr).into_owned().into())
    }
}

/// Takes all events that are in the queue now, each by its id.
async fn take(stack: &DeployedStack, queue: &str) -> Result<Vec<(String, Value)>, Error> {
    let mut taken = Vec::new();
    loop {
        let messages = stack.resources.take(queue).await?;
        if messages.is_empty() {
            return Ok(taken);
        }
        for message in messages {
            let message: Value = serde_json::from_str(&message)?;
            let event = message["detail"].clone();
            if message["source"] != SOURCE || message["detail-type"] != event["type"] {
                return Err(format!("{message:#}").into());
            }
            taken.push((id(&event), event));
        }
    }
}

fn id(event: &Value) -> String {
    event["id"].as_str().unwrap_or_default().to_owned()
}

fn is_of(onboarding: &str, event: &Value) -> bool {
    event["data"]["onboarding"]["id"] == onboarding
}

fn of_onboarding(onboarding: &str, mut events: Vec<Value>) -> Vec<Value> {
    events.retain(|event| is_of(onboarding, event));
    events
}

fn is_delivered(event: &Value) -> bool {
    let delivery = &event["delivery"];
    delivery["event_bus"]["delivered_at"].is_string() && delivery["webhook"]["state"] == "delivered"
}

/// Events go through systems of others: what is personal or secret stays in the record and in the vault.
async fn says_nothing_personal(stack: &DeployedStack, onboarding: &str, events: &[Value]) -> Result<(), Error> {
    let record = stack.api.record(onboarding).await?;
    let channel = record["channel_id"].as_str().ok_or("no channel in the record")?;
    let key = stack.resources.api_key(channel).await?.ok_or("no key in the vault")?;
    let said = Value::from(events).to_string();
    let number = record["signup"]["number"]["display_phone_number"].as_str().ok_or("no number in the record")?;
    let digits: String = number.chars().filter(char::is_ascii_digit).collect();
    let personal = ["Nordlicht", "nordlicht.example", "Lena", &key, number, &digits];
    let secrets = stack.secrets.iter().map(String::as_str).filter(|secret| !secret.is_empty());
    if let Some(word) = personal.into_iter().chain(secrets).find(|word| said.contains(word)) {
        return Err(format!("an event says what it must not: {}", said.replace(word, "THIS")).into());
    }
    let ready = events.iter().find(|event| event["type"] == "onboarding.ready").ok_or("no event tells of the key")?;
    let place = &ready["data"]["onboarding"]["api_key"];
    let name = format!("{}/channels/{channel}/api-key", deployed::sam::STACK);
    if place["store"] == "secrets_manager" && place["name"] == name {
        Ok(())
    } else {
        Err(format!("the key is said to be in {place}").into())
    }
}

/// Under the same id, and not too soon.
fn refused_one_came_again(stack: &DeployedStack, listed: &[Value]) -> Result<(), Error> {
    let refused = stack.receiver.refused().ok_or("no event was refused")?;
    let tries = stack.receiver.deliveries_of(&refused.id.as_str().into());
    let statuses: Vec<u16> = tries.iter().map(|delivery| delivery.status).collect();
    let distance = match tries.as_slice() {
        [first, second, ..] => second.at - first.at,
        _ => return Err("the refused event did not come again".into()),
    };
    let event =
        listed.iter().find(|event| event["id"] == refused.id).ok_or("the feed does not list the refused event")?;
    let told: Vec<_> = event["delivery"]["webhook"]["tries"].as_array().into_iter().flatten().collect();
    let told: Vec<_> = told.iter().map(|told| told["status"].as_u64().unwrap_or_default()).collect();
    if statuses != [500, 200] || told != [500, 200] || distance < FIRST_DISTANCE {
        return Err(format!("answered {statuses:?}, listed {told:?}, {distance:?} apart").into());
    }
    Ok(())
}

/// All but the first come to the webhook once more, and to nobody else.
async fn replayed(stack: &DeployedStack, queue: &str, listed: &[Value]) -> Result<(), Error> {
    let [first, others @ ..] = listed else { return Err("the feed lists nothing".into()) };
    let count = |event: &Value| stack.receiver.deliveries_of(&event["id"]).len();
    let before: Vec<usize> = others.iter().map(count).collect();
    let first_before = count(first);
    stack.api.replay_events(&id(first)).await?;
    eventually("the webhook is told again", PATIENCE, async || {
        Ok(others.iter().zip(&before).all(|(event, before)| count(event) > *before).then_some(()))
    })
    .await?;
    if count(first) != first_before {
        return Err("the event came again after which the replay begins".into());
    }
    // The bus comes before the webhook, and MiniStack hands on at once.
    tokio::time::sleep(Duration::from_secs(1)).await;
    let put = take(stack, queue).await?;
    match put.iter().find(|(id, _)| listed.iter().any(|event| event["id"] == id.as_str())) {
        None => Ok(()),
        Some((id, _)) => Err(format!("EventBridge was told again of {id}").into()),
    }
}
