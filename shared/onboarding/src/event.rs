//! What can happen to an onboarding. Every event that changes a record is kept beside it as history.

use exchange::{ChannelId, ClientId, PhoneNumberId};
use serde::{Deserialize, Serialize};
use strum::{IntoStaticStr, VariantNames};
use time::OffsetDateTime;

use super::channel_end::Wanted;
use super::client_account::{ClientAccount, ClientSearch};
use super::id::OnboardingId;
use super::key::StoredKey;
use super::problem::Problem;
use super::requester::Requester;
use super::signup::{OfferedNumber, PopupAttempt, Signup};
use super::step::Step;

/// Something that happened. Holds no secret: it is kept and shown to the operator.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, IntoStaticStr, VariantNames)]
#[serde(tag = "event", rename_all = "snake_case")]
#[strum(serialize_all = "snake_case")]
pub enum Event {
    /// The partner started the onboarding. First entry of every history; changes nothing.
    Started,
    /// The customer opened the setup link.
    LinkOpened,
    /// The partner made a new setup link.
    LinkRenewed {
        /// SHA-256 of its token, in hexadecimal.
        token_sha256: String,
        /// When it stops working.
        #[serde(with = "time::serde::rfc3339")]
        expires_at: OffsetDateTime,
    },
    /// The partner took the setup link back.
    LinkRevoked,
    /// The search for the client account came this far.
    ClientSearched {
        /// How far.
        search: ClientSearch,
    },
    /// The client account is known.
    ClientFound {
        /// 360dialog's id.
        client_id: ClientId,
        /// Whether we created it.
        created: bool,
    },
    /// The customer left Meta's popup, or what it returned was refused.
    PopupLeft {
        /// What we know of it.
        attempt: PopupAttempt,
    },
    /// A code was exchanged, and its token is kept until Meta has said whose signup it is.
    CodeExchanged {
        /// SHA-256 of the code, in hexadecimal.
        code_sha256: String,
    },
    /// The signup of an exchanged code could not be proven.
    ProofFailed {
        /// SHA-256 of the code, in hexadecimal.
        code_sha256: String,
        /// Why.
        attempt: PopupAttempt,
    },
    /// The signup is proven and the number is known.
    SignupProven {
        /// With its number.
        signup: Signup,
    },
    /// The signup is proven and has several numbers.
    NumbersFound {
        /// Without a number.
        signup: Signup,
        /// What the customer can choose from.
        numbers: Vec<OfferedNumber>,
    },
    /// The customer chose one of the numbers.
    NumberChosen {
        /// Its id.
        phone_number_id: PhoneNumberId,
    },
    /// The Hub is asked to take the number, in the next moment.
    SubmissionAsked,
    /// The Hub answered that it has the number already.
    SubmissionConflict,
    /// What became of the submission is not known, and the Hub shows no channel of the number.
    SubmissionUnseen,
    /// The Hub has not taken the number: it said so, or the call did not reach it.
    SubmissionNotTaken,
    /// The Hub took the number.
    NumberAccepted,
    /// The channel is live, and the Hub has said that it is this onboarding's.
    ChannelLive {
        /// 360dialog's id.
        channel_id: ChannelId,
        /// When the channel was made, as the Hub says.
        #[serde(default, with = "time::serde::rfc3339::option", skip_serializing_if = "Option::is_none")]
        made_at: Option<OffsetDateTime>,
    },
    /// The partner brought a channel in that was live before, and whose client account, WABA and number the Hub has named.
    Imported {
        /// With its number.
        signup: Signup,
        /// 360dialog's id.
        channel_id: ChannelId,
        /// When the channel was made, as the Hub says.
        #[serde(default, with = "time::serde::rfc3339::option", skip_serializing_if = "Option::is_none")]
        made_at: Option<OffsetDateTime>,
        /// The partner's word that a key of the channel may be replaced.
        #[serde(default)]
        replace_key: bool,
    },
    /// 360dialog has ended the channel, in its own words.
    ChannelEnded {
        /// 360dialog's id.
        channel_id: ChannelId,
    },
    /// Something speaks for the channel having ended: the Hub is asked.
    LookUpAsked {
        /// What does, such as `cancellation_request`.
        reason: String,
    },
    /// The Hub was asked for the channel, and did not say it.
    LookUpDelayed {
        /// When it is asked again.
        #[serde(with = "time::serde::rfc3339")]
        next_at: OffsetDateTime,
    },
    /// The Hub was asked for the channel, and it has not ended.
    LookedUp,
    /// The partner called the onboarding off.
    CancelAsked {
        /// Who did.
        by: Requester,
    },
    /// The partner wants the channel to end.
    DisconnectAsked {
        /// Who said so.
        by: Requester,
    },
    /// The partner wants the channel to stay.
    ReconnectAsked {
        /// Who said so.
        by: Requester,
    },
    /// The number of a cancelled onboarding has this channel at the Hub, which is to end.
    ChannelFound {
        /// 360dialog's id.
        channel_id: ChannelId,
    },
    /// The Hub is asked to end the channel, or to keep it, in the next moment.
    ChannelEndSent {
        /// Which of them.
        wanted: Wanted,
    },
    /// The Hub will end the channel.
    ChannelEndAccepted {
        /// When, as it says.
        #[serde(default, with = "time::serde::rfc3339::option", skip_serializing_if = "Option::is_none")]
        ends_at: Option<OffsetDateTime>,
    },
    /// The Hub was looked at, and what it was asked for has not happened: it is asked again.
    ChannelEndUnseen {
        /// What it was asked for.
        wanted: Wanted,
    },
    /// The Hub has not ended the channel yet, or could not be asked.
    ChannelEndDelayed {
        /// What it was asked for.
        wanted: Wanted,
        /// A sentence for the operator, if something went wrong.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        error: Option<String>,
        /// When it is asked next.
        #[serde(with = "time::serde::rfc3339")]
        next_at: OffsetDateTime,
    },
    /// The Hub keeps the channel; or there is none that the onboarding has made.
    ChannelKept,
    /// Another onboarding proved the number anew while this one was at rest.
    NumberLost {
        /// It.
        to: OnboardingId,
    },
    /// The Hub listed the channel's keys, and there is none.
    NoKeyFound {
        /// Of this channel.
        channel_id: ChannelId,
    },
    /// The Hub refused the key because the client has not granted permission.
    PermissionMissing {
        /// When we asked. A grant that came later than this wins.
        #[serde(with = "time::serde::rfc3339")]
        asked_at: OffsetDateTime,
    },
    /// The client granted API-key permission.
    PermissionGranted,
    /// The API key is in the vault.
    KeyStored {
        /// Of this channel.
        channel_id: ChannelId,
        /// Where.
        key: StoredKey,
    },
    /// The partner wants a new key in place of the present one.
    KeyRotationAsked {
        /// Who said so.
        by: Requester,
    },
    /// The channel ended long enough ago: its keys are to be deleted from the vault.
    KeyDeletionDue,
    /// The keys were deleted from the vault.
    KeysDeleted,
    /// The key was used once, and the message webhook is set where one is configured: nothing is left to do.
    MessagingReady {
        /// Of this channel.
        channel_id: ChannelId,
    },
    /// A step did not succeed and is tried again.
    StepDelayed {
        /// The step.
        step: Step,
        /// A sentence for the operator.
        error: String,
        /// When it is tried again.
        #[serde(with = "time::serde::rfc3339")]
        next_at: OffsetDateTime,
        /// What the step fails for if the same is answered again: a [`FailureCode`](super::FailureCode).
        #[serde(default, skip_serializing_if = "Option::is_none")]
        refused: Option<String>,
    },
    /// A step failed for good.
    StepFailed {
        /// Why.
        problem: Problem,
    },
    /// The operator named another client account, where the first, or the number under it, was refused.
    ClientCorrected {
        /// In place of the first.
        client: ClientAccount,
    },
    /// The operator asked for another try.
    RetryRequested {
        /// Its word that a key of the channel may be replaced.
        #[serde(default)]
        replace_key: bool,
    },
    /// The partner had what is personal erased, in the record and in the history.
    Erased {
        /// Who said so.
        by: Requester,
    },
    /// The setup link ran out.
    LinkExpired,
    /// It has been in its status for longer than it should. It goes on waiting.
    Overdue {
        /// When its time was over. A status that began after that is not meant.
        #[serde(with = "time::serde::rfc3339")]
        since: OffsetDateTime,
    },
}

impl Event {
    /// The word used in history and logs.
    pub fn name(&self) -> &'static str {
        self.into()
    }
}
