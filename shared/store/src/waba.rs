//! Which onboardings have a WABA: those whose signup is proven for it.

use aws_sdk_dynamodb::types::{Put, TransactWriteItem};
use onboarding::{Event, OfferedNumber, Onboarding, OnboardingId, PhoneNumberId, Signup, WabaId};
use serde::Serialize;

use super::item::{self, Key, s};
use super::{Store, StoreError};

/// A WABA has more onboardings only if somebody starts one after the other.
const MOST_HOLDERS: usize = 100;

/// The attributes of a hold.
#[derive(Serialize)]
struct Hold<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    phone_number_id: Option<&'a PhoneNumberId>,
}

/// The WABAs that a proven signup concerns: that of its number, or all whose numbers are to choose from.
pub(crate) fn wabas(onboarding: &Onboarding) -> Vec<&WabaId> {
    all(onboarding.signup.as_ref(), &onboarding.numbers)
}

/// The WABAs that an onboarding has since this event.
pub(crate) fn wabas_of_event(event: &Event) -> Vec<&WabaId> {
    match event {
        Event::SignupProven { signup } | Event::Imported { signup, .. } => all(Some(signup), &[]),
        Event::NumbersFound { signup, numbers } => all(Some(signup), numbers),
        _ => Vec::new(),
    }
}

fn all<'a>(signup: Option<&'a Signup>, numbers: &'a [OfferedNumber]) -> Vec<&'a WabaId> {
    let own = signup.and_then(|signup| signup.waba_id.as_ref());
    let mut wabas: Vec<_> = own.into_iter().chain(numbers.iter().map(|number| &number.waba_id)).collect();
    wabas.sort_unstable();
    wabas.dedup();
    wabas
}

/// The write that notes that an onboarding has a WABA.
pub(crate) fn hold(table: &str, waba_id: &WabaId, onboarding: &Onboarding) -> Result<TransactWriteItem, StoreError> {
    let number = onboarding.number().filter(|(waba, _)| *waba == waba_id);
    let hold = Hold { phone_number_id: number.map(|(_, number)| &number.id) };
    let item = item::write(Key::waba(waba_id, &onboarding.id), &hold)?;
    let put = Put::builder().table_name(table).set_item(Some(item)).build()?;
    Ok(TransactWriteItem::builder().put(put).build())
}

impl Store {
    /// The onboardings whose signup was proven for a WABA, whatever has become of them since (a consistent read).
    pub async fn holders(&self, waba_id: &WabaId) -> Result<Vec<OnboardingId>, StoreError> {
        let query = self
            .client
            .query()
            .table_name(&self.table)
            .key_condition_expression("pk = :pk")
            .expression_attribute_values(":pk", s(item::waba_pk(waba_id)))
            .consistent_read(true);
        let mut items = query.into_paginator().items().send();
        let mut found = Vec::new();
        while found.len() < MOST_HOLDERS {
            let Some(item) = items.next().await.transpose()? else { break };
            found.extend(item::text(&item, "sk").and_then(|id| id.parse().ok()));
        }
        Ok(found)
    }
}
