//! Webhooks that are not kept, because we do not act on them: they may hold customers' chats and address books. That one came,
//! and how large it was, is all that stays.

use aws_sdk_dynamodb::operation::put_item::PutItemError;

use super::inbox::{InboxEntry, InboxKey, LONGEST_NAME, Source, lasting};
use super::item::{self, Key};
use super::{Store, StoreError};

impl Store {
    /// Notes that a webhook came: its name, digest and size, for 30 days. Nothing else of it, not even its id; nothing is due
    /// for it, and nobody is woken. Whether it is the first with this body.
    pub async fn note_seen(&self, source: Source, name: &str, body: &str) -> Result<bool, StoreError> {
        let digest = exchange::sha256_hex(body);
        let key = key(source, &digest);
        let seen = InboxEntry {
            source,
            name: name.chars().take(LONGEST_NAME).collect(),
            body: None,
            body_sha256: digest,
            size: body.len(),
            received_at: self.clock.now(),
        };
        let put = self.client.put_item().table_name(&self.table).set_item(Some(lasting(key, &seen)?));
        match put.condition_expression("attribute_not_exists(pk)").send().await {
            Ok(_) => Ok(true),
            Err(error) if error.as_service_error().is_some_and(PutItemError::is_conditional_check_failed_exception) => {
                Ok(false)
            }
            Err(error) => Err(error.into()),
        }
    }

    /// What was noted of a webhook with this body, which was not kept. A consistent read.
    pub async fn seen(&self, source: Source, body: &str) -> Result<Option<InboxEntry>, StoreError> {
        let found = self.read_item(key(source, &exchange::sha256_hex(body))).await?;
        found.map(item::read).transpose()
    }
}

fn key(source: Source, digest: &str) -> Key {
    Key::inbox_seen(&InboxKey::new(source, digest))
}
