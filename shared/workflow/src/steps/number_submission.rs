//! Step 3: submit the number to the Hub, connected to the client account. Does step 1 first if it is still open.

use onboarding::call_limit::{Priority, Slot};
use onboarding::{Event, FailureCode, Onboarding, Status, Step};
use partner_hub::HubError;
use queue::Task;
use store::Stored;

use super::client_account;
use crate::runner::{FailedStep, HubContext, StepError, StepRunner};

/// The worker of step 3.
#[derive(Clone)]
pub struct NumberSubmission {
    /// What the step is given.
    pub context: HubContext,
}

impl NumberSubmission {
    /// Handles one message.
    ///
    /// # Errors
    /// A sentence, if the message must be delivered again.
    pub async fn handle(&self, task: Task) -> Result<(), String> {
        let Task::Onboarding { onboarding_id, slot } = task else {
            return Err("not a task for this step".to_owned());
        };
        let runner = StepRunner { context: &self.context, step: Step::NumberSubmission };
        runner.run(&onboarding_id, slot, |stored, slot| run(&self.context, stored, slot)).await
    }
}

/// Runs the step for an onboarding that is signed up; for any other there is nothing to do.
async fn run(context: &HubContext, stored: Stored, mut slot: Option<Slot>) -> Result<Stored, FailedStep> {
    if stored.onboarding.status != Status::SignedUp {
        return Ok(stored);
    }
    let stored = client_account::run(context, stored, Priority::NumberSubmission, &mut slot).await?;
    submit(context, stored, &mut slot).await.map_err(|stop| stop.at(Step::NumberSubmission))
}

async fn submit(context: &HubContext, stored: Stored, slot: &mut Option<Slot>) -> Result<Stored, StepError> {
    let Some(submission) = submission(context, &stored.onboarding) else { return Ok(stored) };
    let credentials = context.credentials().await?;
    context.acquire_call(Priority::NumberSubmission, slot).await?;
    context.hub.submit_number(&credentials, &submission).await.map_err(refused)?;
    context.apply(&stored.onboarding, &Event::NumberAccepted).await
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
