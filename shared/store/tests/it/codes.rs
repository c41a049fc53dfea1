//! Meta's codes: what many take at once.

use store::CodeClaim;

use crate::TestBench;

#[tokio::test]
async fn a_code_is_claimed_once() {
    let bench = TestBench::new().await;
    let (first, second) = (bench.create("a").await, bench.create("b").await);
    let claim = |code: &'static str, id| bench.store.claim_code(code, id);
    assert_eq!(claim("c0de", &first).await.unwrap(), CodeClaim::First);
    for id in [&first, &second] {
        assert_eq!(claim("c0de", id).await.unwrap(), CodeClaim::Taken { by: first.clone(), at_work: true });
    }
    assert_eq!(claim("0ther", &second).await.unwrap(), CodeClaim::First);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn one_of_twenty_concurrent_claims_of_a_code_wins() {
    let bench = TestBench::new().await;
    let id = bench.create("a").await;
    let tasks: Vec<_> = (0..20)
        .map(|_| {
            let (store, id) = (bench.store.clone(), id.clone());
            tokio::spawn(async move { store.claim_code("c0de", &id).await.unwrap() })
        })
        .collect();
    let mut first = 0;
    for task in tasks {
        match task.await.unwrap() {
            CodeClaim::First => first += 1,
            CodeClaim::Taken { by, at_work } => assert_eq!((by, at_work), (id.clone(), true)),
        }
    }
    assert_eq!(first, 1);
}
