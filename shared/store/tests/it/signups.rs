//! Signups on their way: the popup, the token that is kept, the WABAs that onboardings have, and what nobody has claimed.

use onboarding::{Event, OfferedNumber, OnboardingId, PhoneNumber, PopupAttempt, Signup, SignupSource, Status, WabaId};
use store::{KeptToken, MOST_EXCHANGES, Popup, ProofTurn, StoreError, UnclaimedSignup};
use time::Duration;

use crate::{TestBench, signup_proven};

const WABA: &str = "409812357760143";

fn waba(text: &str) -> WabaId {
    text.parse().unwrap()
}

fn unclaimed(bench: &TestBench, waba_id: &str) -> UnclaimedSignup {
    UnclaimedSignup {
        waba_id: waba(waba_id),
        business_id: Some("733100000000021".parse().unwrap()),
        event: "PARTNER_ADDED".to_owned(),
        reported_at: Some(bench.now() - Duration::minutes(10)),
        received_at: bench.now(),
    }
}

fn token(bench: &TestBench, code: &str) -> KeptToken {
    KeptToken {
        sealed: vec![7, 0, 255],
        code_sha256: code.to_owned(),
        exchanged_at: bench.now(),
        waba_id: Some(waba(WABA)),
        phone_number_id: None,
        coexistence: true,
        event: "FINISH".to_owned(),
        session_id: Some("made-up".to_owned()),
    }
}

fn by_partner() -> Event {
    let Event::SignupProven { signup } = signup_proven("512904417735201") else { unreachable!() };
    Event::SignupProven { signup: Signup { source: SignupSource::Partner, ..signup } }
}

async fn status(bench: &TestBench, id: &OnboardingId) -> Status {
    bench.store.get(id).await.unwrap().onboarding.status
}

#[tokio::test]
async fn what_the_page_says_of_its_popup_is_written_once_a_minute() {
    let bench = TestBench::new().await;
    let id = bench.create("a").await;
    assert_eq!(bench.store.popup(&id).await.unwrap(), Popup::default());
    let first = bench.now();
    for _ in 0..59 {
        bench.store.popup_opened(&id, "00").await.unwrap();
        bench.store.popup_finished(&id).await.unwrap();
        bench.pass(Duration::SECOND);
    }
    let popup = bench.store.popup(&id).await.unwrap();
    assert_eq!((popup.opened_at, popup.finished_at), (Some(first), Some(first)));
    assert!(popup.is_open(first + Duration::minutes(119)) && !popup.is_open(first + Duration::hours(2)));
    bench.pass(Duration::SECOND);
    bench.store.popup_opened(&id, "00").await.unwrap();
    assert_eq!(bench.store.popup(&id).await.unwrap().opened_at, Some(bench.now()));
    assert!(bench.store.reserve_exchange(&id, false).await.unwrap());
    let popup = bench.store.popup(&id).await.unwrap();
    assert_eq!((popup.finished_at, popup.exchanges), (None, 1));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn no_more_exchanges_are_reserved_than_there_may_be_however_many_ask_at_once() {
    let bench = TestBench::new().await;
    let id = bench.create("a").await;
    let asks: Vec<_> = (0..MOST_EXCHANGES + 50)
        .map(|_| {
            let (store, id) = (bench.store.clone(), id.clone());
            tokio::spawn(async move { store.reserve_exchange(&id, false).await.unwrap() })
        })
        .collect();
    let mut reserved = 0;
    for ask in asks {
        reserved += u32::from(ask.await.unwrap());
    }
    assert_eq!((reserved, bench.store.popup(&id).await.unwrap().exchanges), (MOST_EXCHANGES, MOST_EXCHANGES));
}

#[tokio::test]
async fn a_token_is_kept_with_the_exchange_and_deleted_with_the_proof() {
    let bench = TestBench::new().await;
    let id = bench.create("a").await;
    assert_eq!(bench.store.begin_proof(&id, true).await.unwrap(), ProofTurn::Gone);
    let kept = token(&bench, "c0de");
    bench.store.exchanged(&id, &kept).await.unwrap();
    assert_eq!(status(&bench, &id).await, Status::Confirming);

    // One asks at a time, and the next when it has said that nothing came of it, or is dead.
    assert_eq!(bench.store.begin_proof(&id, true).await.unwrap(), ProofTurn::Ours(Box::new(kept.clone())));
    assert_eq!(bench.store.begin_proof(&id, false).await.unwrap(), ProofTurn::Wait);
    bench.store.proof_pending(&id, "c0de").await.unwrap();
    assert!(matches!(bench.store.begin_proof(&id, true).await.unwrap(), ProofTurn::Ours(_)));
    bench.pass(Duration::seconds(30));
    assert!(matches!(bench.store.begin_proof(&id, true).await.unwrap(), ProofTurn::Ours(_)));

    // Another code takes its place, and what was asked of the first says nothing of it.
    let other = token(&bench, "0ther");
    bench.store.exchanged(&id, &other).await.unwrap();
    bench.store.proof_pending(&id, "c0de").await.unwrap();
    assert_eq!(bench.store.begin_proof(&id, true).await.unwrap(), ProofTurn::Ours(Box::new(other)));
    bench.apply(&id, signup_proven("512904417735201")).await.unwrap();
    assert_eq!(bench.store.begin_proof(&id, true).await.unwrap(), ProofTurn::Gone);
}

#[tokio::test]
async fn a_token_is_deleted_with_the_refusal_and_given_up_in_the_end() {
    let bench = TestBench::new().await;
    let id = bench.create("a").await;
    bench.store.exchanged(&id, &token(&bench, "c0de")).await.unwrap();
    bench.pass(Duration::days(6) - Duration::SECOND);
    assert!(matches!(bench.store.begin_proof(&id, false).await.unwrap(), ProofTurn::Ours(_)));
    bench.pass(Duration::SECOND);
    assert_eq!(bench.store.begin_proof(&id, false).await.unwrap(), ProofTurn::Gone);
    let (at, event) = (bench.now(), "NONE".to_owned());
    let attempt =
        PopupAttempt { at, event, current_step: None, error_code: None, error_message: None, session_id: None };
    let refused = Event::ProofFailed { code_sha256: "c0de".to_owned(), attempt };
    assert_eq!(bench.apply(&id, refused).await.unwrap().status, Status::Started);
    assert_eq!(bench.store.begin_proof(&id, false).await.unwrap(), ProofTurn::Gone);
}

#[tokio::test]
async fn an_unclaimed_signup_survives_the_table_and_is_listed_until_it_has_expired() {
    let bench = TestBench::new().await;
    let mut all = Vec::new();
    for number in 0..5 {
        let signup = unclaimed(&bench, &format!("40981235776014{number}"));
        assert!(bench.store.keep_unclaimed(&signup, true).await.unwrap());
        assert!(!bench.store.keep_unclaimed(&signup, true).await.unwrap());
        assert_eq!(bench.store.unclaimed(&signup.waba_id).await.unwrap(), Some(signup.clone()));
        all.insert(0, signup);
        bench.pass(Duration::SECOND);
    }
    let (mut found, mut cursor) = (Vec::new(), None);
    loop {
        let page = bench.store.unclaimed_signups(cursor.as_deref(), 2).await.unwrap();
        found.extend(page.signups.into_iter().map(|(signup, _)| signup));
        cursor = page.cursor;
        if cursor.is_none() {
            break;
        }
    }
    assert_eq!(found, all);
    for wrong in ["", "x", "MDAwMDAwMDAwMDAwMSM0MDk4MTIzNTc3NjAxNDM=", "MSM0MDk4MTIzNTc3NjAxNDM"] {
        let page = bench.store.unclaimed_signups(Some(wrong), 2).await;
        assert!(matches!(page, Err(StoreError::InvalidCursor)), "{wrong}");
    }
    bench.pass(Duration::days(30));
    assert_eq!(bench.store.unclaimed(&all[0].waba_id).await.unwrap(), None);
    assert_eq!(bench.store.unclaimed_signups(None, 10).await.unwrap().signups, []);
    assert!(bench.store.keep_unclaimed(&unclaimed(&bench, WABA), true).await.unwrap());
}

#[tokio::test]
async fn hints_are_of_twenty_wabas_and_shown_beside_their_signup() {
    let bench = TestBench::new().await;
    let id = bench.create("a").await;
    for number in 0..30 {
        for _ in 0..2 {
            bench.store.hint(&id, &waba(&format!("40981235776{number:03}"))).await.unwrap();
        }
        bench.store.keep_unclaimed(&unclaimed(&bench, &format!("40981235776{number:03}")), true).await.unwrap();
    }
    let page = bench.store.unclaimed_signups(None, 100).await.unwrap();
    let hinted = page.signups.iter().filter(|(_, claims)| *claims == std::slice::from_ref(&id)).count();
    assert_eq!((page.signups.len(), hinted), (30, 20));
}

#[tokio::test]
async fn a_proof_ends_the_unclaimed_signup_and_a_claim_takes_it_once() {
    let bench = TestBench::new().await;
    let (first, second) = (bench.create("a").await, bench.create("b").await);
    assert!(matches!(bench.apply(&first, by_partner()).await, Err(StoreError::NotUnclaimed)));
    assert_eq!(status(&bench, &first).await, Status::Started);
    bench.store.keep_unclaimed(&unclaimed(&bench, WABA), true).await.unwrap();
    bench.apply(&first, by_partner()).await.unwrap();
    assert_eq!(bench.store.unclaimed(&waba(WABA)).await.unwrap(), None);
    assert_eq!(bench.store.holders(&waba(WABA)).await.unwrap(), std::slice::from_ref(&first));

    bench.store.keep_unclaimed(&unclaimed(&bench, WABA), true).await.unwrap();
    bench.apply(&second, signup_proven("512904417735202")).await.unwrap();
    assert_eq!(bench.store.unclaimed(&waba(WABA)).await.unwrap(), None);
    assert_eq!(bench.store.holders(&waba(WABA)).await.unwrap().len(), 2);
}

#[tokio::test]
async fn an_onboarding_has_every_waba_among_whose_numbers_it_may_choose() {
    let bench = TestBench::new().await;
    let id = bench.create("a").await;
    let wabas = [waba(WABA), waba("409812357760144")];
    let offered = |n: usize| {
        let number = PhoneNumber {
            id: format!("51290441773520{n}").parse().unwrap(),
            display_phone_number: None,
            verified_name: None,
        };
        OfferedNumber { number, waba_id: wabas[n].clone(), waba_name: Some(format!("Nordlicht {n}")) }
    };
    let Event::SignupProven { signup } = signup_proven("512904417735200") else { unreachable!() };
    let signup = Signup { waba_id: None, number: None, ..signup };
    bench.apply(&id, Event::NumbersFound { signup, numbers: vec![offered(0), offered(1)] }).await.unwrap();
    let stored = bench.store.get(&id).await.unwrap().onboarding;
    assert_eq!(stored.numbers, [offered(0), offered(1)]);
    let chosen = Event::NumberChosen { phone_number_id: offered(1).number.id };
    let chosen = bench.apply(&id, chosen).await.unwrap();
    assert_eq!(chosen.number().unwrap().0, &wabas[1]);
    for waba_id in &wabas {
        assert_eq!(bench.store.holders(waba_id).await.unwrap(), std::slice::from_ref(&id));
    }
}
