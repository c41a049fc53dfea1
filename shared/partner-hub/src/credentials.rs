//! How we identify ourselves to the Hub.

use exchange::Text;
use reqwest::header::{AUTHORIZATION, HeaderName, HeaderValue};
use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Serialize};
use time::{Duration, OffsetDateTime};

use super::error::{self, HubError};
use super::{Hub, SMALL};

/// The lifetime of a token whose answer names none; the Hub documents none either.
const USUAL_LIFETIME: Duration = Duration::minutes(10);
/// A lifetime outside these is taken for the nearer one.
const SHORTEST_LIFETIME: Duration = Duration::minutes(1);
const LONGEST_LIFETIME: Duration = Duration::days(1);
/// How long before its end a token is no longer used, so that none runs out on its way to the Hub.
const MARGIN: Duration = Duration::minutes(1);

/// One of the three ways in which the Hub lets a partner in
/// (<https://docs.360dialog.com/partner/partner-api/overview>).
#[derive(Debug, Clone)]
pub enum HubCredentials {
    /// `X-API-Key`: what 360dialog recommends.
    ApiKey(SecretString),
    /// `Authorization: Bearer` with a token that does not change.
    Bearer(SecretString),
    /// `Authorization: Bearer` with a token fetched from `POST /token`: legacy, and can be switched off in the Hub.
    Password {
        /// E-mail address of a user of the Hub.
        user_name: String,
        /// The user's password.
        password: SecretString,
    },
}

/// What goes into the header of a call.
#[derive(Debug, Clone)]
pub enum Authorization {
    /// `X-API-Key`.
    ApiKey(SecretString),
    /// `Authorization: Bearer`.
    Bearer(SecretString),
}

/// A token that was fetched.
#[derive(Debug, Clone)]
pub struct HubToken {
    /// For [`Authorization::Bearer`].
    pub secret: SecretString,
    /// Until then it is used, which is a little before its end.
    pub usable_until: OffsetDateTime,
}

#[derive(Serialize)]
struct TokenRequest<'a> {
    username: &'a str,
    password: &'a str,
}

#[derive(Deserialize)]
struct TokenAnswer {
    access_token: String,
    /// Seconds, as a number or a text.
    expires_in: Option<Text<f64>>,
}

impl HubCredentials {
    /// What to authorize calls with; `None` if a token has to be fetched for it.
    pub fn authorization(&self) -> Option<Authorization> {
        match self {
            Self::ApiKey(key) => Some(Authorization::ApiKey(key.clone())),
            Self::Bearer(token) => Some(Authorization::Bearer(token.clone())),
            Self::Password { .. } => None,
        }
    }
}

impl Authorization {
    /// The header. A secret that cannot stand in a header is as good as a refused one.
    #[expect(clippy::disallowed_methods, reason = "sent to the Hub")]
    pub(super) fn header(&self) -> Result<(HeaderName, HeaderValue), HubError> {
        let (name, value) = match self {
            Self::ApiKey(key) => (HeaderName::from_static("x-api-key"), HeaderValue::from_str(key.expose_secret())),
            Self::Bearer(token) => (AUTHORIZATION, HeaderValue::from_str(&format!("Bearer {}", token.expose_secret()))),
        };
        let mut value = value.map_err(|_| HubError::Unauthorized)?;
        value.set_sensitive(true);
        Ok((name, value))
    }
}

impl Hub {
    /// `POST /token` with `{username, password}` → `{access_token, refresh_token, token_type, expires_in}` or
    /// `{error, error_description}`. There is no documented call to refresh a token: we ask for another.
    #[expect(clippy::disallowed_methods, reason = "sent to the Hub")]
    pub async fn fetch_token(&self, user_name: &str, password: &SecretString) -> Result<HubToken, HubError> {
        let body = TokenRequest { username: user_name, password: password.expose_secret() };
        let request = self.http.post(exchange::below(&self.base_url, ["token"])).json(&body);
        // The lifetime counts from before the call, so that a slow answer does not stretch it.
        let asked_at = self.clock.now();
        // A token is no effect that anyone misses, so that nothing is ever unclear here.
        let sent = exchange::send(request, "hub", "POST /token", SMALL).await;
        let answer = sent.map_err(|failure| HubError::from_failure(failure, false))?;
        let status = answer.status.as_u16();
        let json = answer.json();
        if error::is_final(status) && error::is_own_words(json.as_ref()) {
            return Err(HubError::Unauthorized);
        }
        if !answer.status.is_success() {
            return Err(HubError::from_answer(status, json.as_ref(), answer.retry_after(), false));
        }
        let token: Option<TokenAnswer> = json.and_then(|json| serde_json::from_value(json).ok());
        let Some(TokenAnswer { access_token, expires_in }) = token.filter(|token| !token.access_token.is_empty())
        else {
            return Err(HubError::unreadable("the answer of /token has no access_token".to_owned(), false));
        };
        let usable_until = asked_at + useful_life(expires_in.and_then(|seconds| seconds.0));
        Ok(HubToken { secret: access_token.into(), usable_until })
    }
}

/// How long a token is used: the seconds that the Hub says, less a margin of at most half of it.
fn useful_life(expires_in: Option<f64>) -> Duration {
    let lifetime = expires_in.map_or(USUAL_LIFETIME, Duration::saturating_seconds_f64);
    let lifetime = lifetime.clamp(SHORTEST_LIFETIME, LONGEST_LIFETIME);
    lifetime - MARGIN.min(lifetime / 2)
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn useful_life(expires_in: Value) -> Duration {
        super::useful_life(Text::from(expires_in).0)
    }

    #[test]
    fn a_hub_token_is_used_for_less_than_its_lifetime() {
        assert_eq!(useful_life(json!(3600)), Duration::minutes(59));
        assert_eq!(useful_life(json!("3600")), Duration::minutes(59));
        assert_eq!(useful_life(json!(60)), Duration::seconds(30));
        assert_eq!(useful_life(json!(0)), Duration::seconds(30));
        assert_eq!(useful_life(json!(-5)), Duration::seconds(30));
    }

    #[test]
    fn an_absurd_token_lifetime_does_no_harm() {
        for odd in [json!("soon"), json!(null), json!({}), json!("NaN")] {
            assert!(useful_life(odd.clone()) <= USUAL_LIFETIME, "{odd}");
        }
        assert!(useful_life(json!(1e300)) <= LONGEST_LIFETIME);
        assert!(useful_life(json!("inf")) <= LONGEST_LIFETIME);
    }
}
