//! What is left of a name, an address or a text once it is erased. Ids and times stay.

use super::client_account::{ClientAccount, ClientDetails};
use super::event::Event;
use super::problem::Problem;
use super::signup::{OfferedNumber, PhoneNumber, PopupAttempt, Signup};

/// What stands in the place of a text that has to be there.
const ERASED: &str = "erased";

impl ClientAccount {
    /// The account without the name and the address of its user.
    pub(crate) fn without_person(&self) -> Self {
        match self {
            Self::Known { id, .. } => Self::Known { id: id.clone(), details: None },
            Self::Wanted { search, .. } => {
                let [name, email, user_name] = [(); 3].map(|()| ERASED.to_owned());
                Self::Wanted { details: ClientDetails { name, email, user_name }, search: *search }
            }
        }
    }
}

impl PhoneNumber {
    fn without_person(&self) -> Self {
        Self { id: self.id.clone(), display_phone_number: None, verified_name: None }
    }
}

impl OfferedNumber {
    /// The number's ids.
    pub(crate) fn without_person(&self) -> Self {
        Self { number: self.number.without_person(), waba_id: self.waba_id.clone(), waba_name: None }
    }
}

impl Signup {
    /// The signup's ids.
    pub(crate) fn without_person(&self) -> Self {
        let number = self.number.as_ref().map(PhoneNumber::without_person);
        Self { waba_name: None, number, code_sha256: None, ..self.clone() }
    }
}

impl PopupAttempt {
    /// That there was one. The browser wrote its texts.
    fn without_person(&self) -> Self {
        Self {
            at: self.at,
            event: ERASED.to_owned(),
            current_step: None,
            error_code: None,
            error_message: None,
            session_id: None,
        }
    }
}

impl Problem {
    /// The step and the code. The text may hold another system's words.
    pub(crate) fn without_person(&self) -> Self {
        Self { detail: ERASED.to_owned(), ..self.clone() }
    }
}

impl Event {
    /// The event without what is personal of the customer. Who of the partner asked for something stays.
    #[must_use]
    pub fn without_person(&self) -> Self {
        match self.clone() {
            Self::PopupLeft { attempt } => Self::PopupLeft { attempt: attempt.without_person() },
            Self::ProofFailed { code_sha256, attempt } => {
                Self::ProofFailed { code_sha256, attempt: attempt.without_person() }
            }
            Self::SignupProven { signup } => Self::SignupProven { signup: signup.without_person() },
            Self::NumbersFound { signup, numbers } => {
                let numbers = numbers.iter().map(OfferedNumber::without_person).collect();
                Self::NumbersFound { signup: signup.without_person(), numbers }
            }
            Self::Imported { signup, channel_id, made_at, replace_key } => {
                Self::Imported { signup: signup.without_person(), channel_id, made_at, replace_key }
            }
            Self::ClientCorrected { client } => Self::ClientCorrected { client: client.without_person() },
            Self::StepDelayed { step, next_at, refused, .. } => {
                Self::StepDelayed { step, error: ERASED.to_owned(), next_at, refused }
            }
            Self::StepFailed { problem } => Self::StepFailed { problem: problem.without_person() },
            Self::ChannelEndDelayed { wanted, error, next_at } => {
                Self::ChannelEndDelayed { wanted, error: error.map(|_| ERASED.to_owned()), next_at }
            }
            // Ids, times, digests and words of ours.
            event @ (Self::Started
            | Self::LinkOpened
            | Self::LinkRenewed { .. }
            | Self::LinkRevoked
            | Self::ClientSearched { .. }
            | Self::ClientFound { .. }
            | Self::CodeExchanged { .. }
            | Self::NumberChosen { .. }
            | Self::SubmissionAsked
            | Self::SubmissionConflict
            | Self::SubmissionUnseen
            | Self::SubmissionNotTaken
            | Self::NumberAccepted
            | Self::ChannelLive { .. }
            | Self::ChannelEnded { .. }
            | Self::LookUpAsked { .. }
            | Self::LookUpDelayed { .. }
            | Self::LookedUp
            | Self::CancelAsked { .. }
            | Self::DisconnectAsked { .. }
            | Self::ReconnectAsked { .. }
            | Self::ChannelFound { .. }
            | Self::ChannelEndSent { .. }
            | Self::ChannelEndAccepted { .. }
            | Self::ChannelEndUnseen { .. }
            | Self::ChannelKept
            | Self::NumberLost { .. }
            | Self::NoKeyFound { .. }
            | Self::PermissionMissing { .. }
            | Self::PermissionGranted
            | Self::KeyStored { .. }
            | Self::KeyRotationAsked { .. }
            | Self::KeyDeletionDue
            | Self::KeysDeleted
            | Self::MessagingReady { .. }
            | Self::RetryRequested { .. }
            | Self::Erased { .. }
            | Self::LinkExpired
            | Self::Overdue { .. }) => event,
        }
    }
}
