//! State that survives a restart, in one folder: the table, the fakes' state, the vault.
//!
//! The queues are not saved: what a message was sent for is due again by itself.

use std::path::{Path, PathBuf};

use simulator::Simulator;
use vault::{SecretValue, Vault};

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

/// Loads the saved state, if there is any.
pub(crate) async fn load(folder: &Path, simulator: &Simulator, twins: &Twins) -> Result<(), Error> {
    if fakes(folder).exists() {
        simulator.load(&fakes(folder))?;
    }
    if vault(folder).exists() {
        let keys: Vec<SecretValue> = serde_json::from_slice(&std::fs::read(vault(folder))?)?;
        for (channel_id, key) in keys.into_iter().map(SecretValue::into_key) {
            twins.vault.store(&channel_id, &key).await?;
        }
    }
    Ok(())
}

/// Saves what the table's file does not hold.
pub(crate) fn save(folder: &Path, simulator: &Simulator, twins: &Twins) -> Result<(), Error> {
    simulator.save(&fakes(folder))?;
    let keys: Vec<_> = twins.vault.keys().iter().map(|(channel_id, key)| SecretValue::new(channel_id, key)).collect();
    std::fs::write(vault(folder), serde_json::to_vec_pretty(&keys)?)?;
    Ok(())
}
