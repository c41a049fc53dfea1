//! Where the messages of a number go: to where its onboarding says, or else to where all do.

use std::collections::BTreeMap;
use std::sync::Arc;

use onboarding::Onboarding;
use partner_hub::messaging::MessageWebhook;
use secrecy::SecretString;
use secrets::{HeaderKeys, Secret};
use url::Url;

use crate::runner::{HubContext, StepError};

/// Where messages go.
#[derive(Clone)]
pub struct MessageWebhooks {
    /// Where those of a number go whose onboarding does not say; `None`: its webhook is left alone.
    pub usual: Option<Url>,
    /// The keys with which an onboarding's own headers are sealed.
    pub header_keys: Arc<dyn Secret<HeaderKeys>>,
}

impl MessageWebhooks {
    /// Where the messages of an onboarding's number go; `None` if its webhook is left alone.
    pub(super) async fn of(
        &self,
        context: &HubContext,
        onboarding: &Onboarding,
    ) -> Result<Option<MessageWebhook>, StepError> {
        let Some(own) = &onboarding.message_webhook else {
            let Some(url) = self.usual.clone() else { return Ok(None) };
            let headers = context.secret.value().await?.message_webhook_headers.clone();
            return Ok(Some(MessageWebhook { url, headers }));
        };
        let url = own.url.parse().map_err(|_| unusable("its URL cannot be read"))?;
        let headers = match &own.sealed_headers {
            None => BTreeMap::new(),
            Some(sealed) => self.open(sealed, onboarding).await?,
        };
        Ok(Some(MessageWebhook { url, headers }))
    }

    async fn open(&self, sealed: &str, onboarding: &Onboarding) -> Result<BTreeMap<String, SecretString>, StepError> {
        let context = onboarding.id.as_str();
        if let Some(headers) = self.header_keys.value().await?.open(sealed, context) {
            return Ok(headers);
        }
        // The keys may have been rotated since they were read.
        let opened = self.header_keys.refresh().await?.open(sealed, context);
        opened.ok_or_else(|| unusable("no key of the secret …/header-key opens its headers"))
    }
}

fn unusable(why: &str) -> StepError {
    StepError::Retry { reason: format!("the message_webhook of this onboarding cannot be set: {why}"), after: None }
}
