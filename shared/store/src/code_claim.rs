//! Codes that were taken for exchange. Meta's codes work once, and the same one may be posted twice at the same moment.

use onboarding::OnboardingId;
use onboarding::limiter::milliseconds;
use serde::{Deserialize, Serialize};
use time::Duration;

use super::contention::Updated;
use super::item::{self, Key, n, s};
use super::{Store, StoreError, new_owner};

/// A code lives 30 seconds at Meta; its claim outlives every repetition.
const CLAIM: Duration = Duration::hours(24);
/// Longer than an exchange and its proof can take, and as long as the code lives.
const AT_WORK: Duration = Duration::seconds(30);

/// Whose code it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CodeClaim {
    /// Ours: nobody has taken it before.
    First,
    /// Taken before.
    Taken {
        /// For this onboarding.
        by: OnboardingId,
        /// Whether what was done with it may still be under way.
        at_work: bool,
    },
}

#[derive(Serialize, Deserialize)]
struct CodeItem {
    onboarding_id: OnboardingId,
    /// Epoch milliseconds.
    at_work_until: i64,
}

impl Store {
    /// Takes a code for exchange, by its SHA-256 in hexadecimal.
    pub async fn claim_code(&self, code_sha256: &str, id: &OnboardingId) -> Result<CodeClaim, StoreError> {
        let claim = new_owner()?;
        let now = self.clock.now();
        let expires_at = (now + CLAIM).unix_timestamp();
        // `claim = :claim` holds when the SDK repeats an update whose answer was lost.
        let request = self
            .client
            .update_item()
            .set_key(Some(Key::code(code_sha256).attributes()))
            .update_expression(
                "SET v = :v, onboarding_id = :id, claim = :claim, at_work_until = :until, expires_at = :expires_at",
            )
            .condition_expression("attribute_not_exists(pk) OR claim = :claim")
            .expression_attribute_values(":claim", s(claim))
            .expression_attribute_values(":v", n(item::SHAPE))
            .expression_attribute_values(":id", s(id.as_str()))
            .expression_attribute_values(":until", n(milliseconds(now + AT_WORK)))
            .expression_attribute_values(":expires_at", n(expires_at));
        match self.update(request).await? {
            Updated::Done(_) => Ok(CodeClaim::First),
            Updated::Refused(Some(found)) => {
                let CodeItem { onboarding_id, at_work_until } = item::read(found)?;
                Ok(CodeClaim::Taken { by: onboarding_id, at_work: milliseconds(now) < at_work_until })
            }
            Updated::Refused(None) => Err(StoreError::Busy),
        }
    }

    /// Notes that a code led to nothing: nobody is at work with it any more.
    pub async fn spend_code(&self, code_sha256: &str) -> Result<(), StoreError> {
        let now = self.clock.now();
        let request = self
            .client
            .update_item()
            .set_key(Some(Key::code(code_sha256).attributes()))
            .update_expression("SET at_work_until = :now")
            .condition_expression("attribute_exists(pk)")
            .expression_attribute_values(":now", n(milliseconds(now)));
        self.update(request).await.map(drop)
    }
}
