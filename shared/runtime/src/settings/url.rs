//! What a URL in a setting may be.

use exchange::is_https_or_loopback;
use url::Url;

/// A URL to which paths are added: `https`, or `http` to this machine, without credentials, query or fragment.
pub(super) fn base_url(text: &str) -> Result<Url, String> {
    let url = Url::parse(text).map_err(|_| "must be a URL, such as https://example.com".to_owned())?;
    if !is_https_or_loopback(&url) || url.host().is_none() {
        return Err("must begin with https:// (http:// is for this machine only)".to_owned());
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err("must not hold a user name or password".to_owned());
    }
    if url.query().is_some() || url.fragment().is_some() {
        return Err("must not hold ? or #".to_owned());
    }
    Ok(url)
}
