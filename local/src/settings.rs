//! The settings of the local stack: read by the same code as on AWS, from values made up here.

use queue::QueueName;
use runtime::settings::Env;
use secrecy::SecretString;
use serde_json::json;
use simulator::Simulator;

use crate::aws::{BUNDLE, HEADER_KEY, SEALING, VAULT, WORKER};

/// The partner server's token.
pub const BACKEND_TOKEN: &str = "local-backend-token";
/// What the fake Hub signs its webhooks with.
pub const PLATFORM_SECRET: &str = "local-platform-secret";
/// What the fake Meta presents in its handshake.
pub const VERIFY_TOKEN: &str = "local-verify-token";
/// What events are signed with, where there is a `PARTNER_WEBHOOK_URL`.
pub const PARTNER_WEBHOOK_SECRET: &str = "whsec_bG9jYWwtcGFydG5lci13ZWJob29rLXNlY3JldA==";
/// Where the page may lead back to.
const RETURN_ORIGINS: &str = "https://partner.example,http://localhost:8080";

/// What the functions are configured with.
pub(crate) struct Settings {
    /// The variables that they read, as on AWS.
    pub(crate) env: Env,
    /// The secrets.
    pub(crate) secrets: SecretValues,
}

/// The values of the secrets, as Secrets Manager gives them.
#[derive(Clone)]
pub(crate) struct SecretValues {
    /// The edge's.
    pub(crate) bundle: SecretString,
    /// The workers'.
    pub(crate) worker: SecretString,
    /// The sealing keys.
    pub(crate) sealing: SecretString,
    /// The keys of headers.
    pub(crate) header_keys: SecretString,
}

impl SecretValues {
    fn new(fake: &simulator::Settings) -> Self {
        let bundle = json!({
            "backend_token": BACKEND_TOKEN,
            "platform_secret": PLATFORM_SECRET,
            "meta_app_secret": fake.app_secret,
            "meta_verify_token": VERIFY_TOKEN,
            "meta_system_user_token": fake.system_user_token,
        });
        let worker = json!({
            "hub_api_key": fake.api_key,
            "hub_token_key": "made-up-token-key",
            "message_webhook_headers": { "x-message-token": "made-up-message-token" },
            "partner_webhook_secret": PARTNER_WEBHOOK_SECRET,
        });
        let sealing = json!({ "key": "made-up-sealing-key", "previous_key": "" });
        let header_keys = json!({ "key": "made-up-header-key", "previous_key": "" });
        let [bundle, worker, sealing, header_keys] =
            [bundle, worker, sealing, header_keys].map(|value| value.to_string().into());
        Self { bundle, worker, sealing, header_keys }
    }
}

impl Settings {
    /// For this simulator. `more` adds variables, or replaces them.
    pub(crate) fn new(simulator: &Simulator, fake: &simulator::Settings, more: &[(String, String)]) -> Self {
        let variables = variables(simulator, fake).into_iter();
        let variables = variables.map(|(name, value)| (name.to_owned(), value));
        Self { env: Env::new(variables.chain(more.iter().cloned())), secrets: SecretValues::new(fake) }
    }
}

/// The variables that the functions read, as on AWS.
pub(crate) fn variables(simulator: &Simulator, fake: &simulator::Settings) -> Vec<(&'static str, String)> {
    let limit = fake
        .behavior
        .rate_limit
        .map_or("1000/1".to_owned(), |limit| format!("{}/{}", limit.calls, limit.window_ms.div_ceil(1000)));
    let queues = QueueName::all()
        .filter_map(|queue| Some((queue.variable()?, format!("http://127.0.0.1/queues/{}", queue.as_str()))));
    let settings = vec![
        ("HUB_BASE_URL", simulator.hub_url()),
        ("HUB_PARTNER_ID", fake.partner_id.clone()),
        ("SOLUTION_ID", fake.solution_id.clone()),
        ("HUB_CALL_LIMIT", limit),
        ("META_GRAPH_URL", simulator.graph_url()),
        ("META_APP_ID", fake.app_id.clone()),
        ("META_CONFIG_ID", fake.config_id.clone()),
        ("META_SDK_URL", simulator.sdk_url()),
        ("META_DIALOG_URL", simulator.sdk_url()),
        ("PERMISSION_URL", simulator.permission_url()),
        ("RETURN_URL_ORIGINS", RETURN_ORIGINS.to_owned()),
        ("PARTNER_NAME", "Funkturm CRM".to_owned()),
        ("SUPPORT_URL", "mailto:support@partner.example".to_owned()),
        ("MESSAGING_HOSTS", "127.0.0.1".to_owned()),
        ("BUNDLE_SECRET_ID", BUNDLE.to_owned()),
        ("WORKER_SECRET_ID", WORKER.to_owned()),
        ("SEALING_KEY_ID", SEALING.to_owned()),
        ("HEADER_KEY_ID", HEADER_KEY.to_owned()),
        ("VAULT_PREFIX", VAULT.to_owned()),
        ("MESSAGE_WEBHOOK_URL", "https://partner.example/whatsapp/messages".to_owned()),
    ];
    settings.into_iter().chain(queues).collect()
}
