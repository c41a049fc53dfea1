//! The token of a signup that is being confirmed. It lies sealed in an item of its own, from the exchange of the code until
//! Meta has said whose signup it is.

use aws_sdk_dynamodb::primitives::Blob;
use aws_sdk_dynamodb::types::{AttributeValue, Delete, Put, TransactWriteItem};
use onboarding::limiter::milliseconds;
use onboarding::{CONFIRMED_WITHIN, Class, OnboardingId, PhoneNumberId, WabaId};
use serde::{Deserialize, Serialize};
use time::{Duration, OffsetDateTime};

use super::contention::Updated;
use super::item::{self, Key, n, s};
use super::{Store, StoreError};

/// DynamoDB deletes it after this, whatever has become of it: a day after it was given up.
const KEPT: Duration = CONFIRMED_WITHIN.saturating_add(Duration::days(1));
/// When reconciliation first asks: the page does so at once, and again and again.
const FIRST_ASKED: Duration = Duration::minutes(1);
/// How long whoever asks has the token to itself. Longer than any request takes.
const TURN: Duration = Duration::seconds(30);
/// How often Meta is asked with one token at the page's request. Later ones are left to reconciliation.
const MOST_ASKED: u32 = 200;

/// A token with what the browser claimed of its signup.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeptToken {
    /// The token, sealed.
    #[serde(skip)]
    pub sealed: Vec<u8>,
    /// SHA-256 of the code, in hexadecimal.
    pub code_sha256: String,
    /// When the code was exchanged.
    #[serde(with = "time::serde::rfc3339")]
    pub exchanged_at: OffsetDateTime,
    /// The WABA, as the browser claims.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub waba_id: Option<WabaId>,
    /// The number, as the browser claims.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub phone_number_id: Option<PhoneNumberId>,
    /// The number stays in the WhatsApp Business app as well, as the browser claims.
    #[serde(default)]
    pub coexistence: bool,
    /// The event of Meta's popup, for the attempt that it may become.
    pub event: String,
    /// Meta's id of the popup session, for the same.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub session_id: Option<String>,
}

/// The attributes of the item, besides `sealed`.
#[derive(Serialize)]
struct TokenItem<'a> {
    #[serde(flatten)]
    token: &'a KeptToken,
    due: &'static str,
    due_at: i64,
    asks: u32,
    expires_at: i64,
}

/// Whether Meta may be asked now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ProofTurn {
    /// It may, with this token.
    Ours(Box<KeptToken>),
    /// Somebody else is asking, or it was asked too often.
    Wait,
    /// There is no token, or it is too old: the customer has to sign up again.
    Gone,
}

/// The write that keeps a token, in place of an earlier one.
pub(crate) fn keep(table: &str, id: &OnboardingId, token: &KeptToken) -> Result<TransactWriteItem, StoreError> {
    let attributes = TokenItem {
        token,
        due: Class::Reconciliation.as_str(),
        due_at: milliseconds(token.exchanged_at + FIRST_ASKED),
        asks: 0,
        expires_at: (token.exchanged_at + KEPT).unix_timestamp(),
    };
    let mut item = item::write(Key::token(id), &attributes)?;
    item.insert("sealed".to_owned(), AttributeValue::B(Blob::new(token.sealed.clone())));
    let put = Put::builder().table_name(table).set_item(Some(item)).build()?;
    Ok(TransactWriteItem::builder().put(put).build())
}

/// The write that deletes the token.
pub(crate) fn drop(table: &str, id: &OnboardingId) -> Result<TransactWriteItem, StoreError> {
    let delete = Delete::builder().table_name(table).set_key(Some(Key::token(id).attributes())).build()?;
    Ok(TransactWriteItem::builder().delete(delete).build())
}

impl Store {
    /// Takes the turn to ask Meta whose signup it is, for 30 seconds or until [`Self::proof_pending`]. Reconciliation asks next
    /// when as much time has passed again as since the exchange, but after 5 minutes to an hour.
    pub async fn begin_proof(&self, id: &OnboardingId, at_request: bool) -> Result<ProofTurn, StoreError> {
        let now = self.clock.now();
        let Some(found) = self.read_item(Key::token(id)).await? else { return Ok(ProofTurn::Gone) };
        let number = |name| item::number(&found, name);
        let asks = number("asks").unwrap_or_default();
        let is_asking = number("asked_until").is_some_and(|until| milliseconds(now) < until);
        let sealed = found.get("sealed").and_then(|sealed| sealed.as_b().ok()).map(|sealed| sealed.as_ref().to_vec());
        let (Some(sealed), token) = (sealed, item::read::<KeptToken>(found)?) else { return Ok(ProofTurn::Gone) };
        if now >= token.exchanged_at + CONFIRMED_WITHIN {
            return Ok(ProofTurn::Gone);
        }
        if is_asking || (at_request && asks >= MOST_ASKED.into()) {
            return Ok(ProofTurn::Wait);
        }
        let wait = (now - token.exchanged_at).clamp(Duration::minutes(5), Duration::hours(1));
        let request = self
            .client
            .update_item()
            .set_key(Some(Key::token(id).attributes()))
            .update_expression("SET asked_until = :until, due_at = :next ADD asks :one")
            .condition_expression("code_sha256 = :code AND asks = :asks")
            .expression_attribute_values(":until", n(milliseconds(now + TURN)))
            .expression_attribute_values(":next", n(milliseconds(now + wait)))
            .expression_attribute_values(":one", n(1))
            .expression_attribute_values(":code", s(&token.code_sha256))
            .expression_attribute_values(":asks", n(asks));
        Ok(match self.update(request).await? {
            Updated::Done(_) => ProofTurn::Ours(Box::new(KeptToken { sealed, ..token })),
            Updated::Refused(_) => ProofTurn::Wait,
        })
    }

    /// Notes that Meta did not answer: somebody else may ask.
    pub async fn proof_pending(&self, id: &OnboardingId, code_sha256: &str) -> Result<(), StoreError> {
        let request = self
            .client
            .update_item()
            .set_key(Some(Key::token(id).attributes()))
            .update_expression("REMOVE asked_until")
            .condition_expression("code_sha256 = :code")
            .expression_attribute_values(":code", s(code_sha256));
        self.update(request).await.map(std::mem::drop)
    }
}
