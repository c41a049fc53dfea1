//! The body of `POST /onboardings`.

use std::collections::BTreeMap;

use api::{FieldError, Problem};
use onboarding::{BusinessId, ClientAccount, Connection, Tier};
use runtime::settings::PageConfig;
use serde::Deserialize;
use serde_json::{Map, Value};
use time::Duration;

use super::client::Client;
use super::fields::{REFERENCE, check, optional, text, whole, wrong};
use super::link::check_days;
use super::locale::check_locale;
use super::message_webhook::{OwnWebhook, SentWebhook};
use super::metadata::check_metadata;
use super::prefill::check_prefill;
use super::urls::check_partner_url;

/// The fewest and the most digits of a phone number (E.164).
const DIGITS: std::ops::RangeInclusive<usize> = 7..=15;

/// As it is sent. Nothing is required and no word is known here, so that [`StartBody::check`] can name all that is wrong.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct StartBody {
    reference: Option<String>,
    client: Option<Client>,
    tier: Option<String>,
    prefill: Option<Map<String, Value>>,
    connection: Option<String>,
    expected_phone_number: Option<String>,
    expected_business_id: Option<String>,
    metadata: Option<Map<String, Value>>,
    #[serde(default, deserialize_with = "whole")]
    expires_in_days: Option<i64>,
    message_webhook: Option<SentWebhook>,
    return_url: Option<String>,
    success_url: Option<String>,
    renew_url: Option<String>,
    locale: Option<String>,
}

/// As it is used.
#[derive(Debug)]
pub(crate) struct Start {
    pub(crate) reference: String,
    pub(crate) client: ClientAccount,
    pub(crate) tier: Tier,
    pub(crate) prefill: Map<String, Value>,
    pub(crate) connection: Option<Connection>,
    pub(crate) expected_phone_number: Option<String>,
    pub(crate) expected_business_id: Option<BusinessId>,
    pub(crate) metadata: BTreeMap<String, String>,
    /// How long the setup link works.
    pub(crate) link_lifetime: Duration,
    pub(crate) message_webhook: Option<OwnWebhook>,
    pub(crate) return_url: Option<String>,
    pub(crate) success_url: Option<String>,
    pub(crate) renew_url: Option<String>,
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
        let connection = optional(&mut errors, "connection", self.connection, |word| Connection::read(&word));
        let expected_phone_number =
            optional(&mut errors, "expected_phone_number", self.expected_phone_number, |number| check_number(&number));
        let expected_business_id = optional(&mut errors, "expected_business_id", self.expected_business_id, |id| {
            id.parse().map_err(|error| format!("is {error}"))
        });
        let metadata = check_metadata(&mut errors, self.metadata.unwrap_or_default());
        let link_lifetime = check_days(&mut errors, self.expires_in_days, page);
        let message_webhook = self.message_webhook.and_then(|webhook| webhook.check(&mut errors));
        let mut url = |field, url: Option<String>, appended: &[&str]| {
            optional(&mut errors, field, url, |url| check_partner_url(&url, page, appended))
        };
        let (return_url, success_url, renew_url) = (
            url("return_url", self.return_url, &[]),
            url("success_url", self.success_url, &["onboarding", "reference", "status"]),
            url("renew_url", self.renew_url, &["onboarding"]),
        );
        check(&mut errors, "locale", self.locale.as_deref(), check_locale);
        match (reference, client, tier) {
            (Some(reference), Some(client), Some(tier)) if errors.is_empty() => Ok(Start {
                reference,
                client,
                tier,
                prefill,
                connection,
                expected_phone_number,
                expected_business_id,
                metadata,
                link_lifetime,
                message_webhook,
                return_url,
                success_url,
                renew_url,
                locale: self.locale,
            }),
            _ => Err(Problem::invalid_fields(errors)),
        }
    }
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

/// A phone number in international form, as people write it. What is kept is `+` and the digits.
fn check_number(number: &str) -> Result<String, String> {
    let is_written = |c: char| c.is_ascii_digit() || " -().\u{a0}".contains(c);
    let rest = number.trim().strip_prefix('+').unwrap_or(number.trim());
    let digits: String = rest.chars().filter(char::is_ascii_digit).collect();
    if rest.chars().all(is_written) && DIGITS.contains(&digits.len()) && !digits.starts_with('0') {
        Ok(format!("+{digits}"))
    } else {
        Err("must be a phone number in international form, such as +49 30 901820143".to_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_phone_number_is_read_as_people_write_it() {
        for number in ["+4930901820143", "4930901820143", "+49 (30) 901-820.143", " +49\u{a0}30 901820143 "] {
            assert_eq!(check_number(number).as_deref(), Ok("+4930901820143"), "{number}");
        }
        for number in [
            "",
            "+",
            "030 901820143",
            "004930901820143",
            "+49 30 90182014x",
            "++4930901820143",
            "123456",
            "+1234567890123456",
        ] {
            assert!(check_number(number).is_err(), "{number}");
        }
    }
}
