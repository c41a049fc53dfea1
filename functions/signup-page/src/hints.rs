//! What 360dialog adds to the partner's Redirect URL: `client`, `channels`, `revoked`, `state`.
//!
//! Anyone can write such an address, so these are hints: they choose words, and whether the page looks again. Lists come in
//! brackets, with or without quotes, sometimes URL-encoded once more than usual.
//! Source: <https://docs.360dialog.com/partner/onboarding/integrated-onboarding>.

use lambda_http::aws_lambda_events::query_map::QueryMap;
use onboarding::{ChannelId, ClientId, OnboardingId};
use serde::Serialize;

/// More than any client has; what follows is dropped.
const MOST: usize = 50;

/// The hints, as far as they have the shape of what they should be.
#[derive(Debug, Default, PartialEq, Eq, Serialize)]
pub(crate) struct Hints {
    client: Option<ClientId>,
    channels: Vec<ChannelId>,
    revoked: Vec<ChannelId>,
    /// We send our onboarding's id along.
    state: Option<OnboardingId>,
}

impl Hints {
    /// Reads a query. Never fails: what is not understood is not there.
    pub(crate) fn read(query: &QueryMap) -> Self {
        let texts = |names: [&str; 2]| {
            let values = names.iter().filter_map(|name| query.all(name)).flatten();
            values.flat_map(members).take(MOST).collect::<Vec<_>>()
        };
        let channels = |names| texts(names).iter().filter_map(|text| text.parse().ok()).collect();
        Self {
            client: texts(["client", "client_id"]).iter().find_map(|text| text.parse().ok()),
            channels: channels(["channels", "channels[]"]),
            revoked: channels(["revoked", "revoked[]"]),
            state: texts(["state", "state[]"]).iter().find_map(|text| text.parse().ok()),
        }
    }
}

/// The members of `[a,b]`, `["a", "b"]`, `a` or `%5Ba%2Cb%5D`.
fn members(value: &str) -> Vec<String> {
    let decoded = url::form_urlencoded::parse(format!("v={value}").as_bytes())
        .next()
        .map(|(_, value)| value.into_owned())
        .unwrap_or_default();
    let clean = |part: &str| part.trim_matches(|c: char| c.is_whitespace() || "[]\"'".contains(c)).to_owned();
    decoded.split(',').map(clean).filter(|part| !part.is_empty()).collect()
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use proptest::prelude::*;

    use super::*;

    const STATE: &str = "onb_01930000000070008000000000000001";

    fn read(pairs: &[(&str, &str)]) -> Hints {
        let mut query: HashMap<String, Vec<String>> = HashMap::new();
        for (name, value) in pairs {
            query.entry((*name).to_owned()).or_default().push((*value).to_owned());
        }
        Hints::read(&query.into())
    }

    fn channels(ids: &[&str]) -> Vec<ChannelId> {
        ids.iter().map(|id| id.parse().unwrap()).collect()
    }

    #[test]
    fn lists_in_the_return_query_are_read_in_every_notation() {
        let expected = channels(&["Rb82LdCH", "x7CH"]);
        for list in [
            "[Rb82LdCH,x7CH]",
            "Rb82LdCH,x7CH",
            r#"["Rb82LdCH", "x7CH"]"#,
            "['Rb82LdCH','x7CH']",
            "%5BRb82LdCH%2Cx7CH%5D",
        ] {
            let hints = read(&[("client", "hT3mVxCL"), ("channels", list), ("state", STATE)]);
            assert_eq!(hints.channels, expected, "{list}");
            assert_eq!(hints.client, "hT3mVxCL".parse().ok());
            assert_eq!(hints.state, STATE.parse().ok());
            assert!(hints.revoked.is_empty());
        }
        assert_eq!(read(&[("channels[]", "Rb82LdCH"), ("channels[]", "x7CH")]).channels, expected);
        assert_eq!(read(&[("revoked", "[Rb82LdCH,x7CH]")]).revoked, expected);
        assert_eq!(read(&[("state", &format!("\"{STATE}\""))]).state, STATE.parse().ok());
    }

    #[test]
    fn empty_and_malformed_ids_in_the_return_query_are_ignored() {
        assert_eq!(read(&[]), Hints::default());
        assert_eq!(
            read(&[("client", ""), ("channels", "[]"), ("revoked", "[,]"), ("state", "null")]),
            Hints::default()
        );
        assert_eq!(read(&[("channels", "[</script>,../..]"), ("state", "onb_1")]), Hints::default());
        assert_eq!(read(&[("channels", &"aCH,".repeat(1000))]).channels.len(), MOST);
    }

    proptest! {
        #[test]
        fn no_return_query_breaks_the_page(value in any::<String>(), name in "client|channels|revoked|state") {
            let hints = read(&[(&name, &value)]);
            prop_assert!(!serde_json::to_string(&hints).unwrap().contains('<'));
        }
    }
}
