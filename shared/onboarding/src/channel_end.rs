//! The end of a channel that the partner asked for: requested at 360dialog, perhaps taken back, and carried out there some day.

use serde::{Deserialize, Serialize};
use time::{Duration, OffsetDateTime};

use super::record::Onboarding;
use super::status::Status;

/// The shortest and the longest time between two looks whether the channel has ended.
const LOOKS: (Duration, Duration) = (Duration::minutes(4), Duration::hours(12));

/// How long a call that was not answered may still be carried out. The opposite is not asked for sooner.
const CARRIED_OUT_WITHIN: Duration = Duration::minutes(1);

/// What the partner wants of the channel.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Wanted {
    /// That it ends.
    End,
    /// That it stays: an end that was requested is taken back.
    Keep,
}

/// How far the end of a channel is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ChannelEnd {
    /// What the partner wants now.
    pub wanted: Wanted,
    /// When the partner said so.
    #[serde(with = "time::serde::rfc3339")]
    pub asked_at: OffsetDateTime,
    /// When 360dialog was last asked for an end, or to take one back.
    #[serde(default, with = "time::serde::rfc3339::option", skip_serializing_if = "Option::is_none")]
    pub sent_at: Option<OffsetDateTime>,
    /// What became of that is not known: the channel is looked at before 360dialog is asked again.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub unclear: bool,
    /// When 360dialog took the request.
    #[serde(default, with = "time::serde::rfc3339::option", skip_serializing_if = "Option::is_none")]
    pub accepted_at: Option<OffsetDateTime>,
    /// When the channel will end, as 360dialog answered.
    #[serde(default, with = "time::serde::rfc3339::option", skip_serializing_if = "Option::is_none")]
    pub ends_at: Option<OffsetDateTime>,
    /// When 360dialog said that it has ended.
    #[serde(default, with = "time::serde::rfc3339::option", skip_serializing_if = "Option::is_none")]
    pub ended_at: Option<OffsetDateTime>,
    /// When 360dialog is asked next.
    #[serde(with = "time::serde::rfc3339")]
    pub next_at: OffsetDateTime,
    /// A sentence for the operator: what went wrong last.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
}

impl ChannelEnd {
    /// Asked for at `at`, and due at once.
    pub(crate) const fn asked(wanted: Wanted, at: OffsetDateTime) -> Self {
        Self {
            wanted,
            asked_at: at,
            sent_at: None,
            unclear: false,
            accepted_at: None,
            ends_at: None,
            ended_at: None,
            next_at: at,
            error: None,
        }
    }

    /// Whether 360dialog has not yet said that it is done.
    pub const fn is_open(&self) -> bool {
        self.ended_at.is_none()
    }

    /// When 360dialog is asked after a look, or a try, at `now` that settled nothing: when as much time has passed again as since
    /// the request, but after 4 minutes to 12 hours.
    pub fn next_look(&self, now: OffsetDateTime) -> OffsetDateTime {
        now + (now - self.accepted_at.unwrap_or(self.asked_at)).clamp(LOOKS.0, LOOKS.1)
    }
}

impl Onboarding {
    /// The end of its channel that is still to be brought about.
    pub fn open_channel_end(&self) -> Option<&ChannelEnd> {
        self.channel_end.as_ref().filter(|end| end.is_open())
    }

    /// Whether it is at rest without a number in use: another onboarding may take its number, and its record is not kept for
    /// ever. A cancelled one whose channel 360dialog has not ended has its number still.
    pub fn has_ended(&self) -> bool {
        self.status.has_ended() && self.open_channel_end().is_none()
    }

    /// Whether there is, or may be, a channel at 360dialog that ends with the onboarding. One that was there before it, and whose
    /// key is not ours, is somebody else's.
    pub(crate) fn has_channel_to_end(&self) -> bool {
        if self.number_lost_to.is_some() {
            return false;
        }
        if self.channel_id.is_some() {
            return self.has_made_channel || self.key.is_some();
        }
        let status = if self.status == Status::Failed { self.failed_from } else { Some(self.status) };
        status == Some(Status::Submitted) || self.submission.is_some_and(|submission| submission.unclear.is_some())
    }
}

/// The partner wants the channel to end, or to stay.
pub(crate) fn ask(after: &mut Onboarding, wanted: Wanted, at: OffsetDateTime) {
    match &mut after.channel_end {
        Some(end) if end.wanted == wanted => {}
        // 360dialog was never asked for it, so that nothing is to be taken back.
        Some(ChannelEnd { wanted: Wanted::End, sent_at: None, .. }) => after.channel_end = None,
        end => {
            let sent_at = end.as_ref().and_then(|end| end.sent_at);
            let unclear = sent_at.filter(|_| end.as_ref().is_some_and(|end| end.unclear));
            let next_at = unclear.map_or(at, |sent_at| at.max(sent_at + CARRIED_OUT_WITHIN));
            *end = Some(ChannelEnd { sent_at, next_at, ..ChannelEnd::asked(wanted, at) });
        }
    }
}

/// Changes the end that is still to be brought about, if it is this one that is wanted.
pub(crate) fn change_wanted(after: &mut Onboarding, wanted: Wanted, how: impl FnOnce(&mut ChannelEnd)) {
    change(after, |end| {
        if end.wanted == wanted {
            how(end);
        }
    });
}

/// Changes the end that is still to be brought about, if there is one.
pub(crate) fn change(after: &mut Onboarding, how: impl FnOnce(&mut ChannelEnd)) {
    if let Some(end) = after.channel_end.as_mut().filter(|end| end.is_open()) {
        how(end);
    }
}
