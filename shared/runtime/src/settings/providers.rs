//! Settings of the Hub and of Meta.

#[cfg(feature = "dependencies")]
use onboarding::limiter::CallLimit;
#[cfg(feature = "dependencies")]
use time::Duration;
use url::Url;

use super::{Env, Incomplete, base_url, digits};

settings! {
    HUB_BASE_URL: parameter "HubBaseUrl" = "https://hub.360dialog.io/api/v2", "360dialog's Partner Hub.";
    HUB_PARTNER_ID: required "HubPartnerId", "Your partner id at 360dialog. It ends in PA.";
    SOLUTION_ID: required "SolutionId", "Id of the Multi-Partner Solution that you share with 360dialog.";
    HUB_CALL_LIMIT: parameter "HubCallLimit" = "5/30", "Your rate limit at 360dialog's Hub, calls/seconds.";
    HUB_CLIENT_FILTER: parameter "HubClientFilter" = "contact_info.email", "Hub filter for finding a client account that is not among the newest 200. none - read all accounts, 200 per call.";
    META_GRAPH_URL: parameter "MetaGraphUrl" = "https://graph.facebook.com", "Meta's Graph API.";
    META_GRAPH_VERSION: parameter "MetaGraphVersion" = "v25.0", "Version of the Graph API.";
    META_APP_ID: required "MetaAppId", "Id of your Meta app.";
}

/// The Partner Hub.
#[derive(Debug, Clone)]
pub struct HubConfig {
    /// `HUB_BASE_URL`.
    pub base_url: Url,
    /// `HUB_PARTNER_ID`: ends in `PA`.
    pub partner_id: String,
    /// `SOLUTION_ID`: the Multi-Partner Solution shared with 360dialog.
    pub solution_id: String,
    /// `HUB_CLIENT_FILTER`: the Hub's filter by which a client account is looked up. Default `contact_info.email`; `none`
    /// reads all client accounts instead, 200 with a call.
    pub client_filter: Option<String>,
}

impl HubConfig {
    /// Reads the section.
    pub fn read(env: &mut Env) -> Result<Self, Incomplete> {
        let base_url = env.parsed(HUB_BASE_URL, base_url);
        let partner_id = partner_id(env);
        let solution_id = solution_id(env);
        let client_filter = env.parsed(HUB_CLIENT_FILTER, client_filter);
        Ok(Self {
            base_url: base_url?,
            partner_id: partner_id?,
            solution_id: solution_id?,
            client_filter: client_filter?,
        })
    }
}

/// The partner's id, which becomes part of URLs.
pub(super) fn partner_id(env: &mut Env) -> Result<String, Incomplete> {
    env.required_parsed(HUB_PARTNER_ID, |text| {
        if text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_') {
            Ok(text.to_owned())
        } else {
            Err("must be letters and digits".to_owned())
        }
    })
}

/// The solution's id.
pub fn solution_id(env: &mut Env) -> Result<String, Incomplete> {
    env.required_parsed(SOLUTION_ID, digits(10, 20))
}

fn client_filter(text: &str) -> Result<Option<String>, String> {
    match text {
        "none" => Ok(None),
        "contact_info.email" | "contact_user.email" => Ok(Some(text.to_owned())),
        _ => Err("must be contact_info.email, contact_user.email or none".to_owned()),
    }
}

/// `HUB_CALL_LIMIT`: 1 to 1000 calls, in 1 second to 1 hour.
#[cfg(feature = "dependencies")]
pub(super) fn call_limit(env: &mut Env) -> Result<CallLimit, Incomplete> {
    env.parsed(HUB_CALL_LIMIT, parse_call_limit)
}

/// `5/30`: five calls in thirty seconds.
#[cfg(feature = "dependencies")]
fn parse_call_limit(text: &str) -> Result<CallLimit, String> {
    let limit = text.split_once('/').and_then(|(calls, seconds)| {
        let calls: u32 = calls.parse().ok()?;
        let seconds: u32 = seconds.parse().ok()?;
        let sane = (1..=1000).contains(&calls) && (1..=3600).contains(&seconds);
        sane.then(|| CallLimit { calls, period: Duration::seconds(seconds.into()) })
    });
    limit.ok_or_else(|| "must be calls/seconds, such as 5/30".to_owned())
}

/// Meta's Graph API and our app there.
#[derive(Debug, Clone)]
pub struct MetaConfig {
    /// `META_GRAPH_URL`.
    pub graph_url: Url,
    /// `META_GRAPH_VERSION`.
    pub graph_version: String,
    /// `META_APP_ID`.
    pub app_id: String,
}

impl MetaConfig {
    /// Reads the section.
    pub fn read(env: &mut Env) -> Result<Self, Incomplete> {
        let graph_url = env.parsed(META_GRAPH_URL, base_url);
        let graph_version = env.parsed(META_GRAPH_VERSION, graph_version);
        let app_id = env.required_parsed(META_APP_ID, digits(5, 20));
        Ok(Self { graph_url: graph_url?, graph_version: graph_version?, app_id: app_id? })
    }
}

fn graph_version(text: &str) -> Result<String, String> {
    let number = |part: &str| !part.is_empty() && part.bytes().all(|b| b.is_ascii_digit());
    let parts = text.strip_prefix('v').and_then(|rest| rest.split_once('.'));
    match parts {
        Some((major, minor)) if number(major) && number(minor) => Ok(text.to_owned()),
        _ => Err("must be a version, such as v25.0".to_owned()),
    }
}
