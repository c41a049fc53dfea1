//! The submission of a number.

use exchange::{BusinessId, ClientId, PhoneNumberId, WabaId};
use reqwest::Method;
use serde::Serialize;
use serde_json::json;

use super::{Authorization, Call, Hub, HubError};

/// The number to onboard, and for whom, as it is sent.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct NumberSubmission {
    /// The Meta Multi-Partner Solution shared with 360dialog.
    pub solution_id: String,
    /// The client account that the number is to belong to.
    pub client_id: ClientId,
    /// The WABA, which the customer has shared with the solution.
    #[serde(rename = "waba_external_id")]
    pub waba_id: WabaId,
    /// The customer's business portfolio, where it is known.
    #[serde(rename = "waba_business_id", skip_serializing_if = "Option::is_none")]
    pub business_id: Option<BusinessId>,
    /// The number. Always named: without it the Hub is said to connect every number of the WABA.
    #[serde(rename = "channel_external_id")]
    pub phone_number_id: PhoneNumberId,
    /// The pricing plan: `regular`, `premium` or `basic`.
    pub tier: &'static str,
}

impl Hub {
    /// `POST /partners/{partner_id}/account_sharing/numbers` with `{solution_id, waba_external_id, waba_business_id?,
    /// client_id, tier, channel_external_id}`: submits a number.
    ///
    /// The answer repeats the fields, with a `message` that the number is being onboarded. It names no channel: that
    /// comes by webhook.
    ///
    /// Source: <https://docs.360dialog.com/partner/partner-api/api-reference/account-sharing>
    ///
    /// # Errors
    /// [`HubError`]. 409 is undocumented and can only mean that the Hub has this number already: from an earlier try whose
    /// answer was lost, or because it was connected before, perhaps to another client account.
    pub async fn submit_number(
        &self,
        authorization: &Authorization,
        number: &NumberSubmission,
    ) -> Result<(), HubError> {
        let call = Call {
            method: Method::POST,
            route: "POST /partners/{partner_id}/account_sharing/numbers",
            path: &["account_sharing", "numbers"],
            query: &[],
            body: Some(&json!(number)),
        };
        self.call(authorization, call).await.map(drop)
    }
}
