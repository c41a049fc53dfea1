//! Step 3: submit the number to the Hub, connected to the client account. Does step 1 first if it is still open.

use super::client_account;
use super::hub_work::HubWork;
use super::stop::{Halt, Stop};
use crate::hub::limit::{Priority, Slot};
use crate::hub::{HubError, NumberSubmission};
use crate::onboarding::{Event, Onboarding, Status, Step};
use crate::store::Stored;

/// Runs the step for an onboarding that is signed up; for any other there is nothing to do.
pub(super) async fn run(work: &HubWork, stored: Stored, mut slot: Option<Slot>) -> Result<Stored, Halt> {
    if stored.onboarding.status != Status::SignedUp {
        return Ok(stored);
    }
    let stored = client_account::run(work, stored, Priority::NumberSubmission, &mut slot).await?;
    submit(work, stored, &mut slot).await.map_err(|stop| stop.at(Step::NumberSubmission))
}

async fn submit(work: &HubWork, stored: Stored, slot: &mut Option<Slot>) -> Result<Stored, Stop> {
    let Some(submission) = submission(work, &stored.onboarding) else { return Ok(stored) };
    let credentials = work.credentials().await?;
    work.turn(Priority::NumberSubmission, slot).await?;
    work.hub.submit_number(&credentials, &submission).await.map_err(refused)?;
    work.apply(&stored.onboarding, &Event::NumberAccepted).await
}

/// What is submitted. Always one number: without it the Hub would connect, and bill, every number of the WABA.
fn submission(work: &HubWork, onboarding: &Onboarding) -> Option<NumberSubmission> {
    let (waba_id, number) = onboarding.number()?;
    Some(NumberSubmission {
        solution_id: work.solution_id.clone(),
        client_id: onboarding.client_id()?.clone(),
        waba_id: waba_id.clone(),
        business_id: onboarding.signup.as_ref()?.business_id.clone(),
        phone_number_id: number.id.clone(),
        tier: onboarding.tier,
    })
}

fn refused(error: HubError) -> Stop {
    match error {
        HubError::Permanent { status, reason } => Stop::Fail {
            code: "number_refused",
            detail: format!("The Hub refused the number ({status}): {reason}"),
            retryable: true,
        },
        other => other.into(),
    }
}
