//! Imports channels that were there before: looks each up at the Hub, says what becomes of it, and gives it an onboarding.
//!
//! The partner's word is that the channel is its customer's; what the channel is, the Hub says. Whether it has a key is found out
//! by key-creation, as for every channel that is not of our making.

use std::collections::HashMap;
use std::time::Instant;

use onboarding::{
    ChannelId, ClientAccount, Event, ImportId, Onboarding, OnboardingId, PhoneNumber, Signup, SignupSource,
};
use partner_hub::{Channel, ChannelStage, HubError};
use store::{BroughtIn, Import, ImportLook, ImportedChannel, StoreError, Would};
use time::{Duration, OffsetDateTime};

use crate::inbound::owner::{Owner, owner_of};
use crate::runner::{HubContext, PermittedWork, StepError};

/// How soon the Hub is asked again that could not be asked now.
const FAILED_LOOK: Duration = Duration::minutes(15);

/// Makes the next call of an import, and settles what it shows.
///
/// # Errors
/// A sentence, if nothing could be recorded. The import is due again by itself.
pub(crate) async fn run(context: &HubContext, permitted: &PermittedWork, id: &ImportId) -> Result<(), String> {
    let started = Instant::now();
    let importing = Box::pin(next_call(context, permitted, id)).await;
    let outcome = importing.as_ref().map_or_else(StepError::outcome, |()| "done");
    telemetry::step("import", outcome, started, importing.as_ref().err().and_then(StepError::reason));
    match importing {
        Err(StepError::Unavailable(reason)) => Err(reason),
        Ok(()) | Err(_) => Ok(()),
    }
}

async fn next_call(context: &HubContext, permitted: &PermittedWork, id: &ImportId) -> Result<(), StepError> {
    let store = &context.store;
    let Some(import) = store.import(id).await? else { return permitted.give_back(store).await };
    let channels = store.import_channels(id).await?;
    let importing = Importing { context, permitted, import: &import };
    let open: Vec<_> = channels.iter().filter(|channel| channel.would.is_none()).collect();
    let looked = match import.next {
        ImportLook::Page { offset } => importing.page(offset, &channels).await,
        ImportLook::Single if open.is_empty() => {
            permitted.give_back(store).await?;
            Ok(ImportLook::Single)
        }
        // Any of them: one that the Hub cannot show does not hold up the others.
        ImportLook::Single => importing.single(open[fastrand::usize(..open.len())]).await,
    };
    let now = context.clock.now();
    let (next, failure) = match looked {
        Ok(next) => (Import { next, error: None, refused: None, ..import.clone() }, None),
        Err(Look { error, refused }) if is_result(&error) => {
            let reason = error.reason().unwrap_or("it could not be asked");
            let reason = format!("The Hub did not show the channels: {reason}");
            (Import { error: Some(reason), refused, ..import.clone() }, Some(error))
        }
        Err(Look { error, .. }) => return Err(error),
    };
    let is_done = next.next == ImportLook::Single
        && store.import_channels(id).await?.iter().all(|channel| channel.would.is_some());
    let next = Import { done_at: is_done.then_some(now), ..next };
    let next_at = if failure.is_some() { now + FAILED_LOOK } else { now };
    store.import_on(&next, &permitted.permit, (!is_done).then_some(next_at)).await?;
    failure.map_or(Ok(()), Err)
}

/// Why a look showed nothing.
struct Look {
    error: StepError,
    /// The channel that the Hub refused to show, in its own words.
    refused: Option<ChannelId>,
}

impl<E: Into<StepError>> From<E> for Look {
    fn from(error: E) -> Self {
        Self { error: error.into(), refused: None }
    }
}

/// Whether an error is the Hub's answer, or that nobody can ask it now. The import waits then.
const fn is_result(error: &StepError) -> bool {
    !matches!(error, StepError::Void | StepError::Unavailable(_) | StepError::NothingToDo)
}

struct Importing<'a> {
    context: &'a HubContext,
    permitted: &'a PermittedWork,
    import: &'a Import,
}

impl Importing<'_> {
    /// A page of all channels. Where the import looks next.
    async fn page(&self, offset: u32, channels: &[ImportedChannel]) -> Result<ImportLook, Look> {
        let hub = &self.context.hub;
        let answer = self
            .context
            .call(self.permitted, async |authorization| hub.channels_page(authorization, offset).await)
            .await?;
        let page = answer?;
        let mut known: HashMap<&ChannelId, &ImportedChannel> =
            channels.iter().map(|channel| (&channel.channel_id, channel)).collect();
        for said in &page.channels {
            let found = known.remove(&said.id);
            if found.is_some_and(|channel| channel.would.is_some()) || (found.is_none() && !self.import.lists_all) {
                continue;
            }
            // The rest of the page is looked at again.
            if !self.permitted.leaves_time() {
                return Ok(ImportLook::Page { offset });
            }
            self.settle(found.cloned().unwrap_or_else(|| ImportedChannel::new(said.id.clone())), said).await?;
        }
        let is_open = self.import.lists_all || known.values().any(|channel| channel.would.is_none());
        Ok(match page.next_offset.filter(|_| is_open) {
            Some(offset) => ImportLook::Page { offset },
            // What no page showed may be there all the same.
            None => ImportLook::Single,
        })
    }

    /// One channel by its id.
    async fn single(&self, channel: &ImportedChannel) -> Result<ImportLook, Look> {
        let (hub, id) = (&self.context.hub, &channel.channel_id);
        let answer =
            self.context.call(self.permitted, async |authorization| hub.channel(authorization, id).await).await?;
        match answer {
            Ok(Some(said)) => self.settle(channel.clone(), &said).await?,
            // What the Hub refuses twice, minutes apart, it does not know for us.
            Err(HubError::Permanent { .. }) if self.import.refused.as_ref() == Some(id) => {
                self.unknown(channel).await?;
            }
            Ok(None) => self.unknown(channel).await?,
            Err(error) => {
                let refused = matches!(error, HubError::Permanent { .. }).then(|| id.clone());
                return Err(Look { error: error.into(), refused });
            }
        }
        Ok(ImportLook::Single)
    }

    async fn unknown(&self, channel: &ImportedChannel) -> Result<(), StoreError> {
        let channel = ImportedChannel { would: Some(Would::Unknown), ..channel.clone() };
        self.context.store.note_imported(self.import, &channel).await
    }

    /// Says what becomes of a channel, and gives it an onboarding unless it is a dry run.
    async fn settle(&self, channel: ImportedChannel, said: &Channel) -> Result<(), StoreError> {
        let channel = ImportedChannel {
            client_id: said.client_id.clone(),
            waba_id: said.waba_id.clone(),
            phone_number_id: said.phone_number_id.clone(),
            ..channel
        };
        let (would, onboarding_id) = self.would(said).await?;
        let noted = ImportedChannel { would: Some(would), onboarding_id, ..channel };
        if would != Would::Import || self.import.dry_run {
            return self.context.store.note_imported(self.import, &noted).await;
        }
        let Some((started, event)) = new_onboarding(&noted, said, self.context.clock.now()) else {
            let noted = ImportedChannel { would: Some(Would::Incomplete), ..noted };
            return self.context.store.note_imported(self.import, &noted).await;
        };
        let brought = ImportedChannel { onboarding_id: Some(started.id.clone()), ..noted };
        match self.context.store.bring_in(self.import, &brought, &started, &event).await? {
            BroughtIn::Done => {
                tracing::info!(onboarding_id = %started.id, channel_id = %said.id, "channel imported");
                return Ok(());
            }
            BroughtIn::Settled => return Ok(()),
            BroughtIn::Taken => {}
        }
        // Somebody was faster.
        let (would, onboarding_id) = match self.would(said).await? {
            (Would::Import, _) => (Would::Owned, self.owner(said).await?),
            taken => taken,
        };
        let taken = ImportedChannel { would: Some(would), onboarding_id, ..brought };
        self.context.store.note_imported(self.import, &taken).await
    }

    /// What becomes of a channel, and which onboarding has it or its number.
    async fn would(&self, said: &Channel) -> Result<(Would, Option<OnboardingId>), StoreError> {
        match said.stage() {
            ChannelStage::Ended => return Ok((Would::Ended, None)),
            ChannelStage::Live if !said.is_ending() => {}
            ChannelStage::Live | ChannelStage::Other => return Ok((Would::NotLive, None)),
        }
        let store = &self.context.store;
        // Without one of them it would be nobody's number.
        let is_complete = said.client_id.is_some() && said.waba_id.is_some() && said.phone_number_id.is_some();
        let free = (if is_complete { Would::Import } else { Would::Incomplete }, None);
        let is_theirs = match owner_of(store, said).await {
            Ok(Owner::Ours(_)) => true,
            Ok(Owner::Anothers) => false,
            Ok(Owner::Nobody) => return Ok(free),
            Ok(Owner::NotSaidYet) => return Ok((Would::Incomplete, None)),
            // A person has to look at the record, and the others go on.
            Err(error @ StoreError::Unreadable { .. }) => {
                tracing::error!(%error, channel_id = %said.id, "whose channel it is cannot be read");
                return Ok((Would::NumberTaken, self.owner(said).await?));
            }
            Err(error) => return Err(error),
        };
        let Some(id) = self.owner(said).await? else { return Ok((Would::Incomplete, None)) };
        let onboarding = match store.get(&id).await {
            Ok(stored) => stored.onboarding,
            Err(StoreError::NotFound) => return Ok(free),
            Err(StoreError::Unreadable { .. }) => return Ok((Would::Owned, Some(id))),
            Err(error) => return Err(error),
        };
        let has_channel = onboarding.channel_id.as_ref() == Some(&said.id);
        let is_over = onboarding.has_ended() && (onboarding.status.is_final() || onboarding.erased_at.is_some());
        // What the partner may lead on from a failure, it leads on there.
        if is_over || (onboarding.has_ended() && !has_channel) {
            return Ok(free);
        }
        Ok((if is_theirs { Would::Owned } else { Would::NumberTaken }, Some(id)))
    }

    /// The onboarding that has a channel, or its number.
    async fn owner(&self, said: &Channel) -> Result<Option<OnboardingId>, StoreError> {
        match (self.context.store.channel_owner(&said.id).await?, &said.phone_number_id) {
            (Some(id), _) => Ok(Some(id)),
            (None, Some(phone_number_id)) => self.context.store.number_owner(phone_number_id).await,
            (None, None) => Ok(None),
        }
    }
}

/// The onboarding of a channel as it is made, and what happens to it at once. `None` if the Hub has not said what it needs.
fn new_onboarding(channel: &ImportedChannel, said: &Channel, now: OffsetDateTime) -> Option<(Onboarding, Event)> {
    let (client_id, waba_id) = (said.client_id.clone()?, said.waba_id.clone()?);
    let number = PhoneNumber {
        id: said.phone_number_id.clone()?,
        display_phone_number: said.phone_number.as_ref().map(|digits| format!("+{digits}")),
        verified_name: said.phone_name.clone(),
    };
    let signup = Signup {
        source: SignupSource::Import,
        waba_id: Some(waba_id),
        waba_name: None,
        business_id: None,
        coexistence: false,
        number: Some(number),
        code_sha256: None,
    };
    let client = ClientAccount::Known { id: client_id, details: None };
    let reference = channel.reference.clone()?;
    // Without a setup link, until the partner makes one.
    let started = Onboarding::new(OnboardingId::generate(), reference, client, String::new(), now, now);
    let event = Event::Imported {
        signup,
        channel_id: said.id.clone(),
        made_at: said.created_at,
        replace_key: channel.replace_key,
    };
    Some((started, event))
}
