//! The stack is put up, filled in and updated.

use std::collections::BTreeMap;
use std::path::PathBuf;

use deployed::api::Api;
use deployed::aws::Resources;
use deployed::{Error, sam};
use serde_json::json;
use simulator::{Settings, Simulator};
use url::Url;

use super::receiver::Receiver;

/// What the fake Hub signs its webhooks with, and the other secrets that are not the simulator's own.
const PLATFORM_SECRET: &str = "made-up-deployed-platform-secret";
const VERIFY_TOKEN: &str = "made-up-deployed-verify-token";
const PREVIOUS_PLATFORM_SECRET: &str = "made-up-previous-platform-secret";

/// Settings of the page that are not the defaults, and where the page shows them.
pub(crate) const PARTNER: &str = "Funkturm CRM";
const FRAME: &str = "https://app.partner.example";
pub(crate) const FRAMING: &str = "frame-ancestors https://app.partner.example";

/// A deployed stack and the fakes on its other side.
pub(crate) struct DeployedStack {
    pub(crate) simulator: Simulator,
    pub(crate) fake: Settings,
    pub(crate) receiver: Receiver,
    pub(crate) api: Api,
    pub(crate) resources: Resources,
    pub(crate) outputs: BTreeMap<String, String>,
    /// Every secret that passed through, to be looked for in the logs.
    pub(crate) secrets: Vec<String>,
    /// The API, with its stage.
    pub(crate) url: String,
    parameters: BTreeMap<&'static str, String>,
}

/// Where MiniStack is to listen.
pub(crate) fn endpoint() -> Result<Url, Error> {
    Ok(std::env::var("AWS_ENDPOINT_URL").map_err(|_| "AWS_ENDPOINT_URL is not set: use e2e/deployed/run")?.parse()?)
}

/// The folder of the workspace's build results.
pub(crate) fn folder() -> PathBuf {
    root().join("target")
}

/// What MiniStack prints.
pub(crate) fn ministack_log() -> PathBuf {
    folder().join("ministack.log")
}

/// Where the template before this one is from, as `e2e/deployed/run` found it.
pub(crate) fn previous() -> String {
    std::env::var("PREVIOUS").unwrap_or_default()
}

/// A template whose functions are built; this variable says where it is.
fn template(variable: &str) -> Result<PathBuf, Error> {
    let path = std::env::var(variable).map_err(|_| format!("{variable} is not set: use e2e/deployed/run"))?;
    Ok(path.into())
}

fn root() -> PathBuf {
    PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../.."))
}

impl DeployedStack {
    /// Starts the fakes and deploys the template of the previous commit.
    pub(crate) async fn deployed(endpoint: &Url) -> Result<Self, Error> {
        // MiniStack serves the API under its own address, and does not tell functions so.
        let url = format!("{endpoint}_aws/execute-api/{}/v1", sam::API_ID);
        let mut fake = Settings {
            meta_webhook_url: Some(format!("{url}/webhooks/meta")),
            platform_secret: Some(PLATFORM_SECRET.to_owned()),
            meta_verify_token: VERIFY_TOKEN.to_owned(),
            ..Settings::default()
        };
        // The limit is tested elsewhere, and waiting for it would be most of this test.
        fake.behavior.rate_limit = None;
        let simulator = Simulator::start(fake.clone()).await?;
        let receiver = Receiver::start().await?;
        let parameters = BTreeMap::from([
            ("HubPartnerId", fake.partner_id.clone()),
            ("SolutionId", fake.solution_id.clone()),
            ("MetaAppId", fake.app_id.clone()),
            ("MetaConfigId", fake.config_id.clone()),
            ("HubBaseUrl", simulator.hub_url()),
            ("MetaGraphUrl", simulator.graph_url()),
            ("MetaSdkUrl", simulator.sdk_url()),
            ("MetaDialogUrl", simulator.sdk_url()),
            ("PartnerName", PARTNER.to_owned()),
            ("FrameAncestors", FRAME.to_owned()),
            ("PublicUrl", url.clone()),
            ("MessagingHosts", "127.0.0.1".to_owned()),
            ("MessageWebhookUrl", "https://partner.example/whatsapp/messages".to_owned()),
            ("PartnerWebhookUrl", receiver.url().to_owned()),
            ("HubCallLimit", "1000/1".to_owned()),
            // What is not logged at this level is logged at none.
            ("LogLevel", "DEBUG".to_owned()),
            ("ReconciliationSchedule", "rate(1 minute)".to_owned()),
            ("KeyDeletionDays", "0".to_owned()),
            ("Architecture", if cfg!(target_arch = "aarch64") { "arm64" } else { "x86_64" }.to_owned()),
        ]);
        let outputs = sam::deploy(&template("PREVIOUS_TEMPLATE")?, &parameters).await?;

        let resources = Resources::new(&runtime::aws::load(exchange::client()?).await, &outputs)?;
        let bundle = resources.bundle().await?;
        let backend_token = bundle["backend_token"].as_str().unwrap_or_default().to_owned();
        let api = Api::new(&url, &format!("http://{}", simulator.address()), &backend_token)?;
        let token_key = resources.worker().await?["hub_token_key"].as_str().unwrap_or_default().to_owned();
        let secrets = vec![backend_token, token_key];
        Ok(Self { simulator, fake, receiver, api, resources, outputs, secrets, url, parameters })
    }

    /// Whoever calls before the secret is filled in gets an error of the server, and the log says what is missing. The page
    /// needs no secret.
    pub(crate) async fn refuses_without_secrets(&self) -> Result<(), Error> {
        let event =
            json!({ "event": { "id": "evt_too_early", "event": "client_created", "data": { "id": "Zz99aaCL" } } });
        self.simulator.set_webhook_url(&format!("{}/webhooks/partner-hub", self.url))?;
        let webhook = self.api.order("webhook", &event).await?["status"].as_u64().unwrap_or_default();
        let list = self.api.get("/onboardings", &self.secrets[0]).await?.status;
        if webhook < 500 || list < 500 {
            return Err(format!("the webhook is answered {webhook}, the list {list}").into());
        }
        self.api.get("/signup", "").await?.with(200)?;
        // MiniStack keeps what a function says before it starts in its own log.
        let log = std::fs::read_to_string(ministack_log())?;
        for field in ["platform_secret", "meta_app_secret", "meta_verify_token"] {
            if !log.contains(field) {
                return Err(format!("nothing says that {field} is missing").into());
            }
        }
        let kept = self.resources.item("INBOX#partner_hub#evt_too_early", "INBOX").await?;
        if kept.is_none() { Ok(()) } else { Err("a webhook was kept that nobody could authenticate".into()) }
    }

    /// Fills in the secrets as an operator does, and keeps a webhook in the table.
    pub(crate) async fn fill_in(&mut self) -> Result<(), Error> {
        let Settings { api_key, app_secret, system_user_token, .. } = self.fake.clone();
        let bundle = [
            ("platform_secret", PLATFORM_SECRET),
            ("platform_secret_previous", PREVIOUS_PLATFORM_SECRET),
            ("meta_app_secret", &app_secret),
            ("meta_verify_token", VERIFY_TOKEN),
            ("meta_system_user_token", &system_user_token),
        ];
        let [signing, previous] = Receiver::secrets();
        let worker = [
            ("hub_api_key", api_key.as_str()),
            ("partner_webhook_secret", &signing),
            ("previous_partner_webhook_secret", &previous),
        ];
        self.resources.fill_in(&bundle, &worker).await?;
        self.secrets.extend(bundle.into_iter().chain(worker).map(|(_, value)| value.to_owned()));
        let event = json!({ "id": "evt_before_update", "event": "cancellation_request", "data": { "id": "Zz99aaCH" } });
        let answer = self.api.order("webhook", &json!({ "event": event })).await?;
        if answer["status"] == 200 { Ok(()) } else { Err(format!("webhook: {answer}").into()) }
    }

    /// Updates the stack to the template of this commit.
    pub(crate) async fn update(&mut self) -> Result<(), Error> {
        // Else there is nothing to update while the template has no past. MiniStack does not put the values of parameters in
        // before SAM's transform, so it publishes no new version for this alone; `run` checks that with SAM itself.
        self.parameters.insert("SetupLinkDays", "6".to_owned());
        let table = self.resources.table().to_owned();
        self.outputs = sam::deploy(&template("TEMPLATE")?, &self.parameters).await?;
        if self.outputs.get("TableName") != Some(&table) {
            return Err(format!("another table: {:?}", self.outputs).into());
        }
        let kept = self.resources.item("INBOX#partner_hub#evt_before_update", "INBOX").await?;
        kept.map(drop).ok_or_else(|| "the webhook is gone".into())
    }

    /// Stops the fakes.
    pub(crate) async fn stop(self) {
        self.simulator.stop().await;
    }

    /// An output of the stack.
    pub(crate) fn output(&self, name: &str) -> Result<&str, Error> {
        Ok(self.outputs.get(name).ok_or(format!("no output {name}"))?)
    }

    /// The verify token of Meta's webhook.
    pub(crate) const fn verify_token() -> &'static str {
        VERIFY_TOKEN
    }
}
