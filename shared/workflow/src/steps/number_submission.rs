//! Step 3: submit the number to the Hub, connected to the client account. Does step 1 first if it is still open.

use std::sync::Arc;
use std::time::Instant;

use onboarding::{Event, FailureCode, Onboarding, Status, Step};
use partner_hub::HubError;
use queue::{About, Task};
use store::{InboxKey, Stored, WorkKey};
use time::Duration;
use vault::Vault;

use super::{client_account, unclear_submission};
use crate::inbound::channel_event;
use crate::runner::{FailedStep, HubContext, PermittedWork, StepError, StepRunner};
use crate::upkeep::{channel_end, channel_import, daily_sweep, hub_probe, hub_token, look_up};

/// The worker of step 3, which also asks the Hub whatever else is to be asked: for a channel that is waited for, for the
/// channel of a webhook, for all channels and client accounts, for a token, and whether it is well.
#[derive(Clone)]
pub struct NumberSubmission {
    /// What the step is given.
    pub context: HubContext,
    /// Whether it holds a key; nothing else is asked of it.
    pub vault: Arc<dyn Vault>,
}

impl NumberSubmission {
    /// Handles one message. No call is begun that could outlast `deadline`.
    ///
    /// # Errors
    /// A sentence, if nothing could be recorded. The work is due again by itself.
    pub async fn handle(&self, task: Task, deadline: Option<Instant>) -> Result<(), String> {
        let permitted = |work| PermittedWork::new(work, &task, deadline);
        match &task.about {
            About::Onboarding { onboarding_id } => {
                let permitted = permitted(WorkKey::Onboarding(onboarding_id.clone()));
                let runner = StepRunner { context: &self.context, step: Step::NumberSubmission };
                runner.run(onboarding_id, &permitted, |stored| run(&self.context, &permitted, stored)).await
            }
            About::Inbox { inbox_key } => {
                let key: InboxKey = inbox_key.parse().map_err(|_| "not a key of the inbox".to_owned())?;
                channel_event::ask(&self.context, &permitted(WorkKey::Inbox(key.clone())), &key).await
            }
            About::Sweep => {
                let sweep = daily_sweep::DailySweep { context: &self.context, vault: &self.vault };
                sweep.run(&permitted(WorkKey::Sweep)).await
            }
            About::Import { import_id } => {
                channel_import::run(&self.context, &permitted(WorkKey::Import(import_id.clone())), import_id).await
            }
            About::Token => hub_token::run(&self.context, &permitted(WorkKey::Token)).await,
            About::Probe => hub_probe::run(&self.context, &permitted(WorkKey::Probe)).await,
            About::Event { .. } | About::Replay => Err("not a task for this step".to_owned()),
        }
    }
}

/// Makes the next call for an onboarding that is signed up or submitted, or whose channel may have ended or is to end; for any
/// other there is nothing to do.
async fn run(context: &HubContext, permitted: &PermittedWork, stored: Stored) -> Result<Stored, FailedStep> {
    match stored.onboarding.status {
        Status::SignedUp if stored.onboarding.client_id().is_none() => {
            client_account::run(context, permitted, stored).await
        }
        Status::SignedUp => submit(context, permitted, stored).await.map_err(|stop| stop.at(Step::NumberSubmission)),
        Status::Submitted => {
            look_up::run(context, permitted, stored).await.map_err(|stop| stop.at(Step::NumberSubmission))
        }
        Status::Ready if stored.onboarding.look_up_is_due(context.clock.now()) => {
            look_up::of_ready(context, permitted, stored).await.map_err(|stop| stop.at(Step::NumberSubmission))
        }
        _ if stored.onboarding.open_channel_end().is_some() => {
            channel_end::run(context, permitted, stored).await.map_err(|stop| stop.at(Step::NumberSubmission))
        }
        _ => Err(StepError::NothingToDo.at(Step::NumberSubmission)),
    }
}

/// Asks the Hub to take the number. What may have happened is looked up first, and that it is asked is noted before the call.
async fn submit(context: &HubContext, permitted: &PermittedWork, stored: Stored) -> Result<Stored, StepError> {
    let Some(submission) = submission(context, &stored.onboarding) else { return Err(StepError::NothingToDo) };
    if let Some(look) = unclear_submission::next_look(&stored.onboarding) {
        return unclear_submission::look(context, permitted, stored, look).await;
    }
    let (store, id) = (&context.store, &stored.onboarding.id);
    let asked = async || {
        let noted = store.apply(id, &Event::SubmissionAsked).await?.into_stored();
        // The partner may have called it off in this moment, and the number is free.
        if noted.onboarding.status == Status::SignedUp { Ok(()) } else { Err(StepError::NothingToDo) }
    };
    let answer = context.call_noted(permitted, asked, async |authorization| {
        context.hub.submit_number(authorization, &submission).await
    });
    let answer = answer.await?;
    let stored = store.get(id).await?;
    match answer {
        Ok(()) => context.record(permitted, stored, &Event::NumberAccepted).await,
        Err(HubError::Permanent { status: 409, .. }) => {
            context.record(permitted, stored, &Event::SubmissionConflict).await
        }
        Err(error) if error.is_unclear() => Err(not_before(error.into(), unclear_submission::FIRST_LOOK)),
        Err(error) => {
            context.store.apply(id, &Event::SubmissionNotTaken).await?;
            Err(refused(error))
        }
    }
}

/// A try that is not repeated within this time.
fn not_before(error: StepError, wait: Duration) -> StepError {
    match error {
        StepError::Retry { reason, after } => {
            StepError::Retry { reason, after: Some(after.unwrap_or_default().max(wait)) }
        }
        other => other,
    }
}
/// What is submitted. Always one number: without it the Hub would connect, and bill, every number of the WABA.
fn submission(context: &HubContext, onboarding: &Onboarding) -> Option<partner_hub::NumberSubmission> {
    let (waba_id, number) = onboarding.number()?;
    Some(partner_hub::NumberSubmission {
        solution_id: context.solution_id.clone(),
        client_id: onboarding.client_id()?.clone(),
        waba_id: waba_id.clone(),
        business_id: onboarding.signup.as_ref()?.business_id.clone(),
        phone_number_id: number.id.clone(),
        tier: onboarding.tier.as_str(),
    })
}

fn refused(error: HubError) -> StepError {
    match error {
        HubError::Permanent { status, reason } => StepError::Fail {
            code: FailureCode::NumberRefused,
            detail: format!("The Hub refused the number ({status}): {reason}"),
            retryable: true,
        },
        other => other.into(),
    }
}
