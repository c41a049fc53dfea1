//! Serves the signup page with its security headers.
//!
//! `GET /signup`, `GET /signup/{asset}`, `GET /signup/return`. Needs no table and no secret.

use async_trait::async_trait;
use lambda_http::http::header::{
    CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, REFERRER_POLICY, STRICT_TRANSPORT_SECURITY,
    X_CONTENT_TYPE_OPTIONS,
};
use lambda_http::http::{HeaderValue, Response as HttpResponse};
use lambda_http::{Body, Request, RequestExt, Response};
use shared::config::PageConfig;
use shared::http::{Handler, Problem, respond, route};

const INDEX: &str = include_str!("../../../signup/index.html");
const RETURN: &str = include_str!("../../../signup/return.html");
/// The page's files, by the name in their URL.
const ASSETS: [(&str, &str, &str); 3] = [
    ("page.js", "text/javascript; charset=utf-8", include_str!("../../../signup/page.js")),
    ("embedded-signup.js", "text/javascript; charset=utf-8", include_str!("../../../signup/embedded-signup.js")),
    ("style.css", "text/css; charset=utf-8", include_str!("../../../signup/style.css")),
];
const HTML: &str = "text/html; charset=utf-8";

/// The function.
#[derive(Debug, Clone)]
pub struct SignupPage {
    index: String,
    policy: String,
}

impl SignupPage {
    /// Puts the settings into the page, once.
    pub fn new(page: &PageConfig) -> Self {
        let sdk = page.sdk_url.as_str().trim_end_matches('/');
        // As data, and with `<` written so that nothing in a setting can end the element.
        let settings = serde_json::json!({ "sdk_url": sdk }).to_string().replace('<', "\\u003c");
        Self {
            index: INDEX.replace("{{settings}}", &settings),
            policy: policy(&page.sdk_url.origin().ascii_serialization()),
        }
    }

    fn page(&self, request: &Request) -> Result<Response<Body>, Problem> {
        match route(request) {
            ("GET", "/signup") => self.answer(HTML, &self.index),
            ("GET", "/signup/return") => self.answer(HTML, RETURN),
            ("GET", "/signup/{asset}") => {
                let name = request.path_parameters_ref().and_then(|parameters| parameters.first("asset"));
                let asset = ASSETS.iter().find(|(asset, ..)| Some(*asset) == name);
                let (_, content_type, text) = asset.ok_or_else(Problem::not_found)?;
                self.answer(content_type, text)
            }
            _ => Err(Problem::not_found()),
        }
    }

    fn answer(&self, content_type: &'static str, text: &str) -> Result<Response<Body>, Problem> {
        HttpResponse::builder()
            .header(CONTENT_TYPE, content_type)
            .header(CACHE_CONTROL, "no-cache")
            .header(CONTENT_SECURITY_POLICY, &self.policy)
            // `same-origin` would cut Meta's popup off from the page.
            .header("cross-origin-opener-policy", "same-origin-allow-popups")
            .header(REFERRER_POLICY, "no-referrer")
            .header(STRICT_TRANSPORT_SECURITY, "max-age=31536000")
            .header(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"))
            .body(Body::from(text))
            .map_err(Problem::internal)
    }
}

#[async_trait]
impl Handler for SignupPage {
    async fn handle(&self, request: Request) -> Response<Body> {
        respond(&request, async { self.page(&request) }).await
    }
}

/// Scripts are ours and Meta's SDK; the SDK calls Meta and frames it (facts of Embedded Signup, section 3).
fn policy(sdk_origin: &str) -> String {
    let meta = "https://graph.facebook.com https://www.facebook.com https://web.facebook.com";
    format!(
        "default-src 'none'; script-src 'self' {sdk_origin}; style-src 'self'; img-src 'self' https://*.facebook.com; \
         connect-src 'self' {sdk_origin} {meta}; frame-src {sdk_origin} {meta}; base-uri 'none'; form-action 'self'; \
         frame-ancestors 'none'"
    )
}
