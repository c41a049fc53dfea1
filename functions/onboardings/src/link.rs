//! `POST` and `DELETE /onboardings/{id}/link`: a new setup link in place of the present one, and none.

use api::access::require_back_end;
use api::{Problem, auth, onboarding_id, public_url, read, read_json};
use lambda_http::http::StatusCode;
use lambda_http::{Body, Request, Response};
use onboarding::Event;
use secrecy::ExposeSecret;
use store::StoreError;

use crate::Onboardings;
use crate::body::LinkBody;
use crate::start::answer;

impl Onboardings {
    /// Makes a new link.
    #[expect(clippy::disallowed_methods, reason = "only hashed")]
    pub(crate) async fn renew_link(&self, request: &Request) -> Result<Response<Body>, Problem> {
        require_back_end(request, &*self.bundle).await?;
        let id = onboarding_id(request)?;
        telemetry::set_onboarding(id.as_str());
        let body = if read(request)?.is_empty() { LinkBody::default() } else { read_json(request)? };
        let expires_at = self.clock.now() + body.check(&self.page)?;
        let base = public_url(request, self.page.public_url.as_ref())?;
        let token = auth::new_setup_token().map_err(Problem::internal)?;
        let token_sha256 = exchange::sha256_hex(token.expose_secret());
        match self.store.apply(&id, &Event::LinkRenewed { token_sha256, expires_at }).await {
            Ok(applied) => {
                let onboarding = applied.into_stored().onboarding;
                Ok(answer(&onboarding, onboarding.status, &token, &base))
            }
            Err(StoreError::Illegal(_)) => Err(self.unless_erased(&id, Problem::ended()).await),
            Err(error) => Err(error.into()),
        }
    }

    /// Takes the link back, and those before it.
    pub(crate) async fn revoke_link(&self, request: &Request) -> Result<Response<Body>, Problem> {
        require_back_end(request, &*self.bundle).await?;
        let id = onboarding_id(request)?;
        telemetry::set_onboarding(id.as_str());
        match self.store.apply(&id, &Event::LinkRevoked).await {
            // The link of one that was erased is void.
            Ok(_) | Err(StoreError::Illegal(_)) => {}
            Err(error) => return Err(error.into()),
        }
        let mut response = Response::new(Body::Empty);
        *response.status_mut() = StatusCode::NO_CONTENT;
        Ok(response)
    }
}
