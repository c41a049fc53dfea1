//! Which client account an e-mail address has, as onboardings found or created it. A search counts for a day; this lasts as long
//! as an onboarding has the account, so that the daily sweep recognizes a second one with the same address.

use std::collections::{HashMap, HashSet};

use onboarding::ClientId;
use serde::{Deserialize, Serialize};
use time::{Duration, OffsetDateTime};

use super::batch::BATCH;
use super::item::{self, Key};
use super::{Store, StoreError};

/// How long it is kept, unless it is renewed.
const KEPT: Duration = Duration::days(90);
/// The daily sweep renews what would end earlier than this.
const RENEWED: Duration = Duration::days(60);

/// The client account of an e-mail address.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct KnownClient {
    /// Its id.
    #[serde(rename = "found_id")]
    pub id: ClientId,
    #[serde(with = "time::serde::timestamp")]
    expires_at: OffsetDateTime,
}

impl Store {
    /// Keeps for 90 days which client account has this e-mail address.
    pub async fn keep_client(&self, email: &str, client_id: &ClientId) -> Result<(), StoreError> {
        let known = KnownClient { id: client_id.clone(), expires_at: self.clock.now() + KEPT };
        let item = item::write(key(&exchange::folded_email(email)), &known)?;
        self.client.put_item().table_name(&self.table).set_item(Some(item)).send().await?;
        Ok(())
    }

    /// The client accounts that onboardings have found or created for these e-mail addresses, by [`exchange::folded_email`].
    /// Items of an unknown shape are left out and logged.
    pub async fn known_clients<'a>(
        &self,
        emails: impl IntoIterator<Item = &'a str>,
    ) -> Result<HashMap<String, KnownClient>, StoreError> {
        let emails: HashSet<String> = emails.into_iter().map(exchange::folded_email).collect();
        let mut by_pk: HashMap<String, String> = emails.into_iter().map(|email| (key(&email).pk, email)).collect();
        let keys: Vec<_> = by_pk.values().map(|email| key(email).attributes()).collect();
        let mut known = HashMap::new();
        for batch in keys.chunks(BATCH) {
            for item in self.read_items(batch.to_vec()).await? {
                let email = item::text(&item, "pk").and_then(|pk| by_pk.remove(pk));
                match item::read::<KnownClient>(item) {
                    Ok(client) => known.extend(email.map(|email| (email, client))),
                    Err(error) => tracing::error!(%error, "known client account left out"),
                }
            }
        }
        Ok(known)
    }
}

impl KnownClient {
    /// Whether it is to be kept anew, if an onboarding has the account still.
    pub fn is_ending(&self, now: OffsetDateTime) -> bool {
        self.expires_at - now < RENEWED
    }
}

pub(crate) fn key(folded_email: &str) -> Key {
    Key::known_client(&exchange::sha256_hex(folded_email))
}
