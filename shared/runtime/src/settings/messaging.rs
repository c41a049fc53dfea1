//! Settings of the messaging API.

use partner_hub::messaging::AllowedHosts;
use url::Url;

use super::{Env, Incomplete, base_url, parse};

settings! {
    MESSAGE_WEBHOOK_URL: parameter "MessageWebhookUrl" = "", "URL that receives the messages of a new number. Empty - the webhook of the number is not changed.";
    MESSAGING_HOSTS: parameter "MessagingHosts" = "360dialog.io", "Domains, and their subdomains, that may receive an API key; separated by commas.";
}

/// The messaging API, at the address that comes with a key.
#[derive(Debug, Clone)]
pub struct MessagingConfig {
    /// `MESSAGE_WEBHOOK_URL`: where a new number's messages go. Unset: the webhook is left alone.
    pub webhook_url: Option<Url>,
    /// `MESSAGING_HOSTS`: hosts, and domains above them, to which a key may be sent; separated by commas.
    pub hosts: AllowedHosts,
}

impl MessagingConfig {
    /// Reads the section.
    pub fn read(env: &mut Env) -> Result<Self, Incomplete> {
        let webhook_url = env.optional_parsed(MESSAGE_WEBHOOK_URL, webhook_url);
        let hosts = env.parsed(MESSAGING_HOSTS, parse("must be host names separated by commas, such as 360dialog.io"));
        Ok(Self { webhook_url: webhook_url?, hosts: hosts? })
    }
}

/// A webhook may carry a query; it is handed on as it is.
fn webhook_url(text: &str) -> Result<Url, String> {
    let (base, query) = text.split_once('?').map_or((text, None), |(base, query)| (base, Some(query)));
    let mut url = base_url(base)?;
    if query.is_some_and(|query| query.contains('#')) {
        return Err("must not hold #".to_owned());
    }
    url.set_query(query);
    Ok(url)
}
