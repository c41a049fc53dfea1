//! The promise, as a check: one client, one number, one working key, a complete history, and nothing left over.

#![expect(clippy::disallowed_methods, reason = "the secrets are made up")]

use local::client::Started;
use onboarding::{Class, Event, OnboardingId, Status, transition};
use queue::QueueName;
use secrecy::ExposeSecret;
use serde_json::Value;
use store::{HistoryEntry, ListFilter, Stored, WorkKey};
use time::Duration;
use vault::Vault;

use crate::support::strangers::Stranger;
use crate::support::test_bench::TestBench;

/// Fails with what does not hold.
macro_rules! hold {
    ($holds:expr, $($said:tt)+) => {
        if !$holds {
            return Err(format!($($said)+));
        }
    };
}
pub(crate) use hold;

/// What there was before anything happened, and what must follow from it.
pub(crate) struct Promise {
    pub(crate) started: Started,
    pub(crate) first: Stored,
    /// Where the onboarding stands in the end.
    pub(crate) ends: Status,
    /// How often its number was submitted with effect.
    pub(crate) submissions: usize,
}

impl TestBench {
    /// Remembers how an onboarding was when it was started.
    pub(crate) async fn promise(&self, started: Started) -> Promise {
        let first = self.stack.twins.store.get(&id(&started)).await.unwrap();
        Promise { started, first, ends: Status::Ready, submissions: 1 }
    }

    /// Whether these onboardings, which are all that there are, are done and as promised.
    pub(crate) async fn kept(&self, promises: &[&Promise]) -> Result<(), String> {
        self.kept_from(promises, &[]).await
    }

    /// The same beside strangers, who have nothing.
    pub(crate) async fn kept_from(&self, promises: &[&Promise], strangers: &[&Stranger]) -> Result<(), String> {
        self.injection.calm();
        self.disturbances.choose(None);
        // Whoever died at work has lost it by then.
        self.pass(Duration::minutes(2));
        self.settle().await;
        let refused = local::roles::refused();
        hold!(refused.is_empty(), "refused in this or another case: {refused:?}");
        let unexplained = self.unexplained();
        hold!(unexplained.is_empty(), "given up without a reason: {unexplained:?}");
        self.redrive().await;
        let ledger = self.client.ledger().await.unwrap();
        for promise in promises {
            if promise.ends == Status::Ready {
                self.one_kept(promise, &ledger).await?;
            } else {
                self.ended(promise, &ledger).await?;
            }
        }
        for stranger in strangers {
            stranger.got_nothing(self).await?;
        }
        let all = promises.len() + strangers.len();
        let count = |kind: &str| ledger[kind].as_array().unwrap().len();
        let (clients, channels) = (count("clients"), count("channels"));
        hold!(clients == all, "{clients} client accounts");
        hold!(channels == promises.len(), "{channels} channels");
        let refused = list(&ledger["calls"]).filter(|call| call["service"] == "hub" && call["status"] == 429).count();
        hold!(refused == 0, "the Hub's limit was passed {refused} times");
        hold!(self.onboardings().await == all, "{} onboardings", self.onboardings().await);
        self.all_told(promises, strangers, &ledger).await?;
        self.nothing_left(strangers).await
    }

    async fn onboardings(&self) -> usize {
        let (mut count, mut cursor) = (0, None);
        loop {
            let filter = ListFilter::default();
            let page = self.stack.twins.store.list(&filter, cursor.as_deref(), 100).await.unwrap();
            count += page.onboardings.len();
            cursor = page.cursor;
            if cursor.is_none() {
                return count;
            }
        }
    }

    async fn one_kept(&self, promise: &Promise, ledger: &Value) -> Result<(), String> {
        let store = &self.stack.twins.store;
        let id = id(&promise.started);
        let now = store.get(&id).await.unwrap();
        let onboarding = &now.onboarding;
        hold!(
            onboarding.status == Status::Ready,
            "{:?}, {:?} {:?}",
            onboarding.status,
            onboarding.retry,
            onboarding.problem
        );
        replay(&promise.first, &store.history(&id).await.unwrap(), &now)?;

        let client_id = onboarding.client_id().unwrap().as_str();
        hold!(list(&ledger["clients"]).any(|client| client["id"] == client_id), "the client account is not the Hub's");
        let (_, number) = onboarding.number().unwrap();
        let of_number = |channel: &&Value| channel["external_id"] == number.id.as_str();
        let channels: Vec<&Value> = list(&ledger["channels"]).filter(of_number).collect();
        hold!(channels.len() == 1, "{} channels of one number", channels.len());
        let channel_id = onboarding.channel_id.as_ref().unwrap();
        hold!(channels[0]["id"] == channel_id.as_str(), "another channel than the number's");
        hold!(channels[0]["client_id"] == client_id, "the channel belongs to another client account");
        let in_effect = |submission: &&Value| list(&submission["channel_ids"]).any(|id| id == channel_id.as_str());
        let submissions = list(&ledger["numbers"]).filter(in_effect).count();
        hold!(submissions == promise.submissions, "{submissions} submissions in effect");
        hold!(store.number_owner(&number.id).await.unwrap() == Some(id.clone()), "the number is not its own");
        hold!(store.channel_owner(channel_id).await.unwrap() == Some(id.clone()), "the channel is not its own");

        let valid = |key: &&Value| key["channel_id"] == channel_id.as_str() && key["valid"] == true;
        let valid: Vec<&Value> = list(&ledger["keys"]).filter(valid).collect();
        hold!(valid.len() == 1, "{} valid keys", valid.len());
        let kept = self.stack.twins.vault.find(channel_id).await.unwrap();
        hold!(kept.is_some(), "no key in the vault");
        let (key, stored) = kept.unwrap();
        hold!(
            valid[0]["api_key"] == key.api_key.expose_secret(),
            "the vault's key is not the one that the Hub accepts"
        );
        let arn = onboarding.key.as_ref().map(|key| &key.secret_arn);
        hold!(arn == Some(&stored.secret_arn), "the record names another secret");
        hold!(ledger["message_webhooks"][channel_id.as_str()].is_object(), "no message webhook");

        let key = WorkKey::Onboarding(id.clone());
        hold!(store.work(&key).await.unwrap().is_none(), "something is still to be done for it");
        Ok(())
    }

    /// One that the partner has ended, with its channel: no key is left anywhere.
    async fn ended(&self, promise: &Promise, ledger: &Value) -> Result<(), String> {
        let store = &self.stack.twins.store;
        let id = id(&promise.started);
        let now = store.get(&id).await.unwrap();
        let onboarding = &now.onboarding;
        hold!(onboarding.status == promise.ends, "{:?}, {:?}", onboarding.status, onboarding.channel_end);
        hold!(onboarding.has_ended(), "360dialog has not ended the channel: {:?}", onboarding.channel_end);
        let history = store.history(&id).await.unwrap();
        replay(&promise.first, &history, &now)?;
        let erasure = history.iter().rposition(|entry| matches!(entry.event, Event::Erased { .. }));
        let left: Vec<_> = history[..erasure.unwrap_or_default()].iter().filter(|entry| !entry.erased).collect();
        hold!(left.is_empty(), "what is personal is left in the history: {left:?}");
        for channel in list(&ledger["channels"]) {
            hold!(channel["hub_status"] == "terminated", "the channel is {}", channel["hub_status"]);
        }
        let valid = list(&ledger["keys"]).filter(|key| key["valid"] == true).count();
        hold!(valid == 0, "{valid} valid keys");
        let kept = self.stack.twins.vault.keys().len();
        hold!(kept == 0, "{kept} keys in the vault");
        let key = WorkKey::Onboarding(id.clone());
        hold!(store.work(&key).await.unwrap().is_none(), "something is still to be done for it");
        Ok(())
    }

    /// A stranger's link runs out some day.
    async fn nothing_left(&self, strangers: &[&Stranger]) -> Result<(), String> {
        let open: Vec<WorkKey> = strangers.iter().map(|stranger| WorkKey::Onboarding(id(&stranger.started))).collect();
        for name in QueueName::all() {
            let queue = &self.stack.twins.queue;
            hold!(queue.is_empty(name), "{} messages for {}", queue.len(name), name.as_str());
            let dead = queue.dead_letters(name);
            hold!(dead.is_empty(), "dead letters of {}: {dead:?}", name.as_str());
        }
        for class in
            [Class::Free, Class::Delivery, Class::Held, Class::Reconciliation].into_iter().chain(Class::WITH_PERMIT)
        {
            let due = self.stack.twins.store.due(class, self.now() + Duration::days(3650), 10).await.unwrap();
            let due: Vec<_> =
                due.into_iter().filter(|due| due.key != WorkKey::Sweep && !open.contains(&due.key)).collect();
            hold!(due.is_empty(), "still due: {due:?}");
        }
        Ok(())
    }
}

/// Whether the history leads, without a gap and by legal steps, from the first record to the present one.
fn replay(first: &Stored, history: &[HistoryEntry], now: &Stored) -> Result<(), String> {
    let versions: Vec<u64> = history.iter().map(|entry| entry.version).collect();
    let expected: Vec<u64> = (1..=now.version).collect();
    hold!(versions == expected, "versions of the history {versions:?}, of the record {}", now.version);
    hold!(history[0].event == Event::Started, "the history starts with {}", history[0].event.name());
    hold!(first.version == 1, "the first record seen is version {}", first.version);
    let mut record = first.onboarding.clone();
    for entry in &history[1..] {
        let name = entry.event.name();
        hold!(entry.from == record.status, "{name} is said to come from {:?}, not {:?}", entry.from, record.status);
        let after = transition(&record, &entry.event, entry.at).map_err(|error| format!("in the history: {error}"))?;
        let Some(after) = after else { return Err(format!("{name} in the history changes nothing")) };
        hold!(entry.to == after.status, "{name} is said to lead to {:?}, not {:?}", entry.to, after.status);
        hold!(entry.at == after.updated_at, "{name} at {}, updated at {}", entry.at, after.updated_at);
        *record = after;
    }
    hold!(
        record == now.onboarding,
        "the history leads to another record: {record:#?} instead of {:#?}",
        now.onboarding
    );
    Ok(())
}

pub(crate) fn list(value: &Value) -> impl Iterator<Item = &Value> {
    value.as_array().into_iter().flatten()
}

pub(crate) fn id(started: &Started) -> OnboardingId {
    started.id.parse().unwrap()
}
