//! The popup of an onboarding: when its customer went to Meta and finished there, and how many codes were exchanged.

use aws_sdk_dynamodb::operation::update_item::builders::UpdateItemFluentBuilder;
use aws_sdk_dynamodb::types::{AttributeValue, TransactWriteItem, Update};

use onboarding::limiter::{from_milliseconds, milliseconds};
use onboarding::{OnboardingId, WabaId};
use time::{Duration, OffsetDateTime};

use super::contention::Updated;
use super::item::{self, Key, n, s};
use super::{Store, StoreError};

/// How many codes are exchanged with one link, so that it cannot cause calls to Meta without end.
pub const MOST_EXCHANGES: u32 = 200;

/// How many codes are exchanged with links that were replaced, so that they cannot use up those of the present one.
const MOST_OF_FORMER: u32 = 20;
/// How long Meta's window may stay open before its customer has given up.
const OPEN: Duration = Duration::hours(2);
/// What the page says is written no more often than this.
const PAUSE: Duration = Duration::minutes(1);
/// Of how many links it is kept that they opened a popup.
const MOST_LINKS: u32 = 100;
/// How many WABAs the page of one onboarding can hint at.
const MOST_HINTS: u32 = 20;
/// How long a hint is kept: as long as the signup that it may be of.
const HINT_KEPT: Duration = Duration::days(30);

/// What is known of the popup of an onboarding.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Popup {
    /// When the customer last went to Meta with a valid link.
    pub opened_at: Option<OffsetDateTime>,
    /// With which links: SHA-256 of their tokens, in hexadecimal.
    pub opened_by: Vec<String>,
    /// When the customer last finished at Meta without its code reaching us.
    pub finished_at: Option<OffsetDateTime>,
    /// How many codes were exchanged with the present link.
    pub exchanges: u32,
}

impl Popup {
    /// Until when the popup counts as open: what is finished there still counts, also if the link has run out meanwhile.
    pub fn open_until(&self) -> Option<OffsetDateTime> {
        self.opened_at.map(|at| at + OPEN)
    }

    /// Whether the popup is open.
    pub fn is_open(&self, now: OffsetDateTime) -> bool {
        self.open_until().is_some_and(|until| now < until)
    }
}

/// The write with which the exchanges of a new link are counted from the start.
pub(crate) fn count_anew(table: &str, id: &OnboardingId) -> Result<TransactWriteItem, StoreError> {
    let update = Update::builder()
        .table_name(table)
        .set_key(Some(Key::popup(id).attributes()))
        .update_expression("SET v = :v REMOVE exchanges")
        .expression_attribute_values(":v", n(item::SHAPE))
        .build()?;
    Ok(TransactWriteItem::builder().update(update).build())
}

impl Store {
    /// What is known of the popup (a consistent read).
    pub async fn popup(&self, id: &OnboardingId) -> Result<Popup, StoreError> {
        let Some(found) = self.read_item(Key::popup(id)).await? else { return Ok(Popup::default()) };
        let time = |name| item::number(&found, name).map(from_milliseconds);
        let exchanges = item::number(&found, "exchanges").and_then(|count| count.try_into().ok());
        let opened_by = found.get("opened_by").and_then(|links| links.as_ss().ok());
        Ok(Popup {
            opened_at: time("opened_at"),
            opened_by: opened_by.cloned().unwrap_or_default(),
            finished_at: time("finished_at"),
            exchanges: exchanges.unwrap_or_default(),
        })
    }

    /// Notes that the customer went to Meta with the link of this token, which is valid. `token_sha256`: in hexadecimal.
    pub async fn popup_opened(&self, id: &OnboardingId, token_sha256: &str) -> Result<(), StoreError> {
        let request = self
            .popup_request(id)
            .update_expression("SET v = :v, opened_at = :now ADD opened_by :links")
            .condition_expression(
                "attribute_not_exists(opened_at) OR opened_at <= :before OR (NOT contains(opened_by, :link) AND size(opened_by) < :most)",
            )
            .expression_attribute_values(":links", AttributeValue::Ss(vec![token_sha256.to_owned()]))
            .expression_attribute_values(":link", s(token_sha256))
            .expression_attribute_values(":most", n(MOST_LINKS));
        self.update(request).await.map(drop)
    }

    /// Notes that the customer finished at Meta and no code of it has reached us.
    pub async fn popup_finished(&self, id: &OnboardingId) -> Result<(), StoreError> {
        let request = self
            .popup_request(id)
            .update_expression("SET v = :v, finished_at = :now")
            .condition_expression("attribute_not_exists(finished_at) OR finished_at <= :before");
        self.update(request).await.map(drop)
    }

    fn popup_request(&self, id: &OnboardingId) -> UpdateItemFluentBuilder {
        let now = self.clock.now();
        self.client
            .update_item()
            .set_key(Some(Key::popup(id).attributes()))
            .expression_attribute_values(":v", n(item::SHAPE))
            .expression_attribute_values(":now", n(milliseconds(now)))
            .expression_attribute_values(":before", n(milliseconds(now - PAUSE)))
    }

    /// Counts an exchange before it is made. `false`: there were [`MOST_EXCHANGES`], or 20 by links that were replaced, and it must
    /// not be made. A code has reached us, so the customer no longer counts as having finished without one.
    pub async fn reserve_exchange(&self, id: &OnboardingId, by_former_link: bool) -> Result<bool, StoreError> {
        let (count, most) =
            if by_former_link { ("former_exchanges", MOST_OF_FORMER) } else { ("exchanges", MOST_EXCHANGES) };
        let request = self
            .client
            .update_item()
            .set_key(Some(Key::popup(id).attributes()))
            .update_expression("SET v = :v REMOVE finished_at ADD #count :one")
            .condition_expression("attribute_not_exists(#count) OR #count < :most")
            .expression_attribute_names("#count", count)
            .expression_attribute_values(":v", n(item::SHAPE))
            .expression_attribute_values(":one", n(1))
            .expression_attribute_values(":most", n(most));
        Ok(matches!(self.update(request).await?, Updated::Done(_)))
    }

    /// Keeps that the page of this onboarding says that its customer finished at Meta with this WABA. A hint, no proof: anybody
    /// with the link can say it. Those of the first 20 WABAs are kept, for 30 days.
    pub async fn hint(&self, id: &OnboardingId, waba_id: &WabaId) -> Result<(), StoreError> {
        let request = self
            .client
            .update_item()
            .set_key(Some(Key::popup(id).attributes()))
            .update_expression("SET v = :v ADD hints :wabas")
            .condition_expression("attribute_not_exists(hints) OR (size(hints) < :most AND NOT contains(hints, :waba))")
            .expression_attribute_values(":v", n(item::SHAPE))
            .expression_attribute_values(":wabas", AttributeValue::Ss(vec![waba_id.to_string()]))
            .expression_attribute_values(":waba", s(waba_id.as_str()))
            .expression_attribute_values(":most", n(MOST_HINTS));
        if let Updated::Refused(_) = self.update(request).await? {
            return Ok(());
        }
        let request = self
            .client
            .update_item()
            .set_key(Some(Key::hint(waba_id, id).attributes()))
            .update_expression("SET v = :v, expires_at = :expires_at")
            .expression_attribute_values(":v", n(item::SHAPE))
            .expression_attribute_values(":expires_at", n((self.clock.now() + HINT_KEPT).unix_timestamp()));
        self.update(request).await.map(drop)
    }
}
