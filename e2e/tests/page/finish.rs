//! Signups that end well.

use e2e::popup::FINISH;
use e2e::visit::{Plan, visit};

#[tokio::test]
async fn a_customer_who_finishes_the_popup_sees_the_number_connected() {
    visit(Plan::default(), async |visit| {
        let started = visit.open("tenant-1").await;
        visit.sign_up("Continue with Facebook", FINISH).await;
        visit.inspect("old").await;
        visit.sees("Done. Your number is connected.").await;
        visit.world.assert_promise_kept(&started).await;
    })
    .await;
}
