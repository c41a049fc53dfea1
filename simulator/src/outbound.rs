//! Calls that the simulator makes itself. They carry made-up secrets, so they never leave this machine.

use std::time::Duration;

use axum::body::{Body, Bytes, to_bytes};
use axum::http::{Request, header};
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;
use url::{Host, Url};

/// How long a receiver may take to answer.
const TIME: Duration = Duration::from_secs(5);
/// How much of an answer is read.
const ANSWER: usize = 64 * 1024;

/// A receiver's answer.
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) body: String,
}

/// An address that the simulator may call: plain `http` on this machine.
pub(crate) fn local_url(text: &str) -> Result<Url, String> {
    let url = Url::parse(text).map_err(|error| format!("not a URL: {error}"))?;
    let local = match url.host() {
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        Some(Host::Domain(name)) => name == "localhost",
        None => false,
    };
    if local && url.scheme() == "http" {
        Ok(url)
    } else {
        Err("the simulator only calls plain http on this machine: 127.0.0.1, [::1] or localhost".to_owned())
    }
}

/// Makes one call, on a connection of its own. A body makes it a POST.
pub(crate) async fn call(
    url: &str,
    headers: Vec<(&'static str, String)>,
    body: Option<Bytes>,
) -> Result<Answer, String> {
    let call = async {
        let url = local_url(url)?;
        let addresses = url.socket_addrs(|| Some(80)).map_err(|error| error.to_string())?;
        let stream = TcpStream::connect(addresses.as_slice()).await.map_err(|error| error.to_string())?;
        let _ = stream.set_nodelay(true);
        let (mut sender, connection) =
            http1::handshake::<_, Body>(TokioIo::new(stream)).await.map_err(|error| error.to_string())?;
        let connection = tokio::spawn(connection);
        let path = &url[url::Position::BeforePath..url::Position::AfterQuery];
        let authority = &url[url::Position::BeforeHost..url::Position::AfterPort];
        let mut request = Request::builder()
            .method(if body.is_some() { "POST" } else { "GET" })
            .uri(path)
            .header(header::HOST, authority)
            .header(header::USER_AGENT, "simulator");
        for (name, value) in headers {
            request = request.header(name, value);
        }
        let request = request.body(body.map_or_else(Body::empty, Body::from)).map_err(|error| error.to_string())?;
        let response = sender.send_request(request).await.map_err(|error| error.to_string())?;
        let status = response.status().as_u16();
        let body = to_bytes(Body::new(response.into_body()), ANSWER).await.map_err(|error| error.to_string())?;
        connection.abort();
        Ok(Answer { status, body: String::from_utf8_lossy(&body).into_owned() })
    };
    tokio::time::timeout(TIME, call).await.unwrap_or_else(|_| Err("no answer within 5 seconds".to_owned()))
}
