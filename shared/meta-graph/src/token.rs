//! Tokens: from the popup's code to a business token, and what Meta says of it.

use exchange::{BusinessId, Lenient, List, Text, WabaId, object};
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;
use serde_json::Value;
use time::OffsetDateTime;
use url::Url;

use super::error::Failure;
use super::{Get, Meta, MetaError, TRIES, appsecret_proof, pause, send};

/// The permission whose `target_ids` name the newest WABA first.
const MANAGEMENT: &str = "whatsapp_business_management";

/// A token for one customer's assets, as Meta issues it for a code.
#[derive(Debug, Clone)]
pub struct BusinessToken(SecretString);

impl BusinessToken {
    /// A token that was obtained earlier.
    pub fn new(token: SecretString) -> Self {
        Self(token)
    }

    /// The token itself.
    pub fn secret(&self) -> &SecretString {
        &self.0
    }
}

/// What `debug_token` says of a token.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TokenInfo {
    /// Whether Meta takes it.
    pub is_valid: bool,
    /// The app that it was issued to.
    pub app_id: Option<String>,
    /// When it stops working; `None`: never.
    pub expires_at: Option<OffsetDateTime>,
    /// What it may do, and on which assets.
    pub granular_scopes: Vec<GranularScope>,
}

/// One permission of a token.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GranularScope {
    /// Such as `whatsapp_business_management`.
    pub scope: String,
    /// The assets that it is narrowed to; `None`: not narrowed, which names nothing and so proves nothing.
    pub target_ids: Option<Vec<String>>,
}

impl TokenInfo {
    /// Whether any `whatsapp_business_*` permission names this WABA. Not only `…_management`: since June 2026 Meta issues tokens
    /// that carry `…_manage_events` in its place.
    pub fn names_waba(&self, waba: &WabaId) -> bool {
        self.whatsapp_targets().any(|target| target == waba.as_str())
    }

    /// Every WABA that the token names, newest first as far as Meta tells.
    pub fn wabas(&self) -> Vec<WabaId> {
        let mut wabas = Vec::new();
        for waba in self.whatsapp_targets().filter_map(|target| target.parse().ok()) {
            if !wabas.contains(&waba) {
                wabas.push(waba);
            }
        }
        wabas
    }

    /// What the WhatsApp permissions are narrowed to, those of [`MANAGEMENT`] first.
    fn whatsapp_targets(&self) -> impl Iterator<Item = &str> {
        let (management, others): (Vec<_>, Vec<_>) = self
            .granular_scopes
            .iter()
            .filter(|granular| granular.scope.starts_with("whatsapp_business_"))
            .partition(|granular| granular.scope == MANAGEMENT);
        management
            .into_iter()
            .chain(others)
            .filter_map(|granular| granular.target_ids.as_ref())
            .flatten()
            .map(String::as_str)
    }
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Issued {
    access_token: Lenient<String>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Debugged {
    data: Lenient<Option<TokenShape>>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct TokenShape {
    is_valid: Lenient<bool>,
    app_id: Text,
    /// Unix time in seconds; 0 means never.
    expires_at: Lenient<Option<i64>>,
    granular_scopes: List<ScopeShape>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct ScopeShape {
    scope: Text,
    target_ids: List<Text>,
}

impl TokenShape {
    /// A member that is missing never makes the token better than it is.
    fn read(self) -> TokenInfo {
        let expires_at = self.expires_at.0.filter(|&seconds| seconds != 0);
        TokenInfo {
            is_valid: self.is_valid.0,
            app_id: self.app_id.0,
            expires_at: expires_at.and_then(|seconds| OffsetDateTime::from_unix_timestamp(seconds).ok()),
            granular_scopes: self.granular_scopes.0.into_iter().flatten().filter_map(ScopeShape::read).collect(),
        }
    }
}

impl ScopeShape {
    fn read(self) -> Option<GranularScope> {
        let target_ids = self.target_ids.0.map(|ids| ids.into_iter().filter_map(|id| id.0).collect());
        Some(GranularScope { scope: self.scope.0?, target_ids })
    }
}

/// The token in an answer that issues one.
fn issued(answer: Value) -> Option<BusinessToken> {
    let Issued { access_token: Lenient(token) } = object(answer);
    if token.is_empty() { None } else { Some(BusinessToken(token.into())) }
}

impl Meta {
    /// Exchanges the popup's code for a business token (`POST /oauth/access_token`). A code is good for one use within 30 seconds,
    /// so the request is repeated only while no connection came about.
    ///
    /// `redirect_uri`: none for the popup; the identical one for a full-page sign-in. The documented form is a GET; the POST keeps
    /// the app secret out of URLs.
    /// Source: <https://developers.facebook.com/documentation/business-messaging/whatsapp/embedded-signup/onboarding-customers-as-a-tech-provider>.
    #[expect(clippy::disallowed_methods, reason = "sent to Meta, and struck out of its answers")]
    pub async fn exchange_code(
        &self,
        app_secret: &SecretString,
        code: &SecretString,
        redirect_uri: Option<&Url>,
    ) -> Result<BusinessToken, MetaError> {
        let url = self.url(&["oauth", "access_token"]);
        let hidden = [app_secret.expose_secret(), code.expose_secret()];
        let mut form = vec![
            ("client_id", self.app.app_id.as_str()),
            ("client_secret", app_secret.expose_secret()),
            ("code", code.expose_secret()),
        ];
        form.extend(redirect_uri.map(|uri| ("redirect_uri", uri.as_str())));

        let mut tries = 1;
        let answer = loop {
            match send("POST /oauth/access_token", self.http.post(url.clone()).form(&form), &hidden).await {
                Err(Failure::Exchange(exchange::Failure::NotConnected)) if tries < TRIES => pause(tries).await,
                outcome => break outcome.map_err(Failure::of_exchange)?,
            }
            tries += 1;
        };
        issued(answer).ok_or(MetaError::Unclear)
    }

    /// What Meta says of a token (`GET /debug_token`), asked with the app's own token. A token that has expired is an answer
    /// ([`TokenInfo::is_valid`]), not an error.
    #[expect(clippy::disallowed_methods, reason = "sent to Meta")]
    pub async fn debug_token(&self, app_secret: &SecretString, token: &BusinessToken) -> Result<TokenInfo, MetaError> {
        let call = Get {
            route: "GET /debug_token",
            path: &["debug_token"],
            query: &[("input_token", token.0.expose_secret())],
            bearer: &self.app_token(app_secret),
        };
        let answer = match self.get(app_secret, call).await {
            // Of the inspected token Meta speaks in the answer; this is about the token that asks, the app's own.
            Err(Failure::Refused(refusal)) if refusal.code() == Some(190) => {
                return Err(MetaError::Misconfigured { reason: refusal.to_string() });
            }
            outcome => outcome?,
        };
        object::<Debugged>(answer).data.0.map(TokenShape::read).ok_or_else(MetaError::unreadable)
    }

    /// The token that Meta has issued for a customer's signup, without its code
    /// (`POST /{business_id}/system_user_access_tokens` with `fetch_only`), asked with the partner's system user token, which
    /// needs `business_management`.
    #[expect(clippy::disallowed_methods, reason = "sent to Meta, and struck out of its answers")]
    pub async fn fetch_token(
        &self,
        app_secret: &SecretString,
        system_user_token: &SecretString,
        business_id: &BusinessId,
    ) -> Result<BusinessToken, MetaError> {
        let url = self.url(&[business_id.as_str(), "system_user_access_tokens"]);
        let proof = appsecret_proof(app_secret, system_user_token);
        let form = [("fetch_only", "true"), ("appsecret_proof", proof.as_str())];
        let hidden = [app_secret.expose_secret(), system_user_token.expose_secret()];
        let request = self.http.post(url).bearer_auth(system_user_token.expose_secret()).form(&form);
        let answer = match send("POST /{business_id}/system_user_access_tokens", request, &hidden).await {
            // About the token that asks: it is not valid, or lacks a permission.
            Err(Failure::Refused(refusal))
                if refusal.code().is_some_and(|code| matches!(code, 10 | 190 | 200..=299)) =>
            {
                return Err(MetaError::Misconfigured { reason: refusal.to_string() });
            }
            outcome => outcome?,
        };
        issued(answer).ok_or_else(MetaError::unreadable)
    }

    /// The app's own token: its id and secret.
    #[expect(clippy::disallowed_methods, reason = "becomes part of another secret")]
    pub(super) fn app_token(&self, app_secret: &SecretString) -> SecretString {
        format!("{}|{}", self.app.app_id, app_secret.expose_secret()).into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn a_token_is_valid_only_if_meta_says_so(
            valid in prop_oneof!["true", "false", "1", "null", "\"true\""],
            expires in prop_oneof![any::<i64>().prop_map(|n| n.to_string()), Just("1e300".to_owned()), Just("{}".to_owned())],
            scopes in prop_oneof!["\\[\\]", "7", "\\[1,null,\\[\\]\\]", r#"\[\{"scope":"whatsapp_business_x","target_ids":\[12345,"",\{\}\]\}\]"#],
        ) {
            let data = format!(r#"{{"is_valid":{valid},"expires_at":{expires},"granular_scopes":{scopes}}}"#);
            let info = object::<TokenShape>(serde_json::from_str(&data).unwrap()).read();
            prop_assert_eq!(info.is_valid, valid == "true");
            prop_assert!(info.wabas().len() <= 1);
        }
    }
}
