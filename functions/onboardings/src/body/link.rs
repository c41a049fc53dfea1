//! The body of `POST /onboardings/{id}/link`.

use api::{FieldError, Problem};
use runtime::settings::PageConfig;
use serde::Deserialize;
use time::Duration;

use super::fields::{whole, wrong};

/// The most days that a setup link works.
const DAYS: i64 = 90;

/// None is the same as an empty one.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct LinkBody {
    #[serde(default, deserialize_with = "whole")]
    expires_in_days: Option<i64>,
}

impl LinkBody {
    /// How long the link is to work.
    pub(crate) fn check(self, page: &PageConfig) -> Result<Duration, Problem> {
        let mut errors = Vec::new();
        let lifetime = check_days(&mut errors, self.expires_in_days, page);
        if errors.is_empty() { Ok(lifetime) } else { Err(Problem::invalid_fields(errors)) }
    }
}

/// How long a link works: as long as asked for, or else as the setting says.
pub(super) fn check_days(errors: &mut Vec<FieldError>, days: Option<i64>, page: &PageConfig) -> Duration {
    match days {
        None => page.link_lifetime,
        Some(days @ 1..=DAYS) => Duration::days(days),
        Some(_) => {
            wrong(errors, "expires_in_days", format!("must be from 1 to {DAYS}"));
            page.link_lifetime
        }
    }
}
