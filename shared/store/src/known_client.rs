//! Which client account an e-mail address has, as onboardings found or created it. A search counts for a day; this is kept,
//! so that the daily sweep recognizes a second account with the same address.

use std::collections::{HashMap, HashSet};

use onboarding::ClientId;
use serde::{Deserialize, Serialize};

use super::batch::BATCH;
use super::item::{self, Key};
use super::{Store, StoreError};

#[derive(Serialize, Deserialize)]
struct KnownClientItem {
    found_id: ClientId,
}

impl Store {
    /// Keeps which client account has this e-mail address.
    pub(crate) async fn keep_client(&self, email: &str, client_id: &ClientId) -> Result<(), StoreError> {
        let item = item::write(key(&exchange::folded_email(email)), &KnownClientItem { found_id: client_id.clone() })?;
        self.client.put_item().table_name(&self.table).set_item(Some(item)).send().await?;
        Ok(())
    }

    /// The client accounts that onboardings have found or created for these e-mail addresses, by [`exchange::folded_email`].
    /// Items of an unknown shape are left out and logged.
    pub async fn known_clients<'a>(
        &self,
        emails: impl IntoIterator<Item = &'a str>,
    ) -> Result<HashMap<String, ClientId>, StoreError> {
        let emails: HashSet<String> = emails.into_iter().map(exchange::folded_email).collect();
        let mut by_pk: HashMap<String, String> = emails.into_iter().map(|email| (key(&email).pk, email)).collect();
        let keys: Vec<_> = by_pk.values().map(|email| key(email).attributes()).collect();
        let mut known = HashMap::new();
        for batch in keys.chunks(BATCH) {
            for item in self.read_items(batch.to_vec()).await? {
                let email = item::text(&item, "pk").and_then(|pk| by_pk.remove(pk));
                match item::read::<KnownClientItem>(item) {
                    Ok(KnownClientItem { found_id }) => known.extend(email.map(|email| (email, found_id))),
                    Err(error) => tracing::error!(%error, "known client account left out"),
                }
            }
        }
        Ok(known)
    }
}

fn key(folded_email: &str) -> Key {
    Key::known_client(&exchange::sha256_hex(folded_email))
}
