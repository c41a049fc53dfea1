//! A signup that Meta reports. It binds nothing: the report names a WABA and its portfolio, and nobody knows whose customer
//! that is. One that no onboarding has by then is kept as unclaimed, until the customer's next click proves whose it is, or the
//! partner says so.

use meta_graph::webhook::{AccountEvent, AccountUpdate, account_updates};
use onboarding::{Class, Event, Status, WabaId};
use store::{Applied, InboxEntry, InboxKey, StoreError, UnclaimedSignup, WorkKey};
use telemetry::Metric;
use time::Duration;

use super::UpkeepContext;
use crate::inbound::WebhookOutcome;

/// When a webhook that cannot be read is looked at again: another release may.
const UNREADABLE: Duration = Duration::hours(6);

/// Deals with a kept webhook of Meta's.
///
/// # Errors
/// If the table is out of reach. The webhook is due still.
pub(crate) async fn settle(context: &UpkeepContext, key: &InboxKey) -> Result<(), StoreError> {
    let entry = match context.store.inbox(key).await {
        Ok(Some(entry)) => entry,
        Ok(None) => return Ok(()),
        // One that nobody can read must not keep the others waiting.
        Err(error @ StoreError::Unreadable { .. }) => {
            tracing::error!(%error, "a person has to look at this webhook");
            let (work, next) = (WorkKey::Inbox(key.clone()), context.clock.now() + UNREADABLE);
            return context.store.due_next(&work, None, Class::Reconciliation, next).await;
        }
        Err(error) => return Err(error),
    };
    // Another run has settled it.
    if entry.body.is_none() && !entry.is_too_long() {
        return Ok(());
    }
    let mut outcomes: Vec<WebhookOutcome> = Vec::new();
    for update in account_updates(entry.body.as_deref().unwrap_or_default().as_bytes()) {
        let other = update.solution_id.as_ref().is_some_and(|solution| *solution != context.solution_id);
        let outcome = match reported(&entry, &update) {
            Report::Nothing => continue,
            _ if other => WebhookOutcome::OtherSolution,
            Report::SignedUp(signup) => look_into(context, &signup).await?,
            Report::Left(waba_id, event) => ask_for_channels(context, &waba_id, event).await?,
        };
        if !outcomes.contains(&outcome) {
            outcomes.push(outcome);
        }
    }
    if outcomes.is_empty() {
        outcomes.push(WebhookOutcome::Kept);
    }
    let words: Vec<_> = outcomes.into_iter().map(WebhookOutcome::as_str).collect();
    context.store.processed(key, &words.join(", ")).await
}

/// What Meta reports of a customer.
enum Report {
    /// A finished sign-up.
    SignedUp(UnclaimedSignup),
    /// The customer of this WABA left, in Meta's word for it.
    Left(WabaId, &'static str),
    Nothing,
}

fn reported(entry: &InboxEntry, update: &AccountUpdate) -> Report {
    let Some(waba_id) = update.waba_id.clone() else { return Report::Nothing };
    let event = match update.event {
        AccountEvent::PartnerAdded => "PARTNER_ADDED",
        AccountEvent::PartnerAppInstalled => "PARTNER_APP_INSTALLED",
        AccountEvent::PartnerRemoved => return Report::Left(waba_id, "PARTNER_REMOVED"),
        AccountEvent::PartnerAppUninstalled => return Report::Left(waba_id, "PARTNER_APP_UNINSTALLED"),
        AccountEvent::Other(_) => return Report::Nothing,
    };
    Report::SignedUp(UnclaimedSignup {
        waba_id,
        business_id: update.owner_business_id.clone(),
        event: event.to_owned(),
        reported_at: update.time,
        received_at: entry.received_at,
    })
}

/// The channels of a customer who left may have ended. Meta does not say so of a channel, so 360dialog is asked.
async fn ask_for_channels(
    context: &UpkeepContext,
    waba_id: &WabaId,
    event: &'static str,
) -> Result<WebhookOutcome, StoreError> {
    let mut outcome = WebhookOutcome::Unmatched;
    for id in context.store.holders(waba_id).await? {
        match context.store.apply(&id, &Event::LookUpAsked { reason: event.to_owned() }).await {
            Ok(Applied::Changed(_)) => outcome = WebhookOutcome::Applied,
            Ok(Applied::Unchanged(_)) if outcome == WebhookOutcome::Unmatched => outcome = WebhookOutcome::Known,
            // Nothing is asked of one that was erased.
            Ok(_) | Err(StoreError::NotFound | StoreError::Unreadable { .. } | StoreError::Illegal(_)) => {}
            Err(error) => return Err(error),
        }
    }
    Ok(outcome)
}

async fn look_into(context: &UpkeepContext, signup: &UnclaimedSignup) -> Result<WebhookOutcome, StoreError> {
    if is_held(context, &signup.waba_id).await? {
        return Ok(WebhookOutcome::Known);
    }
    let is_new = context.store.keep_unclaimed(signup, context.notify_unclaimed).await?;
    // It may have been proven meanwhile.
    if is_held(context, &signup.waba_id).await? {
        context.store.end_unclaimed(&signup.waba_id).await?;
        return Ok(WebhookOutcome::Known);
    }
    if is_new {
        tracing::warn!(waba_id = %signup.waba_id, "a signup at Meta is nobody's yet");
        telemetry::count(Metric::SignupUnclaimed, 1);
    }
    Ok(WebhookOutcome::Unclaimed)
}

/// Whether an onboarding has the WABA. The failure of the client account alone does not end a signup.
async fn is_held(context: &UpkeepContext, waba_id: &WabaId) -> Result<bool, StoreError> {
    for id in context.store.holders(waba_id).await? {
        match context.store.get(&id).await {
            Ok(holder)
                if holder.onboarding.erased_at.is_none()
                    && !matches!(
                        holder.onboarding.signup_status(),
                        Status::Failed | Status::Expired | Status::Disconnected | Status::Cancelled
                    ) =>
            {
                return Ok(true);
            }
            Ok(_) | Err(StoreError::NotFound | StoreError::Unreadable { .. }) => {}
            Err(error) => return Err(error),
        }
    }
    Ok(false)
}
