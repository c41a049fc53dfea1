//! State that survives a restart, in one folder: the table, the fakes' state, the vault.
//!
//! The queues are not saved: at the start every onboarding that a worker can move is queued again.

use std::path::{Path, PathBuf};

use onboarding::ChannelId;
use secrecy::ExposeSecret;
use serde::{Deserialize, Serialize};
use simulator::Simulator;
use store::ListFilter;
use time::OffsetDateTime;
use url::Url;
use vault::{NewVaultKey, Vault, VaultKey};
use workflow::send_on;

use crate::Error;
use crate::functions::Twins;

/// The table's file.
pub(crate) fn table(folder: &Path) -> PathBuf {
    folder.join("table.db")
}

fn fakes(folder: &Path) -> PathBuf {
    folder.join("simulator.json")
}

fn vault(folder: &Path) -> PathBuf {
    folder.join("vault.json")
}

/// A key of the fake Hub, as its secret holds it.
#[derive(Serialize, Deserialize)]
pub(crate) struct StoredKey {
    channel_id: ChannelId,
    api_key: String,
    address: Url,
    key_id: Option<String>,
    #[serde(with = "time::serde::rfc3339")]
    created_at: OffsetDateTime,
}

impl StoredKey {
    #[expect(clippy::disallowed_methods, reason = "made-up keys, kept for the next start")]
    pub(crate) fn new(channel_id: ChannelId, key: VaultKey) -> Self {
        let VaultKey { api_key, address, key_id, created_at, .. } = key;
        Self { channel_id, api_key: api_key.expose_secret().to_owned(), address, key_id, created_at }
    }

    pub(crate) fn into_new(self) -> (ChannelId, NewVaultKey) {
        let Self { channel_id, api_key, address, key_id, created_at } = self;
        (channel_id, NewVaultKey { api_key: api_key.into(), address, key_id, created_at })
    }
}

/// Loads the saved state, if there is any.
pub(crate) async fn load(folder: &Path, simulator: &Simulator, twins: &Twins) -> Result<(), Error> {
    if fakes(folder).exists() {
        simulator.load(&fakes(folder))?;
    }
    if vault(folder).exists() {
        let keys: Vec<StoredKey> = serde_json::from_slice(&std::fs::read(vault(folder))?)?;
        for (channel_id, key) in keys.into_iter().map(StoredKey::into_new) {
            twins.vault.store(&channel_id, &key).await?;
        }
    }
    let mut cursor = None;
    loop {
        let page = twins.store.list(&ListFilter::default(), cursor.as_deref(), 100).await?;
        for stored in &page.onboardings {
            send_on(&twins.queue, &stored.onboarding).await?;
        }
        cursor = page.cursor;
        if cursor.is_none() {
            return Ok(());
        }
    }
}

/// Saves what the table's file does not hold.
pub(crate) fn save(folder: &Path, simulator: &Simulator, twins: &Twins) -> Result<(), Error> {
    simulator.save(&fakes(folder))?;
    let keys = twins.vault.keys().into_iter().map(|(channel_id, key)| StoredKey::new(channel_id, key));
    std::fs::write(vault(folder), serde_json::to_vec_pretty(&keys.collect::<Vec<_>>())?)?;
    Ok(())
}
