//! The record of one onboarding: everything that is known of it, and nothing that can be derived.

use std::collections::BTreeMap;

use exchange::{BusinessId, ChannelId, ClientId, WabaId};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use strum::{IntoStaticStr, VariantArray};
use time::OffsetDateTime;

use super::channel_end::ChannelEnd;
use super::client_account::ClientAccount;
use super::id::OnboardingId;
use super::key::{KeyRotation, StoredKey};
use super::link::FormerLink;
use super::options::{Connection, MessageWebhook};
use super::problem::Problem;
use super::retry::Retry;
use super::signup::{Confirmation, OfferedNumber, PhoneNumber, PopupAttempt, Signup};
use super::status::Status;
use super::step::Step;
use super::submission::Submission;

/// The pricing plan asked for at 360dialog; only partners with tiered pricing have more than one.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, IntoStaticStr, VariantArray)]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case")]
pub enum Tier {
    /// 360dialog's default.
    #[default]
    Regular,
    /// The larger plan.
    Premium,
    /// The smaller plan.
    Basic,
}

impl Tier {
    /// Every tier.
    pub const ALL: &'static [Self] = Self::VARIANTS;

    /// The word used in the API, the table and at 360dialog.
    pub fn as_str(self) -> &'static str {
        self.into()
    }
}

/// One journey of one customer, from start to API key.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Onboarding {
    /// Our id.
    pub id: OnboardingId,
    /// The partner's own id for the customer.
    pub reference: String,
    /// Where it stands.
    pub status: Status,
    /// When the partner started it.
    #[serde(with = "time::serde::rfc3339")]
    pub created_at: OffsetDateTime,
    /// When the last event was applied.
    #[serde(with = "time::serde::rfc3339")]
    pub updated_at: OffsetDateTime,
    /// Since when the present work waits, whatever was tried since: who waits longest is first of its class.
    #[serde(with = "time::serde::rfc3339")]
    pub work_since: OffsetDateTime,
    /// When the status last changed.
    #[serde(with = "time::serde::rfc3339")]
    pub status_since: OffsetDateTime,
    /// Since when it has been in this status for longer than it should; absent while it has not.
    #[serde(default, with = "time::serde::rfc3339::option", skip_serializing_if = "Option::is_none")]
    pub overdue_since: Option<OffsetDateTime>,
    /// When the setup link stops working.
    #[serde(with = "time::serde::rfc3339")]
    pub link_expires_at: OffsetDateTime,
    /// When the customer first opened the setup link.
    #[serde(default, with = "time::serde::rfc3339::option", skip_serializing_if = "Option::is_none")]
    pub opened_at: Option<OffsetDateTime>,
    /// When the partner took the setup link back: it is void.
    #[serde(default, with = "time::serde::rfc3339::option", skip_serializing_if = "Option::is_none")]
    pub link_revoked_at: Option<OffsetDateTime>,
    /// SHA-256 of the setup token, in hexadecimal; empty where no link was ever made.
    pub setup_token_sha256: String,
    /// The newest setup links before this one, oldest first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub former_links: Vec<FormerLink>,
    /// The client account at 360dialog.
    pub client: ClientAccount,
    /// The pricing plan.
    #[serde(default)]
    pub tier: Tier,
    /// What Meta's popup is to be filled with (`extras.setup`). Public to the page.
    #[serde(default, skip_serializing_if = "Map::is_empty")]
    pub prefill: Map<String, Value>,
    /// Which kind of number is to be connected; absent where the setting decides.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub connection: Option<Connection>,
    /// The only number that is taken: `+` and digits.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expected_phone_number: Option<String>,
    /// The only business portfolio whose signup is taken.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expected_business_id: Option<BusinessId>,
    /// The partner's own words, which it gets back in answers and events.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub metadata: BTreeMap<String, String>,
    /// Where the messages of this number go; absent where the setting decides.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub message_webhook: Option<MessageWebhook>,
    /// Where the page leads back to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub return_url: Option<String>,
    /// Where the page leads once the signup is done, in place of `return_url`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub success_url: Option<String>,
    /// Where a customer whose link has run out can ask for a new one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub renew_url: Option<String>,
    /// The page's language, such as `de`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub locale: Option<String>,
    /// The code whose signup is being confirmed, in [`Status::Confirming`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub confirmation: Option<Confirmation>,
    /// The proven signup.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub signup: Option<Signup>,
    /// The numbers to choose from in [`Status::NumberChoice`].
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub numbers: Vec<OfferedNumber>,
    /// The newest popup attempts that did not lead on, oldest first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub attempts: Vec<PopupAttempt>,
    /// How many popup attempts there were with the present link.
    #[serde(default)]
    pub attempts_count: u32,
    /// How the submission of the number has been going; absent before the first call.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub submission: Option<Submission>,
    /// The channel at 360dialog, once the Hub has said that it is this onboarding's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub channel_id: Option<ChannelId>,
    /// The number's channels before this one, the oldest first. News of them means nothing any more.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub former_channels: Vec<ChannelId>,
    /// The channel is of our making.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub has_made_channel: bool,
    /// The channel is not of our making, so that its keys are listed before one is made.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub may_have_key: bool,
    /// When it was asked whether the channel of a number that is ready has ended; absent once the Hub has said.
    #[serde(default, with = "time::serde::rfc3339::option", skip_serializing_if = "Option::is_none")]
    pub look_up_asked_at: Option<OffsetDateTime>,
    /// When the Hub is asked next whether it has; absent where that is due.
    #[serde(default, with = "time::serde::rfc3339::option", skip_serializing_if = "Option::is_none")]
    pub look_up_next_at: Option<OffsetDateTime>,
    /// The end of the channel that the partner asked for, and how it went.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub channel_end: Option<ChannelEnd>,
    /// The onboarding that proved the number anew while this one was at rest, and has it now.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub number_lost_to: Option<OnboardingId>,
    /// When the client last granted API-key permission, as far as we heard.
    #[serde(default, with = "time::serde::rfc3339::option", skip_serializing_if = "Option::is_none")]
    pub permission_granted_at: Option<OffsetDateTime>,
    /// Where the API key is kept.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key: Option<StoredKey>,
    /// The new key that the partner asked for, until it has been used once.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key_rotation: Option<KeyRotation>,
    /// Since when the keys in the vault are to be deleted: long enough after the channel has ended.
    #[serde(default, with = "time::serde::rfc3339::option", skip_serializing_if = "Option::is_none")]
    pub key_deletion_due_at: Option<OffsetDateTime>,
    /// When they were.
    #[serde(default, with = "time::serde::rfc3339::option", skip_serializing_if = "Option::is_none")]
    pub key_deleted_at: Option<OffsetDateTime>,
    /// Keys in the vault that are older than this count as absent: the messaging API refuses them.
    #[serde(default, with = "time::serde::rfc3339::option", skip_serializing_if = "Option::is_none")]
    pub keys_void_before: Option<OffsetDateTime>,
    /// How the present step has been going, while it has not succeeded.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retry: Option<Retry>,
    /// Why it failed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub problem: Option<Problem>,
    /// The status to which an operator's retry leads back.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub failed_from: Option<Status>,
    /// When the partner had what is personal erased. Nothing leads on from there.
    #[serde(default, with = "time::serde::rfc3339::option", skip_serializing_if = "Option::is_none")]
    pub erased_at: Option<OffsetDateTime>,
}

impl Onboarding {
    /// An onboarding that begins at `now` and of which nothing else is known yet. `setup_token_sha256`: in hexadecimal.
    pub fn new(
        id: OnboardingId,
        reference: String,
        client: ClientAccount,
        setup_token_sha256: String,
        link_expires_at: OffsetDateTime,
        now: OffsetDateTime,
    ) -> Self {
        Self {
            id,
            reference,
            status: Status::Started,
            created_at: now,
            updated_at: now,
            work_since: now,
            status_since: now,
            overdue_since: None,
            link_expires_at,
            opened_at: None,
            link_revoked_at: None,
            setup_token_sha256,
            former_links: Vec::new(),
            client,
            tier: Tier::default(),
            prefill: Map::new(),
            connection: None,
            expected_phone_number: None,
            expected_business_id: None,
            metadata: BTreeMap::new(),
            message_webhook: None,
            return_url: None,
            success_url: None,
            renew_url: None,
            locale: None,
            confirmation: None,
            signup: None,
            numbers: Vec::new(),
            attempts: Vec::new(),
            attempts_count: 0,
            submission: None,
            channel_id: None,
            former_channels: Vec::new(),
            has_made_channel: false,
            may_have_key: false,
            look_up_asked_at: None,
            look_up_next_at: None,
            channel_end: None,
            number_lost_to: None,
            permission_granted_at: None,
            key: None,
            key_rotation: None,
            key_deletion_due_at: None,
            key_deleted_at: None,
            keys_void_before: None,
            retry: None,
            problem: None,
            failed_from: None,
            erased_at: None,
        }
    }

    /// 360dialog's id of the client account, once it is known.
    pub fn client_id(&self) -> Option<&ClientId> {
        match &self.client {
            ClientAccount::Known { id, .. } => Some(id),
            ClientAccount::Wanted { .. } => None,
        }
    }

    /// Whether a signup can be taken: none is proven yet. A customer who is in the popup while the Hub refuses the client
    /// account must not lose what they finish there.
    pub fn takes_signup(&self) -> bool {
        self.erased_at.is_none() && matches!(self.signup_status(), Status::Started | Status::Confirming)
    }

    /// How far the signup is, which goes on when the client account, the partner's matter, has failed.
    pub fn signup_status(&self) -> Status {
        match (&self.problem, self.failed_from) {
            (Some(Problem { step: Step::ClientAccount, .. }), Some(status)) => status,
            _ => self.status,
        }
    }

    /// The WABA and the number, once both are proven.
    pub fn number(&self) -> Option<(&WabaId, &PhoneNumber)> {
        let signup = self.signup.as_ref()?;
        Some((signup.waba_id.as_ref()?, signup.number.as_ref()?))
    }
}
