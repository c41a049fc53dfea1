//! Codes that were taken for exchange. Meta's codes work once, and the same one may be posted twice at the same moment.

use serde::{Deserialize, Serialize};
use time::{Duration, OffsetDateTime};

use super::contention::Updated;
use super::item::{self, Key, milliseconds, n, s};
use super::lease::new_owner;
use super::{Store, StoreError};
use crate::onboarding::OnboardingId;

/// A code lives 30 seconds at Meta; its claim outlives every repetition.
const CLAIM: Duration = Duration::hours(24);

/// Whose code it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CodeClaim {
    /// Ours: nobody has taken it before.
    First,
    /// Taken before.
    Taken {
        /// For this onboarding.
        by: OnboardingId,
        /// Then.
        at: OffsetDateTime,
    },
}

#[derive(Serialize, Deserialize)]
struct CodeItem {
    onboarding_id: OnboardingId,
    claimed_at: i64,
}

impl Store {
    /// Takes a code for exchange, by its SHA-256 in hexadecimal.
    pub async fn claim_code(&self, code_sha256: &str, id: &OnboardingId) -> Result<CodeClaim, StoreError> {
        let claim = new_owner()?;
        let now = self.clock.now();
        // `claim = :claim` holds when the SDK repeats an update whose answer was lost.
        let request = self
            .client
            .update_item()
            .set_key(Some(Key::code(code_sha256).attributes()))
            .update_expression(
                "SET v = :v, onboarding_id = :id, claim = :claim, claimed_at = :now, expires_at = :expires_at",
            )
            .condition_expression("attribute_not_exists(pk) OR claim = :claim")
            .expression_attribute_values(":v", n(item::SHAPE))
            .expression_attribute_values(":id", s(id.as_str()))
            .expression_attribute_values(":claim", s(claim))
            .expression_attribute_values(":now", n(milliseconds(now)))
            .expression_attribute_values(":expires_at", n((now + CLAIM).unix_timestamp()));
        match self.update(request).await? {
            Updated::Done(_) => Ok(CodeClaim::First),
            Updated::Refused(Some(found)) => {
                let CodeItem { onboarding_id, claimed_at } = item::read(found)?;
                Ok(CodeClaim::Taken { by: onboarding_id, at: item::time(claimed_at).unwrap_or(now) })
            }
            Updated::Refused(None) => Err(StoreError::Busy),
        }
    }
}
