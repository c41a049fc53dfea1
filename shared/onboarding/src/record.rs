//! The record of one onboarding: everything that is known of it, and nothing that can be derived.

use exchange::{BusinessId, ChannelId, ClientId, PhoneNumberId, WabaId};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use strum::{IntoStaticStr, VariantArray};
use time::{Duration, OffsetDateTime};

use super::id::OnboardingId;
use super::retry::Retry;
use super::step::Step;

/// How long the setup link shows the status after the signup.
const SHOWN: Duration = Duration::days(30);

/// Where an onboarding stands. The meaning of each is in `docs/architecture.md`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, IntoStaticStr, VariantArray)]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case")]
pub enum Status {
    /// The setup link is usable; the client account is being found or created.
    Started,
    /// The code is exchanged and its token is kept: Meta is being asked whose signup it is.
    Confirming,
    /// The signup has several numbers and Embedded Signup named none: the customer must choose.
    NumberChoice,
    /// Code exchanged, ownership proven, number known.
    SignedUp,
    /// The Hub took the number.
    Submitted,
    /// The channel is live and its API key is to be made.
    Live,
    /// Direct Payment: the client must grant API-key permission at 360dialog.
    PermissionRequired,
    /// The key is in the vault and has been used once; the message webhook is set where one is configured.
    Ready,
    /// It was live and 360dialog has ended its channel. The number is free.
    Disconnected,
    /// A permanent error at a step. [`Onboarding::problem`] says which.
    Failed,
    /// The setup link ran out before Embedded Signup was finished.
    Expired,
}

impl Status {
    /// Every status, in the order of a smooth journey.
    pub const ALL: &'static [Self] = Self::VARIANTS;

    /// The word used in the API, the table and the logs.
    pub fn as_str(self) -> &'static str {
        self.into()
    }

    /// Whether nothing is left to be done: nothing moves the onboarding any more but news of its channel or an operator's
    /// explicit request.
    pub const fn is_at_rest(self) -> bool {
        matches!(self, Self::Ready | Self::Disconnected | Self::Failed | Self::Expired)
    }

    /// Whether it is at rest without a number in use: another onboarding may take its number, and its record is not kept for
    /// ever.
    pub const fn has_ended(self) -> bool {
        self.is_at_rest() && !matches!(self, Self::Ready)
    }
}

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

/// The client account at 360dialog, as far as it is known.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "state", rename_all = "snake_case")]
pub enum ClientAccount {
    /// To be found by e-mail, or else created.
    Wanted {
        /// What it is looked up by and created from.
        details: ClientDetails,
        /// How far the search has come.
        search: ClientSearch,
    },
    /// Found, created, or named by the partner at the start.
    Known {
        /// 360dialog's id.
        id: ClientId,
        /// What it was looked up by; absent where the partner named the id.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        details: Option<ClientDetails>,
    },
}

/// Name and address of a client account (`POST …/account_sharing/clients`).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ClientDetails {
    /// The customer's organization.
    pub name: String,
    /// E-mail address of the client user. Client accounts are told apart by it.
    pub email: String,
    /// Name of the client user.
    pub user_name: String,
}

/// How far the search for a client account has come. Kept, so that no Hub call is made twice after an interruption.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "state", rename_all = "snake_case")]
pub enum ClientSearch {
    /// No page read yet, or the account may have been created without our hearing of it: search from the start.
    #[default]
    Open,
    /// Pages of all accounts before this offset hold no match.
    Reading {
        /// Number of client accounts to skip.
        offset: u32,
        /// When the first page was read.
        #[serde(default, with = "time::serde::rfc3339::option", skip_serializing_if = "Option::is_none")]
        began_at: Option<OffsetDateTime>,
    },
    /// The newest accounts hold no match, nor do the pages before this offset of those that the Hub's filter finds.
    Filtering {
        /// Number of client accounts to skip.
        offset: u32,
        /// When the first page was read, without the filter.
        #[serde(default, with = "time::serde::rfc3339::option", skip_serializing_if = "Option::is_none")]
        began_at: Option<OffsetDateTime>,
    },
    /// No page holds a match: the account may be created now.
    Absent {
        /// When the first page was read: an account that appeared later may have been missed.
        #[serde(default, with = "time::serde::rfc3339::option", skip_serializing_if = "Option::is_none")]
        at: Option<OffsetDateTime>,
    },
}

/// By whose word a signup is this customer's.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, IntoStaticStr, VariantArray)]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case")]
pub enum SignupSource {
    /// A code that the customer's browser brought from Meta, exchanged by us.
    Callback,
    /// The partner said so.
    Partner,
}

impl SignupSource {
    /// Every source.
    pub const ALL: &'static [Self] = Self::VARIANTS;

    /// The word used in the API and the table.
    pub fn as_str(self) -> &'static str {
        self.into()
    }
}

/// What Embedded Signup returned and Meta, or the partner, confirmed.
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

/// Where the API key is kept. The key itself is in the vault only.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StoredKey {
    /// ARN of the secret.
    pub secret_arn: String,
    /// The Hub's id of the key, where it named one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key_id: Option<String>,
    /// Base address of the messaging API for this key.
    pub address: String,
}

/// The stable word for programs under which a [`Problem`] is recorded.
#[derive(Debug, Clone, Copy, PartialEq, Eq, IntoStaticStr, VariantArray)]
#[strum(serialize_all = "snake_case")]
pub enum FailureCode {
    /// The Hub refused to create the client account.
    ClientRefused,
    /// The Hub refused the number, or has it under another client account.
    NumberRefused,
    /// The channel was there before us and has an API key already, which a new one would revoke. Only the partner's word
    /// leads on: a retry with `replace_key`.
    ChannelHasKey,
    /// The Hub refused another call.
    HubRefused,
    /// The record does not allow what the step found at the Hub.
    Conflict,
    /// The messaging API does not accept the API key. An operator's retry makes a new key.
    KeyRefused,
    /// The messaging API refused the message webhook.
    MessageWebhookRefused,
    /// The key may not be sent to the address that the Hub named for the messaging API.
    MessagingAddressForbidden,
}

impl FailureCode {
    /// Every code.
    pub const ALL: &'static [Self] = Self::VARIANTS;

    /// The word used in the API, the table and the logs.
    pub fn as_str(self) -> &'static str {
        self.into()
    }

    /// Whether it is what another system answered. Such an answer is final only when it comes again, minutes later: it may
    /// have been an accident of a moment.
    pub const fn is_answer(self) -> bool {
        match self {
            Self::ClientRefused
            | Self::NumberRefused
            | Self::HubRefused
            | Self::KeyRefused
            | Self::MessageWebhookRefused => true,
            Self::ChannelHasKey | Self::Conflict | Self::MessagingAddressForbidden => false,
        }
    }
}

/// How far the submission of the number has come, from the first call on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Submission {
    /// When the Hub was first asked to take the number. A channel that is older is not of our making.
    #[serde(with = "time::serde::rfc3339")]
    pub first_asked_at: OffsetDateTime,
    /// What became of the last call is not known: the Hub is looked at before it is asked again. Absent once it is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unclear: Option<UnclearSubmission>,
}

/// A call of which nobody knows what became.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct UnclearSubmission {
    /// When it was made.
    #[serde(with = "time::serde::rfc3339")]
    pub asked_at: OffsetDateTime,
    /// The Hub answered that it has the number already, and not under which client account.
    #[serde(default)]
    pub conflict: bool,
    /// How often the Hub was looked at since, and no channel of the number was there.
    #[serde(default)]
    pub looks: u8,
}

/// Why an onboarding is [`Status::Failed`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Problem {
    /// The step that failed.
    pub step: Step,
    /// A [`FailureCode`], or the code of another release.
    pub code: String,
    /// A sentence for the operator.
    pub detail: String,
    /// Whether trying again without changing anything may help.
    pub retryable: bool,
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
    /// SHA-256 of the setup token, in hexadecimal.
    pub setup_token_sha256: String,
    /// The client account at 360dialog.
    pub client: ClientAccount,
    /// The pricing plan.
    #[serde(default)]
    pub tier: Tier,
    /// What Meta's popup is to be filled with (`extras.setup`). Public to the page.
    #[serde(default, skip_serializing_if = "Map::is_empty")]
    pub prefill: Map<String, Value>,
    /// Where the page leads back to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub return_url: Option<String>,
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
    /// How many popup attempts there were in all.
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
    /// The channel is not of our making, so that its keys are listed before one is made.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub may_have_key: bool,
    /// When it was asked whether the channel of a number that is ready has ended; absent once the Hub has said.
    #[serde(default, with = "time::serde::rfc3339::option", skip_serializing_if = "Option::is_none")]
    pub look_up_asked_at: Option<OffsetDateTime>,
    /// The onboarding that proved the number anew while this one was at rest, and has it now.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub number_lost_to: Option<OnboardingId>,
    /// When the client last granted API-key permission, as far as we heard.
    #[serde(default, with = "time::serde::rfc3339::option", skip_serializing_if = "Option::is_none")]
    pub permission_granted_at: Option<OffsetDateTime>,
    /// Where the API key is kept.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key: Option<StoredKey>,
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
            setup_token_sha256,
            client,
            tier: Tier::default(),
            prefill: Map::new(),
            return_url: None,
            locale: None,
            confirmation: None,
            signup: None,
            numbers: Vec::new(),
            attempts: Vec::new(),
            attempts_count: 0,
            submission: None,
            channel_id: None,
            former_channels: Vec::new(),
            may_have_key: false,
            look_up_asked_at: None,
            number_lost_to: None,
            permission_granted_at: None,
            key: None,
            keys_void_before: None,
            retry: None,
            problem: None,
            failed_from: None,
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
        matches!(self.signup_status(), Status::Started | Status::Confirming)
    }

    /// How far the signup is, which goes on when the client account, the partner's matter, has failed.
    pub fn signup_status(&self) -> Status {
        match (&self.problem, self.failed_from) {
            (Some(Problem { step: Step::ClientAccount, .. }), Some(status)) => status,
            _ => self.status,
        }
    }

    /// Until when the setup link shows the onboarding: as long as it can be used, and after the signup for 30 days from the last
    /// change of status.
    pub fn link_shows_until(&self) -> OffsetDateTime {
        match self.signup_status() {
            Status::Started | Status::NumberChoice | Status::Expired => self.link_expires_at,
            _ => self.status_since + SHOWN,
        }
    }

    /// The WABA and the number, once both are proven.
    pub fn number(&self) -> Option<(&WabaId, &PhoneNumber)> {
        let signup = self.signup.as_ref()?;
        Some((signup.waba_id.as_ref()?, signup.number.as_ref()?))
    }
}
