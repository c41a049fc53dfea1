//! What Embedded Signup returned: the signup, its numbers, and the attempts that led to none.

use exchange::{BusinessId, PhoneNumberId, WabaId};
use serde::{Deserialize, Serialize};
use strum::{IntoStaticStr, VariantArray};
use time::OffsetDateTime;

/// By whose word a signup is this customer's.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, IntoStaticStr, VariantArray)]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case")]
pub enum SignupSource {
    /// A code that the customer's browser brought from Meta, exchanged by us.
    Callback,
    /// The partner said so.
    Partner,
    /// The partner said so of a channel that was there before, and the Hub whose it is.
    Import,
}

impl SignupSource {
    /// Every source.
    pub const ALL: &'static [Self] = Self::VARIANTS;

    /// The word used in the API and the table.
    pub fn as_str(self) -> &'static str {
        self.into()
    }
}

/// What Embedded Signup returned and Meta, or the partner, confirmed; or what the Hub says of a channel that is imported.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Signup {
    /// By whose word.
    pub source: SignupSource,
    /// The WhatsApp Business Account; absent while the customer still has to choose among the numbers of several.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub waba_id: Option<WabaId>,
    /// Its name at Meta.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub waba_name: Option<String>,
    /// The business portfolio, from Meta and never from the browser.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub business_id: Option<BusinessId>,
    /// The number stays in the WhatsApp Business app as well.
    #[serde(default)]
    pub coexistence: bool,
    /// The number to be onboarded; absent while the customer still has to choose.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub number: Option<PhoneNumber>,
    /// SHA-256 of the exchanged code, to recognize a callback that is sent twice.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub code_sha256: Option<String>,
}

/// A phone number of a WABA, as Meta lists it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PhoneNumber {
    /// Meta's id.
    pub id: PhoneNumberId,
    /// For people, such as `+49 30 901820143`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub display_phone_number: Option<String>,
    /// The display name that Meta verified or is verifying.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub verified_name: Option<String>,
}

/// A phone number that the customer can choose.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OfferedNumber {
    /// The number.
    #[serde(flatten)]
    pub number: PhoneNumber,
    /// Its WhatsApp Business Account.
    pub waba_id: WabaId,
    /// The account's name at Meta.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub waba_name: Option<String>,
}

/// The code whose signup is being confirmed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Confirmation {
    /// SHA-256 of the code, in hexadecimal.
    pub code_sha256: String,
    /// When it was exchanged.
    #[serde(with = "time::serde::rfc3339")]
    pub exchanged_at: OffsetDateTime,
}

/// One opening of Meta's popup that did not lead on: where customers give up.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PopupAttempt {
    /// When we heard of it.
    #[serde(with = "time::serde::rfc3339")]
    pub at: OffsetDateTime,
    /// Meta's event, such as `CANCEL`.
    pub event: String,
    /// The screen on which the customer left.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub current_step: Option<String>,
    /// Meta's number of the error that the customer reported, or our own code of what was refused.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error_code: Option<String>,
    /// Meta's text of the error.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error_message: Option<String>,
    /// Meta's id of the popup session, for its support.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub session_id: Option<String>,
}
