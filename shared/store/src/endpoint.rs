//! What is known of the partner's webhook, and the events that it is told once more.

use std::time::Instant;

use aws_sdk_dynamodb::types::AttributeValue;
use onboarding::limiter::milliseconds;
use onboarding::{Class, Endpoint, EventId};
use serde::{Deserialize, Serialize};

use super::contention::{RaceBackoff, Updated};
use super::feed::SETTLED;
use super::item::{self, Key, n, s};
use super::work::AT_WORK;
use super::{Store, StoreError};

/// How many events are read at once to be told once more.
const PAGE: u32 = 50;

#[derive(Serialize, Deserialize)]
struct EndpointItem {
    version: u64,
    endpoint: Endpoint,
}

#[derive(Deserialize)]
struct ReplayItem {
    after_id: EventId,
    until_id: EventId,
    /// Absent once it is done.
    #[serde(default)]
    due: Option<String>,
}

impl Store {
    /// What is known of the partner's webhook (a consistent read).
    pub async fn endpoint(&self) -> Result<Endpoint, StoreError> {
        Ok(self.endpoint_item().await?.map(|item| item.endpoint).unwrap_or_default())
    }

    async fn endpoint_item(&self) -> Result<Option<EndpointItem>, StoreError> {
        self.read_item(Key::endpoint()).await?.map(item::read).transpose()
    }

    /// Changes what is known of the partner's webhook. A call that loses a race changes what the winner left. Returns what is known
    /// then, and what `change` returned.
    pub async fn change_endpoint<T>(&self, change: impl Fn(&mut Endpoint) -> T) -> Result<(Endpoint, T), StoreError> {
        let mut backoff = RaceBackoff::default();
        loop {
            let before = self.endpoint_item().await?;
            let (version, before) = before.map(|item| (item.version, item.endpoint)).unwrap_or_default();
            let mut after = before.clone();
            let outcome = change(&mut after);
            if after == before {
                return Ok((after, outcome));
            }
            let value: AttributeValue = serde_dynamo::to_attribute_value(&after)
                .map_err(|error| item::unreadable(&Key::endpoint().pk, &error))?;
            let request = self
                .client
                .update_item()
                .set_key(Some(Key::endpoint().attributes()))
                .update_expression("SET v = :v, endpoint = :endpoint, version = :next")
                .condition_expression("attribute_not_exists(version) OR version = :version")
                .expression_attribute_values(":v", n(item::SHAPE))
                .expression_attribute_values(":endpoint", value)
                .expression_attribute_values(":version", n(version))
                .expression_attribute_values(":next", n(version + 1));
            match self.update(request).await? {
                Updated::Done(_) => return Ok((after, outcome)),
                Updated::Refused(_) => backoff.after_lost_race().await?,
            }
        }
    }

    /// Has the events after `after` that there are now told once more to the partner's webhook, as soon as the feed shows the last
    /// of them. A replay that is under way goes on with the earlier of the two.
    pub async fn start_replay(&self, after: &EventId) -> Result<(), StoreError> {
        let mut backoff = RaceBackoff::default();
        loop {
            let now = self.clock.now();
            let found = self.replay().await?;
            let before = found.as_ref().map(|replay| s(replay.after_id.as_str()));
            let earlier = found.filter(|replay| replay.due.is_some() && replay.after_id < *after);
            let after = earlier.map_or_else(|| after.clone(), |replay| replay.after_id);
            let request = self
                .client
                .update_item()
                .set_key(Some(Key::replay().attributes()))
                .update_expression(format!(
                    "SET v = :v, after_id = :after, until_id = :until, due = :class, due_at = :shown REMOVE {}",
                    AT_WORK.join(", ")
                ))
                .condition_expression("attribute_not_exists(after_id) OR after_id = :before")
                .expression_attribute_values(":v", n(item::SHAPE))
                .expression_attribute_values(":before", before.unwrap_or(s("")))
                .expression_attribute_values(":after", s(after.as_str()))
                .expression_attribute_values(":until", s(EventId::lowest(now).as_str()))
                .expression_attribute_values(":class", s(Class::Delivery.as_str()))
                .expression_attribute_values(":shown", n(milliseconds(now + SETTLED)));
            match self.update(request).await? {
                Updated::Done(_) => return Ok(()),
                Updated::Refused(_) => backoff.after_lost_race().await?,
            }
        }
    }

    async fn replay(&self) -> Result<Option<ReplayItem>, StoreError> {
        self.read_item(Key::replay()).await?.map(item::read).transpose()
    }

    /// Has the events of the replay told, page by page until `end`; what is left then is due at once. `permit`: of the message.
    pub async fn replay_until(&self, permit: &str, end: Instant) -> Result<(), StoreError> {
        loop {
            let Some(ReplayItem { after_id, until_id, .. }) = self.replay().await? else { return Ok(()) };
            let (keys, next) = self.fed(&after_id, &until_id, PAGE).await?;
            let (mut reached, mut is_busy) = (after_id, false);
            for key in keys {
                match self.tell_again(&key).await {
                    // One that nobody can read keeps no other from being told.
                    Err(error @ StoreError::Unreadable { .. }) => {
                        tracing::error!(%error, event = %key, "an event is not told once more");
                    }
                    // It is being told just now. The replay goes on with it later.
                    Err(StoreError::Busy) => {
                        is_busy = true;
                        break;
                    }
                    other => other?,
                }
                reached = key.id;
            }
            let next = if is_busy { Some(reached) } else { next };
            let at_work = AT_WORK.join(", ");
            let request = self
                .client
                .update_item()
                .set_key(Some(Key::replay().attributes()))
                // Not if somebody has asked for another one meanwhile.
                .condition_expression("permit = :permit")
                .expression_attribute_values(":permit", s(permit));
            let Some(next) = next else {
                let request = request.update_expression(format!("REMOVE due, due_at, {at_work}"));
                return self.update(request).await.map(drop);
            };
            let is_over = is_busy || Instant::now() >= end;
            let request = request.expression_attribute_values(":next", s(next.as_str()));
            let request = if is_over {
                request
                    .update_expression(format!("SET after_id = :next, due_at = :now REMOVE {at_work}"))
                    .expression_attribute_values(":now", n(milliseconds(self.clock.now())))
            } else {
                request.update_expression("SET after_id = :next")
            };
            match self.update(request).await? {
                Updated::Done(_) if !is_over => {}
                _ => return Ok(()),
            }
        }
    }

    /// Whether events that had to wait may be sent to the partner's webhook now, the first of them this one. Then others are
    /// not sent before their time.
    pub async fn send_held(&self, first: &EventId) -> Result<bool, StoreError> {
        let now = self.clock.now();
        Ok(self.change_endpoint(|endpoint| endpoint.sending(first, now)).await?.1)
    }
}
