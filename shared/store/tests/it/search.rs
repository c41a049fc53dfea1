//! Who searches for a client account.

use std::collections::HashMap;

use store::{ClientSearchClaim, StoreError};
use time::Duration;
use tokio::task::JoinSet;

use crate::TestBench;

const EMAIL: &str = "lena.voss@nordlicht.example";

#[tokio::test]
async fn one_of_many_concurrent_client_searches_runs_and_the_others_get_its_result() {
    let bench = TestBench::new().await;
    let mut claims = JoinSet::new();
    let mut ids = Vec::new();
    for n in 0..10 {
        ids.push(bench.create(&format!("tenant-{n}")).await);
    }
    for id in ids.clone() {
        let store = bench.store.clone();
        claims.spawn(async move { (store.claim_client_search(EMAIL, &id).await.unwrap(), id) });
    }
    let claims = claims.join_all().await;
    let ours: Vec<_> =
        claims.iter().filter(|(claim, _)| *claim == ClientSearchClaim::Ours { asked_at: None }).collect();
    assert_eq!(ours.len(), 1, "{claims:?}");

    let searcher = &ours[0].1;
    assert_eq!(
        bench.store.claim_client_search(EMAIL, searcher).await.unwrap(),
        ClientSearchClaim::Ours { asked_at: None },
        "it may go on"
    );
    let client_id = "hT3mVxCL".parse().unwrap();
    bench.store.tell_client_found(EMAIL, &client_id).await.unwrap();
    for id in &ids {
        let claim = bench.store.claim_client_search(" Lena.Voss@Nordlicht.example", id).await.unwrap();
        assert_eq!(claim, ClientSearchClaim::Found(client_id.clone()));
    }
}

#[tokio::test]
async fn the_next_client_search_knows_that_an_account_was_requested() {
    let bench = TestBench::new().await;
    let (first, second) = (bench.create("one").await, bench.create("two").await);
    bench.store.claim_client_search(EMAIL, &first).await.unwrap();
    let at = bench.now();
    bench.store.client_asked_for(EMAIL, Some(at)).await.unwrap();
    let asked = ClientSearchClaim::Ours { asked_at: Some(at) };
    assert_eq!(bench.store.claim_client_search(EMAIL, &first).await.unwrap(), asked);
    bench.pass(Duration::minutes(20));
    assert_eq!(bench.store.claim_client_search(EMAIL, &second).await.unwrap(), asked);
    bench.store.client_asked_for(EMAIL, None).await.unwrap();
    let claim = bench.store.claim_client_search(EMAIL, &second).await.unwrap();
    assert_eq!(claim, ClientSearchClaim::Ours { asked_at: None });
}

#[tokio::test]
async fn a_found_client_account_is_no_longer_unclear_and_stays_out_of_the_lists() {
    let bench = TestBench::new().await;
    let id = bench.create("one").await;
    bench.store.claim_client_search(EMAIL, &id).await.unwrap();
    bench.store.client_asked_for(EMAIL, Some(bench.now())).await.unwrap();
    bench.store.tell_client_found(EMAIL, &"hT3mVxCL".parse().unwrap()).await.unwrap();
    let indexed = bench.client.scan().table_name(crate::TABLE).index_name(store::schema::BY_CLIENT);
    assert_eq!(indexed.send().await.unwrap().count(), 0);
    bench.pass(Duration::hours(25));
    let claim = bench.store.claim_client_search(EMAIL, &id).await.unwrap();
    assert_eq!(claim, ClientSearchClaim::Ours { asked_at: None });
}

#[tokio::test]
async fn a_creation_is_not_noted_without_a_search() {
    let bench = TestBench::new().await;
    let noted = bench.store.client_asked_for(EMAIL, Some(bench.now())).await;
    assert!(matches!(noted, Err(StoreError::Busy)), "{noted:?}");
    bench.store.client_asked_for(EMAIL, None).await.unwrap();
}

#[tokio::test]
async fn found_client_accounts_are_known_by_their_e_mail_address_in_any_case() {
    let bench = TestBench::new().await;
    let id = bench.create("one").await;
    // More than one batch.
    let emails: Vec<String> = (0..150).map(|n| format!("Kim-{n}@Acme.example")).collect();
    let client = |n: usize| format!("hT3mV{n}CL").parse().unwrap();
    for n in [0, 60, 149] {
        bench.store.claim_client_search(&emails[n], &id).await.unwrap();
        bench.store.tell_client_found(&emails[n], &client(n)).await.unwrap();
    }
    let asked = emails.iter().flat_map(|email| [email.to_lowercase(), email.to_uppercase()]).collect::<Vec<_>>();
    let known = bench.store.known_clients(asked.iter().map(String::as_str)).await.unwrap();
    let found: HashMap<_, _> = known.iter().map(|(email, known)| (email.clone(), known.id.clone())).collect();
    assert_eq!(found, [0, 60, 149].map(|n| (emails[n].to_lowercase(), client(n))).into());
    // They are renewed long before they end.
    bench.pass(Duration::days(30));
    assert!(!known.values().any(|known| known.is_ending(bench.now())));
    bench.pass(Duration::days(1));
    assert!(known.values().all(|known| known.is_ending(bench.now())));
    assert!(bench.store.known_clients([]).await.unwrap().is_empty());
}

#[tokio::test]
async fn an_abandoned_client_search_is_taken_over_and_an_old_result_is_searched_again() {
    let bench = TestBench::new().await;
    let (first, second) = (bench.create("one").await, bench.create("two").await);
    bench.store.claim_client_search(EMAIL, &first).await.unwrap();
    let until = bench.now() + Duration::minutes(20);
    assert_eq!(bench.store.claim_client_search(EMAIL, &second).await.unwrap(), ClientSearchClaim::Theirs { until });
    bench.pass(Duration::minutes(20));
    assert_eq!(
        bench.store.claim_client_search(EMAIL, &second).await.unwrap(),
        ClientSearchClaim::Ours { asked_at: None }
    );

    bench.store.tell_client_found(EMAIL, &"hT3mVxCL".parse().unwrap()).await.unwrap();
    bench.pass(Duration::hours(25));
    assert_eq!(
        bench.store.claim_client_search(EMAIL, &first).await.unwrap(),
        ClientSearchClaim::Ours { asked_at: None }
    );
}
