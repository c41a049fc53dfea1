//! Where the messages of one number go.

use std::collections::BTreeMap;

use api::FieldError;
use exchange::is_loopback;
use lambda_http::http::HeaderName;
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;
use serde_json::Value;
use url::Url;

use super::fields::wrong;
use super::urls::parse;

/// The most headers.
const HEADERS: usize = 20;
/// The longest value of one, in characters.
const VALUE: usize = 1024;

/// As it is sent.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct SentWebhook {
    url: Option<String>,
    #[serde(default)]
    headers: BTreeMap<String, Option<SentValue>>,
}

/// The value of a header. Whatever it is, it is a secret.
#[derive(Deserialize)]
#[serde(from = "Value")]
struct SentValue(Option<SecretString>);

impl From<Value> for SentValue {
    fn from(value: Value) -> Self {
        match value {
            Value::String(text) => Self(Some(text.into())),
            _ => Self(None),
        }
    }
}

impl std::fmt::Debug for SentValue {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("SentValue")
    }
}

/// As it is used.
#[derive(Debug)]
pub(crate) struct OwnWebhook {
    pub(crate) url: Url,
    /// By name, in small letters.
    pub(crate) headers: BTreeMap<String, SecretString>,
}

impl SentWebhook {
    pub(super) fn check(self, errors: &mut Vec<FieldError>) -> Option<OwnWebhook> {
        let before = errors.len();
        let url = match self.url {
            None => Err("is missing".to_owned()),
            Some(url) => check_url(&url),
        };
        if self.headers.len() > HEADERS {
            wrong(errors, "message_webhook.headers", format!("must be at most {HEADERS}"));
        }
        let mut headers = BTreeMap::new();
        for (name, value) in self.headers {
            let Ok(header) = name.parse::<HeaderName>() else {
                let shown: String = name.chars().take(60).collect();
                wrong(errors, "message_webhook.headers", format!("has {shown:?}, which is no name of an HTTP header"));
                continue;
            };
            let field = format!("message_webhook.headers.{header}");
            match value.and_then(|value| value.0).filter(is_value) {
                Some(value) if !headers.contains_key(header.as_str()) => {
                    headers.insert(header.as_str().to_owned(), value);
                }
                Some(_) => wrong(errors, &field, "is there twice"),
                None => wrong(
                    errors,
                    &field,
                    format!(
                        "must be a string of 1 to {VALUE} ASCII characters, from space to ~, without blanks at either end"
                    ),
                ),
            }
        }
        match url {
            Ok(url) if errors.len() == before => Some(OwnWebhook { url, headers }),
            Ok(_) => None,
            Err(message) => {
                wrong(errors, "message_webhook.url", message);
                None
            }
        }
    }
}

/// 360dialog refuses a port and an underscore in the host (Messaging API, Webhooks).
fn check_url(url: &str) -> Result<Url, String> {
    let url = parse(url)?;
    if !url.username().is_empty() || url.password().is_some() || url.fragment().is_some() {
        return Err("must have no user name, password or fragment".to_owned());
    }
    if !is_loopback(&url) && url.port().is_some() {
        return Err("must have no port, which 360dialog refuses".to_owned());
    }
    if url.host_str().is_some_and(|host| host.contains('_')) {
        return Err("must have no underscore in its host, which 360dialog refuses".to_owned());
    }
    Ok(url)
}

#[expect(clippy::disallowed_methods, reason = "only its letters are looked at")]
fn is_value(value: &SecretString) -> bool {
    let value = value.expose_secret();
    (1..=VALUE).contains(&value.len())
        && value.bytes().all(|byte| (b' '..=b'~').contains(&byte))
        && value.trim() == value
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn check(sent: Value) -> (Option<OwnWebhook>, Vec<String>) {
        let mut errors = Vec::new();
        let checked = serde_json::from_value::<SentWebhook>(sent).unwrap().check(&mut errors);
        (checked, errors.into_iter().map(|error| error.field).collect())
    }

    #[test]
    fn a_message_webhook_is_taken_as_360dialog_would_take_it() {
        let (webhook, errors) = check(json!({"url": "https://crm.example/in?x=1", "headers": {"X-Token": "canary"}}));
        assert_eq!(errors, Vec::<String>::new());
        let webhook = webhook.unwrap();
        assert_eq!(webhook.headers.keys().collect::<Vec<_>>(), ["x-token"]);
        assert!(!format!("{webhook:?}").contains("canary"));
        for url in [
            "http://crm.example/",
            "https://crm.example:8443/",
            "https://a_b.example/",
            "https://u:p@crm.example/",
            "https://crm.example/#x",
            "x",
        ] {
            assert_eq!(check(json!({"url": url})).1, ["message_webhook.url"], "{url}");
        }
    }

    #[test]
    fn a_header_that_cannot_be_sent_is_named_and_its_value_is_not() {
        for (name, value) in
            [("a", json!("")), ("a", json!(7)), ("a", json!(null)), ("a", json!("zwölf")), ("a", json!("x\r\ny: z"))]
        {
            let (_, errors) = check(json!({"url": "https://crm.example/", "headers": {name: value}}));
            assert_eq!(errors, ["message_webhook.headers.a"]);
        }
        let (_, errors) = check(json!({"url": "https://crm.example/", "headers": {"a b": "x"}}));
        assert_eq!(errors, ["message_webhook.headers"]);
        let (_, errors) = check(json!({"url": "https://crm.example/", "headers": {"A": "x", "a": "y"}}));
        assert_eq!(errors, ["message_webhook.headers.a"]);
    }
}
