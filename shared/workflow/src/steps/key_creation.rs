//! Step 4: create the API key of a live channel, store it, set the message webhook, use the key once. A key that the partner
//! wants to have replaced takes the same way, and those of a channel that has ended are deleted here.
//!
//! A new key revokes the older ones and is shown once. So it is made by one worker at a time, only if the vault holds none,
//! and stored before anything else. If it is lost between Hub and vault, making another is safe: nobody was given it.

use std::sync::Arc;
use std::time::Instant;

use onboarding::{ChannelId, Event, FailureCode, Onboarding, Status, Step, StoredKey};
use partner_hub::messaging::{Messaging, MessagingError};
use partner_hub::{ApiKey, HubError};
use queue::{About, Task};
use store::{Stored, WorkKey};
use time::{Duration, OffsetDateTime};
use vault::Vault;

use super::message_webhook::MessageWebhooks;
use crate::runner::{HubContext, PermittedWork, StepError, StepRunner, key_refused};

/// A new key may take a while to work at the messaging API. After this long, somebody has made another one.
const KEY_SETTLES: Duration = Duration::minutes(15);
/// How long a call that was not answered may still be carried out. A key made sooner could be revoked by its key.
const MADE_WITHIN: Duration = Duration::minutes(1);
/// How long after each refusal the Hub is asked again whether the client has granted permission.
const ASK_AGAIN: [Duration; 3] = [Duration::minutes(15), Duration::hours(1), Duration::hours(6)];
/// How long after a refusal another key is asked for in place of one that works.
const REFUSED_AGAIN: Duration = Duration::minutes(15);
/// Pauses between the tries to store a key that was just made.
const STORE_PAUSES: [std::time::Duration; 3] = [
    std::time::Duration::from_millis(100),
    std::time::Duration::from_millis(400),
    std::time::Duration::from_millis(1600),
];

/// What the key-creation worker needs.
#[derive(Clone)]
pub struct KeyCreation {
    /// For the Hub.
    pub context: HubContext,
    /// Where keys are kept.
    pub vault: Arc<dyn Vault>,
    /// The messaging API.
    pub messaging: Messaging,
    /// Where the partner's system takes messages.
    pub message_webhook: MessageWebhooks,
}

impl KeyCreation {
    /// Handles one message. No call is begun that could outlast `deadline`.
    ///
    /// # Errors
    /// A sentence, if nothing could be recorded. The work is due again by itself.
    pub async fn handle(&self, task: Task, deadline: Option<Instant>) -> Result<(), String> {
        let About::Onboarding { onboarding_id } = &task.about else {
            return Err("not a task for this step".to_owned());
        };
        let permitted = PermittedWork::new(WorkKey::Onboarding(onboarding_id.clone()), &task, deadline);
        StepRunner { context: &self.context, step: Step::KeyCreation }
            .run(onboarding_id, &permitted, |stored| async {
                self.step(&permitted, stored).await.map_err(|stop| stop.at(Step::KeyCreation))
            })
            .await
    }

    async fn step(&self, permitted: &PermittedWork, stored: Stored) -> Result<Stored, StepError> {
        let onboarding = &stored.onboarding;
        if onboarding.key_deletion_due_at.is_some() && onboarding.keys_idle_since().is_some() {
            return self.delete_keys(permitted, stored).await;
        }
        let is_there = match &onboarding.key_rotation {
            Some(rotation) => rotation.key_stored,
            None if matches!(onboarding.status, Status::Live | Status::PermissionRequired) => onboarding.key.is_some(),
            None => return Err(StepError::NothingToDo),
        };
        let Some(channel_id) = onboarding.channel_id.clone() else { return Err(StepError::NothingToDo) };
        let (stored, key) = if is_there {
            permitted.hold(&self.context.store).await?;
            let Some((key, _)) = self.vault.find(&channel_id).await? else {
                return Err(key_refused(format!("The vault holds no key for channel {channel_id}")));
            };
            (stored, key)
        } else {
            match self.obtain_key(permitted, stored, &channel_id).await? {
                Obtained::Key(stored, key) => (stored, key),
                Obtained::MayBeMade(stored) => return Ok(stored),
            }
        };
        if !permitted.leaves_time() {
            // The key is stored, so that the rest is due by itself.
            return Err(StepError::NothingToDo);
        }
        let proven = self.prove(&key, &stored.onboarding).await;
        // Another try proves a new key that took the place of one, unless another key was made elsewhere.
        let is_rotated = stored.onboarding.key_rotation.is_some();
        proven.map_err(|error| if is_rotated { still_to_be_proven(error) } else { error })?;
        self.context.record(permitted, stored, &Event::MessagingReady { channel_id }).await
    }

    /// Sets the message webhook with a key, and uses it once.
    async fn prove(&self, key: &ApiKey, onboarding: &Onboarding) -> Result<(), StepError> {
        self.set_message_webhook(key, onboarding).await?;
        self.use_key(key, onboarding).await
    }

    /// Takes the key from the vault, where an earlier try left it, or makes one. A channel that is not of our making has its
    /// keys listed first, which takes a permit of its own.
    async fn obtain_key(
        &self,
        permitted: &PermittedWork,
        stored: Stored,
        channel_id: &ChannelId,
    ) -> Result<Obtained, StepError> {
        let onboarding = &stored.onboarding;
        let (key, kept) = match self.vault.find(channel_id).await? {
            Some(found) if found.0.created_at >= onboarding.keys_wanted_since() => {
                permitted.hold(&self.context.store).await?;
                found
            }
            _ if onboarding.key_rotation.is_some() => {
                self.create_key(permitted, &stored, channel_id).await.map_err(tried_again)?
            }
            _ if onboarding.may_have_key => {
                self.check_that_it_has_none(permitted, onboarding, channel_id).await?;
                return Ok(Obtained::MayBeMade(
                    self.context
                        .record(permitted, stored, &Event::NoKeyFound { channel_id: channel_id.clone() })
                        .await?,
                ));
            }
            _ => self.create_key(permitted, &stored, channel_id).await?,
        };
        // Not yet the end of this worker's work, which goes on with the messaging API.
        let event = Event::KeyStored { channel_id: channel_id.clone(), key: kept };
        let stored = self.context.store.apply(&onboarding.id, &event).await?.into_stored();
        if stored.onboarding.channel_id.as_ref() != Some(channel_id) {
            // The number's next channel came meanwhile, and needs a key of its own.
            return Err(StepError::NothingToDo);
        }
        Ok(Obtained::Key(stored, key))
    }

    /// A new key would revoke the one that somebody uses.
    async fn check_that_it_has_none(
        &self,
        permitted: &PermittedWork,
        onboarding: &Onboarding,
        channel_id: &ChannelId,
    ) -> Result<(), StepError> {
        let asked_at = self.context.clock.now();
        let listed = self
            .context
            .call(permitted, async |authorization| self.context.hub.api_keys(authorization, channel_id).await);
        match listed.await? {
            Ok(keys) if keys.is_empty() => Ok(()),
            Ok(_) => Err(StepError::Fail {
                code: FailureCode::ChannelHasKey,
                detail: format!(
                    "Channel {channel_id} was there before this onboarding and has an API key, which a new key would revoke. A retry with replace_key makes a new one."
                ),
                retryable: true,
            }),
            Err(HubError::Permission { .. } | HubError::Permanent { status: 403, .. }) => {
                Err(self.permission_missing(onboarding, asked_at).await?)
            }
            Err(error) => Err(error.into()),
        }
    }

    async fn create_key(
        &self,
        permitted: &PermittedWork,
        stored: &Stored,
        channel_id: &ChannelId,
    ) -> Result<(ApiKey, StoredKey), StepError> {
        let asked_at = self.context.clock.now();
        let made = self
            .context
            .call(permitted, async |authorization| self.context.hub.create_api_key(authorization, channel_id).await);
        match made.await? {
            Ok(key) => {
                let kept = self.store(channel_id, &key).await?;
                Ok((key, kept))
            }
            Err(HubError::Permission { .. }) => Err(self.permission_missing(&stored.onboarding, asked_at).await?),
            Err(HubError::Retry { reason, retry_after, unclear: true, .. }) => {
                Err(StepError::Retry { reason, after: Some(retry_after.unwrap_or_default().max(MADE_WITHIN)) })
            }
            Err(error) => Err(error.into()),
        }
    }

    /// The channel has ended, and its keys open nothing any more. A channel that another onboarding has by now is left alone.
    async fn delete_keys(&self, permitted: &PermittedWork, stored: Stored) -> Result<Stored, StepError> {
        let (store, onboarding) = (&self.context.store, &stored.onboarding);
        permitted.hold(store).await?;
        for channel_id in onboarding.former_channels.iter().chain(&onboarding.channel_id) {
            if store.channel_owner(channel_id).await?.is_none_or(|owner| owner == onboarding.id) {
                self.vault.delete(channel_id).await?;
            }
        }
        self.context.record(permitted, stored, &Event::KeysDeleted).await
    }

    async fn store(&self, channel_id: &ChannelId, key: &ApiKey) -> Result<StoredKey, StepError> {
        let mut pauses = STORE_PAUSES.iter();
        loop {
            match (self.vault.store(channel_id, key).await, pauses.next()) {
                (Ok(stored), _) => return Ok(stored),
                (Err(error), Some(pause)) => {
                    tracing::warn!(%error, "a key that was just made could not be stored; trying again");
                    tokio::time::sleep(*pause).await;
                }
                (Err(error), None) => return Err(error.into()),
            }
        }
    }

    /// Direct Payment. The webhook of the grant brings us back; without it the Hub is asked again, ever more rarely.
    async fn permission_missing(
        &self,
        onboarding: &Onboarding,
        asked_at: OffsetDateTime,
    ) -> Result<StepError, StepError> {
        let event = Event::PermissionMissing { asked_at };
        let stored = self.context.store.apply(&onboarding.id, &event).await?.into_stored();
        if stored.onboarding.status == Status::Live {
            return Ok(StepError::Retry { reason: "permission was granted while we asked".to_owned(), after: None });
        }
        let tries = onboarding.retry.as_ref().map_or(0, |retry| retry.tries) as usize;
        let wait = ASK_AGAIN.get(tries).or(ASK_AGAIN.last()).copied().unwrap_or_default();
        Ok(StepError::Permission { next_at: self.context.clock.now() + wait })
    }

    async fn set_message_webhook(&self, key: &ApiKey, onboarding: &Onboarding) -> Result<(), StepError> {
        if !self.messaging.allows(&key.address) {
            // The partner's systems send the key to where we say.
            return Err(address_forbidden());
        }
        let Some(webhook) = self.message_webhook.of(&self.context, onboarding).await? else { return Ok(()) };
        let set = self.messaging.set_webhook(&key.address, &key.api_key, &webhook).await;
        set.map_err(|error| match error {
            MessagingError::Permanent { status, reason } => StepError::Fail {
                code: FailureCode::MessageWebhookRefused,
                detail: format!("The messaging API refused the message webhook ({status}): {reason}"),
                retryable: true,
            },
            other => self.key_not_used(key, onboarding, other),
        })
    }

    /// Uses the key once: only then it is known to work, and for which number.
    async fn use_key(&self, key: &ApiKey, onboarding: &Onboarding) -> Result<(), StepError> {
        let health = self.messaging.health(&key.address, &key.api_key).await;
        let health = health.map_err(|error| self.key_not_used(key, onboarding, error))?;
        let ours = onboarding.number().map(|(_, number)| &number.id);
        match (&health.phone_number_id, ours) {
            (Some(said), Some(ours)) if said != ours => Err(StepError::Fail {
                code: FailureCode::Conflict,
                detail: format!("The messaging API says that the key is for phone number {said}"),
                retryable: true,
            }),
            _ => Ok(()),
        }
    }

    fn key_not_used(&self, key: &ApiKey, onboarding: &Onboarding, error: MessagingError) -> StepError {
        match error {
            MessagingError::Retry { reason } => StepError::Retry { reason, after: None },
            MessagingError::KeyRefused if self.context.clock.now() - key.created_at < KEY_SETTLES => {
                StepError::Retry { reason: "the messaging API does not accept the new key yet".to_owned(), after: None }
            }
            MessagingError::KeyRefused => {
                let channel_id = onboarding.channel_id.as_ref().map_or("", ChannelId::as_str);
                key_refused(format!(
                    "The messaging API refuses the key of channel {channel_id}: another one was made elsewhere. A retry makes a new key."
                ))
            }
            MessagingError::Permanent { status, reason } => {
                StepError::Retry { reason: format!("the messaging API answered {status}: {reason}"), after: None }
            }
            MessagingError::ForbiddenAddress => address_forbidden(),
        }
    }
}

/// What became of the search for a key.
enum Obtained {
    /// It is in the vault, and in hand.
    Key(Stored, ApiKey),
    /// There is none, and the next permit may make one.
    MayBeMade(Stored),
}

/// No new key could be made, or proven yet. Nothing has failed for good: it is tried again.
fn tried_again(error: StepError) -> StepError {
    match error {
        StepError::Fail { detail, .. } => StepError::Retry { reason: detail, after: Some(REFUSED_AGAIN) },
        other => other,
    }
}

/// A new key that is in the vault already: what is refused otherwise than for the key is tried again.
fn still_to_be_proven(error: StepError) -> StepError {
    match error {
        StepError::Fail { code: FailureCode::KeyRefused, .. } => error,
        other => tried_again(other),
    }
}

fn address_forbidden() -> StepError {
    StepError::Fail {
        code: FailureCode::MessagingAddressForbidden,
        detail: "The Hub named an address of the messaging API that MESSAGING_HOSTS does not allow".to_owned(),
        retryable: true,
    }
}
