//! What proves a signup: the token that Meta issued for it. A browser only claims, and any doubt is refused.

use futures_util::stream::{self, StreamExt};
use meta_graph::{BusinessToken, Meta, MetaError, TokenInfo};
use onboarding::{
    BusinessId, Event, OfferedNumber, Onboarding, PhoneNumber, PhoneNumberId, Signup, SignupSource, WabaId,
};
use secrecy::SecretString;

use super::callback_error::{CallbackError, RefusalCode};

/// The numbers of no more WABAs are offered.
const MOST_WABAS: usize = 20;
/// How many WABAs are read at the same time.
const AT_ONCE: usize = 4;

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

/// What the partner expects of the signup: nothing else is taken.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Expected<'a> {
    /// `+` and digits.
    pub(crate) phone_number: Option<&'a str>,
    pub(crate) business_id: Option<&'a BusinessId>,
}

/// By whose word a signup is this customer's.
#[derive(Debug, Clone)]
pub(crate) enum Proven {
    /// By the code with this SHA-256.
    ByCode(String),
    /// By the partner's.
    ByPartner,
}

/// A WABA and its numbers. It was granted: the token's granular scopes name it, or it can be read where they name none.
struct Granted {
    waba_id: WabaId,
    waba_name: Option<String>,
    numbers: Vec<PhoneNumber>,
}

impl Granted {
    fn offered(self) -> impl Iterator<Item = OfferedNumber> {
        let Self { waba_id, waba_name, numbers } = self;
        let offered = move |number| OfferedNumber { number, waba_id: waba_id.clone(), waba_name: waba_name.clone() };
        numbers.into_iter().map(offered)
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
        (claims, expected): (Claims<'_>, Expected<'_>),
        proven: Proven,
    ) -> Result<Event, CallbackError> {
        let info = self.token_info(app_secret, token).await?;
        let wabas = match claims.waba_id {
            // Scopes that are narrowed say which WABAs were shared. Others that can be read with the token were not.
            Some(claimed) if names_assets(&info) && !info.names_waba(claimed) => return Err(not_granted()),
            Some(claimed) => vec![claimed.clone()],
            None => info.wabas(),
        };
        if wabas.is_empty() {
            let reason = "Meta did not say which WhatsApp Business Account was chosen".to_owned();
            return Err(CallbackError::Refused { code: RefusalCode::WabaUnknown, reason });
        }
        if wabas.len() > MOST_WABAS {
            tracing::warn!(wabas = wabas.len(), "the numbers of the first WABAs alone are offered");
        }
        let reads = wabas.into_iter().take(MOST_WABAS).map(|waba_id| {
            let named = info.names_waba(&waba_id);
            self.read(app_secret, token, waba_id, named)
        });
        let reads = stream::iter(reads).buffered(AT_ONCE).collect::<Vec<_>>();
        let (reads, business_id) = tokio::join!(reads, self.business_id(app_secret, token));
        let business_id = expected.of_business(business_id)?;
        let (granted, all_read) = readable(reads)?;
        let (source, code_sha256) = match proven {
            Proven::ByCode(sha256) => (SignupSource::Callback, Some(sha256)),
            Proven::ByPartner => (SignupSource::Partner, None),
        };
        let one = (granted.len() == 1).then(|| &granted[0]);
        let signup = Signup {
            source,
            waba_id: one.map(|waba| waba.waba_id.clone()),
            waba_name: one.and_then(|waba| waba.waba_name.clone()),
            business_id,
            coexistence: claims.coexistence,
            number: None,
            code_sha256,
        };
        let numbers = granted.into_iter().flat_map(Granted::offered).collect();
        let chosen = claims.phone_number_id;
        match with_number(signup, numbers, (chosen, expected.phone_number), all_read)? {
            Event::SignupProven { signup } => {
                expected.check_number(signup.number.as_ref())?;
                Ok(Event::SignupProven { signup })
            }
            event => Ok(event),
        }
    }

    /// What Meta says of the token, which must be valid for our app.
    async fn token_info(&self, app_secret: &SecretString, token: &BusinessToken) -> Result<TokenInfo, CallbackError> {
        let info = self.meta.debug_token(app_secret, token).await?;
        if info.is_valid && info.app_id.as_deref() == Some(self.meta.app_id()) {
            return Ok(info);
        }
        let reason = "Meta's token is not valid for our app".to_owned();
        Err(CallbackError::Refused { code: RefusalCode::TokenNotOurs, reason })
    }

    /// Reads a WABA and its numbers. If the token does not name it, it must be readable with the token.
    async fn read(
        &self,
        app_secret: &SecretString,
        token: &BusinessToken,
        waba_id: WabaId,
        named: bool,
    ) -> Result<Granted, CallbackError> {
        let (waba, numbers) = tokio::join!(
            self.meta.waba(app_secret, token, &waba_id),
            self.meta.phone_numbers(app_secret, token, &waba_id),
        );
        let waba_name = match waba {
            Ok(waba) => waba.name,
            Err(_) if named => None,
            Err(MetaError::Refused { .. }) => return Err(not_granted()),
            Err(error) => return Err(error.into()),
        };
        Ok(Granted { waba_id, waba_name, numbers: numbers?.into_iter().map(number).collect() })
    }

    /// The portfolio, from Meta. The Hub does not need it beside a client account, so that nothing fails without it.
    async fn business_id(&self, app_secret: &SecretString, token: &BusinessToken) -> Option<BusinessId> {
        self.meta.client_business_id(app_secret, token).await.unwrap_or_else(|error| {
            tracing::warn!(%error, "Meta did not tell the business portfolio");
            None
        })
    }
}

impl<'a> Expected<'a> {
    /// What the partner expects of an onboarding.
    pub(crate) fn of(onboarding: &'a Onboarding) -> Self {
        Self {
            phone_number: onboarding.expected_phone_number.as_deref(),
            business_id: onboarding.expected_business_id.as_ref(),
        }
    }

    /// The portfolio, if it is the one that is expected. While Meta does not tell it, nobody knows.
    pub(crate) fn of_business(self, told: Option<BusinessId>) -> Result<Option<BusinessId>, CallbackError> {
        match (self.business_id, &told) {
            (Some(expected), Some(told)) if expected != told => Err(CallbackError::Refused {
                code: RefusalCode::BusinessNotExpected,
                reason: "This is not the business portfolio that was agreed on. Sign up with the agreed portfolio."
                    .to_owned(),
            }),
            (Some(_), None) => Err(CallbackError::Unavailable(
                "Meta did not tell the business portfolio, which is expected".to_owned(),
            )),
            _ => Ok(told),
        }
    }

    /// Whether the number is the one that is expected.
    pub(crate) fn check_number(self, number: Option<&PhoneNumber>) -> Result<(), CallbackError> {
        let Some(expected) = self.phone_number else { return Ok(()) };
        if number.is_some_and(|number| has_digits(number, expected)) {
            return Ok(());
        }
        if number.is_none_or(|number| number.display_phone_number.is_none()) {
            return Err(CallbackError::Unavailable("Meta did not tell the digits of the number".to_owned()));
        }
        Err(Self::other_number())
    }

    /// The number is not the one that is expected, or nobody can tell.
    pub(crate) fn other_number() -> CallbackError {
        CallbackError::Refused {
            code: RefusalCode::NumberNotExpected,
            reason: "This is not the phone number that was agreed on. Sign up with the agreed number.".to_owned(),
        }
    }
}

/// Whether a number has these digits, as Meta shows it.
fn has_digits(number: &PhoneNumber, digits: &str) -> bool {
    let only = |text: &str| text.chars().filter(char::is_ascii_digit).collect::<String>();
    number.display_phone_number.as_deref().map(only) == Some(only(digits))
}

/// Those that could be read, and whether all could. An error if none could: one that may pass, if there is one.
fn readable(reads: Vec<Result<Granted, CallbackError>>) -> Result<(Vec<Granted>, bool), CallbackError> {
    let (mut granted, mut failed) = (Vec::new(), None::<CallbackError>);
    for read in reads {
        match read {
            Ok(read) => granted.push(read),
            Err(error) => {
                tracing::warn!(%error, "a granted WABA could not be read");
                if failed.as_ref().is_none_or(|earlier| error.may_pass() && !earlier.may_pass()) {
                    failed = Some(error);
                }
            }
        }
    }
    let has_numbers = granted.iter().any(|granted| !granted.numbers.is_empty());
    match failed {
        Some(error) if granted.is_empty() || (error.may_pass() && !has_numbers) => Err(error),
        failed => Ok((granted, failed.is_none())),
    }
}

/// Whether any `whatsapp_business_*` permission of the token is narrowed to assets.
fn names_assets(info: &TokenInfo) -> bool {
    info.granular_scopes.iter().any(|scope| {
        scope.scope.starts_with("whatsapp_business_") && scope.target_ids.as_ref().is_some_and(|ids| !ids.is_empty())
    })
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

/// The number that was signed up, or the numbers to choose from. The only one is not taken for the customer's if others could
/// not be read. One that the partner expects needs no choice.
fn with_number(
    signup: Signup,
    mut numbers: Vec<OfferedNumber>,
    (claimed, expected): (Option<&PhoneNumberId>, Option<&str>),
    all_read: bool,
) -> Result<Event, CallbackError> {
    let chosen = match claimed {
        Some(claimed) => {
            let number = numbers.into_iter().find(|offered| offered.number.id == *claimed);
            number.ok_or(CallbackError::Refused {
                code: RefusalCode::NumberNotInWaba,
                reason: "The phone number is not one of the WhatsApp Business Account's".to_owned(),
            })?
        }
        None if expected.is_some() && !numbers.is_empty() => {
            let is_expected =
                |offered: &OfferedNumber| expected.is_some_and(|digits| has_digits(&offered.number, digits));
            match numbers.iter().position(is_expected) {
                Some(at) => numbers.swap_remove(at),
                // The expected one may be among those that could not be read.
                None if !all_read => {
                    return Err(CallbackError::Unavailable("a granted WABA could not be read".to_owned()));
                }
                None => numbers.remove(0),
            }
        }
        None if numbers.len() == 1 && all_read => numbers.remove(0),
        None if numbers.is_empty() => return Err(CallbackError::NoNumber),
        None => return Ok(Event::NumbersFound { signup, numbers }),
    };
    let OfferedNumber { number, waba_id, waba_name } = chosen;
    let (waba_id, number) = (Some(waba_id), Some(number));
    Ok(Event::SignupProven { signup: Signup { waba_id, waba_name, number, ..signup } })
}
