//! What a URL in a setting may be.

use url::{Host, Url};

/// A URL to which paths are added: `https`, or `http` to this machine, without credentials, query or fragment.
pub(super) fn base_url(text: &str) -> Result<Url, String> {
    let url = Url::parse(text).map_err(|_| "must be a URL, such as https://example.com".to_owned())?;
    let secure = url.scheme() == "https" || url.scheme() == "http" && is_loopback(&url);
    if !secure || url.host().is_none() {
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

/// Whether a URL leads to this machine: `localhost`, a name under it, or a loopback address.
pub fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(Host::Domain(name)) => name == "localhost" || name.ends_with(".localhost"),
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    }
}
