//! A submission of which nobody knows what became: the Hub is looked at before it is asked again. A second submission could
//! make a second channel, which is billed.

use onboarding::{Event, FailureCode, Onboarding};
use partner_hub::{Channel, ChannelStage};
use store::Stored;
use time::{Duration, OffsetDateTime};

use crate::inbound::owner::{apply_live, fits};
use crate::runner::{HubContext, PermittedWork, StepError};

/// How long after the call the Hub is looked at first: it may still be at work.
pub(super) const FIRST_LOOK: Duration = Duration::minutes(2);
/// And once more, without the filter, before it is asked again.
pub(crate) const SECOND_LOOK: Duration = Duration::minutes(15);

/// A look for the channel of a number.
#[derive(Debug, Clone, Copy)]
pub(super) struct Look {
    not_before: OffsetDateTime,
    /// By the Hub's filter, or else among the newest channels.
    filtered: bool,
    /// When the look after it may be made, if it is not the last.
    then: Option<OffsetDateTime>,
}

/// The look that comes before the next submission, if one does.
pub(super) fn next_look(onboarding: &Onboarding) -> Option<Look> {
    let unclear = onboarding.submission?.unclear?;
    let (first, second) = (unclear.asked_at + FIRST_LOOK, unclear.asked_at + SECOND_LOOK);
    match (unclear.conflict, unclear.looks) {
        (true, 0) => Some(Look { not_before: unclear.asked_at, filtered: true, then: None }),
        (false, 0) => Some(Look { not_before: first, filtered: true, then: Some(second) }),
        (false, 1) => Some(Look { not_before: second, filtered: false, then: None }),
        _ => None,
    }
}

/// Looks once.
pub(super) async fn look(
    context: &HubContext,
    permitted: &PermittedWork,
    stored: Stored,
    look: Look,
) -> Result<Stored, StepError> {
    let now = context.clock.now();
    if now < look.not_before {
        permitted.give_back(&context.store).await?;
        return Err(unseen(Some(look.not_before), now));
    }
    let Some((_, number)) = stored.onboarding.number() else { return Err(StepError::NothingToDo) };
    let answer = context.call(permitted, async |authorization| {
        if look.filtered {
            context.hub.channels_of_number(authorization, &number.id).await
        } else {
            context.hub.channels_page(authorization, 0).await.map(|page| page.channels)
        }
    });
    let mut channels = answer.await??;
    channels.retain(|channel| {
        channel.phone_number_id.as_ref() == Some(&number.id) && channel.stage() != ChannelStage::Ended
    });

    if let Some(channel) = channels.iter().find(|channel| fits(&stored.onboarding, channel)) {
        let accepted = context.record(permitted, stored, &Event::NumberAccepted).await?;
        if channel.is_live() {
            apply_live(&context.store, &accepted.onboarding.id, channel).await?;
        }
        return Ok(accepted);
    }
    if let Some(refusal) = channels.iter().find_map(of_another_client) {
        return Err(refusal);
    }
    context.store.apply(&stored.onboarding.id, &Event::SubmissionUnseen).await?;
    if stored.onboarding.submission.and_then(|submission| submission.unclear).is_some_and(|unclear| unclear.conflict) {
        return Err(refused(
            "The Hub has the number already, and shows no channel of this client account for it".to_owned(),
        ));
    }
    Err(unseen(look.then, now))
}

fn unseen(again: Option<OffsetDateTime>, now: OffsetDateTime) -> StepError {
    let reason = "the Hub may have taken the number, and shows no channel of it yet".to_owned();
    StepError::Retry { reason, after: again.map(|again| again - now) }
}

/// The number is connected elsewhere. That is the Hub's own word, and only the partner can mend it.
fn of_another_client(channel: &Channel) -> Option<StepError> {
    let client_id = channel.client_id.as_ref()?;
    let id = &channel.id;
    Some(refused(format!("The number is connected to client account {client_id} at 360dialog, by channel {id}")))
}

const fn refused(detail: String) -> StepError {
    StepError::Fail { code: FailureCode::NumberRefused, detail, retryable: true }
}
