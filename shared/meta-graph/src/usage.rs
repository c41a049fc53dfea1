//! How much of Meta's call limits is used up, from the headers of every answer.
//! Source: <https://developers.facebook.com/docs/graph-api/overview/rate-limiting>.

use std::collections::BTreeMap;

use exchange::{Lenient, List, json, object};
use reqwest::header::HeaderMap;
use serde::Deserialize;
use serde_json::Value;
use time::Duration;

/// What the headers said.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Usage {
    /// The fullest of all limits, in percent.
    pub(super) percent: Option<u64>,
    /// Calls are refused for this long.
    pub(super) regain: Option<Duration>,
}

/// One limit: percents, and minutes until calls are taken again.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Limit {
    call_count: Lenient<Option<u64>>,
    total_cputime: Lenient<Option<u64>>,
    total_time: Lenient<Option<u64>>,
    estimated_time_to_regain_access: Lenient<Option<u64>>,
}

impl Usage {
    /// Reads `X-App-Usage` (one object) and `X-Business-Use-Case-Usage` (by business a list of objects). What is missing or
    /// unreadable counts as nothing.
    pub(super) fn read(headers: &HeaderMap) -> Self {
        let header = |name| json(headers.get(name)?.as_bytes());
        let app: Option<Value> = header("x-app-usage");
        let business: BTreeMap<String, List<Limit>> = object(header("x-business-use-case-usage").unwrap_or_default());
        let business = business.into_values().filter_map(|limits| limits.0).flatten();
        let limits: Vec<Limit> = business.chain(app.map(object)).collect();

        let percent = limits.iter().flat_map(|limit| [limit.call_count.0, limit.total_cputime.0, limit.total_time.0]);
        let minutes = limits.iter().filter_map(|limit| limit.estimated_time_to_regain_access.0).max();
        Self {
            percent: percent.flatten().max(),
            // A day at most, so that no odd value makes anyone wait for ever.
            regain: minutes
                .filter(|&minutes| minutes > 0)
                .map(|minutes| Duration::minutes(i64::try_from(minutes).unwrap_or(i64::MAX).min(24 * 60))),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn usage(app: &str, business: &str) -> Usage {
        let mut headers = HeaderMap::new();
        for (name, value) in [("x-app-usage", app), ("x-business-use-case-usage", business)] {
            if let Ok(value) = value.parse() {
                headers.insert(name, value);
            }
        }
        Usage::read(&headers)
    }

    #[test]
    fn the_fullest_meta_limit_and_the_longest_wait_count() {
        let business = r#"{"733100000000021":[
            {"type":"whatsapp","call_count":100,"total_cputime":25,"total_time":3,"estimated_time_to_regain_access":12},
            {"type":"other","call_count":1,"estimated_time_to_regain_access":0}]}"#
            .replace('\n', "");
        let both = usage(r#"{"call_count":28,"total_time":99,"total_cputime":25}"#, &business);
        assert_eq!(both, Usage { percent: Some(100), regain: Some(Duration::minutes(12)) });
        let app = usage(r#"{"call_count":28,"total_time":99,"total_cputime":25}"#, "");
        assert_eq!(app, Usage { percent: Some(99), regain: None });
    }

    proptest! {
        #[test]
        fn no_meta_usage_header_panics(app: String, business: String, minutes: u64) {
            usage(&app, &business);
            let usage = usage("[1]", &format!(r#"{{"1":[{{"estimated_time_to_regain_access":{minutes}}}, 2, null],"2":3}}"#));
            prop_assert!(usage.regain.is_none_or(|regain| regain <= Duration::days(1)));
        }
    }
}
