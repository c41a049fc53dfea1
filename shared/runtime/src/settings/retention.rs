//! How long records are kept, and the keys of channels that have ended.

use time::Duration;

use super::{Env, Incomplete};

settings! {
    RETENTION_DAYS: parameter "RetentionDays" = "400", "Days after its last change until an onboarding is deleted that has failed, expired, been cancelled or been disconnected and has no API key in the vault.";
    KEY_DELETION_DAYS: parameter "KeyDeletionDays" = "30", "Days after the end of a channel until its API key is deleted from the vault. Secrets Manager keeps a deleted secret for another 30 days.";
}

/// How long the record of an onboarding is kept that has ended, and the key of a channel that has.
#[derive(Debug, Clone, Copy)]
pub struct RetentionConfig {
    /// `RETENTION_DAYS`: 90 to 3650 days from the last change. Programs of the partner may read of a change for 90 days, and
    /// no link lives longer than that. Records that are `ready` or on their way are kept for ever, and so is a record with a
    /// key in the vault.
    pub kept: Duration,
    /// `KEY_DELETION_DAYS`: 0 to 365 days from the end of a channel to the deletion of its keys.
    pub keys: Duration,
}

impl RetentionConfig {
    /// Reads the section.
    pub fn read(env: &mut Env) -> Result<Self, Incomplete> {
        let kept = env.parsed(RETENTION_DAYS, |text| match text.parse() {
            Ok(days @ 90..=3650) => Ok(Duration::days(days)),
            _ => Err("must be a number of days from 90 to 3650".to_owned()),
        });
        let keys = env.parsed(KEY_DELETION_DAYS, |text| match text.parse() {
            Ok(days @ 0..=365) => Ok(Duration::days(days)),
            _ => Err("must be a number of days from 0 to 365".to_owned()),
        });
        Ok(Self { kept: kept?, keys: keys? })
    }
}
