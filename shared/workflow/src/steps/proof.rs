//! What proves a signup: the token that Meta issued for it. A browser only claims, and any doubt is refused.

use meta_graph::session::{Session, SessionEvent};
use meta_graph::{BusinessToken, Meta, MetaError};
use onboarding::{BusinessId, Event, PhoneNumber, PhoneNumberId, Signup, WabaId};
use secrecy::SecretString;

use super::es_callback::{CallbackError, RefusalCode};

/// Proves signups at Meta.
#[derive(Clone)]
pub struct SignupProof {
    /// The Graph API.
    pub(crate) meta: Meta,
}

/// What is said of a signup, and not yet proven.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Claims<'a> {
    pub(crate) waba_id: Option<&'a WabaId>,
    pub(crate) phone_number_id: Option<&'a PhoneNumberId>,
    pub(crate) coexistence: bool,
}

impl<'a> From<&'a Session> for Claims<'a> {
    fn from(session: &'a Session) -> Self {
        Self {
            waba_id: session.waba_id.as_ref(),
            phone_number_id: session.phone_number_id.as_ref(),
            coexistence: session.event == SessionEvent::FinishCoexistence,
        }
    }
}

impl SignupProof {
    /// Proves with the app of this client: a token must be for it.
    pub fn new(meta: Meta) -> Self {
        Self { meta }
    }

    /// The event that a signup is, with the token that Meta issued for it: a number, or several to choose from.
    pub(crate) async fn of(
        &self,
        app_secret: &SecretString,
        token: &BusinessToken,
        claims: Claims<'_>,
        code_sha256: Option<String>,
    ) -> Result<Event, CallbackError> {
        let granted = self.granted_waba(app_secret, token, claims.waba_id).await?;
        let (waba, numbers, business_id) = tokio::join!(
            self.meta.waba(app_secret, token, &granted.id),
            self.meta.phone_numbers(app_secret, token, &granted.id),
            self.business_id(app_secret, token),
        );
        let waba_name = match waba {
            Ok(waba) => waba.name,
            Err(_) if granted.named_in_token => None,
            Err(MetaError::Refused { .. }) => return Err(not_granted()),
            Err(error) => return Err(error.into()),
        };
        let signup = Signup {
            waba_id: granted.id,
            waba_name,
            business_id,
            coexistence: claims.coexistence,
            number: None,
            code_sha256,
        };
        with_number(signup, numbers?.into_iter().map(number).collect(), claims.phone_number_id)
    }

    /// The WABA that the token was granted for: the one that is claimed, or the only one in the token.
    async fn granted_waba(
        &self,
        app_secret: &SecretString,
        token: &BusinessToken,
        claimed: Option<&WabaId>,
    ) -> Result<GrantedWaba, CallbackError> {
        let info = self.meta.debug_token(app_secret, token).await?;
        if !info.is_valid || info.app_id.as_deref() != Some(self.meta.app_id()) {
            let reason = "Meta's token is not valid for our app".to_owned();
            return Err(CallbackError::Refused { code: RefusalCode::TokenNotOurs, reason });
        }
        if let Some(claimed) = claimed {
            return Ok(GrantedWaba { id: claimed.clone(), named_in_token: info.names_waba(claimed) });
        }
        match <[WabaId; 1]>::try_from(info.wabas()) {
            Ok([id]) => Ok(GrantedWaba { id, named_in_token: true }),
            Err(_) => Err(CallbackError::Refused {
                code: RefusalCode::WabaUnknown,
                reason: "Meta did not say which WhatsApp Business Account was chosen".to_owned(),
            }),
        }
    }

    /// The portfolio, from Meta. The Hub does not need it beside a client account, so that nothing fails without it.
    async fn business_id(&self, app_secret: &SecretString, token: &BusinessToken) -> Option<BusinessId> {
        self.meta.client_business_id(app_secret, token).await.unwrap_or_else(|error| {
            tracing::warn!(%error, "Meta did not tell the business portfolio");
            None
        })
    }
}

/// A WABA and whether the token's granular scopes name it. If they do not, it must be readable with the token.
struct GrantedWaba {
    id: WabaId,
    named_in_token: bool,
}

fn number(number: meta_graph::PhoneNumber) -> PhoneNumber {
    let meta_graph::PhoneNumber { id, display_phone_number, verified_name } = number;
    PhoneNumber { id, display_phone_number, verified_name }
}

fn not_granted() -> CallbackError {
    CallbackError::Refused {
        code: RefusalCode::WabaNotGranted,
        reason: "The WhatsApp Business Account was not shared with us in this sign-up".to_owned(),
    }
}

/// The number that was signed up, or the numbers to choose from.
fn with_number(
    signup: Signup,
    mut numbers: Vec<PhoneNumber>,
    claimed: Option<&PhoneNumberId>,
) -> Result<Event, CallbackError> {
    if let Some(claimed) = claimed {
        let number = numbers.into_iter().find(|number| number.id == *claimed).ok_or(CallbackError::Refused {
            code: RefusalCode::NumberNotInWaba,
            reason: "The phone number is not one of the WhatsApp Business Account's".to_owned(),
        })?;
        return Ok(Event::SignupProven { signup: Signup { number: Some(number), ..signup } });
    }
    match numbers.len() {
        0 => Err(CallbackError::NoNumber),
        1 => Ok(Event::SignupProven { signup: Signup { number: numbers.pop(), ..signup } }),
        _ => Ok(Event::NumbersFound { signup, numbers }),
    }
}
