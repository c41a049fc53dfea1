//! The end of a channel: requested by the partner, and taken back while the Hub has not carried it out.

use exchange::{ChannelId, ClientId, object};
use reqwest::Method;
use serde_json::json;
use time::OffsetDateTime;

use super::channels::ChannelShape;
use super::{Authorization, Call, Channel, Hub, HubError};

impl Hub {
    /// `POST /partners/{partner_id}/clients/{client_id}/channels/{channel_id}/control/cancellation_request` with `{"enabled":
    /// true}`: asks 360dialog to end a channel. It ends when its time is over, as the webhook `cancellation_processed` and
    /// `hub_status` say.
    ///
    /// Answer: the channel, with the time of its end in `terminated_at`. `None` where the answer does not say it.
    ///
    /// Source: two open-source clients, one of them in production; the same path without the client account is answered with
    /// 404. See `shared/samples/README.md`.
    ///
    /// # Errors
    /// [`HubError`]. A channel that has ended, or is another client account's, is [`HubError::Permanent`].
    pub async fn end_channel(
        &self,
        authorization: &Authorization,
        client: &ClientId,
        channel: &ChannelId,
    ) -> Result<Option<OffsetDateTime>, HubError> {
        const ROUTE: &str =
            "POST /partners/{partner_id}/clients/{client_id}/channels/{channel_id}/control/cancellation_request";
        let path = ["clients", client.as_str(), "channels", channel.as_str(), "control", "cancellation_request"];
        let shown = self.control(authorization, ROUTE, &path, channel).await?;
        Ok(shown.and_then(|channel| channel.terminated_at))
    }

    /// `POST /partners/{partner_id}/clients/{client_id}/channels/{channel_id}/control/reactivate`: takes the request back.
    ///
    /// Source: the same as of [`Self::end_channel`].
    ///
    /// # Errors
    /// [`HubError`]. A channel that has ended, or whose end was not requested, is [`HubError::Permanent`].
    pub async fn keep_channel(
        &self,
        authorization: &Authorization,
        client: &ClientId,
        channel: &ChannelId,
    ) -> Result<(), HubError> {
        const ROUTE: &str = "POST /partners/{partner_id}/clients/{client_id}/channels/{channel_id}/control/reactivate";
        let path = ["clients", client.as_str(), "channels", channel.as_str(), "control", "reactivate"];
        self.control(authorization, ROUTE, &path, channel).await.map(drop)
    }

    async fn control(
        &self,
        authorization: &Authorization,
        route: &'static str,
        path: &[&str],
        channel: &ChannelId,
    ) -> Result<Option<Channel>, HubError> {
        let call = Call { method: Method::POST, route, path, query: &[], body: Some(&json!({"enabled": true})) };
        let shown: ChannelShape = object(self.call(authorization, call).await?);
        Ok(shown.read(Some(channel.clone())))
    }
}
