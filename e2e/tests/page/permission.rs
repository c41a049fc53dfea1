//! Direct Payment: the client grants API-key permission at 360dialog.

use e2e::popup::FINISH;
use e2e::visit::{Plan, Visit, visit};
use local::client::Started;
use serde_json::{Value, json};

use crate::support::{BACK, DONE, LAUNCH, assert_connected, assert_done};

const TITLE: &str = "One permission is missing";
const LINK: &str = "Give permission at 360dialog";

async fn permission_required(visit: &Visit) -> Started {
    permission_required_with(visit, Value::Null).await
}

/// The same with further members in the onboarding's body.
async fn permission_required_with(visit: &Visit, more: Value) -> Started {
    visit.stack.change(json!({ "payment": "direct" })).await;
    let started = visit.open_with("tenant-1", more).await;
    visit.sign_up(LAUNCH, FINISH).await;
    visit.sees_heading(TITLE).await;
    assert_eq!(visit.stack.record(&started).await["status"], "permission_required");
    started
}

#[tokio::test]
async fn a_permission_granted_at_360dialog_leads_on() {
    visit(Plan::default(), async |visit| {
        let started = permission_required(visit).await;
        assert!(!visit.offers(BACK).await, "a way back instead of the permission");
        visit.inspect("permission").await;
        visit.press(LINK).await;
        visit.press("Grant permission").await;
        assert_connected(visit, &started).await;
    })
    .await;
}

#[tokio::test]
async fn a_customer_who_cannot_give_the_permission_now_is_led_to_the_success_url() {
    visit(Plan::default(), async |visit| {
        let urls = json!({ "success_url": "https://partner.example/welcome?step=3" });
        let started = permission_required_with(visit, urls).await;
        visit.control(LINK).await;
        let query = format!("step=3&onboarding={}&reference=tenant-1&status=permission_required", started.id);
        assert_eq!(visit.target(BACK).await, format!("https://partner.example/welcome?{query}"));
        visit.inspect("permission-success-url").await;
    })
    .await;
}

#[tokio::test]
async fn a_permission_refused_at_360dialog_may_still_be_granted() {
    visit(Plan::default(), async |visit| {
        let started = permission_required(visit).await;
        visit.press(LINK).await;
        visit.press("Refuse").await;
        visit.sees_heading(TITLE).await;
        visit.is_told("It looks as if the permission was not granted.").await;
        assert_eq!(visit.stack.record(&started).await["status"], "permission_required");
        visit.inspect("permission-refused").await;
        visit.press(LINK).await;
        visit.press("Grant permission").await;
        assert_connected(visit, &started).await;
    })
    .await;
}

#[tokio::test]
async fn a_permission_granted_elsewhere_shows_on_the_open_page() {
    visit(Plan::default(), async |visit| {
        let started = permission_required(visit).await;
        let record = visit.stack.record(&started).await;
        visit.stack.grant(&record).await;
        assert_done(visit, &started).await;
    })
    .await;
}

#[tokio::test]
async fn a_customer_who_returns_from_360dialog_in_another_browser_is_thanked() {
    visit(Plan::default(), async |visit| {
        let page = format!("{}/signup/return", visit.stack.local.url);
        visit
            .go(&format!("{page}?client=hT3mVxCL&channels=[Rb82LdCH]&state=onb_01930000000070008000000000000001"))
            .await;
        visit.sees_heading("Thank you").await;
        visit.inspect("thanks").await;
        visit.go(&format!("{page}?client=hT3mVxCL&channels=[]&revoked=[Rb82LdCH]")).await;
        visit.sees("It looks as if the permission was not granted").await;
        visit.inspect("thanks-revoked").await;
        visit.go(&format!("{page}?state=</script><script>document.title='run'</script>&channels=%ZZ")).await;
        visit.sees_heading("Thank you").await;
        assert_ne!(visit.heading().await, DONE);
    })
    .await;
}
