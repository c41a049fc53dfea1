//! How we identify ourselves to the Hub.

use exchange::Text;
use reqwest::header::{AUTHORIZATION, HeaderName, HeaderValue};
use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Serialize};
use time::{Duration, OffsetDateTime};
use tokio::sync::Mutex;

use super::error::{self, HubError};
use super::{Hub, SMALL};

/// The lifetime of a token whose answer names none; the Hub documents none either.
const USUAL_LIFETIME: Duration = Duration::minutes(10);
/// A lifetime beyond this is taken for this.
const LONGEST_LIFETIME: Duration = Duration::days(1);
/// How long before its end a token is renewed, so that none runs out on its way to the Hub.
const RENEWAL_MARGIN: Duration = Duration::minutes(1);

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
pub(super) enum Authorization {
    ApiKey(SecretString),
    Bearer(SecretString),
}

/// The token of the one user for whom tokens are fetched.
#[derive(Default)]
pub(super) struct TokenCache(Mutex<Option<Token>>);

struct Token {
    user_name: String,
    password: SecretString,
    secret: SecretString,
    renew_at: OffsetDateTime,
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

    #[expect(clippy::disallowed_methods, reason = "only compared")]
    fn is(&self, token: &SecretString) -> bool {
        matches!(self, Self::Bearer(bearer) if exchange::secret_eq(bearer.expose_secret(), token))
    }
}

impl Hub {
    /// What to authorize a call with. `refused` is what the Hub has just answered 401 to: a kept token that equals it
    /// is fetched anew, while one that another task has renewed meanwhile is used.
    pub(super) async fn authorization(
        &self,
        credentials: &HubCredentials,
        refused: Option<&Authorization>,
    ) -> Result<Authorization, HubError> {
        let (user_name, password) = match credentials {
            HubCredentials::ApiKey(key) => return Ok(Authorization::ApiKey(key.clone())),
            HubCredentials::Bearer(token) => return Ok(Authorization::Bearer(token.clone())),
            HubCredentials::Password { user_name, password } => (user_name, password),
        };
        // Held while the token is fetched: those who wait for it would only fetch another.
        let mut kept = self.token.0.lock().await;
        if let Some(token) = kept.as_ref()
            && token.belongs_to(user_name, password)
            && self.clock.now() < token.renew_at
            && !refused.is_some_and(|refused| refused.is(&token.secret))
        {
            return Ok(Authorization::Bearer(token.secret.clone()));
        }
        *kept = None;
        let token = self.fetch_token(user_name, password).await?;
        let authorization = Authorization::Bearer(token.secret.clone());
        *kept = Some(token);
        Ok(authorization)
    }

    /// `POST /token` with `{username, password}` → `{access_token, refresh_token, token_type, expires_in}` or
    /// `{error, error_description}`. There is no documented call to refresh a token: we ask for another.
    #[expect(clippy::disallowed_methods, reason = "sent to the Hub")]
    async fn fetch_token(&self, user_name: &str, password: &SecretString) -> Result<Token, HubError> {
        let body = TokenRequest { username: user_name, password: password.expose_secret() };
        let request = self.http.post(exchange::below(&self.base_url, ["token"])).json(&body);
        // The lifetime counts from before the call, so that a slow answer does not stretch it.
        let asked_at = self.clock.now();
        // A token is no effect that anyone misses, so that nothing is ever unclear here.
        let sent = exchange::send(request, "hub", "POST /token", SMALL).await;
        let answer = sent.map_err(|failure| HubError::from_failure(failure, false))?;
        let status = answer.status.as_u16();
        if error::is_final(status) {
            return Err(HubError::Unauthorized);
        }
        if !answer.status.is_success() {
            return Err(HubError::from_answer(status, answer.json().as_ref(), answer.retry_after(), false));
        }
        let token: Option<TokenAnswer> = serde_json::from_slice(&answer.body).ok();
        let Some(TokenAnswer { access_token, expires_in }) = token.filter(|token| !token.access_token.is_empty())
        else {
            return Err(HubError::unreadable("the answer of /token has no access_token".to_owned(), false));
        };
        Ok(Token {
            user_name: user_name.to_owned(),
            password: password.clone(),
            secret: access_token.into(),
            renew_at: asked_at + useful_life(expires_in.and_then(|seconds| seconds.0)),
        })
    }
}

impl Token {
    #[expect(clippy::disallowed_methods, reason = "only compared")]
    fn belongs_to(&self, user_name: &str, password: &SecretString) -> bool {
        self.user_name == user_name && exchange::secret_eq(self.password.expose_secret(), password)
    }
}

/// How long a token is used: the seconds that the Hub says, less a margin of at most half of it.
fn useful_life(expires_in: Option<f64>) -> Duration {
    let lifetime = expires_in.map_or(USUAL_LIFETIME, Duration::saturating_seconds_f64);
    let lifetime = lifetime.clamp(Duration::ZERO, LONGEST_LIFETIME);
    lifetime - RENEWAL_MARGIN.min(lifetime / 2)
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
        assert_eq!(useful_life(json!(0)), Duration::ZERO);
        assert_eq!(useful_life(json!(-5)), Duration::ZERO);
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
