//! Brings about the end of a channel that the partner asked for, or takes it back: 360dialog is asked, and looked at until it has
//! said that it is done. A request whose answer was lost, or that was refused, is looked up before it is repeated.

use onboarding::{ChannelEnd, ChannelId, Event, Wanted};
use partner_hub::{ChannelStage, HubError};
use store::{StoreError, Stored};
use time::Duration;

use crate::inbound::owner::fits;
use crate::runner::{HubContext, PermittedWork, StepError};
use crate::steps::unclear_submission::SECOND_LOOK;

/// So long after the request was taken the Hub's lists show it.
const SHOWN_WITHIN: Duration = Duration::hours(1);

/// Makes the next call.
pub(crate) async fn run(context: &HubContext, permitted: &PermittedWork, stored: Stored) -> Result<Stored, StepError> {
    let Some(end) = stored.onboarding.open_channel_end().cloned() else { return Err(StepError::NothingToDo) };
    match stored.onboarding.channel_id.clone() {
        None => find(context, permitted, stored, &end).await,
        Some(channel_id) if end.unclear || end.accepted_at.is_some() => {
            look(context, permitted, stored, &end, channel_id).await
        }
        Some(channel_id) => ask(context, permitted, stored, &end, &channel_id).await,
    }
}

/// Asks the Hub to end the channel, or to keep it. That it is asked is noted before the call.
async fn ask(
    context: &HubContext,
    permitted: &PermittedWork,
    stored: Stored,
    end: &ChannelEnd,
    channel_id: &ChannelId,
) -> Result<Stored, StepError> {
    let Some(client_id) = stored.onboarding.client_id() else { return Err(StepError::NothingToDo) };
    let (store, hub, id, wanted) = (&context.store, &context.hub, &stored.onboarding.id, end.wanted);
    let noted = async || {
        let noted = store.apply(id, &Event::ChannelEndSent { wanted }).await?.into_stored();
        // The partner may have changed its mind in this moment.
        let stands = noted.onboarding.open_channel_end().is_some_and(|end| end.wanted == wanted);
        if stands { Ok(()) } else { Err(StepError::NothingToDo) }
    };
    let answer = context.call_noted(permitted, noted, async |authorization| match wanted {
        Wanted::End => hub.end_channel(authorization, client_id, channel_id).await,
        Wanted::Keep => hub.keep_channel(authorization, client_id, channel_id).await.map(|()| None),
    });
    let answer = answer.await?;
    let stored = store.get(id).await?;
    match answer {
        Ok(ends_at) => {
            let event = if wanted == Wanted::End { Event::ChannelEndAccepted { ends_at } } else { Event::ChannelKept };
            context.record(permitted, stored, &event).await
        }
        Err(error) => failed(context, permitted, stored, end, error).await,
    }
}

/// Looks whether what the Hub was asked for has happened.
async fn look(
    context: &HubContext,
    permitted: &PermittedWork,
    stored: Stored,
    end: &ChannelEnd,
    channel_id: ChannelId,
) -> Result<Stored, StepError> {
    let answer =
        context.call(permitted, async |authorization| context.hub.channel(authorization, &channel_id).await).await?;
    let channel = match answer {
        Ok(channel) => channel,
        Err(error) => return failed(context, permitted, stored, end, error).await,
    };
    let now = context.clock.now();
    let later = Event::ChannelEndDelayed { wanted: end.wanted, error: None, next_at: end.next_look(now) };
    let unseen = Event::ChannelEndUnseen { wanted: end.wanted };
    let event = match (channel, end.wanted, end.accepted_at) {
        (Some(channel), ..) if channel.stage() == ChannelStage::Ended => Event::ChannelEnded { channel_id },
        (Some(channel), Wanted::Keep, _) => {
            if channel.is_ending() {
                unseen
            } else {
                Event::ChannelKept
            }
        }
        (Some(channel), Wanted::End, None) if channel.is_ending() => {
            Event::ChannelEndAccepted { ends_at: channel.terminated_at }
        }
        (Some(_), Wanted::End, None) => unseen,
        // Somebody took the request back at 360dialog.
        (Some(channel), Wanted::End, Some(at))
            if channel.is_live()
                && channel.hub_status.is_some()
                && !channel.is_ending()
                && now - at >= SHOWN_WITHIN =>
        {
            unseen
        }
        // It has not ended yet. That the Hub does not list it says nothing.
        (None, ..) | (Some(_), Wanted::End, Some(_)) => later,
    };
    context.record(permitted, stored, &event).await
}

/// Looks for the channel of a number that was submitted and whose onboarding was called off. If the Hub has never said that it took
/// the number, two looks that show no channel settle that there is none, as they do before another submission.
async fn find(
    context: &HubContext,
    permitted: &PermittedWork,
    stored: Stored,
    end: &ChannelEnd,
) -> Result<Stored, StepError> {
    let Some((_, number)) = stored.onboarding.number() else { return Err(StepError::NothingToDo) };
    let hub = &context.hub;
    let unclear = stored.onboarding.submission.and_then(|submission| submission.unclear);
    let looks = unclear.map_or(0, |unclear| unclear.looks);
    let answer = context.call(permitted, async |authorization| {
        if looks == 0 {
            hub.channels_of_number(authorization, &number.id).await
        } else {
            hub.channels_page(authorization, 0).await.map(|page| page.channels)
        }
    });
    let channels = match answer.await? {
        Ok(channels) => channels,
        Err(error) => return failed(context, permitted, stored, end, error).await,
    };
    let own: Vec<_> = channels.iter().filter(|channel| fits(&stored.onboarding, channel)).collect();
    let made: Vec<_> = own.iter().filter(|channel| stored.onboarding.has_made(channel.created_at)).collect();
    let now = context.clock.now();
    let delayed = |error| Event::ChannelEndDelayed { wanted: end.wanted, error, next_at: end.next_look(now) };
    let event = match made.iter().find(|channel| channel.stage() != ChannelStage::Ended).or(made.first()) {
        Some(channel) => Event::ChannelFound { channel_id: channel.id.clone() },
        // It was there before, and is not ours to end.
        None if own.iter().any(|channel| channel.created_at.is_some()) => Event::ChannelKept,
        None if unclear.is_some_and(|unclear| looks > 0 && now - unclear.asked_at >= SECOND_LOOK) => Event::ChannelKept,
        None => delayed(None),
    };
    if unclear.is_some() && own.is_empty() {
        context.store.apply(&stored.onboarding.id, &Event::SubmissionUnseen).await?;
    }
    match context.store.record(stored.clone(), &permitted.permit, &event).await {
        Ok(applied) => Ok(applied.into_stored()),
        Err(error @ StoreError::ChannelTaken) => {
            context.record(permitted, stored, &delayed(Some(error.to_string()))).await
        }
        Err(error) => Err(error.into()),
    }
}

/// Notes what went wrong, and when the Hub is asked next.
async fn failed(
    context: &HubContext,
    permitted: &PermittedWork,
    stored: Stored,
    end: &ChannelEnd,
    error: HubError,
) -> Result<Stored, StepError> {
    let now = context.clock.now();
    // Mostly there was nothing to be taken back, as a look shows. Where it shows something else, the next refusal waits.
    let looks_at_once =
        end.wanted == Wanted::Keep && end.error.is_none() && matches!(error, HubError::Permanent { .. });
    let next_at = if looks_at_once { now } else { end.next_look(now) };
    let delayed = Event::ChannelEndDelayed { wanted: end.wanted, error: Some(error.to_string()), next_at };
    context.record(permitted, stored, &delayed).await?;
    Err(error.into())
}
