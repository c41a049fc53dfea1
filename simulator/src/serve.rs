//! The listener. Its one speciality: it can close a connection without an answer.

use axum::Router;
use axum::extract::Request;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::{Service, service_fn};
use hyper_util::rt::TokioIo;
use hyper_util::service::TowerToHyperService;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinSet;

/// In a response's extensions: do not send it, close the connection instead.
#[derive(Clone, Copy)]
pub struct Unanswered;

/// Serves until `stop` says true, then lets calls end that have begun.
pub(crate) async fn serve(listener: TcpListener, router: Router, mut stop: watch::Receiver<bool>) {
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            accepted = listener.accept() => {
                if let Ok((stream, _)) = accepted {
                    let _ = stream.set_nodelay(true);
                    connections.spawn(connection(stream, router.clone(), stop.clone()));
                }
            }
            Some(_) = connections.join_next() => {}
            () = stopping(&mut stop) => break,
        }
    }
    drop(listener);
    connections.join_all().await;
}

async fn connection(stream: TcpStream, router: Router, mut stop: watch::Receiver<bool>) {
    let inner = TowerToHyperService::new(router);
    let service = service_fn(move |request: Request<Incoming>| {
        let answer = inner.call(request);
        async move {
            let Ok(response) = answer.await;
            if response.extensions().get::<Unanswered>().is_some() {
                return Err(std::io::Error::other("closed on order"));
            }
            Ok(response)
        }
    });
    let connection = http1::Builder::new().serve_connection(TokioIo::new(stream), service);
    tokio::pin!(connection);
    // A connection that ends in an error was closed by the other side, or on order: nothing to do.
    tokio::select! {
        _ = &mut connection => {}
        () = stopping(&mut stop) => {
            connection.as_mut().graceful_shutdown();
            let _ = connection.await;
        }
    }
}

async fn stopping(stop: &mut watch::Receiver<bool>) {
    // An error means that the simulator was dropped: not stopped, so the runtime's end is waited for.
    if stop.wait_for(|stop| *stop).await.is_err() {
        std::future::pending::<()>().await;
    }
}
