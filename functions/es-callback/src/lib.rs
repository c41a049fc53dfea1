//! Step 2: takes what Meta's popup returned and proves the signup; and takes the partner's word for one that Meta reported.
//!
//! `POST /onboardings/{id}/es-callback` with the setup token, `POST /onboardings/{id}/claim` with the back-end token.

mod claim;

use std::sync::Arc;
use std::time::Instant;

use api::access::{FromPopup, is_one_more_click, open_from_popup};
use api::view::{SignupSettings, page_url, setup_view};
use api::{Handler, Problem, ProblemCode, json, onboarding_id, public_url, read_json, respond, route};
use async_trait::async_trait;
use lambda_http::http::StatusCode;
use lambda_http::{Body, Request, RequestExt, Response};
use meta_graph::session::Session;
use runtime::settings::{Env, Incomplete, MetaConfig, PageConfig};
use runtime::{Dependencies, worker};
use secrecy::SecretString;
use serde::{Deserialize, Deserializer};
use serde_json::Value;
use url::Url;
use workflow::steps::{Callback, CallbackError, RefusalCode};

/// Meta's codes are a few hundred characters; far longer ones are none.
const LONGEST_CODE: usize = 4096;

/// The function's settings.
pub struct Settings {
    page: PageConfig,
    meta: MetaConfig,
}

/// Answers the page and the partner: exchanges the code of Meta's popup, proves the signup.
#[derive(Clone)]
pub struct EsCallback {
    step: workflow::steps::EsCallback,
    /// For the view that is answered.
    signup: SignupSettings,
    public_url: Option<Url>,
}

impl Settings {
    /// Reads them.
    pub fn read(env: &mut Env) -> Result<Self, Incomplete> {
        let (page, meta) = (PageConfig::read(env), MetaConfig::read(env));
        Ok(Self { page: page?, meta: meta? })
    }
}

/// `{code?, session?: {event, data}, redirect_uri?}`
#[derive(Deserialize)]
struct Posted {
    #[serde(default, deserialize_with = "secret")]
    code: Option<SecretString>,
    session: Option<Value>,
    /// With a code of the full-page sign-in: where it led back to.
    redirect_uri: Option<String>,
}

fn secret<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<SecretString>, D::Error> {
    Ok(Option::<String>::deserialize(deserializer)?.map(SecretString::from))
}

#[async_trait]
impl Handler for EsCallback {
    async fn handle(&self, request: Request) -> Response<Body> {
        respond(&request, self.route(&request)).await
    }
}

impl EsCallback {
    /// Builds the function.
    pub fn new(dependencies: &Dependencies, settings: Settings) -> Self {
        let Settings { page, meta } = settings;
        Self {
            signup: page.signup_settings(&meta),
            public_url: page.public_url,
            step: workflow::steps::EsCallback {
                confirmation: dependencies.confirmation(meta),
                store: dependencies.store.clone(),
                bundle: Arc::clone(&dependencies.bundle),
                clock: dependencies.clock.clone(),
            },
        }
    }

    async fn route(&self, request: &Request) -> Result<Response<Body>, Problem> {
        match route(request) {
            ("POST", "/onboardings/{id}/es-callback") => self.callback(request).await,
            ("POST", "/onboardings/{id}/claim") => self.claim(request).await,
            _ => Err(Problem::not_found()),
        }
    }

    async fn callback(&self, request: &Request) -> Result<Response<Body>, Problem> {
        let id = onboarding_id(request)?;
        telemetry::set_onboarding(id.as_str());
        let (stored, from) = open_from_popup(request, &id, &self.step.store, &self.step.clock).await?;
        let public_url = public_url(request, self.public_url.as_ref())?;
        let callback = callback(read_json(request)?, &page_url(&public_url))?;
        let callback = Callback { by_former_link: from == FromPopup::CodeOnly, ..callback };
        if from == FromPopup::CodeOnly && callback.code.is_none() {
            return Err(Problem::link_renewed(None));
        }
        let stored = self.step.run(stored, callback, deadline(request)).await.map_err(problem)?;
        let one_more_click = is_one_more_click(&stored.onboarding, &self.step.store).await?;
        Ok(json(StatusCode::OK, &setup_view(&stored.onboarding, one_more_click, &self.signup, &public_url)))
    }
}

/// The end of the invocation.
fn deadline(request: &Request) -> Option<Instant> {
    request.lambda_context_ref().and_then(|context| worker::deadline(context.deadline))
}

#[expect(clippy::disallowed_methods, reason = "only its length is read")]
fn callback(posted: Posted, page_url: &str) -> Result<Callback, Problem> {
    use secrecy::ExposeSecret;

    let session = match &posted.session {
        None | Some(Value::Null) => None,
        Some(session) => {
            Some(Session::from_json(session).map_err(|error| Problem::invalid_field(error.field, error.message))?)
        }
    };
    if posted.code.as_ref().is_some_and(|code| !(1..=LONGEST_CODE).contains(&code.expose_secret().len())) {
        return Err(Problem::invalid_field("code", format!("must be 1 to {LONGEST_CODE} characters")));
    }
    if posted.code.is_none() && session.is_none() {
        return Err(Problem::invalid_field("code", "must be there, unless session is"));
    }
    // No other address is ever Meta's to lead back to, so none other is repeated to Meta.
    if posted.redirect_uri.as_deref().is_some_and(|uri| uri != page_url) {
        return Err(Problem::invalid_field("redirect_uri", format!("must be {page_url}")));
    }
    let redirect_uri = posted.redirect_uri.map(|uri| uri.parse()).transpose().map_err(Problem::internal)?;
    Ok(Callback { code: posted.code, session, redirect_uri, by_former_link: false })
}

fn problem(error: CallbackError) -> Problem {
    match error {
        CallbackError::AlreadySignedUp => Problem::already_signed_up(),
        CallbackError::Ended => Problem::ended(),
        CallbackError::InProgress => Problem::in_progress(),
        CallbackError::CodeExpired => Problem::code_expired(),
        CallbackError::CodeUsed => Problem::code_used(),
        // The step answers with the onboarding instead.
        CallbackError::OneMoreClick => Problem::internal("a signup was given up, and nobody was told"),
        CallbackError::NotUnclaimed => Problem::signup_unknown(),
        CallbackError::NoNumber => Problem::no_number(),
        CallbackError::NumberTaken => Problem::number_taken(),
        CallbackError::Refused { code, reason } => Problem::signup_refused(refusal(code), reason),
        CallbackError::Unavailable(cause) => Problem::unavailable(5, cause),
        CallbackError::Misconfigured(cause) => Problem::internal(cause),
    }
}

/// The API's word for it, which is the same.
const fn refusal(code: RefusalCode) -> ProblemCode {
    match code {
        RefusalCode::CodeRefused => ProblemCode::CodeRefused,
        RefusalCode::MetaRefused => ProblemCode::MetaRefused,
        RefusalCode::TooManyAttempts => ProblemCode::TooManyAttempts,
        RefusalCode::TokenNotOurs => ProblemCode::TokenNotOurs,
        RefusalCode::WabaUnknown => ProblemCode::WabaUnknown,
        RefusalCode::WabaNotGranted => ProblemCode::WabaNotGranted,
        RefusalCode::NumberNotInWaba => ProblemCode::NumberNotInWaba,
        RefusalCode::NumberNotExpected => ProblemCode::NumberNotExpected,
        RefusalCode::BusinessNotExpected => ProblemCode::BusinessNotExpected,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PAGE: &str = "https://signup.partner.example/v1/signup";

    #[test]
    fn a_refused_signup_has_the_same_code_in_the_answer_as_in_the_table() {
        for code in RefusalCode::ALL {
            assert_eq!(refusal(*code).as_str(), code.as_str());
        }
    }

    fn posted(body: &str) -> Posted {
        serde_json::from_str(body).unwrap()
    }

    #[test]
    fn a_code_of_the_full_page_sign_in_may_name_only_the_page_as_redirect_uri() {
        let callback = callback(posted(&format!(r#"{{"code": "made-up", "redirect_uri": "{PAGE}"}}"#)), PAGE).unwrap();
        assert_eq!(callback.redirect_uri.unwrap().as_str(), PAGE);
        for other in ["https://stranger.example/v1/signup", "https://signup.partner.example/v1/signup/", ""] {
            let body = format!(r#"{{"code": "made-up", "redirect_uri": "{other}"}}"#);
            let problem = super::callback(posted(&body), PAGE).err().unwrap();
            assert_eq!(problem.errors[0].field, "redirect_uri", "{other}");
        }
    }

    #[test]
    fn a_code_of_the_popup_names_no_redirect_uri() {
        let callback = callback(posted(r#"{"code": "made-up", "redirect_uri": null}"#), PAGE).unwrap();
        assert_eq!(callback.redirect_uri, None);
    }
}
