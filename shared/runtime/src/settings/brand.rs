//! Settings of the page's look: whose page it is.

use exchange::is_https_or_loopback;
use url::Url;

use super::{Env, Incomplete};

settings! {
    PARTNER_NAME: parameter "PartnerName" = "", "Your name on the page. Empty - the page says \"your provider\".";
    PARTNER_LOGO_URL: parameter "PartnerLogoUrl" = "", "URL of your logo, an image. Empty - no logo.";
    PARTNER_COLOR: parameter "PartnerColor" = "#0b6e5f", "Color of the page's buttons and links.";
    SUPPORT_URL: parameter "SupportUrl" = "", "Where customers find help - the URL of a page, or mailto and an address. Empty - the page shows no link.";
}

/// The longest name that fits the head of the page on a phone, in characters.
const NAME: usize = 60;

/// Whose page it is, as customers see it.
#[derive(Debug, Clone)]
pub struct Brand {
    /// `PARTNER_NAME`: how the partner is called on the page. Unset: the page speaks of whoever sent the link.
    pub name: Option<String>,
    /// `PARTNER_LOGO_URL`: the partner's logo, an image over `https`.
    pub logo_url: Option<Url>,
    /// `PARTNER_COLOR`: red, green and blue of buttons and links, written `#rrggbb`.
    pub color: [u8; 3],
    /// `SUPPORT_URL`: where customers find help, an `https` page or a `mailto:` address.
    pub support_url: Option<Url>,
}

impl Brand {
    /// Reads the section.
    pub fn read(env: &mut Env) -> Result<Self, Incomplete> {
        let name = env.optional_parsed(PARTNER_NAME, name);
        let logo_url = env.optional_parsed(PARTNER_LOGO_URL, web_url);
        let color = env.parsed(PARTNER_COLOR, color);
        let support_url = env.optional_parsed(SUPPORT_URL, support_url);
        Ok(Self { name: name?, logo_url: logo_url?, color: color?, support_url: support_url? })
    }
}

fn name(text: &str) -> Result<String, String> {
    if text.chars().count() > NAME || text.chars().any(char::is_control) {
        return Err(format!("must be at most {NAME} characters without control characters"));
    }
    Ok(text.to_owned())
}

/// A page or an image, with whatever query it needs.
fn web_url(text: &str) -> Result<Url, String> {
    match Url::parse(text) {
        Ok(url) if is_https_or_loopback(&url) => Ok(url),
        _ => Err("must begin with https:// (http:// is for this machine only)".to_owned()),
    }
}

fn support_url(text: &str) -> Result<Url, String> {
    match Url::parse(text) {
        Ok(url) if url.scheme() == "mailto" && url.path().contains('@') => Ok(url),
        _ => web_url(text).map_err(|_| "must begin with https:// or be mailto: and an address".to_owned()),
    }
}

fn color(text: &str) -> Result<[u8; 3], String> {
    let mut color = [0; 3];
    match text.strip_prefix('#').map(|digits| hex::decode_to_slice(digits, &mut color)) {
        Some(Ok(())) => Ok(color),
        _ => Err("must be a color written #rrggbb, such as #0b6e5f".to_owned()),
    }
}
