//! The setup link: the one that works, and those before it.

use serde::{Deserialize, Serialize};
use time::{Duration, OffsetDateTime};

use super::record::Onboarding;
use super::status::Status;

/// How long the setup link shows the status after the signup.
const SHOWN: Duration = Duration::days(30);
/// How long a link that was replaced still hands over the code of a popup that it opened.
const HANDS_OVER: Duration = Duration::hours(24);
/// How many earlier links are remembered, so that they are told from strangers' tokens.
const FORMER_KEPT: usize = 10;

/// A setup link that was replaced by another one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FormerLink {
    /// SHA-256 of its token, in hexadecimal.
    pub token_sha256: String,
    /// When it was replaced.
    #[serde(with = "time::serde::rfc3339")]
    pub replaced_at: OffsetDateTime,
    /// The partner took it back: it is void for everything.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub revoked: bool,
}

impl FormerLink {
    /// Whether the code of a popup that it opened is still taken from it.
    pub fn hands_over(&self, now: OffsetDateTime) -> bool {
        !self.revoked && now < self.replaced_at + HANDS_OVER
    }
}

impl Onboarding {
    /// Until when the setup link shows the onboarding: as long as it can be used, and after the signup for 30 days from the last
    /// change of status.
    pub fn link_shows_until(&self) -> OffsetDateTime {
        match self.signup_status() {
            Status::Started | Status::NumberChoice | Status::Expired => self.link_expires_at,
            _ => self.link_expires_at.max(self.status_since + SHOWN),
        }
    }
}

/// A new link takes the place of the present one.
pub(crate) fn renew(after: &mut Onboarding, token_sha256: &str, expires_at: OffsetDateTime, at: OffsetDateTime) {
    let former = FormerLink {
        token_sha256: std::mem::replace(&mut after.setup_token_sha256, token_sha256.to_owned()),
        replaced_at: at,
        revoked: after.link_revoked_at.take().is_some(),
    };
    if !former.token_sha256.is_empty() {
        after.former_links.push(former);
    }
    let surplus = after.former_links.len().saturating_sub(FORMER_KEPT);
    after.former_links.drain(..surplus);
    after.link_expires_at = expires_at;
    after.opened_at = None;
    after.attempts_count = 0;
}

/// The present link is void, and so are those before it.
pub(crate) fn revoke(after: &mut Onboarding, at: OffsetDateTime) {
    after.link_revoked_at = after.link_revoked_at.or(Some(at));
    for former in &mut after.former_links {
        former.revoked = true;
    }
}
