//! The one HTTP client, for everything that a function calls: the Hub, Meta, the messaging API, and AWS through its SDK.

use std::time::Duration;

/// How long a connection may take to open.
const CONNECT: Duration = Duration::from_secs(3);
/// How long a whole call may take. Shorter than every function's timeout, and than a worker has its work to itself.
const CALL: Duration = Duration::from_secs(10);
/// Shorter than the keep-alive of the servers we call, so that a thawed Lambda does not write to a dead connection.
const IDLE: Duration = Duration::from_secs(20);

/// Builds the client: compiled-in roots (nothing is read from disk), no redirects (a redirect could carry a credential
/// elsewhere), no proxy, no retries of its own.
///
/// # Errors
/// Only if the TLS library cannot be set up.
pub fn client() -> Result<reqwest::Client, Box<dyn std::error::Error + Send + Sync>> {
    Ok(builder()?.build()?)
}

/// [`client`], but one that resolves names with `resolver`. It keeps no connection, because the next one may have to go to
/// another address.
///
/// # Errors
/// Only if the TLS library cannot be set up.
pub fn client_resolving_with(
    resolver: impl reqwest::dns::Resolve + 'static,
) -> Result<reqwest::Client, Box<dyn std::error::Error + Send + Sync>> {
    Ok(builder()?.dns_resolver(std::sync::Arc::new(resolver)).pool_max_idle_per_host(0).build()?)
}

fn builder() -> Result<reqwest::ClientBuilder, Box<dyn std::error::Error + Send + Sync>> {
    let provider = std::sync::Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let roots = rustls::RootCertStore { roots: webpki_roots::TLS_SERVER_ROOTS.to_vec() };
    let tls = rustls::ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()?
        .with_root_certificates(roots)
        .with_no_client_auth();
    #[expect(clippy::disallowed_methods, reason = "the one place where a client is built")]
    let builder = reqwest::Client::builder();
    Ok(builder
        .tls_backend_preconfigured(tls)
        .connect_timeout(CONNECT)
        .timeout(CALL)
        .pool_idle_timeout(IDLE)
        .no_proxy()
        .redirect(reqwest::redirect::Policy::none())
        .retry(reqwest::retry::never())
        .user_agent(concat!("whatsapp-onboarding/", env!("CARGO_PKG_VERSION"))))
}
