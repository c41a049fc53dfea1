//! What became of a webhook.

use strum::{IntoStaticStr, VariantArray};

/// The stable word under which the inbox keeps what became of a webhook.
#[derive(Debug, Clone, Copy, PartialEq, Eq, IntoStaticStr, VariantArray)]
#[strum(serialize_all = "snake_case")]
pub enum WebhookOutcome {
    /// It changed an onboarding.
    Applied,
    /// It was matched to an onboarding, whose status or channel it does not fit.
    DoesNotApply,
    /// No onboarding knows its channel.
    Unmatched,
    /// An event that moves nothing.
    Ignored,
    /// Too large to be kept.
    TooLarge,
    /// It says nothing new: the onboarding was there already. Of Meta: an onboarding has that WABA already.
    Known,
    /// Of Meta: a signup that no onboarding has.
    Unclaimed,
    /// Of Meta: the signup is for another solution of our app.
    OtherSolution,
    /// Of Meta: it reports no finished signup.
    Kept,
}

impl WebhookOutcome {
    /// Every outcome.
    pub const ALL: &'static [Self] = Self::VARIANTS;

    /// The word used in the inbox.
    pub fn as_str(self) -> &'static str {
        self.into()
    }
}
