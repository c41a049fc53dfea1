//! Channels: 360dialog's objects for numbers, as the lists and the webhooks show them.

use exchange::{ChannelId, ClientId, Lenient, List, PhoneNumberId, Text, WabaId, object};
use reqwest::Method;
use serde::Deserialize;
use serde_json::json;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use super::{Authorization, Call, Hub, HubError, next_offset, page, readable};

/// A longer display name is cut, in characters.
const LONGEST_NAME: usize = 200;

/// One page of the partner's channels.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChannelsPage {
    /// Newest first.
    pub channels: Vec<Channel>,
    /// Where the next page starts; `None` on the last.
    pub next_offset: Option<u32>,
    /// Entries that cannot be read, which are left out: no objects, or without a usable `id`.
    pub unreadable: usize,
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
    /// The display name, for people: on one line, at most 200 characters, without marks of direction.
    pub phone_name: Option<String>,
    /// Such as `created`, `unverified`, `verified`, `ready`: an open set.
    pub status: Option<String>,
    /// `live`, `pending_deletion`, `deleted`, `terminated`, `cancelled`: an open set. Not in every answer.
    pub hub_status: Option<String>,
    /// `sandbox` or `live`.
    pub account_mode: Option<String>,
    /// When the Hub made it (`created_at`).
    pub created_at: Option<OffsetDateTime>,
    /// When it ends, or has ended (`terminated_at`); `None` while nobody has asked for its end.
    pub terminated_at: Option<OffsetDateTime>,
}

/// How far a channel has come, as far as the Hub says it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ChannelStage {
    /// Messages flow, so that a key can be asked for.
    Live,
    /// It has ended for good. Only the Hub's own word says so: that a channel is in no list says nothing.
    Ended,
    /// Anything else: it is on its way, on its way out (`pending_deletion`), or the Hub does not say.
    Other,
}

impl Channel {
    /// A channel of which nothing is known but its id.
    pub const fn unknown(id: ChannelId) -> Self {
        Self {
            id,
            client_id: None,
            waba_id: None,
            phone_number_id: None,
            phone_number: None,
            phone_name: None,
            status: None,
            hub_status: None,
            account_mode: None,
            created_at: None,
            terminated_at: None,
        }
    }

    /// How far it has come: `hub_status` decides, of which only the values named in the code are known. Where it says
    /// nothing of that, a number that is `ready` and no longer in the sandbox is live; a channel keeps saying so after its
    /// end, and while it is being cancelled.
    ///
    /// Source of the values: <https://docs.360dialog.com/partner/partner-api/api-reference/channel-management>, and for
    /// `hub_status` a production integration, see `shared/samples/README.md`.
    pub fn stage(&self) -> ChannelStage {
        match self.hub_status.as_deref() {
            Some("live") => ChannelStage::Live,
            Some("deleted" | "terminated" | "cancelled") => ChannelStage::Ended,
            Some("pending_deletion") => ChannelStage::Other,
            _ if self.status.as_deref() == Some("ready") && self.account_mode.as_deref() == Some("live") => {
                ChannelStage::Live
            }
            _ => ChannelStage::Other,
        }
    }

    /// Whether its end was requested, and it has not ended yet.
    pub fn is_ending(&self) -> bool {
        let is_requested = self.terminated_at.is_some() || self.hub_status.as_deref() == Some("pending_deletion");
        is_requested && self.stage() != ChannelStage::Ended
    }

    /// Whether messages flow, so that a key can be asked for.
    pub fn is_live(&self) -> bool {
        self.stage() == ChannelStage::Live
    }
}

/// A channel in its full shape (nested), or in its flat one.
#[derive(Default, Deserialize)]
#[serde(default)]
pub(super) struct ChannelShape {
    id: Text<ChannelId>,
    client_id: Text,
    client: Lenient<ClientShape>,
    waba_account: Lenient<WabaShape>,
    external_id: Text<PhoneNumberId>,
    setup_info: Lenient<SetupShape>,
    phone_number: Text,
    phone_name: Text,
    status: Text,
    hub_status: Text,
    account_mode: Text,
    created_at: Text,
    terminated_at: Text,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct ClientShape {
    id: Text,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct WabaShape {
    external_id: Text<WabaId>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct SetupShape {
    phone_number: Text,
    phone_name: Text,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Listing {
    partner_channels: List<ChannelShape>,
    total: Lenient<Option<u64>>,
    limit: Lenient<Option<u64>>,
}

impl ChannelShape {
    /// The channel; `None` if it has no usable id and no `other` was named beside it.
    pub(super) fn read(self, other: Option<ChannelId>) -> Option<Channel> {
        let Lenient(setup) = self.setup_info;
        let client_id = self.client_id.0.or(self.client.0.id.0);
        let phone_number = setup.phone_number.0.or(self.phone_number.0).unwrap_or_default();
        let digits: String = phone_number.chars().filter(char::is_ascii_digit).collect();
        Some(Channel {
            id: self.id.0.or(other)?,
            client_id: client_id.and_then(|id| id.parse().ok()),
            waba_id: self.waba_account.0.external_id.0,
            phone_number_id: self.external_id.0,
            phone_number: Some(digits).filter(|digits| !digits.is_empty()),
            phone_name: setup.phone_name.shown(LONGEST_NAME).or(self.phone_name.shown(LONGEST_NAME)),
            status: self.status.0,
            hub_status: self.hub_status.0,
            account_mode: self.account_mode.0,
            created_at: self.created_at.0.as_deref().and_then(time_of),
            terminated_at: self.terminated_at.0.as_deref().and_then(time_of),
        })
    }
}

/// ISO 8601, such as `2024-10-07T08:50:05Z`; without a zone it is UTC.
fn time_of(text: &str) -> Option<OffsetDateTime> {
    let parse = |text: &str| OffsetDateTime::parse(text, &Rfc3339).ok();
    parse(text).or_else(|| parse(&format!("{text}Z")))
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
    pub async fn channel(&self, authorization: &Authorization, id: &ChannelId) -> Result<Option<Channel>, HubError> {
        let query = [("filters", json!({"id": id}).to_string())];
        let page = self.channels(authorization, &query, 0).await?;
        Ok(page.channels.into_iter().find(|channel| channel.id == *id))
    }

    /// `GET /partners/{partner_id}/channels?filters={"external_id":…}`: the channels of a number, newest first, whichever
    /// client account they belong to. That there is none proves nothing: the list lags behind, and the filter may fail.
    ///
    /// Answer: `{partner_channels: […]}`. The number is compared on our side too, in case the filter lets others through.
    ///
    /// Source: <https://docs.360dialog.com/partner/partner-api/api-reference/channel-management>
    ///
    /// # Errors
    /// [`HubError`]; never unclear.
    pub async fn channels_of_number(
        &self,
        authorization: &Authorization,
        number: &PhoneNumberId,
    ) -> Result<Vec<Channel>, HubError> {
        let mut query = page(0, "-created_at");
        query.push(("filters", json!({"external_id": number}).to_string()));
        let page = self.channels(authorization, &query, 0).await?;
        Ok(page.channels.into_iter().filter(|channel| channel.phone_number_id.as_ref() == Some(number)).collect())
    }

    /// `GET /partners/{partner_id}/channels`: at most 200 of the partner's channels, newest first.
    ///
    /// Answer: `{partner_channels: […], total, limit, offset}`; entries without a usable `id` are counted and left
    /// out.
    ///
    /// Source: <https://docs.360dialog.com/partner/partner-api/api-reference/channel-management>
    ///
    /// # Errors
    /// [`HubError`]; never unclear.
    pub async fn channels_page(&self, authorization: &Authorization, offset: u32) -> Result<ChannelsPage, HubError> {
        self.channels(authorization, &page(offset, "-created_at"), offset).await
    }

    /// `GET /partners/{partner_id}/channels?limit=1`: whether the Hub answers at all.
    ///
    /// # Errors
    /// [`HubError`]; never unclear.
    pub async fn ping(&self, authorization: &Authorization) -> Result<(), HubError> {
        self.channels(authorization, &[("limit", "1".to_owned())], 0).await.map(drop)
    }

    async fn channels(
        &self,
        authorization: &Authorization,
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
        let answer = self.call(authorization, call).await?;
        let Listing { partner_channels, total, limit } = object(answer);
        let entries = partner_channels.0.ok_or_else(|| HubError::no_list("partner_channels"))?;
        let next_offset = next_offset(offset, entries.len(), total.0, limit.0);
        let (channels, unreadable) = readable(entries, |entry: ChannelShape| entry.read(None));
        Ok(ChannelsPage { channels, next_offset, unreadable })
    }
}
