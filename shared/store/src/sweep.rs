//! How far the daily sweep of the Hub's lists has come.

use onboarding::Class;
use onboarding::limiter::{from_milliseconds, milliseconds};
use strum::{EnumString, IntoStaticStr};
use time::OffsetDateTime;

use super::item::{self, Key, n, s};
use super::work::AT_WORK;
use super::{Store, StoreError};

/// A list of the Hub's that the daily sweep reads.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, IntoStaticStr, EnumString)]
#[strum(serialize_all = "snake_case")]
pub enum SweptList {
    /// All channels. They come first.
    #[default]
    Channels,
    /// All client accounts.
    Clients,
}

/// A page that the daily sweep reads.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct SweepPage {
    /// Of which list.
    pub list: SweptList,
    /// How many entries come before it.
    pub offset: u32,
    /// While the client accounts are swept: when the channels are due again, whatever becomes of the client accounts.
    pub channels_at: Option<OffsetDateTime>,
}

impl Store {
    /// Makes sure that there is a sweep. One that never ran begins at `first`.
    pub async fn ensure_sweep(&self, first: OffsetDateTime) -> Result<(), StoreError> {
        match self.read_item(Key::sweep()).await? {
            Some(_) => Ok(()),
            None => self.sweep_on(SweepPage::default(), first).await,
        }
    }

    /// The page that the sweep reads next.
    pub async fn sweep_page(&self) -> Result<SweepPage, StoreError> {
        let found = self.read_item(Key::sweep()).await?.unwrap_or_default();
        let list = item::text(&found, "next_list").and_then(|list| list.parse().ok());
        let offset = item::number(&found, "next_offset").and_then(|offset| offset.try_into().ok());
        let channels_at = item::number(&found, "channels_at").map(from_milliseconds);
        Ok(list.zip(offset).map(|(list, offset)| SweepPage { list, offset, channels_at }).unwrap_or_default())
    }

    /// Notes which page the sweep reads next, and when.
    pub async fn sweep_on(&self, next: SweepPage, at: OffsetDateTime) -> Result<(), StoreError> {
        let SweepPage { list, offset, channels_at } = next;
        let (set, remove) = match channels_at {
            Some(_) => (", channels_at = :channels_at", ""),
            None => ("", "channels_at, "),
        };
        let request = self
            .client
            .update_item()
            .set_key(Some(Key::sweep().attributes()))
            .update_expression(format!(
                "SET v = :v, next_list = :list, next_offset = :offset, due = :class, due_at = :at{set} REMOVE {remove}{}",
                AT_WORK.join(", ")
            ))
            .expression_attribute_values(":v", n(item::SHAPE))
            .expression_attribute_values(":list", s(<&str>::from(list)))
            .expression_attribute_values(":offset", n(offset))
            .expression_attribute_values(":class", s(Class::Sweep.as_str()))
            .expression_attribute_values(":at", n(milliseconds(at)));
        let request = match channels_at {
            Some(at) => request.expression_attribute_values(":channels_at", n(milliseconds(at))),
            None => request,
        };
        self.update(request).await.map(drop)
    }
}
