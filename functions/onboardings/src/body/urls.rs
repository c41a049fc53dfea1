//! URLs that customers are led to, and to which messages go.

use exchange::is_https_or_loopback;
use runtime::settings::PageConfig;
use url::Url;

/// The longest URL, in characters.
const URL: usize = 2048;

/// The URL as browsers read it. Customers are led only to where the operator allowed it: a setup link must not lead to a
/// stranger's page.
/// `appended`: the parameters that the bundle appends to its query.
pub(super) fn check_partner_url(url: &str, page: &PageConfig, appended: &[&str]) -> Result<String, String> {
    let parsed = parse(url)?;
    if !parsed.username().is_empty() || parsed.password().is_some() {
        return Err("must have no user name and no password".to_owned());
    }
    if let Some((name, _)) = parsed.query_pairs().find(|(name, _)| appended.contains(&name.as_ref())) {
        return Err(format!("must not have the parameter {name}, which is appended"));
    }
    if !page.return_origins.contains(&parsed.origin()) {
        return Err("must be of an origin that the parameter ReturnUrlOrigins allows".to_owned());
    }
    Ok(parsed.into())
}

/// A URL that begins with `https://`, or with `http://` on this machine.
pub(super) fn parse(url: &str) -> Result<Url, String> {
    if url.chars().count() > URL {
        return Err(format!("must be at most {URL} characters"));
    }
    // Browsers repair these, other programs read another host.
    if url.contains(|c: char| c == '\\' || c.is_whitespace() || c.is_control()) {
        return Err("must not contain backslashes, blanks or control characters".to_owned());
    }
    let parsed = Url::parse(url).map_err(|_| "must be a URL".to_owned())?;
    if !is_https_or_loopback(&parsed) {
        return Err("must begin with https://".to_owned());
    }
    Ok(parsed)
}
