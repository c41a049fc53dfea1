//! Imports of channels that were there before: what was asked for, how far it has come, and what became of each channel. Each
//! channel has an item of its own, so that an import of any length goes on where it was interrupted.

use aws_sdk_dynamodb::types::{Put, TransactWriteItem};
use onboarding::limiter::milliseconds;
use onboarding::{ChannelId, Class, ClientId, ImportId, OnboardingId, PhoneNumberId, WabaId};
use serde::{Deserialize, Serialize};
use strum::{IntoStaticStr, VariantArray};
use time::{Duration, OffsetDateTime};

use super::contention::{RaceBackoff, Transacted, Updated};
use super::item::{self, Item, Key, n, s};
use super::work::AT_WORK;
use super::{Store, StoreError};

/// How long an import is kept.
const KEPT: Duration = Duration::days(30);
/// As many channels are written at once. A transaction takes no more writes.
const AT_ONCE: usize = 100;

/// What becomes of a channel that is imported; in a dry run, what would.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, IntoStaticStr, VariantArray)]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case")]
pub enum Would {
    /// It is live and no onboarding has it: it gets one.
    Import,
    /// An onboarding has it.
    Owned,
    /// An onboarding that is not at rest has its number, under another client account or WABA.
    NumberTaken,
    /// It is not live, or is about to end.
    NotLive,
    /// It has ended.
    Ended,
    /// The Hub does not name its client account, WABA, or Meta's id of its number.
    Incomplete,
    /// The Hub knows no channel with this id.
    Unknown,
}

impl Would {
    /// Every word.
    pub const ALL: &'static [Self] = Self::VARIANTS;

    /// The word used in the API and the table.
    pub fn as_str(self) -> &'static str {
        self.into()
    }
}

/// Where an import looks next.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ImportLook {
    /// A page of the Hub's list of all channels, with so many entries before it.
    Page {
        /// How many.
        offset: u32,
    },
    /// The channels of which nothing is known yet, one by one.
    Single,
}

/// An import.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Import {
    /// Its id.
    pub id: ImportId,
    /// Nothing is changed: what would happen is found out.
    pub dry_run: bool,
    /// All channels that the Hub lists are looked at, and not some that were named.
    pub lists_all: bool,
    /// When it was asked for.
    #[serde(with = "time::serde::rfc3339")]
    pub created_at: OffsetDateTime,
    /// When it was done.
    #[serde(default, with = "time::serde::rfc3339::option", skip_serializing_if = "Option::is_none")]
    pub done_at: Option<OffsetDateTime>,
    /// Where it looks next.
    pub next: ImportLook,
    /// A sentence for the operator: why the Hub could not be asked last.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
    /// The channel that the Hub refused to show when it was last asked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub refused: Option<ChannelId>,
}

impl Import {
    /// Whether it is kept still: for 30 days.
    pub fn is_kept(&self, now: OffsetDateTime) -> bool {
        now < self.created_at + KEPT
    }
}

/// A channel of an import.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ImportedChannel {
    /// 360dialog's id.
    pub channel_id: ChannelId,
    /// The partner's own id for the customer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reference: Option<String>,
    /// The partner's word that a key of the channel may be replaced.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub replace_key: bool,
    /// The client account, as the Hub says.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub client_id: Option<ClientId>,
    /// The WABA, as the Hub says.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub waba_id: Option<WabaId>,
    /// The number, as the Hub says.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub phone_number_id: Option<PhoneNumberId>,
    /// What becomes of it; absent while it was not looked at.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub would: Option<Would>,
    /// The onboarding that it has, or that has its number.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub onboarding_id: Option<OnboardingId>,
}

impl ImportedChannel {
    /// A channel of which nothing is known.
    pub const fn new(channel_id: ChannelId) -> Self {
        Self {
            channel_id,
            reference: None,
            replace_key: false,
            client_id: None,
            waba_id: None,
            phone_number_id: None,
            would: None,
            onboarding_id: None,
        }
    }
}

/// An import's item. Its members lie in one attribute: some of their names are those of an index.
#[derive(Serialize, Deserialize)]
struct ImportItem {
    import: Import,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    due: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    due_at: Option<i64>,
    expires_at: i64,
}

/// The item of a channel. As [`ImportItem`].
#[derive(Serialize, Deserialize)]
struct ChannelItem {
    channel: ImportedChannel,
    expires_at: i64,
}

impl Store {
    /// Begins an import of these channels, each of which is named once. It is due at once.
    pub async fn create_import(&self, import: &Import, channels: &[ImportedChannel]) -> Result<(), StoreError> {
        // The import comes last: one whose writing is interrupted is never due, and its channels are deleted in time.
        for channels in channels.chunks(AT_ONCE) {
            let writes: Result<Vec<_>, _> =
                channels.iter().map(|channel| self.channel_write(import, channel, None)).collect();
            let (writes, mut backoff) = (writes?, RaceBackoff::default());
            while self.transact(writes.clone()).await? != Transacted::Done {
                backoff.after_lost_race().await?;
            }
        }
        let item = ImportItem {
            import: import.clone(),
            due: Some(Class::Sweep.as_str().to_owned()),
            due_at: Some(milliseconds(import.created_at)),
            expires_at: expires_at(import),
        };
        let item = item::write(Key::import(&import.id), &item)?;
        self.client.put_item().table_name(&self.table).set_item(Some(item)).send().await?;
        Ok(())
    }

    /// An import (a consistent read). One whose time is over may be there for a while still.
    pub async fn import(&self, id: &ImportId) -> Result<Option<Import>, StoreError> {
        let found = self.read_item(Key::import(id)).await?;
        Ok(found.map(item::read::<ImportItem>).transpose()?.map(|found| found.import))
    }

    /// The channels of an import, by their ids (a consistent read).
    pub async fn import_channels(&self, id: &ImportId) -> Result<Vec<ImportedChannel>, StoreError> {
        let query = self.query_items(Key::import(id).pk, item::IMPORTED_PREFIX);
        let mut items = query.into_paginator().items().send();
        let mut channels = Vec::new();
        while let Some(item) = items.next().await.transpose()? {
            channels.push(item::read::<ChannelItem>(item)?.channel);
        }
        Ok(channels)
    }

    /// Notes what becomes of a channel, unless that is noted already.
    pub async fn note_imported(&self, import: &Import, channel: &ImportedChannel) -> Result<(), StoreError> {
        let writes = vec![self.channel_write(import, channel, Some(Unsettled))?];
        let mut backoff = RaceBackoff::default();
        while self.transact(writes.clone()).await? == Transacted::Contended {
            backoff.after_lost_race().await?;
        }
        Ok(())
    }

    /// Records how far an import is. `next_at`: when it goes on; `None` if it is done. Changes nothing if the work is another
    /// message's by now.
    pub async fn import_on(
        &self,
        import: &Import,
        permit: &str,
        next_at: Option<OffsetDateTime>,
    ) -> Result<(), StoreError> {
        let value = serde_dynamo::to_attribute_value(import);
        let value = value.map_err(|error| item::unreadable(import.id.as_str(), &error))?;
        let at_work = AT_WORK.join(", ");
        let request = self
            .client
            .update_item()
            .set_key(Some(Key::import(&import.id).attributes()))
            .condition_expression("permit = :permit")
            .expression_attribute_values(":permit", s(permit))
            .expression_attribute_names("#import", "import")
            .expression_attribute_values(":import", value);
        let request = match next_at {
            Some(at) => request
                .update_expression(format!("SET #import = :import, due_at = :at REMOVE {at_work}"))
                .expression_attribute_values(":at", n(milliseconds(at))),
            None => request.update_expression(format!("SET #import = :import REMOVE due, due_at, {at_work}")),
        };
        if let Updated::Refused(_) = self.update(request).await? {
            tracing::info!(import_id = %import.id, "the import has gone on without this message");
        }
        Ok(())
    }

    /// The write of a channel's item.
    pub(crate) fn channel_write(
        &self,
        import: &Import,
        channel: &ImportedChannel,
        only: Option<Unsettled>,
    ) -> Result<TransactWriteItem, StoreError> {
        let item = ChannelItem { channel: channel.clone(), expires_at: expires_at(import) };
        let item: Item = item::write(Key::imported(&import.id, &channel.channel_id), &item)?;
        let put = Put::builder().table_name(&self.table).set_item(Some(item));
        let put = match only {
            None => put,
            Some(Unsettled) => put
                .condition_expression("attribute_not_exists(channel.#would)")
                .expression_attribute_names("#would", "would"),
        };
        Ok(TransactWriteItem::builder().put(put.build()?).build())
    }
}

/// A channel's item is written only if it does not yet say what becomes of the channel.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Unsettled;

fn expires_at(import: &Import) -> i64 {
    (import.created_at + KEPT).unix_timestamp()
}
