//! How far the submission of the number to the Hub has come.

use serde::{Deserialize, Serialize};
use time::{Duration, OffsetDateTime};

use super::record::Onboarding;

/// How far our clock and the Hub's may be apart. The Hub says whole seconds.
const CLOCKS_DIFFER: Duration = Duration::seconds(5);

/// How far the submission of the number has come, from the first call on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Submission {
    /// When the Hub was first asked to take the number. A channel that is older is not of our making.
    #[serde(with = "time::serde::rfc3339")]
    pub first_asked_at: OffsetDateTime,
    /// What became of the last call is not known: the Hub is looked at before it is asked again. Absent once it is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unclear: Option<UnclearSubmission>,
}

/// A call of which nobody knows what became.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct UnclearSubmission {
    /// When it was made.
    #[serde(with = "time::serde::rfc3339")]
    pub asked_at: OffsetDateTime,
    /// The Hub answered that it has the number already, and not under which client account.
    #[serde(default)]
    pub conflict: bool,
    /// How often the Hub was looked at since, and no channel of the number was there.
    #[serde(default)]
    pub looks: u8,
}

impl Onboarding {
    /// Whether its submission made a channel that was made at `made_at`, as the Hub says.
    pub fn has_made(&self, made_at: Option<OffsetDateTime>) -> bool {
        let asked_at = self.submission.map(|submission| submission.first_asked_at);
        asked_at.zip(made_at).is_some_and(|(asked_at, made_at)| asked_at - CLOCKS_DIFFER <= made_at)
    }
}
