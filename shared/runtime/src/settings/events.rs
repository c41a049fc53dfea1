//! Where events are told.

use partner_webhook::WebhookUrl;

use super::{Env, Incomplete};

settings! {
    PARTNER_WEBHOOK_URL: parameter "PartnerWebhookUrl" = "", "URL of yours that receives the events. Empty - none; they go to the event bus and into the feed alone.";
    EVENT_BUS_NAME: parameter "EventBusName" = "default", "Event bus of EventBridge in this account and region that receives the events.";
    NOTIFY_UNCLAIMED: parameter "NotifyUnclaimed" = "true", "Send the event signup.unclaimed. \"false\" where several stacks share one Meta app, since Meta reports the signups of all to one stack, which cannot know whose they are.";
}

/// Where events are told.
#[derive(Debug, Clone)]
pub struct EventConfig {
    /// `PARTNER_WEBHOOK_URL`: the partner's webhook. Unset: there is none.
    pub webhook_url: Option<WebhookUrl>,
    /// `EVENT_BUS_NAME`: the event bus.
    pub bus: String,
}

impl EventConfig {
    /// Reads the section.
    pub fn read(env: &mut Env) -> Result<Self, Incomplete> {
        let webhook_url = env.optional_parsed(PARTNER_WEBHOOK_URL, |text| {
            text.parse().map_err(|error: partner_webhook::InvalidWebhookUrl| error.to_string())
        });
        let bus = env.parsed(EVENT_BUS_NAME, |text| Ok(text.to_owned()));
        Ok(Self { webhook_url: webhook_url?, bus: bus? })
    }
}

/// `NOTIFY_UNCLAIMED`: whether the partner is told of signups at Meta that no onboarding has.
pub fn notify_unclaimed(env: &mut Env) -> Result<bool, Incomplete> {
    env.parsed(NOTIFY_UNCLAIMED, |text| text.parse().map_err(|_| "must be true or false".to_owned()))
}
