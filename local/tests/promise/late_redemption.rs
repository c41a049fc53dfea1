//! The token of a permit counts from its call, however long the write took that redeemed it.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use exchange::Clock;
use onboarding::limiter::{Permit, milliseconds};
use onboarding::{Class, ClientAccount, ClientDetails, ClientSearch, Onboarding, OnboardingId};
use store::{Store, WorkKey};
use time::Duration;
use time::macros::datetime;

use crate::support::disturbance::Disturbances;
use crate::support::fault_injection::{Activity, Failure, FaultInjection, Outcome, SideEffect};
use crate::support::table::{TABLE, Table};

#[tokio::test]
async fn a_permit_whose_redemption_lost_races_counts_from_its_call() {
    let passed = Arc::new(AtomicI64::new(0));
    let time = Arc::clone(&passed);
    let now = move || datetime!(2026-11-03 09:00 UTC) + Duration::milliseconds(time.load(Ordering::SeqCst));
    let (injection, disturbances) = (Arc::new(FaultInjection::new()), Arc::new(Disturbances::default()));
    let table = Table::new(&injection, &disturbances, Arc::new(now.clone())).await;
    let clock = Clock::from_fn(now);
    let store = Store::new(table.faulty.clone(), TABLE.to_owned(), clock.clone());
    let details =
        ClientDetails { name: "Acme".to_owned(), email: "kim@acme.example".to_owned(), user_name: "Kim".to_owned() };
    let client = ClientAccount::Wanted { details, search: ClientSearch::Open };
    let onboarding = Onboarding::new(
        OnboardingId::generate(),
        "a".to_owned(),
        client,
        "00".repeat(32),
        clock.now() + Duration::days(7),
        clock.now(),
    );
    store.create(&onboarding, None).await.unwrap();
    let key = WorkKey::Onboarding(onboarding.id.clone());
    let mut lease = store.begin_dispatch(true).await.unwrap().unwrap();
    let at = milliseconds(clock.now());
    let permit =
        Permit { work: key.as_text(), class: Class::ClientAccount, due_at: at, sent_at: at, redeemed_at: None };
    assert!(store.reserve(&mut lease, "p1", &permit, None).await.unwrap());
    let state = store.work(&key).await.unwrap().unwrap();
    assert!(store.take(&key, &state, "p1").await.unwrap());
    let (mut conflicts, time) = (5, Arc::clone(&passed));
    injection.follow(Box::new(move |call| {
        if call.what.starts_with("TransactWriteItems") && conflicts > 0 {
            conflicts -= 1;
            time.fetch_add(250, Ordering::SeqCst);
            return Outcome::Fail(Failure::Conflict, SideEffect::None);
        }
        Outcome::Pass
    }));
    let redeemed = injection.invoke(Activity::WebhookReceipt, store.redeem(&key, "p1", Class::ClientAccount)).await;
    assert!(redeemed.unwrap().unwrap());
    injection.calm();
    let redeemed_at = store.limiter().await.unwrap().permits["p1"].redeemed_at.unwrap();
    let late = milliseconds(clock.now()) - redeemed_at;
    assert!(late <= 100, "the call is made {late} ms after the time from which its token counts");
}
