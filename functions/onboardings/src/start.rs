//! `POST /onboardings`: starts an onboarding and answers with its setup link.

use api::access::require_back_end;
use api::view::rfc3339;
use api::{Problem, auth, json, public_url, read, read_json};
use lambda_http::http::StatusCode;
use lambda_http::{Body, Request, Response};
use onboarding::{MessageWebhook, Onboarding, OnboardingId, Status};
use secrecy::{ExposeSecret, SecretString};
use serde_json::{Map, json};
use store::{Created, Idempotency};

use crate::Onboardings;
use crate::body::{OwnWebhook, Start, StartBody};

/// The header that makes a start safe to repeat.
const IDEMPOTENCY_KEY: &str = "Idempotency-Key";
/// The longest one, in characters.
const LONGEST_KEY: usize = 255;

impl Onboardings {
    pub(crate) async fn start(&self, request: &Request) -> Result<Response<Body>, Problem> {
        require_back_end(request, &*self.bundle).await?;
        let start = read_json::<StartBody>(request)?.check(&self.page)?;
        let key = idempotency_key(request)?;
        let base = public_url(request, self.page.public_url.as_ref())?;

        let token = auth::new_setup_token().map_err(Problem::internal)?;
        let onboarding = self.new_onboarding(start, &token).await?;
        telemetry::set_onboarding(onboarding.id.as_str());
        let Some(key) = key else {
            self.store.create(&onboarding, None).await?;
            return Ok(answer(&onboarding, Status::Started, &token, &base));
        };
        let back_end = self.bundle.value().await?.backend_token.clone();
        let sealed_token = auth::seal(&token, &back_end, &key, &onboarding.id);
        let idempotency = Idempotency {
            key_sha256: exchange::sha256_hex(&key),
            body_sha256: exchange::sha256_hex(read(request)?),
            sealed_token: sealed_token.ok_or_else(|| Problem::internal("a new setup token cannot be sealed"))?,
            onboarding_id: onboarding.id.clone(),
        };
        match self.store.create(&onboarding, Some(&idempotency)).await? {
            Created::New => Ok(answer(&onboarding, Status::Started, &token, &base)),
            Created::Earlier(earlier) if earlier.body_sha256 != idempotency.body_sha256 => {
                Err(Problem::idempotency_conflict())
            }
            Created::Earlier(earlier) => self.started_earlier(&earlier, &back_end, &key, &base).await,
        }
    }

    #[expect(clippy::disallowed_methods, reason = "only hashed")]
    async fn new_onboarding(&self, start: Start, token: &SecretString) -> Result<Onboarding, Problem> {
        let (id, now) = (OnboardingId::generate(), self.clock.now());
        let message_webhook = match start.message_webhook {
            Some(webhook) => Some(self.sealed(webhook, &id).await?),
            None => None,
        };
        let token_sha256 = exchange::sha256_hex(token.expose_secret());
        let link_expires_at = now + start.link_lifetime;
        let onboarding = Onboarding::new(id, start.reference, start.client, token_sha256, link_expires_at, now);
        Ok(Onboarding {
            tier: start.tier,
            prefill: start.prefill,
            connection: start.connection,
            expected_phone_number: start.expected_phone_number,
            expected_business_id: start.expected_business_id,
            metadata: start.metadata,
            message_webhook,
            return_url: start.return_url,
            success_url: start.success_url,
            renew_url: start.renew_url,
            locale: start.locale,
            ..onboarding
        })
    }

    /// A message webhook whose headers only key-creation can read.
    async fn sealed(&self, webhook: OwnWebhook, id: &OnboardingId) -> Result<MessageWebhook, Problem> {
        let sealed_headers = if webhook.headers.is_empty() {
            None
        } else {
            let keys = self.header_keys.value().await?;
            Some(keys.seal(&webhook.headers, id.as_str()).map_err(Problem::internal)?)
        };
        let headers = webhook.headers.into_keys().collect();
        Ok(MessageWebhook { url: webhook.url.into(), headers, sealed_headers })
    }

    /// The same answer again, whatever has become of the onboarding since.
    async fn started_earlier(
        &self,
        earlier: &Idempotency,
        back_end: &SecretString,
        key: &str,
        base: &str,
    ) -> Result<Response<Body>, Problem> {
        let onboarding = self.store.get(&earlier.onboarding_id).await?.onboarding;
        let token = auth::unseal(&earlier.sealed_token, back_end, key, &onboarding.id);
        match token.filter(|token| auth::is_token_of(token, &onboarding.setup_token_sha256)) {
            Some(token) if onboarding.link_revoked_at.is_none() => {
                Ok(answer(&onboarding, Status::Started, &token, base))
            }
            // The back-end token was rotated since, or the link is void: it cannot be told again.
            _ => Err(Problem::idempotency_conflict()),
        }
    }
}

/// A new setup link. The token is in the fragment, which no browser sends and no log holds.
#[expect(clippy::disallowed_methods, reason = "the setup link is for who asked for it")]
pub(crate) fn answer(onboarding: &Onboarding, status: Status, token: &SecretString, base: &str) -> Response<Body> {
    let id = &onboarding.id;
    let mut members = Map::new();
    members.insert("id".to_owned(), id.as_str().into());
    members.insert("status".to_owned(), json!(status));
    members.insert("setup_url".to_owned(), format!("{base}/signup#{id}.{}", token.expose_secret()).into());
    members.insert("expires_at".to_owned(), rfc3339(onboarding.link_expires_at).into());
    json(StatusCode::CREATED, &members)
}

fn idempotency_key(request: &Request) -> Result<Option<String>, Problem> {
    let Some(value) = request.headers().get(IDEMPOTENCY_KEY) else { return Ok(None) };
    let key = value.to_str().ok().map(str::trim).filter(|key| (1..=LONGEST_KEY).contains(&key.len()));
    let wrong = || Problem::invalid_field(IDEMPOTENCY_KEY, format!("must be 1 to {LONGEST_KEY} ASCII characters"));
    key.map(|key| Some(key.to_owned())).ok_or_else(wrong)
}
