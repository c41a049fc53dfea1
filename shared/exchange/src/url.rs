//! What a URL leads to.

use url::{Host, Url};

/// Whether a URL leads to this machine: `localhost`, a name under it, or a loopback address.
pub fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(Host::Domain(name)) => name == "localhost" || name.ends_with(".localhost"),
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    }
}

/// True if the scheme is `https`, or if it is `http` and the URL leads to this machine, where nobody can listen in.
pub fn is_https_or_loopback(url: &Url) -> bool {
    match url.scheme() {
        "https" => true,
        "http" => is_loopback(url),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plain_http_leads_to_this_machine_only() {
        let accepted = |url: &str| is_https_or_loopback(&url.parse().unwrap());
        for url in
            ["https://example.com", "https://127.0.0.1", "http://localhost:3000", "http://a.localhost", "http://[::1]"]
        {
            assert!(accepted(url), "{url}");
        }
        for url in [
            "http://example.com",
            "http://10.0.0.1",
            "http://localhost.example.com",
            "ftp://localhost",
            "mailto:a@localhost",
        ] {
            assert!(!accepted(url), "{url}");
        }
    }
}
