//! Which addresses the partner's webhook may have.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::str::FromStr;

use url::{Host, Url};

/// The address of a webhook: https, by a name, on port 443; or a loopback address, for a stack on one's own machine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WebhookUrl(Url);

/// Why an address cannot be a webhook's.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum InvalidWebhookUrl {
    /// It is not a URL.
    #[error("must be a URL")]
    NotUrl,
    /// Anybody on the way could read and change what is sent there.
    #[error("must begin with https://")]
    NotHttps,
    /// The rules for addresses are rules for names.
    #[error("must name a host; an IP address is allowed only if it is this machine's own, such as 127.0.0.1")]
    Literal,
    /// Webhooks are received on port 443.
    #[error("must be on port 443, without a port in it")]
    Port,
    /// They would show in logs.
    #[error("must hold no user name, password or fragment")]
    Credentials,
}

impl WebhookUrl {
    /// The address.
    pub fn as_url(&self) -> &Url {
        &self.0
    }
}

impl FromStr for WebhookUrl {
    type Err = InvalidWebhookUrl;

    fn from_str(text: &str) -> Result<Self, InvalidWebhookUrl> {
        let url: Url = text.parse().map_err(|_| InvalidWebhookUrl::NotUrl)?;
        if !url.username().is_empty() || url.password().is_some() || url.fragment().is_some() {
            return Err(InvalidWebhookUrl::Credentials);
        }
        let is_loopback = match url.host() {
            Some(Host::Domain(_)) => false,
            Some(Host::Ipv4(address)) => address.is_loopback(),
            Some(Host::Ipv6(address)) => address.is_loopback(),
            None => return Err(InvalidWebhookUrl::NotUrl),
        };
        match (url.scheme(), url.host()) {
            ("https" | "http", _) if is_loopback => Ok(Self(url)),
            ("https", Some(Host::Domain(_))) if url.port().is_none() => Ok(Self(url)),
            ("https", Some(Host::Domain(_))) => Err(InvalidWebhookUrl::Port),
            ("https", _) => Err(InvalidWebhookUrl::Literal),
            _ => Err(InvalidWebhookUrl::NotHttps),
        }
    }
}

/// Whether an address is one of the public internet: not of this machine, not of a private network, not of a cloud's metadata
/// service, and of no range that is reserved (IANA, special-purpose address registries).
pub fn is_public(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(address) => is_public_v4(address),
        IpAddr::V6(address) => is_public_v6(address),
    }
}

/// Ranges that are not public: first address and length of the prefix.
const NOT_PUBLIC_V4: [(Ipv4Addr, u32); 15] = [
    (Ipv4Addr::UNSPECIFIED, 8),
    (Ipv4Addr::new(10, 0, 0, 0), 8),
    (Ipv4Addr::new(100, 64, 0, 0), 10),
    (Ipv4Addr::new(127, 0, 0, 0), 8),
    (Ipv4Addr::new(169, 254, 0, 0), 16),
    (Ipv4Addr::new(172, 16, 0, 0), 12),
    (Ipv4Addr::new(192, 0, 0, 0), 24),
    (Ipv4Addr::new(192, 0, 2, 0), 24),
    (Ipv4Addr::new(192, 88, 99, 0), 24),
    (Ipv4Addr::new(192, 168, 0, 0), 16),
    (Ipv4Addr::new(198, 18, 0, 0), 15),
    (Ipv4Addr::new(198, 51, 100, 0), 24),
    (Ipv4Addr::new(203, 0, 113, 0), 24),
    (Ipv4Addr::new(224, 0, 0, 0), 4),
    (Ipv4Addr::new(240, 0, 0, 0), 4),
];

fn is_public_v4(address: Ipv4Addr) -> bool {
    NOT_PUBLIC_V4.iter().all(|(first, length)| {
        let shift = 32 - length;
        address.to_bits() >> shift != first.to_bits() >> shift
    })
}

/// Of IPv6 only global unicast (`2000::/3`) is public, without what stands in it for something else.
fn is_public_v6(address: Ipv6Addr) -> bool {
    let [first, second, ..] = address.segments();
    let embeds_v4 = |address: Ipv6Addr| {
        let [_, a, b, ..] = address.segments();
        let [[a, b], [c, d]] = [a.to_be_bytes(), b.to_be_bytes()];
        Ipv4Addr::new(a, b, c, d)
    };
    match first {
        // IETF protocols, documentation, benchmarks, ORCHID; and Teredo, which leads to any IPv4 address.
        0x2001 => second >= 0x0200 && second != 0x0db8,
        // 6to4 leads to the IPv4 address in it.
        0x2002 => is_public_v4(embeds_v4(address)),
        // Documentation.
        0x3fff => second >= 0x1000,
        _ => first & 0xe000 == 0x2000,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_webhook_is_https_by_a_name_on_port_443_or_on_this_machine() {
        for text in [
            "https://crm.example/whatsapp/events?tenant=1",
            "https://crm.example:443/",
            "http://127.0.0.1:9000/hook",
            "http://[::1]:9000/",
            "https://127.1.2.3/",
        ] {
            assert!(text.parse::<WebhookUrl>().is_ok(), "{text}");
        }
        for (text, problem) in [
            ("", InvalidWebhookUrl::NotUrl),
            ("crm.example", InvalidWebhookUrl::NotUrl),
            ("http://crm.example/", InvalidWebhookUrl::NotHttps),
            ("http://localhost:9000/", InvalidWebhookUrl::NotHttps),
            ("ftp://127.0.0.1/", InvalidWebhookUrl::NotHttps),
            ("https://crm.example:8443/", InvalidWebhookUrl::Port),
            ("https://203.0.113.7/", InvalidWebhookUrl::Literal),
            ("https://93.184.215.14/", InvalidWebhookUrl::Literal),
            ("https://0x5db8d70e/", InvalidWebhookUrl::Literal),
            ("http://10.0.0.1/", InvalidWebhookUrl::NotHttps),
            ("https://[2606:2800:220:1:248:1893:25c8:1946]/", InvalidWebhookUrl::Literal),
            ("https://user@crm.example/", InvalidWebhookUrl::Credentials),
            ("https://crm.example/#x", InvalidWebhookUrl::Credentials),
        ] {
            assert_eq!(text.parse::<WebhookUrl>(), Err(problem), "{text}");
        }
    }

    #[test]
    fn addresses_that_lead_inside_are_not_public() {
        for text in [
            "0.0.0.0",
            "10.1.2.3",
            "100.64.0.1",
            "127.0.0.1",
            "169.254.169.254",
            "172.16.0.1",
            "172.31.255.255",
            "192.168.1.1",
            "198.19.0.1",
            "203.0.113.7",
            "224.0.0.1",
            "255.255.255.255",
            "::",
            "::1",
            "::ffff:10.0.0.1",
            "::ffff:93.184.215.14",
            "64:ff9b::a00:1",
            "fc00::1",
            "fd00:ec2::254",
            "fe80::1",
            "ff02::1",
            "2001:db8::1",
            "2001::1",
            "2002:a00:1::",
            "2002:7f00:1::",
            "3fff::1",
            "100::1",
        ] {
            assert!(!is_public(text.parse().unwrap()), "{text}");
        }
        for text in [
            "93.184.215.14",
            "172.32.0.1",
            "100.128.0.1",
            "2606:2800:220:1:248:1893:25c8:1946",
            "2a00:1450::1",
            "2001:4860:4860::8888",
            "2002:5db8:d70e::",
        ] {
            assert!(is_public(text.parse().unwrap()), "{text}");
        }
    }
}
