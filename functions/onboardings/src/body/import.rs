//! The body of `POST /imports`.

use std::collections::HashSet;

use api::{FieldError, Problem};
use onboarding::ChannelId;
use serde::Deserialize;
use store::ImportedChannel;

use super::fields::{REFERENCE, optional, text, wrong};

/// The most channels of one import.
const MOST: usize = 1000;
/// So many errors are named.
const MOST_ERRORS: usize = 10;

/// As it is sent.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct ImportBody {
    #[serde(default)]
    dry_run: bool,
    channels: Option<Vec<SentChannel>>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct SentChannel {
    channel_id: Option<String>,
    reference: Option<String>,
    #[serde(default)]
    replace_key: bool,
}

/// As it is used.
#[derive(Debug)]
pub(crate) struct WantedImport {
    pub(crate) dry_run: bool,
    /// `None`: all that the Hub lists.
    pub(crate) channels: Option<Vec<ImportedChannel>>,
}

impl ImportBody {
    /// Checks every channel.
    pub(crate) fn check(self) -> Result<WantedImport, Problem> {
        let Self { dry_run, channels } = self;
        let Some(sent) = channels else {
            return if dry_run {
                Ok(WantedImport { dry_run, channels: None })
            } else {
                Err(Problem::invalid_field("channels", "is missing; only a dry run takes all channels of the Hub"))
            };
        };
        if !(1..=MOST).contains(&sent.len()) {
            return Err(Problem::invalid_field("channels", format!("must be 1 to {MOST} channels")));
        }
        let (mut errors, mut seen, mut channels) = (Vec::new(), HashSet::new(), Vec::new());
        for (number, channel) in sent.into_iter().enumerate() {
            let Some(channel) = channel.check(number, dry_run, &mut errors) else { continue };
            if seen.insert(channel.channel_id.clone()) {
                channels.push(channel);
            } else {
                wrong(&mut errors, &format!("channels[{number}].channel_id"), "is named twice");
            }
        }
        errors.truncate(MOST_ERRORS);
        if errors.is_empty() {
            Ok(WantedImport { dry_run, channels: Some(channels) })
        } else {
            Err(Problem::invalid_fields(errors))
        }
    }
}

impl SentChannel {
    fn check(self, number: usize, dry_run: bool, errors: &mut Vec<FieldError>) -> Option<ImportedChannel> {
        let field = |name: &str| format!("channels[{number}].{name}");
        if self.channel_id.is_none() {
            wrong(errors, &field("channel_id"), "is missing");
        }
        let channel_id = optional(errors, &field("channel_id"), self.channel_id, |id| {
            id.parse::<ChannelId>().map_err(|error| format!("is {error}"))
        });
        // In a dry run nothing gets it.
        let may_be_absent = dry_run && self.reference.is_none();
        let reference =
            if may_be_absent { None } else { Some(text(errors, &field("reference"), self.reference, REFERENCE)?) };
        Some(ImportedChannel { reference, replace_key: self.replace_key, ..ImportedChannel::new(channel_id?) })
    }
}
