//! The token with which we call the Hub where user name and password are its credentials: fetched by one worker, for all.

use aws_sdk_dynamodb::primitives::Blob;
use aws_sdk_dynamodb::types::AttributeValue;
use onboarding::Class;
use onboarding::limiter::{from_milliseconds, milliseconds};
use time::{Duration, OffsetDateTime};

use super::contention::Updated;
use super::item::{self, Key, n, s};
use super::work::AT_WORK;
use super::{Store, StoreError};

/// So long before its end another one is fetched.
const RENEWED: Duration = Duration::minutes(5);

/// The token as it lies in the table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SealedToken {
    /// Sealed.
    pub sealed: Vec<u8>,
    /// When it was fetched.
    pub fetched_at: OffsetDateTime,
    /// Until then it is used.
    pub usable_until: OffsetDateTime,
}

impl Store {
    /// The token; `None` if there is none.
    pub async fn hub_token(&self) -> Result<Option<SealedToken>, StoreError> {
        let Some(found) = self.read_item(Key::hub_token()).await? else { return Ok(None) };
        let sealed = found.get("sealed").and_then(|sealed| sealed.as_b().ok()).map(|sealed| sealed.as_ref().to_vec());
        let time = |name| item::number(&found, name).map(from_milliseconds);
        let times = time("fetched_at").zip(time("usable_until"));
        Ok(sealed.zip(times).map(|(sealed, (fetched_at, usable_until))| SealedToken {
            sealed,
            fetched_at,
            usable_until,
        }))
    }

    /// A token is needed, and the one that was found, if any, is of no use: another is to be fetched. Nothing changes if
    /// that is planned, or if another lies there by now. Returns when it is fetched.
    pub async fn want_hub_token(&self, useless: Option<&SealedToken>) -> Result<OffsetDateTime, StoreError> {
        let now = self.clock.now();
        let request = self
            .client
            .update_item()
            .set_key(Some(Key::hub_token().attributes()))
            .update_expression("SET v = :v, due = :class, due_at = :now REMOVE sealed, fetched_at, usable_until")
            .expression_attribute_values(":v", n(item::SHAPE))
            .expression_attribute_values(":class", s(Class::Token.as_str()))
            .expression_attribute_values(":now", n(milliseconds(now)));
        let request = match useless {
            None => request.condition_expression("attribute_not_exists(due)"),
            Some(useless) => request
                .condition_expression("sealed = :useless AND attribute_not_exists(permit)")
                .expression_attribute_values(":useless", blob(&useless.sealed)),
        };
        let planned = match self.update(request).await? {
            Updated::Refused(Some(found)) if !found.contains_key("sealed") => item::number(&found, "due_at"),
            Updated::Done(_) | Updated::Refused(_) => None,
        };
        Ok(planned.map_or(now, from_milliseconds).max(now))
    }

    /// Keeps a token. Another one is fetched five minutes before its end, or after half of its time if that is later. A worker
    /// names its permit, and has the work no longer.
    pub async fn keep_hub_token(&self, token: &SealedToken, permit: Option<&str>) -> Result<(), StoreError> {
        let SealedToken { fetched_at, usable_until, .. } = *token;
        let renewed = (usable_until - RENEWED).max(fetched_at + (usable_until - fetched_at) / 2);
        let request = self
            .client
            .update_item()
            .set_key(Some(Key::hub_token().attributes()))
            .update_expression(format!(
                "SET v = :v, sealed = :sealed, fetched_at = :fetched_at, usable_until = :until, due = :class, due_at = :renewed REMOVE {}",
                AT_WORK.join(", ")
            ))
            .expression_attribute_values(":v", n(item::SHAPE))
            .expression_attribute_values(":sealed", blob(&token.sealed))
            .expression_attribute_values(":fetched_at", n(milliseconds(fetched_at)))
            .expression_attribute_values(":until", n(milliseconds(usable_until)))
            .expression_attribute_values(":class", s(Class::Token.as_str()))
            .expression_attribute_values(":renewed", n(milliseconds(renewed)));
        let request = match permit {
            None => request,
            Some(permit) => {
                request.condition_expression("permit = :permit").expression_attribute_values(":permit", s(permit))
            }
        };
        self.update(request).await.map(drop)
    }

    /// Our credentials need no token any more: the one that lies there goes, and no other is fetched.
    pub async fn drop_hub_token(&self, permit: &str) -> Result<(), StoreError> {
        let request = self
            .client
            .update_item()
            .set_key(Some(Key::hub_token().attributes()))
            .update_expression(format!("REMOVE sealed, fetched_at, usable_until, due, due_at, {}", AT_WORK.join(", ")))
            .condition_expression("permit = :permit")
            .expression_attribute_values(":permit", s(permit));
        self.update(request).await.map(drop)
    }
}

fn blob(bytes: &[u8]) -> AttributeValue {
    AttributeValue::B(Blob::new(bytes))
}
