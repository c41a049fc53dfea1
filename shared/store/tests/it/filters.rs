//! What each filter of a list shows. How pages and cursors work is in `lists`.

use std::sync::atomic::Ordering;

use aws_sdk_dynamodb::types::AttributeValue;
use onboarding::{Event, OnboardingId, Status};
use store::ListFilter;
use time::Duration;

use crate::lists::failed;
use crate::{TestBench, channel_live, client_found, signup_proven};

/// The WABA of [`signup_proven`].
pub(crate) const WABA: &str = "409812357760143";

pub(crate) fn of_client(client_id: &str) -> ListFilter {
    ListFilter::Client(client_id.parse().unwrap())
}

pub(crate) fn of_waba(waba_id: &str) -> ListFilter {
    ListFilter::Waba(waba_id.parse().unwrap())
}

pub(crate) fn of_number(phone_number_id: &str) -> ListFilter {
    ListFilter::PhoneNumber(phone_number_id.parse().unwrap())
}

pub(crate) fn of_channel(channel_id: &str) -> ListFilter {
    ListFilter::Channel(channel_id.parse().unwrap())
}

impl TestBench {
    /// An onboarding that waits at 360dialog with this number.
    pub(crate) async fn create_signed_up(&self, phone_number_id: &str) -> OnboardingId {
        let id = self.create("a").await;
        self.apply(&id, signup_proven(phone_number_id)).await.unwrap();
        id
    }

    /// Marks an onboarding as overdue, from now on.
    pub(crate) async fn mark_overdue(&self, id: &OnboardingId) {
        let marked = self.apply(id, Event::Overdue { since: self.now() }).await.unwrap();
        assert_eq!(marked.overdue_since, Some(self.now()));
    }

    /// The only page of a list.
    async fn listed(&self, filter: &ListFilter) -> Vec<OnboardingId> {
        let pages = self.pages(filter, 100).await;
        assert_eq!(pages.len(), 1);
        pages.concat()
    }
}

#[tokio::test]
async fn the_list_of_the_overdue_begins_with_the_onboarding_that_became_so_last() {
    let bench = TestBench::new().await;
    let mut ids = Vec::new();
    for number in 0..5 {
        ids.push(bench.create_signed_up(&format!("10654035224292{number}")).await);
    }
    assert!(bench.listed(&ListFilter::Overdue).await.is_empty());
    bench.pass(Duration::hours(7));
    for number in [3, 0, 4, 1] {
        bench.mark_overdue(&ids[number]).await;
        bench.pass(Duration::SECOND);
    }
    // A change that leaves it overdue moves nothing.
    bench.apply(&ids[3], client_found("hT3mVxCL")).await.unwrap();
    for limit in [1, 2, 4, 100] {
        let pages = bench.pages(&ListFilter::Overdue, limit).await;
        assert!(pages.iter().all(|page| !page.is_empty()), "{limit}: {pages:?}");
        assert_eq!(pages.concat(), [1, 4, 0, 3].map(|n| ids[n].clone()), "{limit}");
    }

    bench.apply(&ids[4], failed()).await.unwrap();
    assert_eq!(bench.listed(&ListFilter::Overdue).await, [1, 0, 3].map(|n| ids[n].clone()));
    bench.apply(&ids[4], Event::RetryRequested { replace_key: false }).await.unwrap();
    assert_eq!(bench.listed(&ListFilter::Overdue).await, [1, 0, 3].map(|n| ids[n].clone()));
    bench.pass(Duration::hours(7));
    bench.mark_overdue(&ids[4]).await;
    assert_eq!(bench.listed(&ListFilter::Overdue).await, [4, 1, 0, 3].map(|n| ids[n].clone()));
    // The index has them once for their status, and once for being overdue.
    assert_eq!(bench.listed(&ListFilter::Status(Status::SignedUp)).await.len(), 5);
    assert!(Status::ALL.iter().all(|status| status.as_str() != "overdue"));
}

#[tokio::test]
async fn an_onboarding_that_is_overdue_no_longer_is_not_listed_while_the_index_still_has_it() {
    let bench = TestBench::new().await;
    let ids = [bench.create_signed_up("106540352242920").await, bench.create_signed_up("106540352242921").await];
    bench.pass(Duration::hours(7));
    for id in &ids {
        bench.mark_overdue(id).await;
    }
    bench.apply(&ids[0], failed()).await.unwrap();
    for (name, value) in [
        ("status", AttributeValue::S("overdue".to_owned())),
        ("changed_at", AttributeValue::N(bench.milliseconds.load(Ordering::SeqCst).to_string())),
    ] {
        bench.tamper(format!("ONB#{}", ids[0]), "OVERDUE", name, value).await;
    }
    assert_eq!(bench.pages(&ListFilter::Overdue, 1).await.concat(), [ids[1].clone()]);
}

#[tokio::test]
async fn a_list_by_client_account_has_its_own_onboardings_newest_first() {
    let bench = TestBench::new().await;
    let mut ids = Vec::new();
    for _ in 0..5 {
        ids.push(bench.create("a").await);
        bench.apply(ids.last().unwrap(), client_found("hT3mVxCL")).await.unwrap();
        let other = bench.create("a").await;
        bench.apply(&other, client_found("otherCL")).await.unwrap();
        bench.create("not found yet").await;
    }
    ids.reverse();
    let pages = bench.pages(&of_client("hT3mVxCL"), 2).await;
    assert_eq!(pages, [ids[0..2].to_vec(), ids[2..4].to_vec(), ids[4..].to_vec()]);
    assert!(bench.listed(&of_client("nobodyCL")).await.is_empty());
    // The index shows it still in the account that it had.
    bench.tamper(format!("ONB#{}", ids[1]), "ONB", "client_id", AttributeValue::S("otherCL".to_owned())).await;
    assert_eq!(bench.listed(&of_client("otherCL")).await.len(), 5);
}

#[tokio::test]
async fn a_list_by_waba_has_every_onboarding_whose_signup_was_proven_for_it() {
    let bench = TestBench::new().await;
    let mut ids = Vec::new();
    for number in 0..5 {
        ids.push(bench.create_signed_up(&format!("10654035224292{number}")).await);
        bench.create("not signed up").await;
    }
    // What becomes of it changes nothing.
    bench.apply(&ids[2], failed()).await.unwrap();
    ids.reverse();
    let pages = bench.pages(&of_waba(WABA), 2).await;
    assert_eq!(pages, [ids[0..2].to_vec(), ids[2..4].to_vec(), ids[4..].to_vec()]);
    assert!(bench.listed(&of_waba("409812357760144")).await.is_empty());

    let deleted = bench.store.get(&ids[3]).await.unwrap();
    assert!(bench.store.delete_record(&deleted).await.unwrap());
    ids.remove(3);
    assert_eq!(bench.pages(&of_waba(WABA), 3).await.concat(), ids);
}

#[tokio::test]
async fn a_number_and_a_channel_lead_to_their_owner() {
    let bench = TestBench::new().await;
    let number = "106540352242920";
    let first = bench.create_signed_up(number).await;
    bench.create_signed_up("106540352242921").await;
    bench.apply(&first, client_found("hT3mVxCL")).await.unwrap();
    assert!(bench.listed(&of_channel("Rb82LdCH")).await.is_empty());
    bench.apply(&first, channel_live("Rb82LdCH")).await.unwrap();
    for filter in [of_number(number), of_channel("Rb82LdCH")] {
        assert_eq!(bench.listed(&filter).await, std::slice::from_ref(&first), "{filter:?}");
    }
    for filter in [of_number("106540352242922"), of_channel("otherCH")] {
        assert!(bench.listed(&filter).await.is_empty(), "{filter:?}");
    }

    // At rest it loses its number to the next that proves it, and its channel with it.
    let ended = Event::ChannelEnded { channel_id: "Rb82LdCH".parse().unwrap() };
    bench.apply(&first, ended).await.unwrap();
    let second = bench.create_signed_up(number).await;
    assert_eq!(bench.listed(&of_number(number)).await, std::slice::from_ref(&second));
    assert!(bench.listed(&of_channel("Rb82LdCH")).await.is_empty());

    // What a deleted onboarding owned names it still.
    bench.apply(&second, failed()).await.unwrap();
    assert!(bench.store.delete_record(&bench.store.get(&second).await.unwrap()).await.unwrap());
    assert!(bench.listed(&of_number(number)).await.is_empty());
}

#[tokio::test]
async fn a_list_of_changes_begins_with_the_earliest_after_the_time() {
    let bench = TestBench::new().await;
    let start = bench.now();
    let mut ids = Vec::new();
    for number in 0..5 {
        bench.pass(Duration::SECOND);
        ids.push(bench.create(&format!("customer {number}")).await);
    }
    let changed = [0, 1, 2, 3, 4].map(|n: usize| ids[n].clone());
    for limit in [1, 2, 5, 100] {
        assert_eq!(bench.pages(&ListFilter::UpdatedAfter(start), limit).await.concat(), changed, "{limit}");
    }
    // Strictly after, and what happens in between is before the next millisecond.
    let second = start + Duration::seconds(2);
    for (after, shown) in [
        (second - Duration::MILLISECOND, &ids[1..]),
        (second, &ids[2..]),
        (second + Duration::microseconds(1), &ids[2..]),
        (second - Duration::microseconds(1), &ids[1..]),
        (start + Duration::seconds(5), &[]),
    ] {
        assert_eq!(bench.listed(&ListFilter::UpdatedAfter(after)).await, shown, "{after}");
    }
    // A time of another offset is the same time.
    let offset = second.to_offset(time::macros::offset!(+5:30));
    assert_eq!(bench.listed(&ListFilter::UpdatedAfter(offset)).await, &ids[2..]);

    // Any change moves it to the end.
    bench.pass(Duration::SECOND);
    bench.apply(&ids[1], client_found("hT3mVxCL")).await.unwrap();
    let moved = [0, 2, 3, 4, 1].map(|n| ids[n].clone());
    assert_eq!(bench.pages(&ListFilter::UpdatedAfter(start), 2).await.concat(), moved);
    assert_eq!(bench.listed(&ListFilter::UpdatedAfter(start + Duration::seconds(5))).await, [ids[1].clone()]);
}

#[tokio::test]
async fn a_record_that_changes_while_changes_are_listed_comes_again() {
    let bench = TestBench::new().await;
    let filter = ListFilter::UpdatedAfter(bench.now());
    let mut ids = Vec::new();
    for _ in 0..3 {
        bench.pass(Duration::SECOND);
        ids.push(bench.create("a").await);
    }
    let first = bench.store.list(&filter, None, 2).await.unwrap();
    bench.pass(Duration::SECOND);
    bench.apply(&ids[1], failed()).await.unwrap();
    let rest = bench.store.list(&filter, first.cursor.as_deref(), 50).await.unwrap().onboardings;
    let rest: Vec<_> = rest.into_iter().map(|stored| stored.onboarding.id).collect();
    assert_eq!(rest, [ids[2].clone(), ids[1].clone()]);
}

/// Its place is that of an earlier change while the index lags. Shown there, its `updated_at` would lead a reader past others.
#[tokio::test]
async fn a_record_is_not_listed_at_the_place_of_an_earlier_change() {
    let bench = TestBench::new().await;
    let start = bench.now();
    let mut ids = Vec::new();
    for _ in 0..3 {
        bench.pass(Duration::SECOND);
        ids.push(bench.create("a").await);
    }
    let earlier = AttributeValue::N((bench.milliseconds.load(Ordering::SeqCst) - 1_500).to_string());
    bench.tamper(format!("ONB#{}", ids[2]), "ONB", "updated_ms", earlier).await;
    for limit in [1, 2, 50] {
        let pages = bench.pages(&ListFilter::UpdatedAfter(start), limit).await;
        assert!(pages.iter().all(|page| !page.is_empty()), "{limit}: {pages:?}");
        assert_eq!(pages.concat(), ids[..2], "{limit}");
    }
}

#[tokio::test]
async fn onboardings_that_changed_in_the_same_millisecond_are_listed_once_each() {
    let bench = TestBench::new().await;
    let before = bench.now();
    bench.pass(Duration::MILLISECOND);
    let mut ids = Vec::new();
    for _ in 0..7 {
        ids.push(bench.create("a").await);
    }
    let mut listed = bench.pages(&ListFilter::UpdatedAfter(before), 2).await.concat();
    listed.sort();
    ids.sort();
    assert_eq!(listed, ids);
}
