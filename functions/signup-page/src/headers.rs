//! The headers of every answer.

use lambda_http::http::header::{
    CONTENT_SECURITY_POLICY, REFERRER_POLICY, STRICT_TRANSPORT_SECURITY, X_CONTENT_TYPE_OPTIONS,
};
use lambda_http::http::{HeaderMap, HeaderName, HeaderValue};
use runtime::settings::PageConfig;
use url::Url;

const NOTHING: HeaderValue = HeaderValue::from_static("default-src 'none'");

/// The headers of what the browser shows, for these settings.
pub(crate) fn of(page: &PageConfig) -> HeaderMap {
    let mut headers = HeaderMap::from_iter([
        // `same-origin` would cut Meta's popup off from the page.
        (HeaderName::from_static("cross-origin-opener-policy"), HeaderValue::from_static("same-origin-allow-popups")),
        (
            HeaderName::from_static("permissions-policy"),
            HeaderValue::from_static("camera=(), geolocation=(), microphone=(), payment=(), usb=()"),
        ),
        (REFERRER_POLICY, HeaderValue::from_static("no-referrer")),
    ]);
    headers.extend(of_asset());
    // Origins of parsed URLs are ASCII, so this cannot fail; without it nothing at all would be allowed.
    let policy = HeaderValue::try_from(policy(page)).unwrap_or(NOTHING);
    headers.insert(CONTENT_SECURITY_POLICY, policy);
    headers
}

/// The headers of a file of the page, which follows the page's policy. Opened by itself it may do nothing.
pub(crate) fn of_asset() -> HeaderMap {
    HeaderMap::from_iter([
        (CONTENT_SECURITY_POLICY, NOTHING),
        (STRICT_TRANSPORT_SECURITY, HeaderValue::from_static("max-age=31536000")),
        (X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff")),
    ])
}

/// Scripts are ours and Meta's SDK, which calls Meta and frames it (facts: Meta, JavaScript SDK). It sends a form into its
/// popup where a prefill makes the address too long for one.
fn policy(page: &PageConfig) -> String {
    let origin = |url: &Url| url.origin().ascii_serialization();
    let (sdk, dialog) = (origin(&page.sdk_url), origin(&page.dialog_url));
    let meta = format!("{sdk} {dialog} https://graph.facebook.com https://web.facebook.com");
    let logo = page.brand.logo_url.as_ref().map(|url| format!(" {}", origin(url))).unwrap_or_default();
    let ancestors: Vec<_> = page.frame_ancestors.iter().map(url::Origin::ascii_serialization).collect();
    let ancestors = if ancestors.is_empty() { "'none'".to_owned() } else { ancestors.join(" ") };
    format!(
        "default-src 'none'; script-src 'self' {sdk}; style-src 'self'; img-src 'self'{logo} https://*.facebook.com; \
         connect-src 'self' {meta}; frame-src {meta}; form-action 'self' {dialog}; base-uri 'none'; \
         frame-ancestors {ancestors}"
    )
}
