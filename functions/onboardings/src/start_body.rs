//! The bodies of `POST /onboardings` and of a retry, checked: every wrong field is named.

use api::{FieldError, Problem};
use exchange::is_https_or_loopback;
use onboarding::{ClientAccount, ClientDetails, ClientId, ClientSearch, Tier};
use runtime::settings::PageConfig;
use serde::Deserialize;
use serde_json::{Map, Value};
use url::Url;

/// The longest `reference`, in characters.
pub(crate) const REFERENCE: usize = 128;
/// The longest name of a client account or user, in characters.
const NAME: usize = 256;
/// The longest e-mail address (RFC 5321).
const EMAIL: usize = 254;
/// The largest prefill, in bytes of JSON. The record as a whole has to fit into one item.
const PREFILL: usize = 8 * 1024;

/// As it is sent. Nothing is required and no word is known here, so that [`StartBody::check`] can name all that is wrong.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct StartBody {
    reference: Option<String>,
    client: Option<Client>,
    tier: Option<String>,
    prefill: Option<Map<String, Value>>,
    return_url: Option<String>,
    locale: Option<String>,
}

/// The body of `POST /onboardings/{id}/retry`; none is the same as an empty one.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct RetryBody {
    client: Option<Client>,
    /// The partner's word that the channel's present key may be revoked.
    #[serde(default)]
    pub(crate) replace_key: bool,
}

/// `{name, email, user_name}` or `{id}`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Client {
    id: Option<String>,
    name: Option<String>,
    email: Option<String>,
    user_name: Option<String>,
}

/// As it is used.
#[derive(Debug)]
pub(crate) struct Start {
    pub(crate) reference: String,
    pub(crate) client: ClientAccount,
    pub(crate) tier: Tier,
    pub(crate) prefill: Map<String, Value>,
    pub(crate) return_url: Option<String>,
    pub(crate) locale: Option<String>,
}

impl StartBody {
    /// Checks every field.
    pub(crate) fn check(self, page: &PageConfig) -> Result<Start, Problem> {
        let mut errors = Vec::new();
        let reference = text(&mut errors, "reference", self.reference, REFERENCE);
        if self.client.is_none() {
            wrong(&mut errors, "client", "is missing");
        }
        let client = self.client.and_then(|client| client.check(&mut errors));
        let tier = check_tier(&mut errors, self.tier.as_deref());
        let prefill = self.prefill.unwrap_or_default();
        check_prefill(&mut errors, &prefill);
        check(&mut errors, "return_url", self.return_url.as_deref(), |url| check_return_url(url, page));
        check(&mut errors, "locale", self.locale.as_deref(), check_locale);
        match (reference, client, tier) {
            (Some(reference), Some(client), Some(tier)) if errors.is_empty() => {
                Ok(Start { reference, client, tier, prefill, return_url: self.return_url, locale: self.locale })
            }
            _ => Err(Problem::invalid_fields(errors)),
        }
    }
}

impl RetryBody {
    /// The client account that is named in place of the first.
    pub(crate) fn check(self) -> Result<Option<ClientAccount>, Problem> {
        let mut errors = Vec::new();
        let client = self.client.and_then(|client| client.check(&mut errors));
        if errors.is_empty() { Ok(client) } else { Err(Problem::invalid_fields(errors)) }
    }
}

impl Client {
    fn check(self, errors: &mut Vec<FieldError>) -> Option<ClientAccount> {
        if let Some(id) = self.id {
            if self.name.is_some() || self.email.is_some() || self.user_name.is_some() {
                wrong(errors, "client", "must be {id} or {name, email, user_name}, not both");
            }
            return match id.parse::<ClientId>() {
                Ok(id) => Some(ClientAccount::Known { id, details: None }),
                Err(error) => {
                    wrong(errors, "client.id", format!("is {error}"));
                    None
                }
            };
        }
        let name = text(errors, "client.name", self.name, NAME);
        let email = text(errors, "client.email", self.email, EMAIL);
        let user_name = text(errors, "client.user_name", self.user_name, NAME);
        check(errors, "client.email", email.as_deref(), check_email);
        let details = ClientDetails { name: name?, email: email?, user_name: user_name? };
        Some(ClientAccount::Wanted { details, search: ClientSearch::Open })
    }
}

fn wrong(errors: &mut Vec<FieldError>, field: &str, message: impl Into<String>) {
    errors.push(FieldError { field: field.to_owned(), message: message.into() });
}

fn check(
    errors: &mut Vec<FieldError>,
    field: &str,
    value: Option<&str>,
    check: impl FnOnce(&str) -> Result<(), String>,
) {
    if let Some(Err(message)) = value.map(check) {
        wrong(errors, field, message);
    }
}

/// A text that must be there, without blanks around it and without control characters.
fn text(errors: &mut Vec<FieldError>, field: &str, value: Option<String>, longest: usize) -> Option<String> {
    let Some(value) = value else {
        wrong(errors, field, "is missing");
        return None;
    };
    let trimmed = value.trim();
    if trimmed.is_empty() || trimmed.chars().count() > longest || trimmed.chars().any(char::is_control) {
        wrong(errors, field, format!("must be 1 to {longest} characters without control characters"));
        return None;
    }
    Some(trimmed.to_owned())
}

/// Only what the Hub would surely refuse; whether the address exists, nobody can tell from its letters.
fn check_email(email: &str) -> Result<(), String> {
    let valid = email.split_once('@').is_some_and(|(local, domain)| {
        !local.is_empty()
            && domain.contains('.')
            && !domain.starts_with('.')
            && !domain.ends_with('.')
            && !domain.contains('@')
    });
    if valid && !email.contains(char::is_whitespace) { Ok(()) } else { Err("must be an e-mail address".to_owned()) }
}

fn check_tier(errors: &mut Vec<FieldError>, tier: Option<&str>) -> Option<Tier> {
    let Some(word) = tier else { return Some(Tier::default()) };
    let known = Tier::ALL.iter().copied().find(|tier| tier.as_str() == word);
    if known.is_none() {
        let words: Vec<_> = Tier::ALL.iter().map(|tier| tier.as_str()).collect();
        wrong(errors, "tier", format!("must be one of {}", words.join(", ")));
    }
    known
}

fn check_prefill(errors: &mut Vec<FieldError>, prefill: &Map<String, Value>) {
    if prefill.contains_key("solutionID") {
        wrong(errors, "prefill.solutionID", "is set by this service");
    }
    if serde_json::to_string(prefill).map_or(0, |text| text.len()) > PREFILL {
        wrong(errors, "prefill", format!("must be at most {PREFILL} bytes of JSON"));
    }
}

/// Customers are led only to where the operator allowed it: a setup link must not lead to a stranger's page.
fn check_return_url(url: &str, page: &PageConfig) -> Result<(), String> {
    let parsed = Url::parse(url).map_err(|_| "must be a URL".to_owned())?;
    if !is_https_or_loopback(&parsed) {
        return Err("must begin with https://".to_owned());
    }
    if !page.return_origins.contains(&parsed.origin()) {
        return Err("must be of an origin that RETURN_URL_ORIGINS allows".to_owned());
    }
    Ok(())
}

/// `de` or `pt-BR`.
fn check_locale(locale: &str) -> Result<(), String> {
    let (language, region) =
        locale.split_once('-').map_or((locale, None), |(language, region)| (language, Some(region)));
    let letters = |text: &str, case: fn(&u8) -> bool| text.len() == 2 && text.bytes().all(|b| case(&b));
    if letters(language, u8::is_ascii_lowercase) && region.is_none_or(|region| letters(region, u8::is_ascii_uppercase))
    {
        Ok(())
    } else {
        Err("must be a language such as de or pt-BR".to_owned())
    }
}
