//! Marks an onboarding that has waited for longer than it should, so that the partner hears of it. It goes on waiting.

use onboarding::{Event, Onboarding};
use store::{Applied, StoreError};
use telemetry::Metric;
use time::OffsetDateTime;

use crate::runner::HubContext;

/// Marks an onboarding whose time was over at `since`. Returns whether that is news.
///
/// # Errors
/// If the table is out of reach. The onboarding is due still.
pub(crate) async fn mark(
    context: &HubContext,
    onboarding: &Onboarding,
    since: OffsetDateTime,
) -> Result<bool, StoreError> {
    let applied = context.store.apply(&onboarding.id, &Event::Overdue { since }).await?;
    let is_news = matches!(applied, Applied::Changed(_));
    if is_news {
        telemetry::count(Metric::OnboardingOverdue, 1);
        tracing::warn!(onboarding_id = %onboarding.id, status = onboarding.status.as_str(), %since, "onboarding is overdue");
    }
    Ok(is_news)
}
