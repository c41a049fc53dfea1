//! Marks onboardings that have waited for longer than they should, so that the partner hears of it. They go on waiting.

use std::time::Instant;

use onboarding::{Event, LongestWaits, Status};
use store::{Applied, InStatus, StoreError};
use telemetry::Metric;

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
