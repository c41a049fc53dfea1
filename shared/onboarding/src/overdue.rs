//! How long an onboarding may wait in one status before it is overdue.
//!
//! An onboarding that waits is never given up, however long the other side is down. Instead the partner is told.

use time::Duration;

use super::status::Status;

/// The longest time that an onboarding may stay in each status that waits for us, for 360dialog or for its client. Beyond it
/// the onboarding is overdue, and goes on waiting.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LongestWaits {
    /// In [`Status::Confirming`].
    pub confirming: Duration,
    /// In [`Status::SignedUp`].
    pub signed_up: Duration,
    /// In [`Status::Submitted`].
    pub submitted: Duration,
    /// In [`Status::Live`].
    pub live: Duration,
    /// In [`Status::PermissionRequired`].
    pub permission_required: Duration,
}

/// The defaults of the settings.
impl Default for LongestWaits {
    fn default() -> Self {
        Self {
            confirming: Duration::minutes(10),
            signed_up: Duration::hours(6),
            submitted: Duration::hours(24),
            live: Duration::hours(1),
            permission_required: Duration::hours(72),
        }
    }
}

impl LongestWaits {
    /// The longest time in this status. `None` where the customer may take their time, and at rest.
    pub const fn of(&self, status: Status) -> Option<Duration> {
        match status {
            Status::Confirming => Some(self.confirming),
            Status::SignedUp => Some(self.signed_up),
            Status::Submitted => Some(self.submitted),
            Status::Live => Some(self.live),
            Status::PermissionRequired => Some(self.permission_required),
            Status::Started
            | Status::NumberChoice
            | Status::Ready
            | Status::Disconnected
            | Status::Cancelled
            | Status::Failed
            | Status::Expired => None,
        }
    }
}

impl Status {
    /// Whether there is a longest time for this status, whatever the settings.
    pub fn has_longest_wait(self) -> bool {
        LongestWaits::default().of(self).is_some()
    }
}
