//! What the Hub said of a channel, so that it is asked once and not for each webhook.

use onboarding::{ChannelId, ClientId, PhoneNumberId, WabaId};
use serde::{Deserialize, Serialize};
use time::{Duration, OffsetDateTime};

use super::item::{self, Key, n};
use super::{Store, StoreError};

/// How long an answer counts: as long as a webhook is kept.
const KEPT: Duration = Duration::days(30);

/// What the Hub said of a channel. Its list fills up member by member, so that any may be missing at first.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct SeenChannel {
    /// The client account it belongs to.
    pub client_id: Option<ClientId>,
    /// The WABA.
    pub waba_id: Option<WabaId>,
    /// The number.
    pub phone_number_id: Option<PhoneNumberId>,
    /// The number in international form, digits only, where the Hub leaves Meta's id out.
    pub phone_number: Option<String>,
    /// When it was made.
    #[serde(default, with = "time::serde::rfc3339::option", skip_serializing_if = "Option::is_none")]
    pub made_at: Option<OffsetDateTime>,
    /// How often the Hub was asked.
    pub asks: u32,
    /// When it was last asked.
    #[serde(with = "time::serde::rfc3339::option")]
    pub asked_at: Option<OffsetDateTime>,
}

/// Its members lie in one attribute: `client_id` beside the keys would put the item into an index.
#[derive(Serialize, Deserialize)]
struct SeenItem {
    said: SeenChannel,
}

impl Store {
    /// What the Hub said of a channel within the last 30 days.
    pub async fn seen_channel(&self, id: &ChannelId) -> Result<Option<SeenChannel>, StoreError> {
        let found = self.read_item(Key::seen(id)).await?.map(item::read::<SeenItem>).transpose()?;
        Ok(found.map(|item| item.said))
    }

    /// Keeps what the Hub said of a channel.
    pub async fn remember_channel(&self, id: &ChannelId, seen: &SeenChannel) -> Result<(), StoreError> {
        let expires_at = (self.clock.now() + KEPT).unix_timestamp();
        let put = self
            .client
            .put_item()
            .table_name(&self.table)
            .set_item(Some(item::write(Key::seen(id), &SeenItem { said: seen.clone() })?))
            .item("expires_at", n(expires_at));
        put.send().await?;
        Ok(())
    }
}
