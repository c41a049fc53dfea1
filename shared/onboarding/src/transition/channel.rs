//! The channel: it goes live, is found, or ends with an onboarding that is called off.

use exchange::ChannelId;
use time::OffsetDateTime;

use super::advance;
use crate::channel_end::{self, ChannelEnd, Wanted};
use crate::record::Onboarding;
use crate::status::Status;

/// Called off. What is at 360dialog by then has to end there first.
pub(super) fn cancel(after: &mut Onboarding, at: OffsetDateTime) {
    let is_key_made = matches!(after.status, Status::Live | Status::PermissionRequired) && !after.may_have_key;
    if is_key_made && after.key.is_none() {
        // Its key was being made: the worker may have stored the key and died before it recorded it.
        after.keys_void_before = Some(at);
    }
    if after.has_channel_to_end() {
        channel_end::ask(after, Wanted::End, at);
    } else {
        after.channel_end = None;
    }
    after.confirmation = None;
    advance(after, Status::Cancelled);
}

/// The channel that is to end with a cancelled onboarding.
pub(super) fn channel_found(after: &mut Onboarding, channel_id: &ChannelId, at: OffsetDateTime) {
    if after.channel_id.is_none() {
        (after.channel_id, after.has_made_channel) = (Some(channel_id.clone()), true);
        // It may have been given up that there will be one.
        let end = after.channel_end.get_or_insert_with(|| ChannelEnd::asked(Wanted::End, at));
        end.next_at = at;
    }
}

/// A channel that was there before the number was submitted, or that came later in the place of another, may have a key.
pub(super) fn go_live(after: &mut Onboarding, channel_id: &ChannelId, made_at: Option<OffsetDateTime>) {
    let replaced = after.channel_id.replace(channel_id.clone()).filter(|former| former != channel_id);
    after.has_made_channel = replaced.is_none() && after.has_made(made_at);
    after.may_have_key = !after.has_made_channel;
    after.former_channels.extend(replaced);
    after.key = None;
    (after.look_up_asked_at, after.look_up_next_at) = (None, None);
    // They were the other channel's.
    (after.key_rotation, after.channel_end) = (None, None);
    advance(after, Status::Live);
}

/// Whether a channel is neither the present one nor one before it.
pub(super) fn is_news(before: &Onboarding, channel_id: &ChannelId) -> bool {
    before.channel_id.as_ref() != Some(channel_id) && !before.former_channels.contains(channel_id)
}
