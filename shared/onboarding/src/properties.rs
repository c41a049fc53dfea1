//! Properties of [`transition`] for any sequence of events.

use std::collections::BTreeSet;

use proptest::prelude::*;
use proptest::sample::{Index, select};
use proptest::strategy::ValueTree;
use proptest::test_runner::TestRunner;
use strum::VariantNames;
use time::{Duration, OffsetDateTime};

use super::client_account::ClientDetails;
use super::*;

const START: OffsetDateTime = time::macros::datetime!(2026-11-03 09:00 UTC);

pub(super) fn at(second: i64) -> OffsetDateTime {
    START + Duration::seconds(second)
}

pub(super) fn started() -> Onboarding {
    let details = ClientDetails {
        name: "Nordlicht Fahrrad GmbH".into(),
        email: "lena.voss@nordlicht.example".into(),
        user_name: "Lena Voss".into(),
    };
    Onboarding::new(
        "onb_01930000000070008000000000000001".parse().unwrap(),
        "tenant-48213".into(),
        ClientAccount::Wanted { details, search: ClientSearch::Open },
        "00".into(),
        START + Duration::days(7),
        START,
    )
}

fn number(n: u8) -> PhoneNumber {
    PhoneNumber { id: format!("51290441773520{n}").parse().unwrap(), display_phone_number: None, verified_name: None }
}

fn waba() -> WabaId {
    "409812357760143".parse().unwrap()
}

fn offered(n: u8) -> OfferedNumber {
    OfferedNumber { number: number(n), waba_id: waba(), waba_name: None }
}

fn signup(number: Option<PhoneNumber>) -> Signup {
    Signup {
        source: SignupSource::Callback,
        waba_id: Some(waba()),
        waba_name: None,
        business_id: None,
        coexistence: false,
        number,
        code_sha256: None,
    }
}

fn channel(n: u8) -> ChannelId {
    format!("Rb82Ld{n}CH").parse().unwrap()
}

fn live(n: u8, made_at: Option<i64>) -> Event {
    Event::ChannelLive { channel_id: channel(n), made_at: made_at.map(at) }
}

fn key() -> StoredKey {
    StoredKey {
        secret_arn: "arn:1".into(),
        key_id: None,
        version: None,
        address: "https://waba-v2.360dialog.io".into(),
    }
}

fn by() -> Requester {
    Requester { token: RequestToken::BackEnd, source_ip: Some("192.0.2.1".into()), request_id: "r-1".into() }
}

fn failed(step: Step) -> Event {
    Event::StepFailed { problem: Problem { step, code: "refused".into(), detail: "no".into(), retryable: true } }
}

fn corrected(n: u8) -> ClientAccount {
    match n {
        0 => ClientAccount::Known { id: "hT3mV9CL".parse().unwrap(), details: None },
        _ => started().client,
    }
}

fn attempt(n: i64) -> PopupAttempt {
    PopupAttempt {
        at: at(n),
        event: "CANCEL".into(),
        current_step: None,
        error_code: None,
        error_message: None,
        session_id: None,
    }
}

/// Every kind of event, with a few different values.
pub(super) fn any_event() -> impl Strategy<Value = Event> {
    let steps = Step::ALL;
    prop_oneof![
        Just(Event::Started),
        Just(Event::LinkOpened),
        (0..3u8).prop_map(|n| Event::LinkRenewed { token_sha256: format!("70{n}"), expires_at: at(900_000) }),
        Just(Event::LinkRevoked),
        Just(Event::ClientSearched { search: ClientSearch::Reading { offset: 200, began_at: None } }),
        Just(Event::ClientSearched { search: ClientSearch::Absent { at: None } }),
        (0..2u8).prop_map(|n| Event::ClientFound { client_id: format!("hT3mV{n}CL").parse().unwrap(), created: true }),
        (0..3i64).prop_map(|n| Event::PopupLeft { attempt: attempt(n) }),
        (0..3u8).prop_map(|n| Event::CodeExchanged { code_sha256: format!("c0de{n}") }),
        (0..3u8, 0..3i64)
            .prop_map(|(n, at)| Event::ProofFailed { code_sha256: format!("c0de{n}"), attempt: attempt(at) }),
        (0..2u8).prop_map(|n| Event::SignupProven { signup: signup(Some(number(n))) }),
        Just(Event::NumbersFound { signup: signup(None), numbers: vec![offered(0), offered(1)] }),
        (0..3u8).prop_map(|n| Event::NumberChosen { phone_number_id: number(n).id }),
        Just(Event::NumberAccepted),
        select(vec![
            Event::SubmissionAsked,
            Event::SubmissionConflict,
            Event::SubmissionUnseen,
            Event::SubmissionNotTaken,
        ]),
        (0..2u8, prop::option::of(0..80i64)).prop_map(|(n, made)| live(n, made)),
        (0..2u8, 0..2u8, any::<bool>()).prop_map(|(number_of, of, replace_key)| Event::Imported {
            signup: Signup { source: SignupSource::Import, ..signup(Some(number(number_of))) },
            channel_id: channel(of),
            made_at: Some(at(0)),
            replace_key,
        }),
        Just(Event::Erased { by: by() }),
        (0..2u8).prop_map(|n| Event::ChannelEnded { channel_id: channel(n) }),
        Just(Event::LookUpAsked { reason: "cancellation_request".into() }),
        Just(Event::LookedUp),
        select(vec![
            Event::CancelAsked { by: by() },
            Event::DisconnectAsked { by: by() },
            Event::ReconnectAsked { by: by() },
            Event::KeyRotationAsked { by: by() },
        ]),
        (0..2u8).prop_map(|n| Event::ChannelFound { channel_id: channel(n) }),
        select(vec![Wanted::End, Wanted::Keep]).prop_flat_map(|wanted| {
            select(vec![Event::ChannelEndSent { wanted }, Event::ChannelEndUnseen { wanted }])
        }),
        prop::option::of(Just(at(800_000))).prop_map(|ends_at| Event::ChannelEndAccepted { ends_at }),
        select(vec![Wanted::End, Wanted::Keep]).prop_map(|wanted| Event::ChannelEndDelayed {
            wanted,
            error: Some("502".into()),
            next_at: at(600_000)
        }),
        Just(Event::ChannelKept),
        Just(Event::KeyDeletionDue),
        Just(Event::KeysDeleted),
        Just(Event::NumberLost { to: "onb_01930000000070008000000000000002".parse().unwrap() }),
        (0..2u8).prop_map(|n| Event::NoKeyFound { channel_id: channel(n) }),
        (0..700_000i64).prop_map(|n| Event::LookUpDelayed { next_at: at(n) }),
        (0..40i64).prop_map(|n| Event::PermissionMissing { asked_at: at(n) }),
        Just(Event::PermissionGranted),
        (0..2u8).prop_map(|n| Event::KeyStored { channel_id: channel(n), key: key() }),
        (0..2u8).prop_map(|n| Event::MessagingReady { channel_id: channel(n) }),
        (select(steps.to_vec()), prop::option::of(Just("hub_refused".to_owned())))
            .prop_map(|(step, refused)| { Event::StepDelayed { step, error: "429".into(), next_at: at(60), refused } }),
        select(steps.to_vec()).prop_map(failed),
        (0..2u8).prop_map(|n| Event::ClientCorrected { client: corrected(n) }),
        any::<bool>().prop_map(|replace_key| Event::RetryRequested { replace_key }),
        Just(Event::LinkExpired),
        (0..700_000i64).prop_map(|n| Event::Overdue { since: at(n) }),
    ]
}

/// How far a status is along the journey. Two that alternate are equally far.
fn progress(onboarding: &Onboarding) -> u8 {
    let status = if onboarding.status == Status::Failed { onboarding.failed_from.unwrap() } else { onboarding.status };
    match status {
        Status::Started | Status::Confirming => 0,
        Status::NumberChoice => 1,
        Status::SignedUp => 2,
        Status::Submitted => 3,
        Status::Live | Status::PermissionRequired => 4,
        Status::Ready | Status::Expired => 5,
        Status::Disconnected | Status::Cancelled => 6,
        Status::Failed => unreachable!("failed from failed"),
    }
}

fn apply(onboarding: Onboarding, event: &Event, at: OffsetDateTime) -> Onboarding {
    transition(&onboarding, event, at).ok().flatten().unwrap_or(onboarding)
}

/// A finished onboarding, put together from the events that may come in any order after the signup.
fn journey(events: &[Event]) -> Onboarding {
    let mut onboarding = started();
    for (n, event) in events.iter().enumerate() {
        onboarding = apply(onboarding, event, at(100 + i64::try_from(n).unwrap()));
    }
    onboarding.updated_at = START;
    onboarding.status_since = START;
    onboarding.work_since = START;
    onboarding
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1_000))]

    #[test]
    fn no_sequence_moves_an_onboarding_back(events in prop::collection::vec((any_event(), 0..700_000i64), 0..60)) {
        let mut now = started();
        for (event, second) in events {
            let Ok(Some(after)) = transition(&now, &event, at(second)) else { continue };
            // The number's next channel leads back to its key.
            let next_channel = matches!(event, Event::ChannelLive { .. }) && after.channel_id != now.channel_id;
            // The partner's word.
            let renewed = now.status == Status::Expired && matches!(event, Event::LinkRenewed { .. });
            // The new key is there, and does not work.
            let rotated = now.key_rotation.is_some() && after.status == Status::Failed;
            let forward = next_channel || renewed || rotated || progress(&after) >= progress(&now);
            prop_assert!(forward, "{event:?}: {:?} -> {:?}", now.status, after.status);
            prop_assert!(after.updated_at >= now.updated_at);
            let longest = LongestWaits::default();
            let asks = after.status == Status::Ready && after.look_up_asked_at.is_some()
                || after.open_channel_end().is_some()
                || after.key_rotation.is_some()
                || after.keys_idle_since().is_some();
            prop_assert_eq!(after.status.is_at_rest() && !asks, after.work().is_none());
            prop_assert_eq!(after.signup_status() == Status::Confirming, after.confirmation.is_some());
            let may_wait = longest.of(after.status).is_some() || after.key_rotation.is_some();
            prop_assert!(after.overdue_since.is_none() || may_wait, "{event:?} {:?}", after.status);
            prop_assert!(after.key_rotation.is_none() || after.status == Status::Ready);
            let ends = matches!(after.status, Status::Ready | Status::Cancelled | Status::Failed);
            prop_assert!(after.open_channel_end().is_none() || ends, "{event:?} {:?}", after.status);
            prop_assert!(after.overdue_since.is_none_or(|since| after.status_since < since && since <= after.updated_at));
            let same_status = after.status == now.status;
            prop_assert_eq!(after.status_since, if same_status { now.status_since } else { after.updated_at });
            let rotation_is_over = now.key_rotation.is_some() && after.key_rotation.is_none();
            let stays = now.overdue_since.is_none() || after.overdue_since == now.overdue_since;
            prop_assert!(!same_status || rotation_is_over || stays);
            if let Event::Overdue { since } = event {
                let marked = Onboarding { overdue_since: Some(since), updated_at: after.updated_at, ..now.clone() };
                prop_assert_eq!(&after, &marked);
            }
            prop_assert_eq!(after.status == Status::Failed, after.problem.is_some() && after.failed_from.is_some());
            if progress(&after) >= 2 && !matches!(after.status, Status::Expired | Status::Cancelled) {
                prop_assert!(after.number().is_some());
            }
            if matches!(after.status, Status::Live | Status::PermissionRequired | Status::Ready) {
                prop_assert!(after.channel_id.is_some());
            }
            if after.status == Status::Ready {
                prop_assert!(after.key.is_some());
            }
            let corrected = matches!(event, Event::ClientCorrected { .. });
            prop_assert!(corrected || after.client_id() == now.client_id() || now.client_id().is_none());
            prop_assert!(!corrected || now.channel_id.is_none());
            let ids = |onboarding: &Onboarding| {
                onboarding.number().map(|(waba_id, number)| (waba_id.clone(), number.id.clone()))
            };
            prop_assert!(ids(&after) == ids(&now) || now.number().is_none());
            prop_assert!(now.erased_at.is_none() || after.status == now.status, "{event:?}");
            now = after;
        }
    }

    #[test]
    fn terminal_statuses_absorb_every_event(events in prop::collection::vec((any_event(), 0..700_000i64), 0..80), tail in any_event()) {
        let end = events.iter().fold(started(), |onboarding, (event, second)| apply(onboarding, event, at(*second)));
        let after = apply(end.clone(), &tail, at(800_000));
        match end.status {
            Status::Ready => prop_assert!(
                after.status == Status::Ready
                    || matches!((&tail, after.status), (Event::ChannelEnded { .. }, Status::Disconnected))
                    || matches!((&tail, after.status), (Event::ChannelLive { .. }, Status::Live))
                    || (end.key_rotation.is_some() && after.status == Status::Failed),
                "{tail:?}"
            ),
            Status::Expired if after.status != Status::Expired => {
                let word = matches!(tail, Event::LinkRenewed { .. } | Event::CancelAsked { .. });
                prop_assert!(word, "{tail:?}");
            }
            Status::Disconnected | Status::Cancelled => prop_assert_eq!(after.status, end.status),
            Status::Failed if after.status != Status::Failed => {
                let leads_out = matches!(
                    tail,
                    Event::RetryRequested { .. }
                        | Event::ChannelEnded { .. }
                        | Event::NumberAccepted
                        | Event::CancelAsked { .. }
                        | Event::ChannelLive { .. }
                        | Event::PermissionGranted
                );
                prop_assert!(leads_out, "{tail:?}");
            }
            _ => {}
        }
    }

    #[test]
    fn an_event_applied_twice_changes_nothing_more(
        events in prop::collection::vec((any_event(), 0..700_000i64), 0..40), event in any_event(), second in 0..700_000i64
    ) {
        // Two failed tries are two, however alike they are.
        prop_assume!(!matches!(event, Event::StepDelayed { .. } | Event::SubmissionUnseen));
        let before = events.iter().fold(started(), |onboarding, (event, second)| apply(onboarding, event, at(*second)));
        let once = apply(before, &event, at(second));
        prop_assert_eq!(apply(once.clone(), &event, at(second)), once);
    }

    #[test]
    fn hub_events_may_come_in_any_order_and_repeated(
        shuffle in Just(vec![0usize, 1, 2]).prop_shuffle(),
        client in any::<Index>(),
        repeats in prop::collection::vec((any::<Index>(), any::<Index>()), 0..6),
    ) {
        let hub = [
            Event::NumberAccepted,
            live(0, None),
            live(0, None),
        ];
        let mut events = vec![Event::SignupProven { signup: signup(Some(number(0))) }];
        events.extend(shuffle.iter().map(|n| hub[*n].clone()));
        events.insert(client.index(events.len() + 1), Event::ClientFound { client_id: "hT3mVxCL".parse().unwrap(), created: true });
        for (from, to) in repeats {
            let from = from.index(events.len());
            let repeated = events[from].clone();
            events.insert(from + 1 + to.index(events.len() - from), repeated);
        }
        let in_order = journey(&[
            Event::ClientFound { client_id: "hT3mVxCL".parse().unwrap(), created: true },
            Event::SignupProven { signup: signup(Some(number(0))) },
            hub[0].clone(), hub[1].clone(),
        ]);
        prop_assert_eq!(journey(&events), in_order);
    }

    #[test]
    fn a_grant_wins_over_a_refusal_that_was_asked_for_before_it(
        events in Just(vec![
            Event::PermissionMissing { asked_at: at(50) }, Event::PermissionGranted, live(0, None),
        ]).prop_shuffle()
    ) {
        let mut all = vec![Event::SignupProven { signup: signup(Some(number(0))) }, live(0, None)];
        all.extend(events);
        prop_assert_eq!(journey(&all).status, Status::Live);
    }
}

#[test]
fn the_property_tests_try_every_event() {
    let (events, mut runner) = (any_event(), TestRunner::deterministic());
    let tried: BTreeSet<&str> = (0..2000).map(|_| events.new_tree(&mut runner).unwrap().current().name()).collect();
    assert_eq!(tried, Event::VARIANTS.iter().copied().collect(), "any_event() of shared/onboarding/src/properties.rs");
}

#[test]
fn an_onboarding_moves_from_started_to_ready() {
    let way = [
        (Event::ClientFound { client_id: "hT3mVxCL".parse().unwrap(), created: true }, Status::Started),
        (Event::NumbersFound { signup: signup(None), numbers: vec![offered(0), offered(1)] }, Status::NumberChoice),
        (Event::NumberChosen { phone_number_id: number(1).id }, Status::SignedUp),
        (Event::NumberAccepted, Status::Submitted),
        (live(0, None), Status::Live),
        (Event::PermissionMissing { asked_at: at(10) }, Status::PermissionRequired),
        (Event::PermissionGranted, Status::Live),
        (Event::KeyStored { channel_id: channel(0), key: key() }, Status::Live),
        (Event::MessagingReady { channel_id: channel(0) }, Status::Ready),
    ];
    let mut onboarding = started();
    for (event, status) in way {
        onboarding = transition(&onboarding, &event, at(20)).unwrap().unwrap();
        assert_eq!(onboarding.status, status, "{event:?}");
    }
    assert_eq!(onboarding.number().unwrap().1.id, number(1).id);
}

#[test]
fn a_retry_resumes_an_onboarding_at_the_failed_step() {
    let mut onboarding =
        journey(&[Event::SignupProven { signup: signup(Some(number(0))) }, failed(Step::NumberSubmission)]);
    assert_eq!(onboarding.status, Status::Failed);
    onboarding = apply(onboarding, &Event::RetryRequested { replace_key: false }, at(200));
    assert_eq!((onboarding.status, onboarding.problem), (Status::SignedUp, None));
}

#[test]
fn a_refused_client_account_does_not_keep_the_customer_from_signing_up() {
    let onboarding = journey(&[failed(Step::ClientAccount), Event::SignupProven { signup: signup(Some(number(0))) }]);
    assert_eq!((onboarding.status, onboarding.signup_status()), (Status::Failed, Status::SignedUp));
    assert_eq!(apply(onboarding, &Event::RetryRequested { replace_key: false }, at(200)).status, Status::SignedUp);
}

#[test]
fn a_new_code_takes_the_place_of_the_one_that_is_being_confirmed() {
    let exchanged = |code: &str| Event::CodeExchanged { code_sha256: code.to_owned() };
    let failed = |code: &str| Event::ProofFailed { code_sha256: code.to_owned(), attempt: attempt(1) };
    let confirming = journey(&[exchanged("one"), exchanged("two"), failed("one")]);
    assert_eq!(confirming.status, Status::Confirming);
    assert_eq!(confirming.confirmation.as_ref().unwrap().code_sha256, "two");
    let started = apply(confirming.clone(), &failed("two"), at(300));
    assert_eq!((started.status, started.confirmation), (Status::Started, None));
    let proven = apply(confirming, &Event::SignupProven { signup: signup(Some(number(0))) }, at(300));
    assert_eq!(proven.status, Status::SignedUp);
    assert!(transition(&proven, &exchanged("three"), at(301)).is_err());
}

#[test]
fn what_is_being_confirmed_does_not_expire_with_the_link_and_is_given_up_in_the_end() {
    let exchanged = Event::CodeExchanged { code_sha256: "one".into() };
    let confirming = apply(
        journey(&[Event::ClientFound { client_id: "hT3mVxCL".parse().unwrap(), created: true }]),
        &exchanged,
        at(0),
    );
    assert_eq!(confirming.work().unwrap().due_at, at(0) + CONFIRMED_WITHIN);
    assert_eq!(transition(&confirming, &Event::LinkExpired, START + Duration::days(8)), Ok(None));
}

#[test]
fn the_search_for_the_client_account_goes_on_while_a_signup_is_being_confirmed() {
    let exchanged = Event::CodeExchanged { code_sha256: "one".into() };
    let confirming = journey(std::slice::from_ref(&exchanged));
    assert_eq!(confirming.work().unwrap().step, Some(Step::ClientAccount));
    let failed = apply(confirming, &failed(Step::ClientAccount), at(200));
    assert_eq!((failed.status, failed.signup_status()), (Status::Failed, Status::Confirming));
    let proven = apply(failed, &Event::SignupProven { signup: signup(Some(number(0))) }, at(201));
    assert_eq!((proven.status, proven.signup_status()), (Status::Failed, Status::SignedUp));
}

#[test]
fn a_setup_link_cannot_fill_the_table_with_attempts() {
    let mut onboarding = started();
    for n in 0..1_000 {
        onboarding = apply(onboarding, &Event::PopupLeft { attempt: attempt(n) }, at(n));
    }
    assert_eq!((onboarding.attempts.len(), onboarding.attempts_count), (20, 200));
}

#[test]
fn a_live_channel_overrules_a_refused_submission() {
    let onboarding = journey(&[
        Event::SignupProven { signup: signup(Some(number(0))) },
        failed(Step::NumberSubmission),
        live(0, None),
    ]);
    assert_eq!((onboarding.status, onboarding.problem), (Status::Live, None));
}

#[test]
fn a_late_failure_of_a_step_that_is_done_changes_nothing() {
    let live = journey(&[Event::SignupProven { signup: signup(Some(number(0))) }, live(0, None)]);
    assert_eq!(transition(&live, &failed(Step::NumberSubmission), at(300)), Ok(None));
}

#[test]
fn a_number_that_was_not_offered_cannot_be_chosen() {
    let choice = journey(&[Event::NumbersFound { signup: signup(None), numbers: vec![offered(0), offered(1)] }]);
    let error = transition(&choice, &Event::NumberChosen { phone_number_id: number(2).id }, at(1)).unwrap_err();
    assert_eq!(error.to_string(), "event number_chosen does not apply to an onboarding that is number_choice");
}

#[test]
fn a_link_expires_only_when_it_is_due_and_only_before_the_signup() {
    let waiting = started();
    assert_eq!(transition(&waiting, &Event::LinkExpired, at(60)), Ok(None));
    let week_later = START + Duration::days(7);
    assert_eq!(apply(waiting, &Event::LinkExpired, week_later).status, Status::Expired);
    let signed_up = journey(&[Event::SignupProven { signup: signup(Some(number(0))) }]);
    assert_eq!(apply(signed_up, &Event::LinkExpired, week_later).status, Status::SignedUp);
}

#[test]
fn a_retry_after_a_refused_key_makes_a_new_key() {
    let refused = Event::StepFailed {
        problem: Problem {
            step: Step::KeyCreation,
            code: FailureCode::KeyRefused.as_str().into(),
            detail: "401".into(),
            retryable: true,
        },
    };
    let mut onboarding = journey(&[
        Event::SignupProven { signup: signup(Some(number(0))) },
        live(0, None),
        Event::KeyStored { channel_id: channel(0), key: key() },
        refused,
    ]);
    onboarding = apply(onboarding, &Event::RetryRequested { replace_key: false }, at(500));
    assert_eq!((onboarding.status, onboarding.key, onboarding.keys_void_before), (Status::Live, None, Some(at(500))));
}

#[test]
fn a_status_that_lasts_too_long_is_overdue_once_until_it_changes() {
    let signed_up = journey(&[Event::SignupProven { signup: signup(Some(number(0))) }]);
    let overdue = |second| Event::Overdue { since: at(second) };
    assert_eq!(transition(&signed_up, &overdue(500), at(499)), Ok(None), "its time is not over yet");
    let marked = apply(signed_up, &overdue(500), at(510));
    assert_eq!((marked.status, marked.overdue_since), (Status::SignedUp, Some(at(500))));
    assert_eq!(transition(&marked, &overdue(600), at(610)), Ok(None), "it is overdue already");

    let submitted = apply(marked.clone(), &Event::NumberAccepted, at(700));
    assert_eq!((submitted.status_since, submitted.overdue_since), (at(700), None));
    assert_eq!(transition(&submitted, &overdue(500), at(710)), Ok(None), "the wait that it is about is over");

    let refused = apply(marked, &failed(Step::NumberSubmission), at(700));
    assert_eq!((refused.status, refused.overdue_since), (Status::Failed, None));
    assert_eq!(transition(&refused, &overdue(800), at(810)), Ok(None), "it waits for the operator");
    let retried = apply(refused, &Event::RetryRequested { replace_key: false }, at(900));
    assert_eq!((retried.status_since, retried.overdue_since), (at(900), None));
    assert_eq!(apply(retried, &overdue(1_000), at(1_010)).overdue_since, Some(at(1_000)));
}

#[test]
fn a_customer_may_take_their_time() {
    for waiting in
        [started(), journey(&[Event::NumbersFound { signup: signup(None), numbers: vec![offered(0), offered(1)] }])]
    {
        assert_eq!(transition(&waiting, &Event::Overdue { since: at(300) }, at(400)), Ok(None));
    }
}
