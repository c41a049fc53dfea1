//! Reads a real partner account at 360dialog and changes nothing: the webhook URL, the newest client accounts and channels.
//!
//! `HUB_PARTNER_ID=… HUB_API_KEY=… cargo run -p partner-hub --example probe_partner_hub`; `HUB_BASE_URL` names another Hub.

use std::env;

use exchange::Clock;
use partner_hub::{Authorization, Hub};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
    let variable = |name: &str| env::var(name).map_err(|_| format!("{name} is not set"));
    let base_url = env::var("HUB_BASE_URL").unwrap_or_else(|_| "https://hub.360dialog.io/api/v2".to_owned());
    let authorization = Authorization::ApiKey(variable("HUB_API_KEY")?.into());
    let hub = Hub::new(exchange::client()?, base_url.parse()?, variable("HUB_PARTNER_ID")?, Clock::system());

    let webhook_url = hub.webhook_url(&authorization).await?;
    println!("webhook URL  {}", webhook_url.as_deref().unwrap_or("none"));
    let clients = hub.clients_page(&authorization, 0).await?;
    println!("clients      {} on the first page, more: {}", clients.clients.len(), clients.next_offset.is_some());
    let channels = hub.channels_page(&authorization, 0).await?;
    println!("channels     {} on the first page, more: {}", channels.channels.len(), channels.next_offset.is_some());
    for channel in &channels.channels {
        let status = channel.hub_status.as_deref().or(channel.status.as_deref()).unwrap_or("?");
        println!("  {:<12} {status:<18} live: {}", channel.id, channel.is_live());
    }
    Ok(())
}
