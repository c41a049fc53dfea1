//! Direct Payment: the client grants API-key permission at 360dialog.

use e2e::popup::FINISH;
use e2e::visit::{Plan, Visit, visit};
use local::client::Started;
use serde_json::json;

use crate::support::{DONE, LAUNCH, assert_connected, assert_done};

const TITLE: &str = "One permission is missing";
const LINK: &str = "Give permission at 360dialog";

async fn permission_required(visit: &Visit) -> Started {
    visit.stack.change(json!({ "payment": "direct" })).await;
    let started = visit.open("tenant-1").await;
    visit.sign_up(LAUNCH, FINISH).await;
    visit.sees_heading(TITLE).await;
    assert_eq!(visit.stack.record(&started).await["status"], "permission_required");
    started
}

#[tokio::test]
async fn a_permission_granted_at_360dialog_leads_on() {
    visit(Plan::default(), async |visit| {
        let started = permission_required(visit).await;
        visit.inspect("permission").await;
        visit.press(LINK).await;
        visit.press("Grant permission").await;
        assert_connected(visit, &started).await;
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
