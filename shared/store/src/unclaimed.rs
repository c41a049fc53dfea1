//! Signups that Meta reported and no onboarding has: until the customer's next click proves whose they are, or the partner
//! says so.

use std::collections::HashMap;

use aws_sdk_dynamodb::types::{Delete, Put, TransactWriteItem};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use onboarding::limiter::milliseconds;
use onboarding::{BusinessId, OnboardingId, PartnerEvent, WabaId};
use serde::{Deserialize, Serialize};
use time::{Duration, OffsetDateTime};

use super::item::{self, HINT_PREFIX, Item, Key, LISTED_SIGNUPS, n, s};
use super::{Store, StoreError, schema};

/// How long an unclaimed signup is kept.
const KEPT: Duration = Duration::days(30);
/// The longest page.
const LONGEST_PAGE: u32 = 100;
/// How many onboardings that claim a signup are shown.
const MOST_CLAIMS: i32 = 20;

/// A signup that no onboarding has.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct UnclaimedSignup {
    /// The WABA.
    pub waba_id: WabaId,
    /// The portfolio that owns it, as Meta reported.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub business_id: Option<BusinessId>,
    /// Meta's event, such as `PARTNER_ADDED`.
    pub event: String,
    /// When it happened, in Meta's words.
    #[serde(default, with = "time::serde::rfc3339::option", skip_serializing_if = "Option::is_none")]
    pub reported_at: Option<OffsetDateTime>,
    /// When the report reached us.
    #[serde(with = "time::serde::rfc3339")]
    pub received_at: OffsetDateTime,
}

/// A page of unclaimed signups.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UnclaimedPage {
    /// Each with the onboardings whose page says that the signup is theirs; the newest report first.
    pub signups: Vec<(UnclaimedSignup, Vec<OnboardingId>)>,
    /// Where the next page begins; `None` on the last one.
    pub cursor: Option<String>,
}

/// An item, besides its keys.
#[derive(Serialize)]
struct UnclaimedItem<'a> {
    #[serde(flatten)]
    signup: &'a UnclaimedSignup,
    listed: &'static str,
    id: String,
    expires_at: i64,
}

/// Where a signup is in the list: by the time at which it was reported.
struct Place {
    received_ms: i64,
    waba_id: WabaId,
}

impl Place {
    fn of(signup: &UnclaimedSignup) -> Self {
        Self { received_ms: milliseconds(signup.received_at), waba_id: signup.waba_id.clone() }
    }

    fn id(&self) -> String {
        format!("{:013}#{}", self.received_ms, self.waba_id)
    }

    fn read(id: &str) -> Option<Self> {
        let (received_ms, waba_id) = id.split_once('#')?;
        let place = Self { received_ms: received_ms.parse().ok()?, waba_id: waba_id.parse().ok()? };
        (place.id() == id).then_some(place)
    }

    fn key(&self) -> Item {
        let mut key = Key::unclaimed(&self.waba_id).attributes();
        key.extend([("listed".to_owned(), s(LISTED_SIGNUPS)), ("id".to_owned(), s(self.id()))]);
        key
    }
}

/// The write that ends an unclaimed signup. `claimed`: only if there is one.
pub(crate) fn end(table: &str, waba_id: &WabaId, claimed: bool) -> Result<TransactWriteItem, StoreError> {
    let delete = Delete::builder().table_name(table).set_key(Some(Key::unclaimed(waba_id).attributes()));
    let delete = if claimed { delete.condition_expression("attribute_exists(pk)") } else { delete };
    Ok(TransactWriteItem::builder().delete(delete.build()?).build())
}

impl Store {
    /// Keeps a signup that no onboarding has, for 30 days from now. Whether it was not here before; then the partner is told, if
    /// `tells`.
    pub async fn keep_unclaimed(&self, signup: &UnclaimedSignup, tells: bool) -> Result<bool, StoreError> {
        let now = self.clock.now();
        let attributes = UnclaimedItem {
            signup,
            listed: LISTED_SIGNUPS,
            id: Place::of(signup).id(),
            expires_at: (now + KEPT).unix_timestamp(),
        };
        let item = item::write(Key::unclaimed(&signup.waba_id), &attributes)?;
        let put = Put::builder()
            .table_name(&self.table)
            .set_item(Some(item.clone()))
            .condition_expression("attribute_not_exists(pk) OR expires_at <= :now")
            .expression_attribute_values(":now", n(now.unix_timestamp()))
            .build()?;
        let UnclaimedSignup { waba_id, business_id, event, reported_at, received_at } = signup;
        let told = PartnerEvent::signup_unclaimed(waba_id, business_id.as_ref(), event, *reported_at, *received_at);
        let put = TransactWriteItem::builder().put(put).build();
        let is_new = self.write_and_tell(put, Some(&told).filter(|_| tells)).await?;
        if !is_new {
            self.client.put_item().table_name(&self.table).set_item(Some(item)).send().await?;
        }
        Ok(is_new)
    }

    /// The unclaimed signup of a WABA (a consistent read).
    pub async fn unclaimed(&self, waba_id: &WabaId) -> Result<Option<UnclaimedSignup>, StoreError> {
        let now = self.clock.now();
        let found = self.read_item(Key::unclaimed(waba_id)).await?;
        found.filter(|found| !has_expired(found, now)).map(item::read).transpose()
    }

    /// Ends an unclaimed signup: an onboarding has it after all.
    pub async fn end_unclaimed(&self, waba_id: &WabaId) -> Result<(), StoreError> {
        let key = Key::unclaimed(waba_id).attributes();
        self.client.delete_item().table_name(&self.table).set_key(Some(key)).send().await?;
        Ok(())
    }

    /// A page of at most `limit` (1 to 100) unclaimed signups, from `cursor` on. The index is eventually consistent.
    pub async fn unclaimed_signups(&self, cursor: Option<&str>, limit: u32) -> Result<UnclaimedPage, StoreError> {
        let limit = limit.clamp(1, LONGEST_PAGE);
        let start = cursor.map(|cursor| read_cursor(cursor).ok_or(StoreError::InvalidCursor)).transpose()?;
        // One more than asked for tells whether there is another page.
        let query =
            self.query_partition(Some(schema::BY_CREATION), "listed", LISTED_SIGNUPS).limit(limit.cast_signed() + 1);
        let page = query.set_exclusive_start_key(start.map(|place| place.key())).send().await?;
        let mut places: Vec<Place> = page.items.unwrap_or_default().iter().filter_map(place_of).collect();
        let more = places.len() > limit as usize || page.last_evaluated_key.is_some();
        places.truncate(limit as usize);
        let cursor = places.last().filter(|_| more).map(|last| URL_SAFE_NO_PAD.encode(last.id()));

        let mut items = self.unclaimed_items(&places).await?;
        let mut signups = Vec::new();
        for Place { waba_id, .. } in places {
            let Some(found) = items.remove(&Key::unclaimed(&waba_id).pk) else { continue };
            let claims = self.claims(&waba_id).await?;
            match item::read(found) {
                Ok(signup) => signups.push((signup, claims)),
                Err(error) => tracing::error!(%error, "unclaimed signup left out of a list"),
            }
        }
        Ok(UnclaimedPage { signups, cursor })
    }

    /// The items at these places, by their `pk`. One that has ended since is not among them.
    async fn unclaimed_items(&self, places: &[Place]) -> Result<HashMap<String, Item>, StoreError> {
        if places.is_empty() {
            return Ok(HashMap::new());
        }
        let now = self.clock.now();
        let keys = places.iter().map(|place| Key::unclaimed(&place.waba_id).attributes()).collect();
        let items = self.read_items(keys).await?.into_iter().filter(|item| !has_expired(item, now));
        Ok(items.filter_map(|item| Some((item::text(&item, "pk")?.to_owned(), item))).collect())
    }

    /// The onboardings whose page says that its customer finished at Meta with this WABA.
    async fn claims(&self, waba_id: &WabaId) -> Result<Vec<OnboardingId>, StoreError> {
        let query = self
            .client
            .query()
            .table_name(&self.table)
            .key_condition_expression("pk = :pk AND begins_with(sk, :hints)")
            .expression_attribute_values(":pk", s(Key::unclaimed(waba_id).pk))
            .expression_attribute_values(":hints", s(HINT_PREFIX))
            .limit(MOST_CLAIMS);
        let (found, now) = (query.send().await?.items.unwrap_or_default(), self.clock.now());
        let id = |item: &Item| item::text(item, "sk")?.strip_prefix(HINT_PREFIX)?.parse().ok();
        Ok(found.iter().filter(|item| !has_expired(item, now)).filter_map(id).collect())
    }
}

fn place_of(item: &Item) -> Option<Place> {
    let id = item::text(item, "id").unwrap_or_default();
    let place = Place::read(id);
    if place.is_none() {
        tracing::error!(id, "listed signup of an unknown kind left out");
    }
    place
}

fn read_cursor(cursor: &str) -> Option<Place> {
    let id = String::from_utf8(URL_SAFE_NO_PAD.decode(cursor).ok()?).ok()?;
    // A number can be written in more than one way, a cursor only as we write it.
    Place::read(&id).filter(|place| URL_SAFE_NO_PAD.encode(place.id()) == cursor)
}

/// DynamoDB may delete an expired item days late.
fn has_expired(item: &Item, now: OffsetDateTime) -> bool {
    item::number(item, "expires_at").is_some_and(|at| at <= now.unix_timestamp())
}
