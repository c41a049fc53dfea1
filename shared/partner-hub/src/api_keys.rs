//! A channel's API keys: the list and the creation.

use exchange::{ChannelId, List, Text, object};
use reqwest::Method;
use secrecy::SecretString;
use serde::Deserialize;
use serde_json::json;
use time::OffsetDateTime;
use url::Url;

use super::{Authorization, Call, Hub, HubError};

/// Where a key is used if its answer does not say (<https://docs.360dialog.com/partner/partner-api/overview>).
const USUAL_ADDRESS: &str = "https://waba-v2.360dialog.io";

/// An API key of one channel. The Hub shows it once, when it makes it.
#[derive(Debug, Clone)]
pub struct ApiKey {
    /// The key itself, `D360-API-KEY`.
    pub api_key: SecretString,
    /// Base address of the messaging API for this key.
    pub address: Url,
    /// The Hub's id of the key, where it named one.
    pub key_id: Option<String>,
    /// When the Hub was asked to make it. Its answer does not say when it did.
    pub created_at: OffsetDateTime,
}

/// An API key that exists, without the key itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ListedKey {
    /// The Hub's id of the key, where it named one.
    pub key_id: Option<String>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Listing {
    api_keys: List<ListedShape>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct ListedShape {
    id: Text,
}

/// A new key, or in older versions of the API a list that holds it.
#[derive(Default, Deserialize)]
#[serde(default)]
struct KeyShape {
    id: Text,
    address: Text<Url>,
    api_key: Text,
    api_keys: List<KeyShape>,
}

impl Hub {
    /// `GET /partners/{partner_id}/channels/{channel_id}/api_keys`: the channel's keys, so that none that is in use is
    /// revoked unknowingly.
    ///
    /// Answer: `{api_keys: [{id, address, app_id}]}`. Every entry counts as a key, even one that cannot be read. Whether
    /// the list still holds the keys themselves is unknown; they are not read.
    ///
    /// Source: <https://docs.360dialog.com/partner/partner-api/api-reference/channel-management>; the shape is an
    /// open-source client's, see `shared/samples/README.md`.
    ///
    /// # Errors
    /// [`HubError`]; never unclear.
    pub async fn api_keys(
        &self,
        authorization: &Authorization,
        channel: &ChannelId,
    ) -> Result<Vec<ListedKey>, HubError> {
        let call = Call {
            method: Method::GET,
            route: "GET /partners/{partner_id}/channels/{channel_id}/api_keys",
            path: &["channels", channel.as_str(), "api_keys"],
            query: &[],
            body: None,
        };
        let Listing { api_keys } = object(self.call(authorization, call).await?);
        let entries = api_keys.0.ok_or_else(|| HubError::no_list("api_keys"))?;
        Ok(entries.into_iter().map(|entry| ListedKey { key_id: entry.id.0 }).collect())
    }

    /// `POST /partners/{partner_id}/channels/{channel_id}/api_keys` with `{}`: makes an API key **and revokes the
    /// channel's earlier ones**. Call it only when the vault has none, and store the key before anything else.
    ///
    /// Answer: `{id, address, api_key, app_id}`, or in older versions `{api_keys: [{…}]}`. An answer without an address
    /// does not waste the key: 360dialog's usual address is assumed.
    ///
    /// Source: <https://docs.360dialog.com/partner/partner-api/api-reference/channel-management>,
    /// <https://docs.360dialog.com/partner/partner-hub/api-keys>
    ///
    /// # Errors
    /// [`HubError`]: 400, 404 and 409 are [`HubError::NotYet`], 403 is [`HubError::Permission`], all of them in the Hub's
    /// own words only; a success without a key is an unclear [`HubError::Retry`].
    pub async fn create_api_key(&self, authorization: &Authorization, channel: &ChannelId) -> Result<ApiKey, HubError> {
        let call = Call {
            method: Method::POST,
            route: "POST /partners/{partner_id}/channels/{channel_id}/api_keys",
            path: &["channels", channel.as_str(), "api_keys"],
            query: &[],
            body: Some(&json!({})),
        };
        let created_at = self.clock.now();
        let answer = self.call(authorization, call).await.map_err(|error| match error {
            HubError::Permanent { status: 400 | 404 | 409, reason } => HubError::NotYet { reason },
            HubError::Permanent { status: 403, reason } => HubError::Permission { reason },
            other => other,
        })?;
        ApiKey::read(object(answer), created_at)
            .ok_or_else(|| HubError::unreadable("the answer holds no API key".to_owned(), true))
    }
}

impl ApiKey {
    fn read(mut answer: KeyShape, created_at: OffsetDateTime) -> Option<Self> {
        let listed = answer.api_keys.0.take().unwrap_or_default();
        let (api_key, address, key_id) =
            listed.into_iter().chain([answer]).find_map(|key| Some((key.api_key.0?, key.address.0, key.id.0)))?;
        let address = address.or_else(|| Url::parse(USUAL_ADDRESS).ok())?;
        Some(Self { api_key: api_key.into(), address, key_id, created_at })
    }
}
