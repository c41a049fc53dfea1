//! Marks onboardings that have waited for longer than they should, so that the partner hears of it. They go on waiting.

use std::time::Instant;

use onboarding::{Event, LongestWaits, OnboardingId, Status};
use store::{Applied, Due, InStatus, ROTATED_WITHIN, StoreError, WorkKey};
use telemetry::Metric;
use time::OffsetDateTime;

use super::UpkeepContext;

/// How many of one status are looked at in one run. The next run goes on from there.
const AT_ONCE: u32 = 500;

/// Marks those whose time is over. Returns how many.
///
/// # Errors
/// If the table is out of reach. The next run looks again.
pub(crate) async fn mark_all(
    context: &UpkeepContext,
    longest: &LongestWaits,
    until: Instant,
) -> Result<usize, StoreError> {
    let mut marked = 0;
    for status in Status::ALL {
        let Some(wait) = longest.of(*status) else { continue };
        let found = context.store.in_status_since(*status, context.clock.now() - wait, AT_ONCE).await?;
        let mut last = None;
        for InStatus { id, since } in found {
            if Instant::now() >= until {
                break;
            }
            match context.store.apply(&id, &Event::Overdue { since: since + wait }).await {
                Ok(Applied::Changed(_)) => {
                    marked += 1;
                    telemetry::count(Metric::OnboardingOverdue, 1);
                    tracing::warn!(onboarding_id = %id, status = status.as_str(), %since, "onboarding is overdue");
                }
                Ok(Applied::Unchanged(_)) => {}
                // One that nobody can read must not keep the others from being marked.
                Err(error @ (StoreError::Unreadable { .. } | StoreError::NotFound | StoreError::Illegal(_))) => {
                    tracing::error!(%error, onboarding_id = %id, "a person has to look at this record");
                }
                Err(error) => return Err(error),
            }
            last = Some(since);
        }
        if let Some(last) = last {
            context.store.looked_at(*status, last).await?;
        }
    }
    Ok(marked)
}

/// Marks those whose new key takes too long.
pub(crate) async fn mark_rotations(context: &UpkeepContext, due: &[Due], until: Instant) {
    for Due { key, due_at } in due {
        if let WorkKey::Rotation(id) = key
            && Instant::now() < until
            && let Err(error) = mark_rotation(context, id, *due_at).await
        {
            tracing::error!(%error, onboarding_id = %id, "a person has to look at this record");
        }
    }
}

async fn mark_rotation(context: &UpkeepContext, id: &OnboardingId, due_at: OffsetDateTime) -> Result<(), StoreError> {
    let onboarding = context.store.get(id).await?.onboarding;
    let Some(rotation) = onboarding.key_rotation.filter(|_| onboarding.overdue_since.is_none()) else {
        return context.store.forget_rotation(id, due_at).await;
    };
    let since = rotation.since + ROTATED_WITHIN;
    if let Applied::Changed(_) = context.store.apply(id, &Event::Overdue { since }).await? {
        telemetry::count(Metric::OnboardingOverdue, 1);
        tracing::warn!(onboarding_id = %id, since = %rotation.since, "the new key of an onboarding is overdue");
    }
    Ok(())
}
