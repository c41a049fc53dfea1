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
/// The largest integer that JavaScript, and so the page, tells from its neighbors: 2^53 - 1.
const LARGEST_EXACT: u64 = (1 << 53) - 1;
/// The longest language tag, in characters. RFC 5646 asks for at least 35.
const LOCALE: usize = 64;

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
        let prefill = check_prefill(&mut errors, self.prefill.unwrap_or_default());
        let return_url = self.return_url.and_then(|url| match check_return_url(&url, page) {
            Ok(url) => Some(url),
            Err(message) => {
                wrong(&mut errors, "return_url", message);
                None
            }
        });
        check(&mut errors, "locale", self.locale.as_deref(), check_locale);
        match (reference, client, tier) {
            (Some(reference), Some(client), Some(tier)) if errors.is_empty() => {
                Ok(Start { reference, client, tier, prefill, return_url, locale: self.locale })
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

fn check_prefill(errors: &mut Vec<FieldError>, mut prefill: Map<String, Value>) -> Map<String, Value> {
    if prefill.contains_key("solutionID") {
        wrong(errors, "prefill.solutionID", "is set by this service");
    }
    for (name, member) in &mut prefill {
        keep_digits(errors, &format!("prefill.{name}"), member);
    }
    if serde_json::to_string(&prefill).map_or(0, |text| text.len()) > PREFILL {
        wrong(errors, "prefill", format!("must be at most {PREFILL} bytes of JSON"));
    }
    prefill
}

/// Makes texts of integers that the page would round. Meta's ids may come as numbers.
fn keep_digits(errors: &mut Vec<FieldError>, field: &str, value: &mut Value) {
    match value {
        Value::Number(number) => match number.as_u64().or_else(|| number.as_i64().map(i64::unsigned_abs)) {
            Some(size) if size > LARGEST_EXACT => *value = number.to_string().into(),
            // Beyond 64 bits the digits are lost already.
            None if number.as_f64().is_some_and(|number| number.abs() > 9e15) => {
                wrong(errors, field, "must be a text, because a number of this size loses digits");
            }
            _ => {}
        },
        Value::Array(members) => {
            for (index, member) in members.iter_mut().enumerate() {
                keep_digits(errors, &format!("{field}.{index}"), member);
            }
        }
        Value::Object(members) => {
            for (name, member) in members {
                keep_digits(errors, &format!("{field}.{name}"), member);
            }
        }
        Value::Null | Value::Bool(_) | Value::String(_) => {}
    }
}

/// The URL as browsers read it. Customers are led only to where the operator allowed it: a setup link must not lead to a
/// stranger's page.
fn check_return_url(url: &str, page: &PageConfig) -> Result<String, String> {
    // Browsers repair these, other programs read another host.
    if url.contains(|c: char| c == '\\' || c.is_whitespace() || c.is_control()) {
        return Err("must not contain backslashes, blanks or control characters".to_owned());
    }
    let parsed = Url::parse(url).map_err(|_| "must be a URL".to_owned())?;
    if !is_https_or_loopback(&parsed) {
        return Err("must begin with https://".to_owned());
    }
    if !page.return_origins.contains(&parsed.origin()) {
        return Err("must be of an origin that RETURN_URL_ORIGINS allows".to_owned());
    }
    Ok(parsed.into())
}

/// A language tag, as browsers have them: `de`, `pt-BR`, `es-419`, `zh-Hant`. Letters and digits as in a range of RFC 4647:
/// the page looks for the language that fits best, so what the tag means is not checked.
fn check_locale(locale: &str) -> Result<(), String> {
    let mut parts = locale.split('-');
    let language = parts
        .next()
        .is_some_and(|part| (2..=8).contains(&part.len()) && part.bytes().all(|byte| byte.is_ascii_alphabetic()));
    let more = parts.all(|part| (1..=8).contains(&part.len()) && part.bytes().all(|byte| byte.is_ascii_alphanumeric()));
    if language && more && locale.len() <= LOCALE {
        Ok(())
    } else {
        Err("must be a language tag such as de, pt-BR or es-419".to_owned())
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn language_tags_of_any_form_are_accepted() {
        for locale in
            ["de", "DE", "fil", "es-419", "zh-Hant", "pt-br", "sr-Latn-RS", "de-DE-u-co-phonebk", "ca-valencia"]
        {
            assert_eq!(check_locale(locale), Ok(()), "{locale}");
        }
        for locale in ["", "d", "de_DE", "de-", "-de", "../x", "de DE", "*", "4de", "undeterminate", &"de-".repeat(40)]
        {
            assert!(check_locale(locale).is_err(), "{locale}");
        }
    }

    #[test]
    fn ids_that_javascript_would_round_become_texts() {
        let prefill = json!({
            "business": {"id": 10_203_040_506_070_809_u64, "small": 9_007_199_254_740_991_u64, "negative": i64::MIN},
            "phones": [{"code": 49}, 9_007_199_254_740_992_u64, 0.5, true, null, "9007199254740993"],
        });
        let mut errors = Vec::new();
        let kept = check_prefill(&mut errors, prefill.as_object().cloned().unwrap());
        let expected = json!({
            "business": {"id": "10203040506070809", "small": 9_007_199_254_740_991_u64, "negative": "-9223372036854775808"},
            "phones": [{"code": 49}, "9007199254740992", 0.5, true, null, "9007199254740993"],
        });
        assert_eq!((Value::Object(kept), errors), (expected, Vec::new()));
    }

    #[test]
    fn a_number_whose_digits_are_lost_is_refused_by_its_path() {
        let prefill =
            serde_json::from_str::<Value>(r#"{"a": [{"b": 123456789012345678901234567890}, 1e300]}"#).unwrap();
        let mut errors = Vec::new();
        check_prefill(&mut errors, prefill.as_object().cloned().unwrap());
        let fields: Vec<_> = errors.iter().map(|error| error.field.as_str()).collect();
        assert_eq!(fields, ["prefill.a.0.b", "prefill.a.1"]);
    }
}
