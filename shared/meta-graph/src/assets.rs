//! Reading the customer's assets: the WABA, its numbers, the portfolio; and the state of our solution.
//!
//! Few fields are asked for: one that the token may not see fails the whole call.

use exchange::{BusinessId, Lenient, List, PhoneNumberId, Text, WabaId, object};
use secrecy::SecretString;
use serde::Deserialize;

use super::error::Failure;
use super::{BusinessToken, Get, Meta, MetaError};

/// Numbers asked for at once.
const PAGE: &str = "100";
/// A longer name is cut, in characters. Customers choose them.
const NAME: usize = 200;
/// Pages read at most. Meta grants a portfolio 20 numbers and lists the newest first.
const PAGES: usize = 10;

/// A WhatsApp Business Account.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Waba {
    /// Its id.
    pub id: WabaId,
    /// Its name, for people: on one line, at most 200 characters, without marks of direction. So are the others.
    pub name: Option<String>,
}

/// A phone number of a WABA, as Meta lists it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PhoneNumber {
    /// Meta's id.
    pub id: PhoneNumberId,
    /// For people, such as `+49 30 901820143`.
    pub display_phone_number: Option<String>,
    /// The display name that Meta verified or is verifying.
    pub verified_name: Option<String>,
}

impl Meta {
    /// Reads a WABA (`GET /{waba_id}`). Success proves that the token reaches it.
    pub async fn waba(
        &self,
        app_secret: &SecretString,
        token: &BusinessToken,
        waba: &WabaId,
    ) -> Result<Waba, MetaError> {
        let call = Get {
            route: "GET /{waba_id}",
            path: &[waba.as_str()],
            query: &[("fields", "id,name")],
            bearer: token.secret(),
        };
        let WabaShape { id, name } = object(self.get(app_secret, call).await?);
        // Only an answer that names the WABA proves anything.
        id.0.filter(|id| id == waba).map(|id| Waba { id, name: name.shown(NAME) }).ok_or_else(MetaError::unreadable)
    }

    /// The numbers of a WABA, newest first (`GET /{waba_id}/phone_numbers`); the first thousand, if there are more.
    pub async fn phone_numbers(
        &self,
        app_secret: &SecretString,
        token: &BusinessToken,
        waba: &WabaId,
    ) -> Result<Vec<PhoneNumber>, MetaError> {
        let mut numbers = Vec::new();
        let mut after: Option<String> = None;
        for _ in 0..PAGES {
            let mut query = vec![("fields", "id,display_phone_number,verified_name"), ("limit", PAGE)];
            query.extend(after.as_deref().map(|after| ("after", after)));
            let call = Get {
                route: "GET /{waba_id}/phone_numbers",
                path: &[waba.as_str(), "phone_numbers"],
                query: &query,
                bearer: token.secret(),
            };
            let Numbers { data, paging } = object(self.get(app_secret, call).await?);
            let page = data.0.ok_or_else(MetaError::unreadable)?;
            numbers.extend(page.into_iter().filter_map(NumberShape::read));
            let next = paging.0.next_page();
            if next.is_none() || next == after {
                return Ok(numbers);
            }
            after = next;
        }
        tracing::warn!(service = "meta", pages = PAGES, "a WABA has more phone numbers than are read");
        Ok(numbers)
    }

    /// The portfolio that the token was issued for (`GET /me`); `None` where Meta does not tell.
    pub async fn client_business_id(
        &self,
        app_secret: &SecretString,
        token: &BusinessToken,
    ) -> Result<Option<BusinessId>, MetaError> {
        let call =
            Get { route: "GET /me", path: &["me"], query: &[("fields", "client_business_id")], bearer: token.secret() };
        match self.get(app_secret, call).await {
            Ok(answer) => Ok(object::<Me>(answer).client_business_id.0),
            // 100: tokens other than a business's have no such field.
            Err(Failure::Refused(refusal)) if refusal.code() == Some(100) => Ok(None),
            Err(failure) => Err(failure.into()),
        }
    }

    /// The state of a Multi-Partner Solution (`GET /{solution_id}`), such as `ACTIVE`; Embedded Signup shows customers an error in
    /// any other. Asked with the partner's system user token, or else with the app's own.
    /// Source: <https://developers.facebook.com/documentation/business-messaging/whatsapp/embedded-signup/multi-partner-solutions>.
    pub async fn solution_status(
        &self,
        app_secret: &SecretString,
        system_user_token: Option<&SecretString>,
        solution_id: &str,
    ) -> Result<String, MetaError> {
        let app_token = self.app_token(app_secret);
        let call = Get {
            route: "GET /{solution_id}",
            path: &[solution_id],
            query: &[("fields", "status")],
            bearer: system_user_token.unwrap_or(&app_token),
        };
        let Solution { status } = object(self.get(app_secret, call).await?);
        status.0.ok_or_else(MetaError::unreadable)
    }
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct WabaShape {
    id: Text<WabaId>,
    name: Text,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Numbers {
    data: List<NumberShape>,
    paging: Lenient<Paging>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct NumberShape {
    id: Text<PhoneNumberId>,
    display_phone_number: Text,
    verified_name: Text,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Paging {
    next: Text,
    cursors: Lenient<Cursors>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Cursors {
    after: Text,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Me {
    client_business_id: Text<BusinessId>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Solution {
    status: Text,
}

impl NumberShape {
    /// The number; `None` for one without a proper id, which could not be onboarded anyway.
    fn read(self) -> Option<PhoneNumber> {
        let Self { id, display_phone_number, verified_name } = self;
        Some(PhoneNumber {
            id: id.0?,
            display_phone_number: display_phone_number.shown(NAME),
            verified_name: verified_name.shown(NAME),
        })
    }
}

impl Paging {
    /// The cursor of the next page. The last page has a cursor too, but no `next`.
    /// Source: <https://developers.facebook.com/docs/graph-api/results>.
    fn next_page(self) -> Option<String> {
        self.next.0?;
        self.cursors.0.after.0
    }
}
