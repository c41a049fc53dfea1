//! Settings of the longest time that an onboarding may wait in each status.

use onboarding::LongestWaits;
use time::Duration;

use super::{Env, Incomplete};

settings! {
    OVERDUE_CONFIRMING_MINUTES: parameter "OverdueConfirmingMinutes" = "10", "Minutes in confirming after which an onboarding is overdue.";
    OVERDUE_SIGNED_UP_HOURS: parameter "OverdueSignedUpHours" = "6", "Hours in signed_up after which an onboarding is overdue.";
    OVERDUE_SUBMITTED_HOURS: parameter "OverdueSubmittedHours" = "24", "Hours in submitted after which an onboarding is overdue.";
    OVERDUE_LIVE_MINUTES: parameter "OverdueLiveMinutes" = "60", "Minutes in live after which an onboarding is overdue.";
    OVERDUE_PERMISSION_HOURS: parameter "OverduePermissionHours" = "72", "Hours in permission_required after which an onboarding is overdue.";
}

/// After which time in one status an onboarding is overdue.
#[derive(Debug, Clone, Copy)]
pub struct WaitConfig {
    /// `OVERDUE_SIGNED_UP_HOURS`, `OVERDUE_SUBMITTED_HOURS` and `OVERDUE_PERMISSION_HOURS`: 1 to 720 hours.
    /// `OVERDUE_LIVE_MINUTES`: 30 to 1440 minutes. `OVERDUE_CONFIRMING_MINUTES`: 5 to 1440 minutes.
    pub longest: LongestWaits,
}

impl WaitConfig {
    /// Reads the section.
    pub fn read(env: &mut Env) -> Result<Self, Incomplete> {
        let confirming = env.parsed(OVERDUE_CONFIRMING_MINUTES, minutes::<5>);
        let signed_up = env.parsed(OVERDUE_SIGNED_UP_HOURS, hours);
        let submitted = env.parsed(OVERDUE_SUBMITTED_HOURS, hours);
        let live = env.parsed(OVERDUE_LIVE_MINUTES, minutes::<LIVE>);
        let permission_required = env.parsed(OVERDUE_PERMISSION_HOURS, hours);
        let longest = LongestWaits {
            confirming: confirming?,
            signed_up: signed_up?,
            submitted: submitted?,
            live: live?,
            permission_required: permission_required?,
        };
        Ok(Self { longest })
    }
}

fn hours(text: &str) -> Result<Duration, String> {
    match text.parse() {
        Ok(hours @ 1..=720) => Ok(Duration::hours(hours)),
        _ => Err("must be a number of hours from 1 to 720".to_owned()),
    }
}

/// A worker may put off the next look at an onboarding by 25 minutes.
const LIVE: i64 = 30;

fn minutes<const LEAST: i64>(text: &str) -> Result<Duration, String> {
    match text.parse() {
        Ok(minutes) if (LEAST..=1440).contains(&minutes) => Ok(Duration::minutes(minutes)),
        _ => Err(format!("must be a number of minutes from {LEAST} to 1440")),
    }
}
