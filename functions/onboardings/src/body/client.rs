//! The client account: named, or to be found or created.

use api::FieldError;
use onboarding::{ClientAccount, ClientDetails, ClientId, ClientSearch};
use serde::Deserialize;

use super::fields::{check, text, wrong};

/// The longest name of a client account or user, in characters.
const NAME: usize = 256;
/// The longest e-mail address (RFC 5321).
const EMAIL: usize = 254;

/// `{name, email, user_name}` or `{id}`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Client {
    id: Option<String>,
    name: Option<String>,
    email: Option<String>,
    user_name: Option<String>,
}

impl Client {
    pub(super) fn check(self, errors: &mut Vec<FieldError>) -> Option<ClientAccount> {
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
