#![doc = include_str!("../README.md")]

mod also;
mod apply;
mod batch;
mod bring_in;
mod client_search;
mod code_claim;
mod contention;
mod deletion;
mod endpoint;
mod erasure;
mod event;
mod feed;
mod heard;
mod history;
mod hub_token;
mod import;
mod inbox;
mod item;
mod kept_token;
mod known_client;
mod last_seen;
mod limit;
mod list;
mod overdue;
mod ownership;
mod place;
mod popup;
mod record;
mod report;
mod rotation;
pub mod schema;
mod seen_channel;
mod seen_webhook;
mod sweep;
mod unclaimed;
mod waba;
mod work;

use aws_sdk_dynamodb::error::{BuildError, ProvideErrorMetadata, SdkError};
use aws_sdk_dynamodb::operation::query::builders::QueryFluentBuilder;
use exchange::Clock;
use onboarding::{IllegalTransition, Onboarding};

pub use apply::Applied;
pub use bring_in::BroughtIn;
pub use client_search::ClientSearchClaim;
pub use code_claim::CodeClaim;
pub use event::{EventKey, StoredEvent};
pub use feed::FeedPage;
pub use history::HistoryEntry;
pub use hub_token::SealedToken;
pub use import::{Import, ImportLook, ImportedChannel, Would};
pub use inbox::{Dedup, InboxEntry, InboxKey, InboxReceipt, InvalidInboxKey, NewInboxEntry, Source};
pub use item::EVENT_PREFIX;
pub use kept_token::{KeptToken, ProofTurn};
pub use known_client::KnownClient;
pub use limit::DispatchLease;
pub use list::{ListFilter, Page};
pub use overdue::InStatus;
pub use popup::{MOST_EXCHANGES, Popup};
pub use record::{Created, Idempotency};
pub use report::Reported;
pub use rotation::ROTATED_WITHIN;
pub use seen_channel::SeenChannel;
pub use sweep::{SweepPage, SweptList};
pub use unclaimed::{UnclaimedPage, UnclaimedSignup};
pub use work::{Due, LATE, WorkKey, WorkState};

/// The table, through the AWS SDK. Cheap to clone.
///
/// Throttling and broken connections are tried again by the SDK client, as it was configured; lost races here.
#[derive(Debug, Clone)]
pub struct Store {
    client: aws_sdk_dynamodb::Client,
    table: String,
    clock: Clock,
}

/// A record as it stands in the table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stored {
    /// The record. On the heap, because many futures hold it.
    pub onboarding: Box<Onboarding>,
    /// 1 at the start, one more with each change.
    pub version: u64,
}

/// Why the table did not do as it was told.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// There is no such item.
    #[error("not found")]
    NotFound,
    /// The event does not fit the record: our mistake, or the sender's.
    #[error(transparent)]
    Illegal(IllegalTransition),
    /// The number belongs to another onboarding. Nothing was written.
    #[error("the number belongs to another onboarding")]
    NumberTaken,
    /// The channel belongs to another onboarding. Nothing was written.
    #[error("the channel belongs to another onboarding")]
    ChannelTaken,
    /// Nobody's signup of this WABA is known, or it was given to another onboarding. Nothing was written.
    #[error("there is no unclaimed signup of this WABA")]
    NotUnclaimed,
    /// The cursor was not made by [`Store::list`], or for a list of another kind.
    #[error("the cursor is not one of ours")]
    InvalidCursor,
    /// Others changed the item first, several times in a row. Trying again later helps.
    #[error("write conflict: retries exhausted")]
    Busy,
    /// The item is of a shape that this release does not know. A person has to look.
    #[error("item {what} is unreadable: {reason}")]
    Unreadable {
        /// The item's `pk`.
        what: String,
        /// What is wrong with it.
        reason: String,
    },
    /// DynamoDB did not do it. Trying again later helps, unless the text says that the request is at fault.
    #[error("table unavailable: {0}")]
    Unavailable(String),
}

impl Store {
    /// The table named `table`, reached through `client`.
    pub fn new(client: aws_sdk_dynamodb::Client, table: String, clock: Clock) -> Self {
        Self { client, table, clock }
    }

    /// Opens a connection by reading an item that never exists, so that the first request does not wait for it.
    pub async fn warm(&self) -> Result<(), StoreError> {
        self.read_item(item::Key::warm()).await.map(drop)
    }

    /// A consistent read of the items of a partition whose sort keys begin like this, in their order.
    fn query_items(&self, pk: String, begin: &str) -> QueryFluentBuilder {
        self.client
            .query()
            .table_name(&self.table)
            .consistent_read(true)
            .key_condition_expression("pk = :pk AND begins_with(sk, :begin)")
            .expression_attribute_values(":pk", item::s(pk))
            .expression_attribute_values(":begin", item::s(begin))
    }

    /// A consistent read of one item.
    async fn read_item(&self, key: item::Key) -> Result<Option<item::Item>, StoreError> {
        let read = self.client.get_item().table_name(&self.table).set_key(Some(key.attributes())).consistent_read(true);
        Ok(read.send().await?.item)
    }
}

/// A random name for whoever takes a lease or a claim.
pub(crate) fn new_owner() -> Result<String, StoreError> {
    let mut bytes = [0; 16];
    getrandom::fill(&mut bytes).map_err(|error| StoreError::Unavailable(format!("no randomness: {error}")))?;
    Ok(hex::encode(bytes))
}

impl<E, R> From<SdkError<E, R>> for StoreError
where
    E: ProvideErrorMetadata + std::error::Error + 'static,
    R: std::fmt::Debug + 'static,
{
    fn from(error: SdkError<E, R>) -> Self {
        if let Some(code) = error.code() {
            return Self::Unavailable(format!("{code}: {}", error.message().unwrap_or_default()));
        }
        let mut text = error.to_string();
        let mut cause = std::error::Error::source(&error);
        while let Some(error) = cause {
            text = format!("{text}: {error}");
            cause = error.source();
        }
        Self::Unavailable(text)
    }
}

impl From<BuildError> for StoreError {
    fn from(error: BuildError) -> Self {
        Self::Unavailable(error.to_string())
    }
}
