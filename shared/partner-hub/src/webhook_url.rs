//! Where the Hub sends the partner's webhooks.

use exchange::{Text, object};
use reqwest::Method;
use serde::Deserialize;
use serde_json::json;
use url::Url;

use super::{Authorization, Call, Hub, HubError};

#[derive(Default, Deserialize)]
#[serde(default)]
struct WebhookUrl {
    webhook_url: Text,
}

impl Hub {
    /// `GET /partners/{partner_id}/webhook_url` → `{webhook_url}`: where the partner's webhooks go; `None` if nowhere.
    ///
    /// Source: <https://docs.360dialog.com/partner/partner-api/api-reference/webhook-management>
    ///
    /// # Errors
    /// [`HubError`]; never unclear.
    pub async fn webhook_url(&self, authorization: &Authorization) -> Result<Option<String>, HubError> {
        let call = Call {
            method: Method::GET,
            route: "GET /partners/{partner_id}/webhook_url",
            path: &["webhook_url"],
            query: &[],
            body: None,
        };
        let WebhookUrl { webhook_url } = object(self.call(authorization, call).await?);
        Ok(webhook_url.0)
    }

    /// `POST /partners/{partner_id}/webhook_url` with `{webhook_url}`: sends the partner's webhooks to `url`, and
    /// nowhere else any more. Safe to repeat.
    ///
    /// Source: <https://docs.360dialog.com/partner/partner-api/api-reference/webhook-management>
    pub async fn set_webhook_url(&self, authorization: &Authorization, url: &Url) -> Result<(), HubError> {
        let call = Call {
            method: Method::POST,
            route: "POST /partners/{partner_id}/webhook_url",
            path: &["webhook_url"],
            query: &[],
            body: Some(&json!({"webhook_url": url})),
        };
        self.call(authorization, call).await.map(drop)
    }
}
