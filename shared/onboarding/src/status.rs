//! Where an onboarding stands.

use serde::{Deserialize, Serialize};
use strum::{IntoStaticStr, VariantArray};

/// Where an onboarding stands. The meaning of each is in `docs/architecture.md`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, IntoStaticStr, VariantArray)]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case")]
pub enum Status {
    /// The setup link is usable; the client account is being found or created.
    Started,
    /// The code is exchanged and its token is kept: Meta is being asked whose signup it is.
    Confirming,
    /// The signup has several numbers and Embedded Signup named none: the customer must choose.
    NumberChoice,
    /// Code exchanged, ownership proven, number known.
    SignedUp,
    /// The Hub took the number.
    Submitted,
    /// The channel is live and its API key is to be made.
    Live,
    /// Direct Payment: the client must grant API-key permission at 360dialog.
    PermissionRequired,
    /// The key is in the vault and has been used once; the message webhook is set where one is configured.
    Ready,
    /// It was live and 360dialog has ended its channel. The number is free.
    Disconnected,
    /// The partner called it off before it was ready. Its number is free once 360dialog has ended its channel, if it has one.
    Cancelled,
    /// A permanent error at a step. [`Onboarding::problem`](super::Onboarding::problem) says which.
    Failed,
    /// The setup link ran out before Embedded Signup was finished.
    Expired,
}

impl Status {
    /// Every status, in the order of a smooth journey.
    pub const ALL: &'static [Self] = Self::VARIANTS;

    /// The word used in the API, the table and the logs.
    pub fn as_str(self) -> &'static str {
        self.into()
    }

    /// Whether nothing is left to be done: nothing moves the onboarding any more but news of its channel or an operator's
    /// explicit request.
    pub const fn is_at_rest(self) -> bool {
        matches!(self, Self::Ready | Self::Disconnected | Self::Cancelled | Self::Failed | Self::Expired)
    }

    /// Whether it is at rest, and not because it is ready.
    pub const fn has_ended(self) -> bool {
        self.is_at_rest() && !matches!(self, Self::Ready)
    }

    /// Whether nothing leads out of it.
    pub const fn is_final(self) -> bool {
        matches!(self, Self::Disconnected | Self::Cancelled)
    }
}
