//! Credentials for the Hub.

use secrecy::SecretString;

/// How calls to the Hub are authenticated.
#[derive(Debug, Clone)]
pub enum HubCredentials {
    /// Sent as `X-API-Key`.
    ApiKey(SecretString),
    /// A fixed token, sent as `Authorization: Bearer`.
    Bearer(SecretString),
    /// Exchanged for a token at `/token`.
    Password {
        /// The Hub user's name.
        user_name: String,
        /// The Hub user's password.
        password: SecretString,
    },
}
