//! Serves the signup page with its security headers.
//!
//! `/signup`, `/signup/{asset}`, `/signup/return` and, for addresses that were changed on their way, every path that is no
//! other route's; each by `GET` and `HEAD`. Needs no table and no secret.

mod address;
mod assets;
mod headers;
mod hints;
mod theme;

use api::{Handler, Problem, respond, route};
use assets::Asset;
use async_trait::async_trait;
use hints::Hints;
use lambda_http::http::header::{CACHE_CONTROL, CONTENT_TYPE, ETAG, IF_NONE_MATCH};
use lambda_http::http::{HeaderMap, HeaderValue, Response as HttpResponse, StatusCode};
use lambda_http::{Body, Request, RequestExt, Response};
use runtime::settings::{Env, Incomplete, MetaConfig, PageConfig};
use serde_json::{Value, json};

const INDEX: &str = include_str!(concat!(env!("OUT_DIR"), "/index.html"));

/// The function's settings.
pub struct Settings {
    page: PageConfig,
    meta: MetaConfig,
}

impl Settings {
    /// Reads them.
    pub fn read(env: &mut Env) -> Result<Self, Incomplete> {
        let (page, meta) = (PageConfig::read(env), MetaConfig::read(env));
        Ok(Self { page: page?, meta: meta? })
    }
}

/// Answers requests for the signup page, its styles, scripts and texts.
#[derive(Debug, Clone)]
pub struct SignupPage {
    /// The settings that the page reads, and nothing else of ours.
    settings: Value,
    theme: String,
    headers: HeaderMap,
}

impl SignupPage {
    /// Makes the function from its settings.
    pub fn new(settings: &Settings) -> Self {
        let Settings { page, meta } = settings;
        let brand = &page.brand;
        let settings = json!({
            "app_id": meta.app_id,
            "graph_version": meta.graph_version,
            "sdk_url": page.sdk_url.as_str().trim_end_matches('/'),
            "partner_name": brand.name,
            "logo_url": brand.logo_url,
            "support_url": brand.support_url,
            "languages": assets::languages(),
        });
        Self { settings, theme: theme::css(brand.color), headers: headers::of(page) }
    }

    fn page(&self, request: &Request) -> Result<Response<Body>, Problem> {
        let ("GET" | "HEAD", route) = route(request) else { return Err(Problem::not_found()) };
        let rest = address::rest(request);
        let base = address::base(route, &rest, request);
        match route {
            "/signup" => document(StatusCode::OK, &self.settings, &base),
            "/signup/return" => {
                let mut settings = self.settings.clone();
                settings["returned"] = json!(Hints::read(&request.query_string_parameters()));
                document(StatusCode::OK, &settings, &base)
            }
            _ => match assets::find(&rest, &self.theme).filter(|_| route == "/signup/{asset}") {
                Some(asset) => answer(asset, request.headers().get(IF_NONE_MATCH)),
                None if address::is_setup_link(route, &rest) => document(StatusCode::OK, &self.settings, &base),
                // The page asks for the setup link, or goes on with the one that this tab knows.
                None if address::is_opened(request) => document(StatusCode::NOT_FOUND, &self.settings, &base),
                None => Err(Problem::not_found()),
            },
        }
    }
}

#[async_trait]
impl Handler for SignupPage {
    async fn handle(&self, request: Request) -> Response<Body> {
        let mut response = respond(&request, async { self.page(&request) }).await;
        let is_asset = response.headers().contains_key(ETAG);
        let headers = if is_asset { headers::of_asset() } else { self.headers.clone() };
        response.headers_mut().extend(headers);
        response
    }
}

/// The page's HTML. Its files are at `base`, seen from where it is served. Never kept: the address of a full-page sign-in's
/// return holds a code.
fn document(status: StatusCode, settings: &Value, base: &str) -> Result<Response<Body>, Problem> {
    // As data, and with `<` written so that nothing in a setting can end the element.
    let settings = settings.to_string().replace('<', "\\u003c");
    let html = INDEX.replace("{{base}}", base).replace("{{settings}}", &settings);
    HttpResponse::builder()
        .status(status)
        .header(CONTENT_TYPE, "text/html; charset=utf-8")
        .header(CACHE_CONTROL, "no-store")
        .body(Body::from(html))
        .map_err(Problem::internal)
}

/// A file of the page, or word that the browser's copy is still the same. Asked for each time, so that files of two
/// versions never meet.
fn answer(asset: Asset, known: Option<&HeaderValue>) -> Result<Response<Body>, Problem> {
    let response = HttpResponse::builder().header(CACHE_CONTROL, "no-cache").header(ETAG, &asset.etag);
    let known = known.and_then(|known| known.to_str().ok()).unwrap_or_default();
    // A gateway that compresses may mark the tag as weak.
    if known.split(',').any(|tag| tag.trim().trim_start_matches("W/") == asset.etag) {
        return response.status(StatusCode::NOT_MODIFIED).body(Body::Empty).map_err(Problem::internal);
    }
    response.header(CONTENT_TYPE, asset.content_type).body(Body::from(asset.text)).map_err(Problem::internal)
}
