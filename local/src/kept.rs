//! What is kept from one start to the next, in one folder: the table, the fakes' state, the vault.
//!
//! The queues are not kept: at the start every onboarding that a worker can move is sent on again.

use std::path::{Path, PathBuf};

use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Serialize};
use shared::onboarding::ChannelId;
use shared::steps::send_on;
use shared::store::ListFilter;
use shared::vault::{NewVaultKey, Vault};
use simulator::Simulator;
use time::OffsetDateTime;
use url::Url;

use crate::Error;
use crate::functions::World;

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

/// A key of the fake Hub.
#[derive(Serialize, Deserialize)]
struct KeptKey {
    channel_id: ChannelId,
    api_key: String,
    address: Url,
    key_id: Option<String>,
    #[serde(with = "time::serde::rfc3339")]
    created_at: OffsetDateTime,
}

/// Takes over what was kept, if anything was.
pub(crate) async fn load(folder: &Path, simulator: &Simulator, world: &World) -> Result<(), Error> {
    if fakes(folder).exists() {
        simulator.load(&fakes(folder))?;
    }
    if vault(folder).exists() {
        let keys: Vec<KeptKey> = serde_json::from_slice(&std::fs::read(vault(folder))?)?;
        for KeptKey { channel_id, api_key, address, key_id, created_at } in keys {
            let key = NewVaultKey { api_key: SecretString::from(api_key), address, key_id, created_at };
            world.vault.store(&channel_id, &key).await?;
        }
    }
    let mut cursor = None;
    loop {
        let page = world.store.list(&ListFilter::default(), cursor.as_deref(), 100).await?;
        for stored in &page.onboardings {
            send_on(&world.queue, &stored.onboarding).await?;
        }
        cursor = page.cursor;
        if cursor.is_none() {
            return Ok(());
        }
    }
}

/// Writes down what the table's file does not hold.
pub(crate) fn save(folder: &Path, simulator: &Simulator, world: &World) -> Result<(), Error> {
    simulator.save(&fakes(folder))?;
    let keys = world.vault.keys().into_iter().map(|(channel_id, key)| KeptKey {
        channel_id,
        api_key: key.api_key.expose_secret().to_owned(),
        address: key.address,
        key_id: key.key_id,
        created_at: key.created_at,
    });
    std::fs::write(vault(folder), serde_json::to_vec_pretty(&keys.collect::<Vec<_>>())?)?;
    Ok(())
}
