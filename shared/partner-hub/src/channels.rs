//! Channels: 360dialog's objects for numbers, as the lists and the webhooks show them.

use exchange::{ChannelId, ClientId, PhoneNumberId, WabaId, id, text};
use reqwest::Method;
use serde_json::{Value, json};

use super::{Call, Hub, HubCredentials, HubError, entries, page};

/// One page of the partner's channels.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChannelsPage {
    /// Newest first.
    pub channels: Vec<Channel>,
    /// Where the next page starts; `None` on the last.
    pub next_offset: Option<u32>,
}

/// A channel, as far as we look at it. All but its id may be unknown: right after a channel went live the list fills up
/// member by member, and webhooks show few of them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Channel {
    /// 360dialog's id.
    pub id: ChannelId,
    /// The client account it belongs to.
    pub client_id: Option<ClientId>,
    /// Meta's id of the WABA (`waba_account.external_id`, not 360dialog's `waba_account.id`).
    pub waba_id: Option<WabaId>,
    /// Meta's id of the number (`external_id`).
    pub phone_number_id: Option<PhoneNumberId>,
    /// The number in international form, digits only.
    pub phone_number: Option<String>,
    /// The display name.
    pub phone_name: Option<String>,
    /// Such as `created`, `unverified`, `verified`, `ready`: an open set.
    pub status: Option<String>,
    /// `live`, `pending_deletion`, `deleted`, `terminated`, `cancelled`: an open set. Not in every answer.
    pub hub_status: Option<String>,
    /// `sandbox` or `live`.
    pub account_mode: Option<String>,
}

impl Channel {
    /// Whether messages flow, so that a key can be asked for: the Hub says `live`, or the number is ready and no longer
    /// in the sandbox. A channel that has ended keeps saying the latter, but is not live.
    pub fn is_live(&self) -> bool {
        match self.hub_status.as_deref() {
            Some("live") => true,
            Some("deleted" | "terminated" | "cancelled") => false,
            _ => self.status.as_deref() == Some("ready") && self.account_mode.as_deref() == Some("live"),
        }
    }

    /// Reads a channel in its full shape (nested) or its flat one. `None` without a usable `id`.
    pub(super) fn read(value: &Value) -> Option<Self> {
        Some(Self::with_id(id(value, &["/id"])?, value))
    }

    /// What `value` tells of the channel `id`.
    pub(super) fn with_id(id: ChannelId, value: &Value) -> Self {
        let digits = |text: String| text.chars().filter(char::is_ascii_digit).collect::<String>();
        let phone_number = text(value, &["/setup_info/phone_number", "/phone_number"]).map(digits);
        Self {
            id,
            client_id: exchange::id(value, &["/client_id", "/client/id"]),
            waba_id: exchange::id(value, &["/waba_account/external_id"]),
            phone_number_id: exchange::id(value, &["/external_id"]),
            phone_number: phone_number.filter(|digits| !digits.is_empty()),
            phone_name: text(value, &["/setup_info/phone_name", "/phone_name"]),
            status: text(value, &["/status"]),
            hub_status: text(value, &["/hub_status"]),
            account_mode: text(value, &["/account_mode"]),
        }
    }
}

impl Hub {
    /// `GET /partners/{partner_id}/channels?filters={"id":…}`: one channel; `None` if there is none with this id.
    ///
    /// Answer: `{partner_channels: […]}`. The id is compared on our side too, in case the filter lets others through.
    ///
    /// Source: <https://docs.360dialog.com/partner/partner-api/api-reference/channel-management>
    ///
    /// # Errors
    /// [`HubError`]; never unclear.
    pub async fn channel(&self, credentials: &HubCredentials, id: &ChannelId) -> Result<Option<Channel>, HubError> {
        let query = [("filters", json!({"id": id}).to_string())];
        let page = self.channels(credentials, &query, 0).await?;
        Ok(page.channels.into_iter().find(|channel| channel.id == *id))
    }

    /// `GET /partners/{partner_id}/channels`: at most 200 of the partner's channels, newest first.
    ///
    /// Answer: `{partner_channels: […], total, limit, offset}`; entries without a usable `id` are skipped.
    ///
    /// Source: <https://docs.360dialog.com/partner/partner-api/api-reference/channel-management>
    ///
    /// # Errors
    /// [`HubError`]; never unclear.
    pub async fn channels_page(&self, credentials: &HubCredentials, offset: u32) -> Result<ChannelsPage, HubError> {
        self.channels(credentials, &page(offset, "-created_at"), offset).await
    }

    async fn channels(
        &self,
        credentials: &HubCredentials,
        query: &[(&str, String)],
        offset: u32,
    ) -> Result<ChannelsPage, HubError> {
        let call = Call {
            method: Method::GET,
            route: "GET /partners/{partner_id}/channels",
            path: &["channels"],
            query,
            body: None,
        };
        let answer = self.call(credentials, call).await?;
        let (entries, next_offset) = entries(&answer, "partner_channels", offset)?;
        Ok(ChannelsPage { channels: entries.iter().filter_map(Channel::read).collect(), next_offset })
    }
}
