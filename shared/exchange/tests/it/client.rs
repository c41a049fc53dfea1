use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use axum::Router;
use axum::http::{HeaderMap, StatusCode, header};
use axum::routing::any;
use exchange::client;
use tokio::net::TcpListener;

/// A server that answers everything with this router.
async fn serve(router: Router) -> String {
    let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    let origin = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move { axum::serve(listener, router).await });
    origin
}

#[tokio::test]
async fn the_http_client_follows_no_redirect() {
    let calls = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&calls);
    let inside = any(move || {
        counted.fetch_add(1, Ordering::SeqCst);
        async { "inside" }
    });
    let inside = serve(Router::new().fallback_service(inside)).await;
    let client = client().unwrap();
    for status in [301, 302, 303, 307, 308] {
        let location = format!("{inside}/latest/meta-data");
        let redirect = any(move |headers: HeaderMap| async move {
            assert_eq!(headers["x-api-key"], "made-up");
            (StatusCode::from_u16(status).unwrap(), [(header::LOCATION, location)])
        });
        let hub = serve(Router::new().fallback_service(redirect)).await;
        for request in [client.get(&hub), client.post(&hub).body("{}")] {
            let response = request.header("x-api-key", "made-up").send().await.unwrap();
            assert_eq!(response.status().as_u16(), status);
        }
    }
    assert_eq!(calls.load(Ordering::SeqCst), 0);
}
