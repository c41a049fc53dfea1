//! The body of `POST /onboardings/{id}/retry`.

use api::Problem;
use onboarding::ClientAccount;
use serde::Deserialize;

use super::client::Client;

/// The body of `POST /onboardings/{id}/retry`; none is the same as an empty one.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct RetryBody {
    client: Option<Client>,
    /// The partner's word that the channel's present key may be revoked.
    #[serde(default)]
    pub(crate) replace_key: bool,
}

impl RetryBody {
    /// The client account that is named in place of the first.
    pub(crate) fn check(self) -> Result<Option<ClientAccount>, Problem> {
        let mut errors = Vec::new();
        let client = self.client.and_then(|client| client.check(&mut errors));
        if errors.is_empty() { Ok(client) } else { Err(Problem::invalid_fields(errors)) }
    }
}
