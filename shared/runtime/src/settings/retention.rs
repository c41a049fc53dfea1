//! How long records are kept.

use time::Duration;

use super::{Env, Incomplete};

settings! {
    RETENTION_DAYS: parameter "RetentionDays" = "400", "Days after its last change until an onboarding is deleted that has failed, expired or been disconnected and never had an API key.";
}

/// How long the record of an onboarding is kept that has failed, expired or been disconnected.
#[derive(Debug, Clone, Copy)]
pub struct RetentionConfig {
    /// `RETENTION_DAYS`: 90 to 3650 days from the last change. Programs of the partner may read of a change for 90 days, and
    /// no link lives longer than that. Records that are `ready` or on their way are kept for ever, and so is a record with a
    /// key in the vault.
    pub kept: Duration,
}

impl RetentionConfig {
    /// Reads the section.
    pub fn read(env: &mut Env) -> Result<Self, Incomplete> {
        let kept = env.parsed(RETENTION_DAYS, |text| match text.parse() {
            Ok(days @ 90..=3650) => Ok(Duration::days(days)),
            _ => Err("must be a number of days from 90 to 3650".to_owned()),
        });
        Ok(Self { kept: kept? })
    }
}
